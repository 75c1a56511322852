internal import ArgumentParser
internal import DynamicMessages
internal import Glibc

/// `homing certs`: a development CA and a certificate for each service.
struct CertsCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "certs",
    abstract: "Make a development CA and service certificates.",
    discussion: """
      Writes ca.pem and ca.key once and keeps them, and NAME.pem and NAME.key for each name, new \
      each time. A certificate carries the one URI name spiffe://TRUST-DOMAIN/NAME and serves both \
      ends of a connection. For development and tests: the CA's key has no passphrase.
      """)

  static let defaultNames = [
    "cart-tracker", "scheduler", "notifier", "direct-mail", "gateway", "homing",
  ]
  /// A hundred years: certificates that outlive their machine.
  static let daysMax = 36_500

  @Option(name: .customLong("out"), help: "Folder to write to; made where it is missing.")
  var folder: String

  @Option(
    name: .customLong("name"), parsing: .singleValue,
    help: ArgumentHelp(
      "A service to make a certificate for; may be repeated (default: "
        + "\(CertsCommand.defaultNames.joined(separator: ", "))).", valueName: "service"))
  var names: [String] = []

  @Option(help: "Trust domain of the URI names.")
  var trustDomain = "homing.test"

  @Option(help: "Days that the service certificates hold.")
  var days = 365

  @Option(help: "Days that a new CA holds.")
  var caDays = 3_650

  @Option(
    name: .customLong("dns"), parsing: .singleValue,
    help: ArgumentHelp(
      "A host name to add beside the URI name; may be repeated.", valueName: "name"))
  var hosts: [String] = []

  @Flag(help: "Replace a CA that is there. All it has signed is refused from then on.")
  var force = false

  @OptionGroup var output: OutputOptions

  func perform() async throws {
    for days in [days, caDays] where !(1...Self.daysMax).contains(days) {
      throw CommandError.usage("days must be from 1 to \(Self.daysMax), are \(days)")
    }
    let identities = try (names.isEmpty ? Self.defaultNames : names).map { name in
      try IdentityName(trustDomain: trustDomain, service: name, hosts: hosts)
    }
    let folder = try CertificateFolder(folder)
    let now = time(nil)
    let (authority, issued) = try folder.withLock {
      let authority = try DevelopmentAuthority(
        in: folder, days: caDays, now: now, replaces: force)
      return (authority, try identities.map { try authority.issue($0, days: days, now: now) })
    }
    output.isJSON ? printJSON(authority, folder, issued) : printTable(authority, folder, issued)
  }

  private func printTable(
    _ authority: DevelopmentAuthority, _ folder: CertificateFolder,
    _ issued: [DevelopmentAuthority.Issued]
  ) {
    let file = folder.file(DevelopmentAuthority.certificateFile)
    Terminal.print("CA \(file), \(authority.isReused ? "kept" : "new")")
    var table = Table([
      ("IDENTITY", .left), ("CERTIFICATE", .left), ("KEY", .left), ("ENDS", .left),
    ])
    for item in issued {
      table.add([item.name.uri, item.certificateFile, item.keyFile, end(item.notAfter)])
    }
    table.print()
  }

  private func printJSON(
    _ authority: DevelopmentAuthority, _ folder: CertificateFolder,
    _ issued: [DevelopmentAuthority.Issued]
  ) {
    let services: [JSONValue] = issued.map { item in
      [
        "name": .string(item.name.service), "identity": .string(item.name.uri),
        "certificate": .string(item.certificateFile), "key": .string(item.keyFile),
        "notAfter": .string(end(item.notAfter)),
      ]
    }
    output.printObject([
      "ca": .string(folder.file(DevelopmentAuthority.certificateFile)),
      "isNew": .bool(!authority.isReused), "services": .array(services),
    ])
  }

  private func end(_ seconds: Int) -> String {
    let time = TimeText(seconds: Int64(seconds), nanos: 0)
    return (try? time.timestampText()) ?? "\(seconds)"
  }
}
