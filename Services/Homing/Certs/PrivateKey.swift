internal import COpenSSL

/// A private key, owned by this object.
final class PrivateKey {
  let pointer: OpaquePointer

  private init(owning pointer: OpaquePointer) {
    self.pointer = pointer
  }

  deinit { EVP_PKEY_free(pointer) }

  /// A new key on the curve P-256.
  static func make() throws(OpenSSLError) -> PrivateKey {
    PrivateKey(
      owning: try OpenSSLError.checked(homing_certificates_new_key(), "making a P-256 key"))
  }

  /// Reads a key that is not encrypted; an encrypted one is refused instead of asking at the
  /// terminal.
  init(pem: [UInt8]) throws(OpenSSLError) {
    let buffer = try PEMBuffer(pem)
    var passphrase: [CChar] = [0]
    pointer = try OpenSSLError.checked(
      PEM_read_bio_PrivateKey(buffer.bio, nil, nil, &passphrase), "reading the private key")
  }

  /// PKCS #8, not encrypted.
  func pem() throws(OpenSSLError) -> [UInt8] {
    let buffer = try PEMBuffer()
    try OpenSSLError.check(
      PEM_write_bio_PKCS8PrivateKey(buffer.bio, pointer, nil, nil, 0, nil, nil),
      "writing the private key")
    return buffer.bytes
  }
}
