internal import Glibc
internal import Messages
internal import Stubs
internal import Synchronization
internal import Transport
internal import Wire

/// One service of a suite, which runs or does not.
final class SuiteMember: Sendable {
  let service: SuiteService
  private let launch: ServiceProcess.Launch
  private let process = Mutex<ServiceProcess?>(nil)

  /// For the start with recovery.
  private static let startLimit = Duration.seconds(120)

  init(_ service: SuiteService, launch: ServiceProcess.Launch) {
    self.service = service
    self.launch = launch
  }

  /// Starts the process and waits until it serves.
  func start(_ certificates: CertificateFolder, _ setup: LocalSuite.Setup) async throws -> Client {
    let process = try ServiceProcess(launch)
    self.process.withLock { $0 = process }
    guard let address = try await process.line(after: "listening on ") else {
      throw CommandError.file("\(service.rawValue) did not start:\n" + logTail())
    }
    let client = try client(address, certificates, setup.group)
    let health = HealthV1.HealthClient(client)
    var waited = Duration.zero
    while waited < Self.startLimit {
      let options = CallOptions(timeout: .seconds(5))
      let answer = try? await health.check(.init(), options: options)
      if answer?.status == .serving { return client }
      try await setup.pause(.milliseconds(5))
      waited += .milliseconds(5)
    }
    throw CommandError.file("\(service.rawValue) is not ready after its start:\n" + logTail())
  }

  private func client(
    _ address: String, _ certificates: CertificateFolder, _ group: EventLoopGroup
  ) throws -> Client {
    var configuration = ClientConfiguration()
    configuration.connectionsMax = 1
    configuration.attemptsMax = 1
    let tls = TLSConfiguration(
      certificateFile: certificates.file(SuiteFiles.callerName + ".pem"),
      keyFile: certificates.file(SuiteFiles.callerName + ".key"),
      authorityFile: certificates.file(DevelopmentAuthority.certificateFile),
      peer: .identity("spiffe://\(SuiteFiles.trustDomain)/\(service.rawValue)"))
    return try Client(
      try ConnectionOptions.target(address), tls: tls, configuration: configuration, group: group)
  }

  /// Ends the process without a warning, as a crash does.
  func kill() async throws {
    guard let process = process.withLock({ $0.take() }) else { return }
    process.send(SIGKILL)
    try await process.ended()
  }

  /// Asks it to end. Not to be called in a task that is cancelled.
  func stop(_ setup: LocalSuite.Setup) async {
    if let process = process.withLock({ $0.take() }) { await process.stop(pause: setup.pause) }
  }

  /// The last lines that the service has logged.
  private func logTail() -> String {
    let bytes = (try? InputFile.bytes(launch.logFile, bytesMax: 64 << 20)) ?? []
    let lines = bytes.split(separator: UInt8(ascii: "\n")).suffix(10)
    return lines.map { Printable.text(String(decoding: $0, as: UTF8.self)) }
      .joined(separator: "\n")
  }
}
