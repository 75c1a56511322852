/// A certificate authority for development and tests, in a folder.
///
/// Its key lies beside its certificate without a passphrase, so it vouches for nothing outside a
/// developer's machine or a test.
struct DevelopmentAuthority {
  static let certificateFile = "ca.pem"
  static let keyFile = "ca.key"
  /// Certificates begin so many seconds ago, for peers whose clock is slow.
  static let leewaySeconds = 300
  static let dayInSeconds = 86_400

  let certificate: Certificate
  let key: PrivateKey
  /// Whether the folder had it already.
  let isReused: Bool
  private let folder: CertificateFolder

  /// What was made for one service.
  struct Issued {
    let name: IdentityName
    let certificateFile: String
    let keyFile: String
    /// Seconds since 1970.
    let notAfter: Int
  }

  /// The folder's authority, made where the folder has none.
  ///
  /// - Parameters:
  ///   - now: seconds since 1970.
  ///   - replaces: whether an authority that is there is replaced; all it signed is then refused by
  ///     its peers.
  init(
    in folder: CertificateFolder, days: Int, now: Int, replaces: Bool
  ) throws {
    self.folder = folder
    let certificateBytes = try folder.read(Self.certificateFile)
    let keyBytes = try folder.read(Self.keyFile)
    if !replaces, let certificateBytes, let keyBytes {
      certificate = try Certificate(pem: certificateBytes)
      key = try PrivateKey(pem: keyBytes)
      isReused = true
      try check(now: now)
      return
    }
    if !replaces, certificateBytes != nil || keyBytes != nil {
      let present = certificateBytes == nil ? Self.keyFile : Self.certificateFile
      let missing = certificateBytes == nil ? Self.certificateFile : Self.keyFile
      throw CommandError.file(
        "\(folder.path) has \(present) but not \(missing); --force makes a new CA")
    }
    key = try PrivateKey.make()
    let validity = Certificate.Validity(
      notBefore: now - Self.leewaySeconds, notAfter: now + days * Self.dayInSeconds)
    certificate = try Certificate.issue(
      Certificate.Subject(commonName: "Homing development CA", names: nil), key: key, validity,
      issuer: nil, issuerKey: key)
    isReused = false
    try folder.write(try key.pem(), to: Self.keyFile, mode: 0o600)
    try folder.write(try certificate.pem(), to: Self.certificateFile, mode: 0o644)
  }

  /// Makes or renews the two files of a service. Its certificate ends with the authority's at the
  /// latest.
  func issue(_ name: IdentityName, days: Int, now: Int) throws -> Issued {
    let authorityEnd = certificate.notAfter ?? now
    let notAfter = min(now + days * Self.dayInSeconds, authorityEnd)
    let leafKey = try PrivateKey.make()
    let leaf = try Certificate.issue(
      Certificate.Subject(commonName: name.service, names: name.alternativeNames), key: leafKey,
      Certificate.Validity(notBefore: now - Self.leewaySeconds, notAfter: notAfter),
      issuer: certificate, issuerKey: key)
    let keyName = name.service + ".key"
    let certificateName = name.service + ".pem"
    try folder.write(try leafKey.pem(), to: keyName, mode: 0o600)
    try folder.write(try leaf.pem(), to: certificateName, mode: 0o644)
    return Issued(
      name: name, certificateFile: folder.file(certificateName), keyFile: folder.file(keyName),
      notAfter: notAfter)
  }

  private func check(now: Int) throws(CommandError) {
    let file = folder.file(Self.certificateFile)
    guard certificate.belongs(to: key) else {
      throw .file("\(file) and \(Self.keyFile) do not belong together; --force makes a new CA")
    }
    guard certificate.isAuthority else {
      throw .file("\(file) is not a certificate authority; --force makes a new CA")
    }
    guard let end = certificate.notAfter, end > now else {
      throw .file("\(file) has expired; --force makes a new CA")
    }
  }
}
