internal import ArgumentParser
internal import Messages
internal import Stubs
internal import Testing
internal import Wire

@testable internal import Homing
@testable internal import Transport

@Suite struct PauseCommandTests {
  private typealias Methods = SchedulerV1.SchedulerMethods

  private let channel = TrackerChannel()
  private let printed = PrintedLines()
  private var caller: SchedulerCaller { SchedulerCaller(channel, timeout: .seconds(1)) }

  private static let pause = CommonV1.Pause(
    id: "018f4c3e-7b2a-7c1d-9e5f-0000000000a1", store: "shop", channel: .email, holds: true,
    revision: 1, since: .init(seconds: 1_795_000_000), author: "spiffe://homing.test/you",
    note: "wrong\u{1b} price")

  @Test("F22 A pause and its end are asked for by the same options")
  func pause() async throws {
    channel.answer(Methods.pause) { (_: SchedulerV1.PauseRequest) in Self.pause }
    channel.answer(Methods.resume) { (_: SchedulerV1.ResumeRequest) in
      CommonV1.Pause(id: "1", revision: 2)
    }
    let options = [
      "here:1", "--store", "shop", "--channel", "email", "--flow", "f", "--template", "t",
      "--note", "n", "--idempotency-key", "k",
    ]
    try await PauseCommand.parse(options).pause(caller) { printed.add($0) }
    try await PauseCommand.parse(["here:1", "--json"]).pause(caller) { printed.add($0) }
    try await ResumeCommand.parse(options).resume(caller) { printed.add($0) }
    let pauses: [SchedulerV1.PauseRequest] = try channel.requests(Methods.pause)
    #expect(
      pauses.first
        == .init(
          idempotencyKey: "k", store: "shop", channel: .email, flow: "f", template: "t", note: "n"))
    #expect(pauses.last?.store == "" && pauses.last?.channel == .unspecified)
    let resumes: [SchedulerV1.ResumeRequest] = try channel.requests(Methods.resume)
    #expect(
      resumes == [
        .init(
          idempotencyKey: "k", store: "shop", channel: .email, flow: "f", template: "t", note: "n")
      ])
    #expect(printed.lines.first == "paused: store shop, channel email")
    #expect(printed.lines[1].hasPrefix("{\"id\":\"018f4c3e"))
    #expect(printed.lines.last == "resumed: everything")
  }

  @Test("F22 A channel that is none, or two, is refused", arguments: ["mail", "sms,email"])
  func wrongChannel(name: String) async throws {
    let command = try PauseCommand.parse(["here:1", "--channel", name])
    await #expect(throws: CommandError.self) {
      try await command.pause(caller) { printed.add($0) }
    }
    #expect(printed.lines.isEmpty)
  }

  @Test("F22 Pauses are listed with what they cover, and nothing of them moves the cursor")
  func list() async throws {
    channel.answer(Methods.listPauses) { (_: SchedulerV1.ListPausesRequest) in
      SchedulerV1.ListPausesResponse(pauses: [Self.pause, .init(id: "2", revision: 2)])
    }
    let command = try PausesCommand.parse(["here:1", "--past"])
    try await command.list(caller) { printed.add($0) }
    #expect(printed.lines.count == 3)
    #expect(printed.lines[1].contains("yes") && printed.lines[1].contains("store shop, channel"))
    #expect(!printed.text.contains("\u{1b}[") && printed.lines[2].contains("everything"))
    let requests: [SchedulerV1.ListPausesRequest] = try channel.requests(Methods.listPauses)
    #expect(requests == [.init(withPast: true)])
  }

  @Test("F21 The newest version is approved, or the one named")
  func approve() async throws {
    channel.answer(Methods.getFlow) { (_: SchedulerV1.GetFlowRequest) in
      SchedulerV1.Flow(store: "shop", name: "f", version: 4)
    }
    channel.answer(Methods.approveFlow) { (request: SchedulerV1.ApproveFlowRequest) in
      SchedulerV1.Flow(
        store: "shop", name: "f", version: request.version, approver: "spiffe://homing.test/you")
    }
    for version in [[], ["--version", "2"]] {
      let command = try FlowApproveCommand.parse(
        ["here:1", "f", "--store", "shop", "--note", "n", "--idempotency-key", "k"] + version)
      try await command.approve(caller) { printed.add($0) }
    }
    let requests: [SchedulerV1.ApproveFlowRequest] = try channel.requests(Methods.approveFlow)
    #expect(requests.map(\.version) == [4, 2] && requests.allSatisfy { $0.note == "n" })
    #expect(printed.lines.last == "f: version 2 is approved by spiffe://homing.test/you")
  }

  @Test("F21 The audit is listed page after page")
  func audit() async throws {
    let entry = SchedulerV1.AuditEntry(
      at: .init(seconds: 1_795_000_000), identity: "spiffe://homing.test/you", store: "shop",
      flow: "f", version: 3, act: .mode, detail: "test → live", note: "n")
    channel.answer(Methods.listAudit) { (_: SchedulerV1.ListAuditRequest) in
      SchedulerV1.ListAuditResponse(entries: [entry], next: "2")
    }
    channel.answer(Methods.listAudit) { (_: SchedulerV1.ListAuditRequest) in
      SchedulerV1.ListAuditResponse(entries: [entry])
    }
    let command = try AuditChangesCommand.parse(["here:1", "--store", "shop", "--flow", "f"])
    try await command.list(caller) { printed.add($0) }
    #expect(printed.lines.count == 3 && printed.lines[1] == printed.lines[2])
    #expect(printed.lines[1].contains("test → live") && printed.lines[1].contains("mode"))
    let requests: [SchedulerV1.ListAuditRequest] = try channel.requests(Methods.listAudit)
    #expect(requests.map(\.page?.after) == ["", "2"] && requests.allSatisfy { $0.flow == "f" })
  }
}
