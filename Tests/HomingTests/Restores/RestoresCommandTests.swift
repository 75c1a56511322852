internal import ArgumentParser
internal import Messages
internal import Stubs
internal import Testing
internal import Wire

@testable internal import Homing
@testable internal import Transport

@Suite struct RestoresCommandTests {
  private typealias Methods = SchedulerV1.SchedulerMethods

  private let channel = TrackerChannel()
  private let printed = PrintedLines()

  private static let held = CommonV1.RestoredBackup(
    foundAt: .init(seconds: 1_795_000_000), until: .init(seconds: 1_795_000_060))
  private static let past = CommonV1.RestoredBackup(
    foundAt: .init(seconds: 1_794_000_000), until: .init(seconds: 1_794_000_060),
    releasedAt: .init(seconds: 1_794_000_100), releasedBy: "spiffe://homing.test/you")

  private func caller(_ service: RestoreOptions.Service) -> RestoreCaller {
    RestoreCaller(
      service: service, channel: channel, options: CallOptions(timeout: .seconds(1)))
  }

  @Test("T31 Restores are listed with what is held, and by whom it was released")
  func list() async throws {
    channel.answer(Methods.listRestores) { (_: CommonV1.ListRestoresRequest) in
      CommonV1.ListRestoresResponse(service: "scheduler", restores: [Self.held, Self.past])
    }
    let command = try RestoresListCommand.parse(["here:1", "--service", "scheduler"])
    try await command.list(caller(.scheduler)) { printed.add($0) }
    #expect(printed.lines.count == 3)
    #expect(printed.lines[1].contains("yes") && !printed.lines[1].contains("skipped"))
    #expect(printed.lines[2].contains("spiffe://homing.test/you"))
    #expect(printed.lines[2].contains("skipped"))
  }

  @Test("T31 What is held is released, and nothing that was released before")
  func release() async throws {
    channel.answer(Methods.listRestores) { (_: CommonV1.ListRestoresRequest) in
      CommonV1.ListRestoresResponse(service: "scheduler", restores: [Self.held, Self.past])
    }
    channel.answer(Methods.releaseRestore) { (_: CommonV1.ReleaseRestoreRequest) in Self.held }
    let command = try RestoresReleaseCommand.parse([
      "here:1", "--service", "scheduler", "--decide-steps",
    ])
    try await command.release(caller(.scheduler)) { printed.add($0) }
    let requests: [CommonV1.ReleaseRestoreRequest] = try channel.requests(Methods.releaseRestore)
    #expect(requests == [.init(foundAt: Self.held.foundAt, decidesSteps: true)])
    #expect(printed.lines.count == 1)
  }

  @Test("T31 Where nothing is held a release says so, and steps are the scheduler's alone")
  func nothing() async throws {
    channel.answer(Methods.listRestores) { (_: CommonV1.ListRestoresRequest) in
      CommonV1.ListRestoresResponse(service: "scheduler", restores: [Self.past])
    }
    let command = try RestoresReleaseCommand.parse(["here:1", "--service", "scheduler"])
    await #expect(throws: CommandError.self) {
      try await command.release(caller(.scheduler)) { printed.add($0) }
    }
    #expect(throws: (any Error).self) {
      try RestoresReleaseCommand.parse(["here:1", "--service", "cart-tracker", "--decide-steps"])
    }
    #expect(throws: (any Error).self) {
      try RestoresListCommand.parse(["here:1", "--service", "gateway"])
    }
  }
}
