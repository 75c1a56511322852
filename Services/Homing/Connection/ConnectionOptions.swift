internal import ArgumentParser
internal import Glibc
internal import Transport

/// Who we are and whom we expect.
struct ConnectionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Our certificate, PEM (default: $HOMING_CERT).", valueName: "file"))
  var cert: String?

  @Option(help: ArgumentHelp("Its key, PEM (default: $HOMING_KEY).", valueName: "file"))
  var key: String?

  @Option(
    help: ArgumentHelp(
      "Certificates of the CA, PEM (default: $HOMING_CA).", valueName: "file"))
  var ca: String?

  @Option(
    help: ArgumentHelp(
      "URI name that the server's certificate must have (default: any of our own trust domain).",
      valueName: "uri"))
  var peer: String?

  /// - Throws: `CommandError` that names what is missing or cannot be read.
  func tls() throws(CommandError) -> TLSConfiguration {
    let certificate = try file(cert, "--cert", "HOMING_CERT")
    let key = try file(key, "--key", "HOMING_KEY")
    let authority = try file(ca, "--ca", "HOMING_CA")
    if let peer, !peer.hasPrefix("spiffe://") {
      throw .usage(
        "--peer must be a URI name such as spiffe://homing.test/scheduler, is "
          + "\"\(Printable.text(peer))\"")
    }
    return TLSConfiguration(
      certificateFile: certificate, keyFile: key, authorityFile: authority,
      peer: peer.map { .identity($0) } ?? .trustDomain)
  }

  /// - Throws: `CommandError` where the text is no HOST:PORT.
  static func target(_ text: String) throws(CommandError) -> Target {
    do {
      return try Target(text)
    } catch {
      throw .usage(
        "the target must be HOST:PORT, such as localhost:7443 or [::1]:7443, is "
          + "\"\(Printable.text(text))\"")
    }
  }

  private func file(
    _ option: String?, _ name: String, _ variable: String
  ) throws(CommandError) -> String {
    let path = option ?? getenv(variable).map { String(cString: $0) } ?? ""
    guard !path.isEmpty else {
      throw .usage("no certificate: \(name) is not given and \(variable) is not set")
    }
    let source = option == nil ? variable : name
    guard access(path, R_OK) == 0 else {
      throw .file("cannot read \(path) (\(source)): \(SystemError.text(errno))")
    }
    return path
  }
}

extension ConnectionOptions {
  /// A client for a person: one connection, nothing tried again, so that the first reason is the
  /// one he sees.
  ///
  /// - Parameter timeout: of the calls to come. A connection gets less, so that its failure is told
  ///   and not the call's bare time-out.
  func client(_ target: String, timeout: Duration?) throws(CommandError) -> Client {
    var configuration = ClientConfiguration()
    configuration.connectionsMax = 1
    configuration.attemptsMax = 1
    if let timeout {
      configuration.connectTimeout = min(configuration.connectTimeout, timeout * 0.75)
    }
    return try client(target, configuration: configuration)
  }

  /// A client for the target; nothing is connected before the first call.
  ///
  /// - Throws: `CommandError` that says which part of the command line cannot be used.
  func client(
    _ target: String, configuration: ClientConfiguration
  ) throws(CommandError) -> Client {
    let target = try ConnectionOptions.target(target)
    let tls = try tls()
    do {
      return try Client(target, tls: tls, configuration: configuration)
    } catch {
      throw .file("the certificate cannot be used: \(error)")
    }
  }
}
