internal import Foundation
internal import Messages
internal import Stubs
internal import TestSupport
internal import Transport
internal import Wire

/// A real process of one service over TLS, on a folder of its own, which a test starts, ends and
/// starts anew on the same folder.
final class ServiceProcess {
  struct Failure: Error {
    let what: String
  }

  let name: String
  let folder: TemporaryFolder
  /// Where it listens: 0 is a free one, another each time.
  let port: Int
  private let caller: TestIdentity
  private let identity: TestIdentity
  /// What it is started with beside what every service has.
  private let settings: [String: String]
  private var process: Process?
  private var client: Client?

  /// - Parameters:
  ///   - caller: whom the test calls as; granted every role.
  ///   - hasData: whether it keeps any.
  init(
    _ name: String, authority: TestAuthority, caller: TestIdentity, port: Int = 0,
    isVirtual: Bool = true, hasData: Bool = true, settings: [String: String] = [:]
  ) throws {
    self.name = name
    self.port = port
    self.caller = caller
    folder = try TemporaryFolder()
    identity = try authority.issue(name)
    var all = settings
    all["HOMING_LISTEN"] = "127.0.0.1:\(port)"
    all["HOMING_CERT"] = identity.certificateFile
    all["HOMING_KEY"] = identity.keyFile
    all["HOMING_CA"] = identity.authorityFile
    if hasData { all["HOMING_DATA"] = folder.path }
    all["HOMING_CLOCK"] = isVirtual ? "virtual" : "system"
    all["HOMING_GRANTS"] = ServiceProcess.grants
    self.settings = all
  }

  deinit { kill9() }

  /// Everything to the test, to each service its own.
  private static var grants: String {
    let services = ["cart-tracker", "scheduler", "notifier", "direct-mail", "gateway"]
    let all = ["shop", "staff", "marketer", "operator"] + services
    return
      (["spiffe://test/you=\(all.joined(separator: ","))"]
      + services.map { "spiffe://test/\($0)=\($0)" }).joined(separator: ";")
  }

  func connected() throws -> Client {
    guard let client else { throw Failure(what: "\(name) does not run") }
    return client
  }

  var clock: ClockV1.ClockClient {
    get throws { ClockV1.ClockClient(try connected()) }
  }

  var isRunning: Bool { process?.isRunning == true }

  // MARK: - Life

  /// Starts the process and returns when it listens.
  ///
  /// - Parameter more: settings for this start alone.
  func launch(_ more: [String: String] = [:]) throws {
    let process = Process()
    process.executableURL = ServiceProcess.executable(name)
    var environment = ProcessInfo.processInfo.environment
    for key in environment.keys where key.hasPrefix("HOMING_") { environment[key] = nil }
    environment.merge(settings) { $1 }
    environment.merge(more) { $1 }
    process.environment = environment
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    self.process = process
    client = try TestServer.client(port: ServiceProcess.port(output, name), caller)
  }

  /// Waits until it is ready.
  func waitUntilServing() async throws {
    let watch = try await HealthV1.HealthClient(connected()).watch(.init())
    while let answer = try await watch.next() {
      if answer.status == .serving { return }
    }
    throw Failure(what: "\(name) never served")
  }

  func start(_ more: [String: String] = [:]) async throws {
    try launch(more)
    try await waitUntilServing()
  }

  /// The port in the line in which it says where it listens.
  private static func port(_ output: Pipe, _ name: String) throws -> Int {
    var text = ""
    while !text.contains("\n") {
      let bytes = output.fileHandleForReading.availableData
      if bytes.isEmpty { throw Failure(what: "\(name) ended before it listened: \(text)") }
      text += String(decoding: bytes, as: UTF8.self)
    }
    guard let port = text.split(whereSeparator: \.isNewline).first?.split(separator: ":").last,
      let number = Int(port)
    else { throw Failure(what: "\(name) said \(text)") }
    return number
  }

  /// Ends it as a power cut ends a process: at once.
  func kill9() {
    client?.close()
    client = nil
    guard let process, process.isRunning else { return }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  /// Ends it in order; its exit code.
  @discardableResult
  func stop() -> Int32 {
    client?.close()
    client = nil
    guard let process else { return -1 }
    process.terminate()
    process.waitUntilExit()
    return process.terminationStatus
  }

  /// Beside this bundle, where the build puts both, or in `HOMING_BIN`.
  private static func executable(_ name: String) -> URL {
    let bundle = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    let named = ProcessInfo.processInfo.environment["HOMING_BIN"].map { URL(fileURLWithPath: $0) }
    return (named ?? bundle).appendingPathComponent(name)
  }
}
