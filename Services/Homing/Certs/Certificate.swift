internal import COpenSSL
internal import Glibc

/// An X.509 certificate, owned by this object.
final class Certificate {
  let pointer: OpaquePointer

  private init(owning pointer: OpaquePointer) {
    self.pointer = pointer
  }

  deinit { X509_free(pointer) }

  /// What a certificate says about its holder.
  struct Subject {
    var commonName: String
    /// Value of the subject's alternative names as OpenSSL's configuration writes it; nil for an
    /// authority.
    var names: String?
    var isAuthority: Bool { names == nil }
  }

  /// From when to when, in seconds since 1970.
  struct Validity {
    var notBefore: Int
    var notAfter: Int
  }

  /// Signs a certificate for `key`.
  ///
  /// - Parameters:
  ///   - issuer: nil for a certificate that signs itself.
  ///   - issuerKey: must be the issuer's, or `key` itself where there is no issuer.
  static func issue(
    _ subject: Subject, key: PrivateKey, _ validity: Validity, issuer: Certificate?,
    issuerKey: PrivateKey
  ) throws(OpenSSLError) -> Certificate {
    let pointer = try OpenSSLError.checked(X509_new(), "making a certificate")
    let certificate = Certificate(owning: pointer)
    try OpenSSLError.check(X509_set_version(pointer, 2), "setting the version")
    try certificate.setRandomSerial()
    try certificate.set(validity)
    let name = X509_get_subject_name(pointer)
    try OpenSSLError.check(
      X509_NAME_add_entry_by_txt(
        name, "CN", MBSTRING_UTF8, subject.commonName, Int32(subject.commonName.utf8.count), -1, 0),
      "setting the name \(subject.commonName)")
    try OpenSSLError.check(
      X509_set_issuer_name(pointer, X509_get_subject_name(issuer?.pointer ?? pointer)),
      "setting the issuer")
    try OpenSSLError.check(X509_set_pubkey(pointer, key.pointer), "setting the public key")
    try certificate.addExtensions(subject, issuer: issuer)
    try OpenSSLError.check(X509_sign(pointer, issuerKey.pointer, EVP_sha256()), "signing")
    return certificate
  }

  init(pem: [UInt8]) throws(OpenSSLError) {
    let buffer = try PEMBuffer(pem)
    pointer = try OpenSSLError.checked(
      PEM_read_bio_X509(buffer.bio, nil, nil, nil), "reading the certificate")
  }

  func pem() throws(OpenSSLError) -> [UInt8] {
    let buffer = try PEMBuffer()
    try OpenSSLError.check(PEM_write_bio_X509(buffer.bio, pointer), "writing the certificate")
    return buffer.bytes
  }

  var isAuthority: Bool { X509_check_ca(pointer) == 1 }

  func belongs(to key: PrivateKey) -> Bool {
    defer { ERR_clear_error() }
    return X509_check_private_key(pointer, key.pointer) == 1
  }

  /// When it ends, in seconds since 1970; nil where the certificate's date is none.
  var notAfter: Int? {
    var time = tm()
    guard ASN1_TIME_to_tm(X509_get0_notAfter(pointer), &time) == 1 else { return nil }
    return timegm(&time)
  }
}

// MARK: - Parts

extension Certificate {
  /// 159 random bits, which is the most that RFC 5280 lets a positive serial have.
  private func setRandomSerial() throws(OpenSSLError) {
    let number = try OpenSSLError.checked(BN_new(), "making a serial number")
    defer { BN_free(number) }
    let highestBitIsSet: Int32 = 0
    let anyLastBit: Int32 = 0
    try OpenSSLError.check(
      BN_rand(number, 159, highestBitIsSet, anyLastBit), "making a serial number")
    guard BN_to_ASN1_INTEGER(number, X509_get_serialNumber(pointer)) != nil else {
      throw OpenSSLError("setting the serial number")
    }
  }

  private func set(_ validity: Validity) throws(OpenSSLError) {
    let isSet =
      ASN1_TIME_set(X509_getm_notBefore(pointer), validity.notBefore) != nil
      && ASN1_TIME_set(X509_getm_notAfter(pointer), validity.notAfter) != nil
    guard isSet else { throw OpenSSLError("setting the validity") }
  }

  private func addExtensions(
    _ subject: Subject, issuer: Certificate?
  ) throws(OpenSSLError) {
    // The key identifiers come first: that of the authority is copied from the issuer's own.
    try add(NID_subject_key_identifier, "hash", issuer)
    try add(NID_authority_key_identifier, "keyid:always", issuer)
    if let names = subject.names {
      try add(NID_basic_constraints, "critical,CA:FALSE", issuer)
      try add(NID_key_usage, "critical,digitalSignature", issuer)
      // Each service is a server to some peers and a client of others, with one certificate.
      try add(NID_ext_key_usage, "serverAuth,clientAuth", issuer)
      try add(NID_subject_alt_name, names, issuer)
    } else {
      // It signs leaves only, never another authority.
      try add(NID_basic_constraints, "critical,CA:TRUE,pathlen:0", issuer)
      try add(NID_key_usage, "critical,keyCertSign,cRLSign", issuer)
    }
  }

  private func add(_ id: Int32, _ value: String, _ issuer: Certificate?) throws(OpenSSLError) {
    var context = X509V3_CTX()
    X509V3_set_ctx(&context, issuer?.pointer ?? pointer, pointer, nil, nil, 0)
    let part = try OpenSSLError.checked(
      X509V3_EXT_conf_nid(nil, &context, id, value), "writing the extension \(value)")
    defer { X509_EXTENSION_free(part) }
    try OpenSSLError.check(X509_add_ext(pointer, part, -1), "adding the extension \(value)")
  }
}
