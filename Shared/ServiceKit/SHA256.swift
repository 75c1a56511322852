internal import COpenSSL

/// SHA-256 (FIPS 180-4): for keys and for telling two requests apart.
package struct SHA256: ~Copyable {
  /// In bytes.
  package static let digestSize = 32

  private let context: OpaquePointer

  /// OpenSSL's implementation, looked up once: that costs more than a short hash.
  ///
  /// `@unchecked Sendable` holds because OpenSSL never changes it after it was fetched, and it is
  /// never freed.
  private struct Implementation: @unchecked Sendable {
    let pointer: OpaquePointer

    init() {
      guard let pointer = EVP_MD_fetch(nil, "SHA2-256", nil) else {
        preconditionFailure("OpenSSL has no SHA-256")
      }
      self.pointer = pointer
    }
  }

  private static let implementation = Implementation()

  /// An incremental hash: `update` as often as wanted, then `finish`.
  package init() {
    guard let context = EVP_MD_CTX_new(),
      EVP_DigestInit_ex2(context, SHA256.implementation.pointer, nil) == 1
    else { preconditionFailure("no memory for a hash") }
    self.context = context
  }

  deinit { EVP_MD_CTX_free(context) }

  package mutating func update(_ bytes: [UInt8]) {
    let isDone = EVP_DigestUpdate(context, bytes, bytes.count) == 1
    precondition(isDone, "a hash of bytes in memory cannot fail")
  }

  package mutating func update(_ text: String) {
    var text = text
    let isDone = text.withUTF8 { EVP_DigestUpdate(context, $0.baseAddress, $0.count) == 1 }
    precondition(isDone, "a hash of bytes in memory cannot fail")
  }

  /// The 32 bytes of the digest.
  package consuming func finish() -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: SHA256.digestSize) { buffer, count in
      let isDone = EVP_DigestFinal_ex(context, buffer.baseAddress, nil) == 1
      precondition(isDone, "a hash of bytes in memory cannot fail")
      count = SHA256.digestSize
    }
  }

  /// The 32 bytes of the digest of all of `bytes`.
  package static func hash(_ bytes: [UInt8]) -> [UInt8] {
    var hash = SHA256()
    hash.update(bytes)
    return hash.finish()
  }
}
