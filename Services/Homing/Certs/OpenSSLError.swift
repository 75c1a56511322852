internal import COpenSSL

/// OpenSSL's own words for what it could not do.
struct OpenSSLError: Error, CustomStringConvertible {
  let description: String

  /// Takes everything off OpenSSL's error queue of this thread.
  init(_ attempt: String) {
    var reasons: [String] = []
    while case let code = ERR_get_error(), code != 0 {
      if let reason = ERR_reason_error_string(code) { reasons.append(String(cString: reason)) }
    }
    let reason = reasons.isEmpty ? "OpenSSL does not say why" : reasons.joined(separator: ", ")
    description = "\(attempt) failed: \(reason)"
  }

  /// Passes on what OpenSSL gave, or says that it gave nothing.
  static func checked<Pointer>(
    _ pointer: Pointer?, _ attempt: String
  ) throws(OpenSSLError) -> Pointer {
    guard let pointer else { throw OpenSSLError(attempt) }
    return pointer
  }

  static func check(_ result: Int32, _ attempt: String) throws(OpenSSLError) {
    guard result > 0 else { throw OpenSSLError(attempt) }
  }
}

/// Memory into which OpenSSL writes, or from which it reads, PEM.
///
/// Owns its BIO; neither copied nor shared.
struct PEMBuffer: ~Copyable {
  let bio: OpaquePointer

  /// Empty, to be written.
  init() throws(OpenSSLError) {
    bio = try OpenSSLError.checked(BIO_new(BIO_s_mem()), "making a memory buffer")
  }

  /// With a copy of `bytes`, to be read.
  init(_ bytes: [UInt8]) throws(OpenSSLError) {
    let bio = try OpenSSLError.checked(BIO_new(BIO_s_mem()), "making a memory buffer")
    guard BIO_write(bio, bytes, Int32(bytes.count)) == Int32(bytes.count) else {
      BIO_free_all(bio)
      throw OpenSSLError("filling a memory buffer")
    }
    self.bio = bio
  }

  deinit { BIO_free_all(bio) }

  /// What was written so far.
  var bytes: [UInt8] {
    var start: UnsafeMutablePointer<CChar>?
    let count = homing_certificates_written(bio, &start)
    return [UInt8](UnsafeRawBufferPointer(start: start, count: max(0, count)))
  }
}
