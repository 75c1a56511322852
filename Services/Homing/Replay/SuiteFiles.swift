internal import Glibc
internal import ServiceKit

/// What the services of a suite read: certificates, ports, providers, keys.
struct SuiteFiles {
  static let trustDomain = "homing.test"
  static let callerName = "homing"
  /// All that our services know, since this process stands for everybody.
  static let roles = [
    "shop", "gateway", "staff", "marketer", "operator", "scheduler", "notifier", "direct-mail",
    "cart-tracker",
  ]

  let certificates: CertificateFolder
  private let folder: String
  private let services: [SuiteService]
  private let addresses: [SuiteService: String]
  /// Folder for messages and letters.
  private let out: String

  /// - Parameters:
  ///   - out: folder for messages; made.
  ///   - now: seconds since 1970.
  init(_ folder: String, services: [SuiteService], out: String?, now: Int) throws {
    self.folder = folder
    self.services = services
    certificates = try CertificateFolder(folder + "/certificates")
    let authority = try DevelopmentAuthority(in: certificates, days: 2, now: now, replaces: false)
    for name in services.map(\.rawValue) + [Self.callerName] {
      let identity = try IdentityName(trustDomain: Self.trustDomain, service: name, hosts: [])
      _ = try authority.issue(identity, days: 1, now: now)
    }
    for service in services { _ = try CertificateFolder(folder + "/" + service.rawValue) }
    let ports = try FreePorts.take(services.count)
    addresses = Dictionary(
      uniqueKeysWithValues: zip(services, ports.map { "127.0.0.1:\($0)" }))
    self.out = try CertificateFolder(out ?? folder + "/out").path
    guard services.contains(.notifier) else { return }
    let place = try CertificateFolder(folder)
    try place.write(Array(SuiteFiles.providers(self.out).utf8), to: "providers", mode: 0o600)
    // Always the same: nothing serves these links, and a replay writes the same mails each time.
    let key = SHA256.hash(Array("replay".utf8))
    try place.write(key, to: "link.key", mode: 0o600)
  }

  /// Everything into files, e-mails apart from the rest.
  private static func providers(_ out: String) -> String {
    """
    [mails]
    kind = folder
    channels = email
    path = \(out)/mails
    [texts]
    kind = folder
    channels = sms, chat, push, webhook
    path = \(out)/texts

    """
  }

  /// The whole environment of a service.
  func environment(_ service: SuiteService) -> [String: String] {
    let caller = "spiffe://\(Self.trustDomain)/\(Self.callerName)="
    let others = services.map { "spiffe://\(Self.trustDomain)/\($0.rawValue)=\($0.rawValue)" }
    var environment = [
      "HOMING_LISTEN": addresses[service] ?? "",
      "HOMING_CERT": certificates.file(service.rawValue + ".pem"),
      "HOMING_KEY": certificates.file(service.rawValue + ".key"),
      "HOMING_CA": certificates.file(DevelopmentAuthority.certificateFile),
      "HOMING_DATA": folder + "/" + service.rawValue,
      "HOMING_GRANTS": ([caller + Self.roles.joined(separator: ",")] + others)
        .joined(separator: ";"),
      "HOMING_CLOCK": "virtual",
      // Its folder goes with it.
      "HOMING_FLUSH": "false",
    ]
    let needs: [SuiteService] =
      switch service {
      case .cartTracker: [.scheduler]
      case .scheduler: [.cartTracker, .notifier, .directMail]
      case .notifier, .directMail: [.cartTracker, .scheduler]
      }
    for other in needs {
      guard let address = addresses[other] else { continue }
      let name = other.rawValue.uppercased().map { $0 == "-" ? "_" : $0 }
      environment["HOMING_" + String(name)] = address
    }
    switch service {
    case .notifier: environment["HOMING_PROVIDERS"] = folder + "/providers"
    case .directMail:
      environment["HOMING_LETTERS"] = out + "/letters"
      environment["HOMING_CUT_OFF_EVERY"] = "1d"
    case .cartTracker, .scheduler: break
    }
    if service == .notifier || service == .directMail {
      environment["HOMING_LINK_KEYS"] = "1=" + folder + "/link.key"
      // Nobody answers there: a replay has no gateway.
      environment["HOMING_PUBLIC_URL"] = "http://127.0.0.1:9"
    }
    for name in ["PATH", "HOME", "TMPDIR", "LANG", "LD_LIBRARY_PATH"] {
      if let value = getenv(name) { environment[name] = String(cString: value) }
    }
    return environment
  }
}

/// Ports of 127.0.0.1 that nobody listens on.
///
/// The services of a suite know each other's before the first of them is started.
enum FreePorts {
  /// Below those that outgoing connections take.
  private static let range = 15_000..<32_000

  static func take(_ count: Int) throws(CommandError) -> [Int] {
    var ports: [Int] = []
    // Several processes that look at the same time begin in different places.
    var candidate = range.lowerBound + Int(getpid()) &* 61 % range.count
    for _ in range where ports.count < count {
      if isFree(candidate) { ports.append(candidate) }
      candidate = candidate + 1 == range.upperBound ? range.lowerBound : candidate + 1
    }
    guard ports.count == count else { throw .file("no free port on 127.0.0.1") }
    return ports
  }

  private static func isFree(_ port: Int) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
    return withUnsafePointer(to: &address) { start in
      start.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }
}
