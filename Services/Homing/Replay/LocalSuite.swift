internal import Glibc
internal import Messages
internal import Stubs
internal import Synchronization
internal import Transport
internal import Wire

/// Services of our own for one replay: a folder, certificates, processes on a virtual clock.
final class LocalSuite: Sendable {
  /// How a suite is made.
  struct Setup: Sendable {
    /// The program, or the folder with it; nil: beside our own.
    var programs: String?
    var pause: @Sendable (Duration) async throws -> Void
    /// Serves the clients.
    var group: EventLoopGroup
  }

  static let trustDomain = "homing.test"
  static let serviceName = "cart-tracker"
  static let callerName = "homing"
  /// All that our services know, since this process stands for everybody.
  static let roles = [
    "shop", "gateway", "staff", "operator", "scheduler", "notifier", "direct-mail", "cart-tracker",
  ]
  /// For the start with recovery.
  private static let startLimit = Duration.seconds(120)

  private let setup: Setup
  private let folder: WorkFolder
  private let launch: ServiceProcess.Launch
  private let process = Mutex<ServiceProcess?>(nil)

  /// Makes the folder and the certificates; starts nothing yet.
  ///
  /// - Parameter now: seconds since 1970.
  init(_ setup: Setup, now: Int) throws {
    self.setup = setup
    let program = try LocalSuite.program(setup.programs)
    folder = try WorkFolder()
    let certificates = try CertificateFolder(folder.path + "/certificates")
    let authority = try DevelopmentAuthority(in: certificates, days: 2, now: now, replaces: false)
    for name in [Self.serviceName, Self.callerName] {
      let identity = try IdentityName(trustDomain: Self.trustDomain, service: name, hosts: [])
      _ = try authority.issue(identity, days: 1, now: now)
    }
    let data = try CertificateFolder(folder.path + "/data")
    launch = ServiceProcess.Launch(
      program: program,
      environment: LocalSuite.environment(certificates: certificates, data: data.path),
      logFile: folder.path + "/\(Self.serviceName).log")
  }

  private static func environment(
    certificates: CertificateFolder, data: String
  ) -> [String: String] {
    var environment = [
      "HOMING_LISTEN": "127.0.0.1:0", "HOMING_CERT": certificates.file(serviceName + ".pem"),
      "HOMING_KEY": certificates.file(serviceName + ".key"),
      "HOMING_CA": certificates.file(DevelopmentAuthority.certificateFile), "HOMING_DATA": data,
      "HOMING_GRANTS": "spiffe://\(trustDomain)/\(callerName)=" + roles.joined(separator: ","),
      "HOMING_CLOCK": "virtual",
      // Its folder goes with it.
      "HOMING_FLUSH": "false",
    ]
    for name in ["PATH", "HOME", "TMPDIR", "LANG", "LD_LIBRARY_PATH"] {
      if let value = getenv(name) { environment[name] = String(cString: value) }
    }
    return environment
  }

  /// - Throws: `CommandError` that says where the program was looked for.
  private static func program(_ given: String?) throws(CommandError) -> String {
    var own = [CChar](repeating: 0, count: 4096)
    let count = max(0, readlink("/proc/self/exe", &own, own.count - 1))
    let path = String(decoding: own.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    let start = given ?? folder
    // The second name is the one a build without a product of its own gives.
    for candidate in [start, start + "/" + serviceName, start + "/CartTracker"] {
      var status = stat()
      let isFile = stat(candidate, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
      if isFile && access(candidate, X_OK) == 0 { return candidate }
    }
    throw .file("no program \(serviceName) in \(start); name it or its folder by --bin")
  }

  /// Starts the process, or starts it anew after `kill`, and waits until it serves.
  func start() async throws -> Client {
    let process = try ServiceProcess(launch)
    self.process.withLock { $0 = process }
    guard let address = try await process.line(after: "listening on ") else {
      throw CommandError.file("\(Self.serviceName) did not start:\n" + logTail())
    }
    let client = try client(address)
    let health = HealthV1.HealthClient(client)
    var waited = Duration.zero
    while waited < Self.startLimit {
      let options = CallOptions(timeout: .seconds(5))
      let answer = try? await health.check(.init(), options: options)
      if answer?.status == .serving { return client }
      try await setup.pause(.milliseconds(5))
      waited += .milliseconds(5)
    }
    throw CommandError.file("\(Self.serviceName) is not ready after its start:\n" + logTail())
  }

  private func client(_ address: String) throws -> Client {
    let certificates = folder.path + "/certificates/"
    var configuration = ClientConfiguration()
    configuration.connectionsMax = 1
    configuration.attemptsMax = 1
    let tls = TLSConfiguration(
      certificateFile: certificates + Self.callerName + ".pem",
      keyFile: certificates + Self.callerName + ".key",
      authorityFile: certificates + DevelopmentAuthority.certificateFile,
      peer: .identity("spiffe://\(Self.trustDomain)/\(Self.serviceName)"))
    return try Client(
      try ConnectionOptions.target(address), tls: tls, configuration: configuration,
      group: setup.group)
  }

  /// Ends the process without a warning, as a crash does.
  func kill() async throws {
    guard let process = process.withLock({ $0.take() }) else { return }
    process.send(SIGKILL)
    try await process.ended()
  }

  /// Ends everything and removes the folder. Not to be called in a task that is cancelled.
  func stop() async {
    if let process = process.withLock({ $0.take() }) { await process.stop(pause: setup.pause) }
    folder.remove()
  }

  var folderPath: String { folder.path }

  /// The last lines that the service has logged.
  func logTail() -> String {
    let bytes = (try? InputFile.bytes(launch.logFile, bytesMax: 64 << 20)) ?? []
    let lines = bytes.split(separator: UInt8(ascii: "\n")).suffix(10)
    return lines.map { Printable.text(String(decoding: $0, as: UTF8.self)) }
      .joined(separator: "\n")
  }
}

/// A new folder below the system's temporary one.
private struct WorkFolder: Sendable {
  let path: String

  init() throws(CommandError) {
    let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array((base + "/homing-suite-XXXXXX").utf8CString)
    guard mkdtemp(&template) != nil else {
      throw .file("cannot make a folder in \(base): \(SystemError.text(errno))")
    }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  func remove() { WorkFolder.remove(path) }

  private static func remove(_ folder: String) {
    guard let directory = opendir(folder) else { return }
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { start in
        start.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name == "." || name == ".." { continue }
      if unlink("\(folder)/\(name)") != 0 { remove("\(folder)/\(name)") }
    }
    closedir(directory)
    rmdir(folder)
  }
}
