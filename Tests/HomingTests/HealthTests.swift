internal import ArgumentParser
internal import Messages
internal import Synchronization
internal import Testing
internal import Transport
internal import Wire

@testable internal import Homing

@Suite struct HealthTests {
  private let channel = ScriptedChannel()

  private func check(_ arguments: String...) async throws {
    let command = try HealthCommand.parse(["here:1"] + arguments)
    try await command.check(channel, CallOptions(timeout: .seconds(1)))
  }

  private func set(_ statuses: [(String, HealthV1.ServingStatus)]) {
    channel.state.withLock { state in
      state.health = statuses.map { HealthV1.ServiceHealth(service: $0.0, status: $0.1) }
    }
  }

  @Test func `A healthy server and service end with 0`() async throws {
    set([("", .serving), ("a.B", .notServing)])
    try await check()
    set([("", .notServing), ("a.B", .serving)])
    try await check("a.B")
    #expect(
      channel.state.withLock { $0.calls.map(\.name) } == [
        "homing.health.v1.Health/List", "homing.health.v1.Health/Check",
      ])
  }

  @Test func `Any other status ends with 4`() async {
    set([("", .notServing), ("a.B", .unspecified), ("c.D", HealthV1.ServingStatus(rawValue: 9))])
    await #expect(throws: ExitCode(4)) { try await check() }
    await #expect(throws: ExitCode(4)) { try await check("a.B", "--json") }
    await #expect(throws: ExitCode(4)) { try await check("c.D") }
    set([])
    await #expect(throws: ExitCode(4)) { try await check() }
  }

  @Test func `A check that fails is an error of its own`() async throws {
    channel.state.withLock { $0.failures = [RPCError(.deadlineExceeded, "late")] }
    let error = await #expect(throws: CommandError.self) { try await check() }
    let code = try HealthCommand.parse(["here:1"]).exitCode(of: try #require(error))
    #expect(code == 3)
  }
}
