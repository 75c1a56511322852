internal import Foundation
internal import Glibc
internal import Testing
internal import Transport

@testable internal import Homing

@Suite final class ServiceProcessTests {
  private let folder: String

  init() throws { folder = try TemporaryFolder.make() }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// A shell script as a service. A file just written could not be run while another test starts a
  /// process, which holds it open for a moment.
  private func launch(_ script: String, place: String = "") -> ServiceProcess.Launch {
    ServiceProcess.Launch(
      program: "/bin/sh", arguments: ["-c", script], environment: ["PLACE": place],
      logFile: folder + "/log")
  }

  @Test("The line that a service prints is found, wherever its output is cut")
  func line() async throws {
    let launch = launch(
      "echo before; printf 'listening '; printf \"on $PLACE\\n\"; read x", place: "here:1")
    let process = try ServiceProcess(launch)
    #expect(try await process.line(after: "listening on ") == "here:1")
    // It reads from nowhere and so has ended by itself.
    try await process.ended()
    process.send(SIGKILL)
  }

  @Test("A service that ends before it says anything is told apart")
  func endsEarly() async throws {
    let process = try ServiceProcess(launch("echo nothing; echo why >&2; exit 3"))
    #expect(try await process.line(after: "listening on ") == nil)
    try await process.ended()
    #expect(try String(contentsOfFile: folder + "/log", encoding: .utf8) == "why\n")
  }

  @Test("A service that does not end when asked is ended")
  func stubborn() async throws {
    let process = try ServiceProcess(
      launch("trap '' TERM; echo ready; while :; do :; done"))
    #expect(try await process.line(after: "ready") == "")
    await process.stop(patience: .zero, pause: { _ in })
    try await process.ended()
  }

  @Test("A program that is not there is told with its name")
  func missing() {
    let launch = ServiceProcess.Launch(
      program: folder + "/none", environment: [:], logFile: folder + "/log")
    let error = #expect(throws: CommandError.self) { try ServiceProcess(launch) }
    #expect(error?.message.contains(folder + "/none") == true)
  }

  @Test("A suite whose service does not start says what it logged, and leaves nothing behind")
  func suiteFailure() async throws {
    #expect(symlink("/usr/bin/expr", folder + "/cart-tracker") == 0)
    let setup = LocalSuite.Setup(
      programs: folder, pause: { _ in }, group: try EventLoopGroup(count: 1, name: "test"))
    let suite = try LocalSuite(setup, now: time(nil))
    let error = await #expect(throws: CommandError.self) { _ = try await suite.start() }
    #expect(error?.message.hasPrefix("cart-tracker did not start:\n") == true)
    #expect(error?.message.contains("missing operand") == true)
    let path = suite.folderPath
    #expect(FileManager.default.fileExists(atPath: path))
    await suite.stop()
    #expect(!FileManager.default.fileExists(atPath: path))
    setup.group.stop()
  }

  @Test("A suite without its program says where it was looked for")
  func suiteWithoutProgram() throws {
    let group = try EventLoopGroup(count: 1, name: "test")
    let setup = LocalSuite.Setup(programs: folder, pause: { _ in }, group: group)
    let error = #expect(throws: CommandError.self) { try LocalSuite(setup, now: 0) }
    #expect(error?.message.contains("no program cart-tracker in \(folder)") == true)
    group.stop()
  }
}
