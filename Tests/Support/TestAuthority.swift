internal import COpenSSL
internal import Glibc
package import Transport

/// Files of one certificate, as a process is configured with them.
package struct TestIdentity: Sendable {
  package var certificateFile: String
  package var keyFile: String
  package var authorityFile: String

  /// Keeps the files for as long as somebody may read them.
  private let folder: TemporaryFolder

  package init(
    certificateFile: String, keyFile: String, authorityFile: String, folder: TemporaryFolder
  ) {
    self.folder = folder
    self.certificateFile = certificateFile
    self.keyFile = keyFile
    self.authorityFile = authorityFile
  }

  package func tls(peer: PeerRule = .trustDomain) -> TLSConfiguration {
    TLSConfiguration(
      certificateFile: certificateFile, keyFile: keyFile, authorityFile: authorityFile, peer: peer)
  }

  /// The same certificate, trusting another authority.
  package func trusting(_ other: TestAuthority) -> TestIdentity {
    var copy = self
    copy.authorityFile = other.certificateFile
    return copy
  }
}

/// What OpenSSL could not do.
package struct CertificateFailure: Error {
  package let attempt: String
}

/// An authority that signs whatever a test asks for, right or wrong, into a folder of its own.
///
/// `@unchecked Sendable`, because its key and certificate are only read once it is made, which
/// OpenSSL allows from any thread.
package final class TestAuthority: @unchecked Sendable {
  package let folder: TemporaryFolder
  package let certificateFile: String
  private let certificate: OpaquePointer
  private let key: OpaquePointer

  package init(name: String = "Test CA") throws {
    folder = try TemporaryFolder()
    let key = try TestAuthority.newKey()
    let wanted = Wanted(name: name, from: -3600, until: 24 * 3600)
    self.key = key
    certificate = try TestAuthority.sign(wanted, key: key, issuer: nil, issuerKey: key)
    certificateFile = folder.file("ca.pem")
    try folder.write(try TestAuthority.pem { PEM_write_bio_X509($0, certificate) }, to: "ca.pem")
  }

  deinit {
    X509_free(certificate)
    EVP_PKEY_free(key)
  }

  /// What a certificate shall say.
  private struct Wanted {
    var name: String
    /// Nil for an authority.
    var uris: [String]?
    /// Seconds from now.
    var from: Int
    var until: Int
  }

  /// Signs a certificate and writes it with its key.
  ///
  /// - Parameters:
  ///   - name: of the two files, and the certificate's common name.
  ///   - uris: its URI names; `spiffe://test/NAME` by default. None: a DNS name instead.
  ///   - from: seconds from now at which it begins.
  ///   - until: seconds from now at which it ends.
  package func issue(
    _ name: String, uris: [String]? = nil, from: Int = -300, until: Int = 6 * 3600
  ) throws -> TestIdentity {
    let wanted = Wanted(
      name: name, uris: uris ?? ["spiffe://test/\(name)"], from: from, until: until)
    let leafKey = try TestAuthority.newKey()
    defer { EVP_PKEY_free(leafKey) }
    let leaf = try TestAuthority.sign(wanted, key: leafKey, issuer: certificate, issuerKey: key)
    defer { X509_free(leaf) }
    let keyBytes = try TestAuthority.pem {
      PEM_write_bio_PKCS8PrivateKey($0, leafKey, nil, nil, 0, nil, nil)
    }
    try folder.write(keyBytes, to: "\(name).key")
    try folder.write(try TestAuthority.pem { PEM_write_bio_X509($0, leaf) }, to: "\(name).pem")
    return TestIdentity(
      certificateFile: folder.file("\(name).pem"), keyFile: folder.file("\(name).key"),
      authorityFile: certificateFile, folder: folder)
  }

  // MARK: - OpenSSL

  private static func newKey() throws -> OpaquePointer {
    guard let key = homing_certificates_new_key() else { throw CertificateFailure(attempt: "key") }
    return key
  }

  private static func sign(
    _ wanted: Wanted, key: OpaquePointer, issuer: OpaquePointer?, issuerKey: OpaquePointer
  ) throws -> OpaquePointer {
    guard let certificate = X509_new() else { throw CertificateFailure(attempt: "certificate") }
    let now = time(nil)
    let subject = X509_get_subject_name(certificate)
    let length = Int32(wanted.name.utf8.count)
    guard X509_set_version(certificate, 2) == 1,
      ASN1_INTEGER_set(
        X509_get_serialNumber(certificate), Int.random(in: 1...Int(Int32.max))) == 1,
      ASN1_TIME_set(X509_getm_notBefore(certificate), now + wanted.from) != nil,
      ASN1_TIME_set(X509_getm_notAfter(certificate), now + wanted.until) != nil,
      X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, wanted.name, length, -1, 0) == 1,
      X509_set_issuer_name(certificate, X509_get_subject_name(issuer ?? certificate)) == 1,
      X509_set_pubkey(certificate, key) == 1
    else { throw CertificateFailure(attempt: "fields of \(wanted.name)") }
    for (kind, value) in extensions(wanted) {
      var context = X509V3_CTX()
      X509V3_set_ctx(&context, issuer ?? certificate, certificate, nil, nil, 0)
      guard let part = X509V3_EXT_conf_nid(nil, &context, kind, value) else {
        throw CertificateFailure(attempt: "extension \(value)")
      }
      defer { X509_EXTENSION_free(part) }
      guard X509_add_ext(certificate, part, -1) == 1 else {
        throw CertificateFailure(attempt: "extension \(value)")
      }
    }
    guard X509_sign(certificate, issuerKey, EVP_sha256()) > 0 else {
      throw CertificateFailure(attempt: "signature of \(wanted.name)")
    }
    return certificate
  }

  private static func extensions(_ wanted: Wanted) -> [(Int32, String)] {
    let identifiers = [
      (NID_subject_key_identifier, "hash"), (NID_authority_key_identifier, "keyid:always"),
    ]
    guard let uris = wanted.uris else {
      return identifiers + [
        (NID_basic_constraints, "critical,CA:TRUE"), (NID_key_usage, "critical,keyCertSign"),
      ]
    }
    let names = uris.isEmpty ? ["DNS:localhost"] : uris.map { "URI:\($0)" }
    return identifiers + [
      (NID_basic_constraints, "critical,CA:FALSE"),
      (NID_key_usage, "critical,digitalSignature"),
      (NID_ext_key_usage, "serverAuth,clientAuth"),
      (NID_subject_alt_name, names.joined(separator: ",")),
    ]
  }

  private static func pem(_ write: (OpaquePointer) -> Int32) throws -> [UInt8] {
    guard let buffer = BIO_new(BIO_s_mem()) else { throw CertificateFailure(attempt: "memory") }
    defer { BIO_free_all(buffer) }
    guard write(buffer) == 1 else { throw CertificateFailure(attempt: "PEM") }
    var start: UnsafeMutablePointer<CChar>?
    let count = homing_certificates_written(buffer, &start)
    return [UInt8](UnsafeRawBufferPointer(start: start, count: max(0, count)))
  }
}
