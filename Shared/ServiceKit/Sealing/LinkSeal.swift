internal import COpenSSL

/// One secret key with the number that tokens name it by.
///
/// `@unchecked Sendable` holds because the context, keyed once here, is never changed afterwards:
/// every seal works on a copy of its own, which OpenSSL makes from a constant.
package final class LinkSeal: @unchecked Sendable {
  /// In bytes; half of what SHA-256 gives, as RFC 2104 §5 allows.
  package static let size = 16
  package static let secretSizeMin = 32

  package let id: UInt8
  private let keyed: OpaquePointer

  /// - Parameter secret: at least 32 bytes, as the caller has checked.
  package init(id: UInt8, secret: [UInt8]) {
    precondition(secret.count >= LinkSeal.secretSizeMin)
    self.id = id
    guard let mac = EVP_MAC_fetch(nil, "HMAC", nil), let keyed = EVP_MAC_CTX_new(mac) else {
      preconditionFailure("OpenSSL has no HMAC")
    }
    EVP_MAC_free(mac)
    self.keyed = keyed
    var digest = Array("SHA2-256".utf8CString)
    let isKeyed = digest.withUnsafeMutableBufferPointer { name in
      let parameters = [
        OSSL_PARAM_construct_utf8_string("digest", name.baseAddress, 0),
        OSSL_PARAM_construct_end(),
      ]
      return EVP_MAC_init(keyed, secret, secret.count, parameters) == 1
    }
    precondition(isKeyed, "OpenSSL has no SHA-256")
  }

  deinit { EVP_MAC_CTX_free(keyed) }

  /// The first 16 bytes of HMAC-SHA-256 over `bytes`.
  package func seal(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    guard let context = EVP_MAC_CTX_dup(keyed) else { preconditionFailure("no memory for a seal") }
    defer { EVP_MAC_CTX_free(context) }
    let bytes = Array(bytes)
    var digest = [UInt8](repeating: 0, count: SHA256.digestSize)
    var size = 0
    let isDone =
      EVP_MAC_update(context, bytes, bytes.count) == 1
      && EVP_MAC_final(context, &digest, &size, digest.count) == 1
    precondition(isDone && size == SHA256.digestSize, "a seal of bytes in memory cannot fail")
    return Array(digest.prefix(LinkSeal.size))
  }

  /// In a time that does not tell where the two differ.
  package func fits(_ seal: [UInt8], _ bytes: some Sequence<UInt8>) -> Bool {
    let right = self.seal(bytes)
    return seal.count == right.count && CRYPTO_memcmp(seal, right, right.count) == 0
  }
}
