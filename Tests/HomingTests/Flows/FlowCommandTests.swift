internal import ArgumentParser
internal import Foundation
internal import Messages
internal import Stubs
internal import Testing
internal import Wire

@testable internal import Homing
@testable internal import Transport

@Suite struct FlowCommandTests {
  private typealias Methods = SchedulerV1.SchedulerMethods

  private let channel = TrackerChannel()
  private let printed = PrintedLines()
  private var caller: SchedulerCaller { SchedulerCaller(channel, timeout: .seconds(1)) }

  private static let flow = SchedulerV1.Flow(
    store: "shop", name: "cart-recovery", version: 4, start: .cartAbandoned, mode: .dryRun,
    text: "flow: cart-recovery\n# Grüße\n", steps: FlowSteps.joined,
    author: "spiffe://homing.test/you",
    appliedAt: .init(seconds: 1_795_000_000), running: 12)

  private func answer(problems: [SchedulerV1.Problem] = []) {
    channel.answer(Methods.checkFlow) { (_: SchedulerV1.CheckFlowRequest) in
      SchedulerV1.CheckFlowResponse(
        problems: problems, flow: problems.isEmpty ? Self.flow : nil)
    }
    channel.answer(Methods.getFlow) { (_: SchedulerV1.GetFlowRequest) in Self.flow }
  }

  @Test("F14 A fault is printed with file, line, column and field, and ends the command with 1")
  func faults() async throws {
    answer(problems: [
      .init(line: 7, column: 12, field: "steps[0].pause", problem: "is no span"),
      .init(line: 1, column: 1, problem: "a\u{1b}b"),
    ])
    let command = try FlowCheckCommand.parse(["here:1", "a.yaml", "--store", "shop"])
    let exit = await #expect(throws: ExitCode.self) {
      try await command.check(caller, "flow: x") { printed.add($0) }
    }
    #expect(exit?.rawValue == 1)
    #expect(
      printed.lines == [
        "a.yaml:7:12: steps[0].pause: is no span", "a.yaml:1:1: a\\u{1b}b",
      ])
    let requests: [SchedulerV1.CheckFlowRequest] = try channel.requests(Methods.checkFlow)
    #expect(requests == [.init(store: "shop", text: "flow: x")])
  }

  @Test("F14 A file without faults is said to be right, and drawn where that is asked for")
  func right() async throws {
    answer()
    let command = try FlowCheckCommand.parse(["here:1", "a.yaml", "--store", "shop", "--graph"])
    try await command.check(caller, "flow: x") { printed.add($0) }
    #expect(
      printed.lines.first
        == "a.yaml: cart-recovery, version 4: starts when a cart is abandoned; dry run; 8 steps")
    #expect(printed.lines.contains { $0.contains("├─ bought ─ ■ exit") })
  }

  @Test("F14 A file is applied as the successor of the newest version, or of the one named")
  func apply() async throws {
    answer()
    channel.answer(Methods.applyFlow) { (request: SchedulerV1.ApplyFlowRequest) in
      var flow = Self.flow
      flow.version = request.version + 1
      return flow
    }
    for version in [[], ["--version", "2"]] {
      let command = try FlowApplyCommand.parse(
        ["here:1", "a.yaml", "--store", "shop", "--idempotency-key", "k"] + version)
      try await command.apply(caller, "text") { printed.add($0) }
    }
    let requests: [SchedulerV1.ApplyFlowRequest] = try channel.requests(Methods.applyFlow)
    #expect(requests.map(\.version) == [4, 2])
    #expect(requests.first == .init(store: "shop", idempotencyKey: "k", text: "text", version: 4))
    #expect(printed.lines.first == "cart-recovery: version 5 applied, mode dry run")
  }

  @Test("F14 The first version of a flow succeeds none, and the same text makes none")
  func applyNew() async throws {
    answer()
    channel.answer(Methods.getFlow) { (_: SchedulerV1.GetFlowRequest) -> SchedulerV1.Flow in
      throw RPCError(.notFound, "no such flow")
    }
    channel.answer(Methods.applyFlow) { (_: SchedulerV1.ApplyFlowRequest) in Self.flow }
    // The first answer for GetFlow is used up by another call.
    _ = try await caller.client.getFlow(.init(store: "shop", flow: "x"), options: caller.options)
    let command = try FlowApplyCommand.parse(["here:1", "a.yaml", "--store", "shop"])
    try await command.apply(caller, "text") { printed.add($0) }
    let requests: [SchedulerV1.ApplyFlowRequest] = try channel.requests(Methods.applyFlow)
    #expect(requests.map(\.version) == [0])
    #expect(printed.text.contains("version 4 applied"))
  }

  @Test("F14 A flow with faults is not applied")
  func applyFaulty() async throws {
    answer(problems: [.init(line: 1, column: 1, field: "flow", problem: "is missing")])
    let command = try FlowApplyCommand.parse(["here:1", "a.yaml", "--store", "shop"])
    await #expect(throws: ExitCode.self) {
      try await command.apply(caller, "text") { printed.add($0) }
    }
    let requests: [SchedulerV1.ApplyFlowRequest] = try channel.requests(Methods.applyFlow)
    #expect(requests.isEmpty)
  }

  @Test("Flows are listed page after page")
  func list() async throws {
    channel.answer(Methods.listFlows) { (_: SchedulerV1.ListFlowsRequest) in
      SchedulerV1.ListFlowsResponse(flows: [Self.flow], next: "2")
    }
    channel.answer(Methods.listFlows) { (_: SchedulerV1.ListFlowsRequest) in
      SchedulerV1.ListFlowsResponse(flows: [Self.flow])
    }
    let command = try FlowListCommand.parse(["here:1", "--store", "shop"])
    try await command.list(caller) { printed.add($0) }
    let row =
      "cart-recovery        4  cart abandoned  dry run       12  2026-11-18T11:06:40Z  "
      + "spiffe://homing.test/you"
    #expect(printed.lines.dropFirst() == [row, row])
    let requests: [SchedulerV1.ListFlowsRequest] = try channel.requests(Methods.listFlows)
    #expect(requests.map(\.page?.after) == ["", "2"])
  }

  @Test("A flow is shown as a tree, as its text, and as a picture")
  func show() async throws {
    answer()
    let folder = try TemporaryFolder.make()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let file = folder + "/flow.svg"
    func show(_ arguments: String...) async throws -> [String] {
      printed.lines = []
      let command = try FlowShowCommand.parse(
        ["here:1", "cart-recovery", "--store", "shop"] + arguments)
      try await command.show(caller) { printed.add($0) }
      return printed.lines
    }
    let tree = try await show()
    #expect(tree.first == "cart-recovery, version 4: starts when a cart is abandoned; dry run")
    #expect(tree.count == 21)
    #expect(try await show("--text") == ["flow: cart-recovery", "# Grüße"])
    #expect(try await show("--svg", file) == ["\(file): written"])
    let picture = try String(contentsOfFile: file, encoding: .utf8)
    #expect(picture.hasPrefix("<svg xmlns=") && picture.hasSuffix("</svg>\n"))
    #expect(try await show("--svg", "-").first?.hasPrefix("<svg") == true)
    #expect(try await show("--json").first?.hasPrefix("{\"store\":\"shop\"") == true)
  }

  @Test("F21 A mode is set for the store or for a flow, with the addresses of a test")
  func mode() async throws {
    channel.answer(Methods.setMode) { (_: SchedulerV1.SetModeRequest) in
      SchedulerV1.SetModeResponse()
    }
    let base = ["here:1", "--store", "shop", "--idempotency-key", "k"]
    for arguments in [
      ["dry-run"], ["draft", "--flow", "a"],
      ["test", "--test-address", "a@b.example", "--test-address", "@replay.invalid"],
    ] {
      let command = try FlowModeCommand.parse(base + arguments)
      try await command.set(caller) { printed.add($0) }
    }
    let requests: [SchedulerV1.SetModeRequest] = try channel.requests(Methods.setMode)
    #expect(
      requests == [
        .init(store: "shop", idempotencyKey: "k", mode: .dryRun),
        .init(store: "shop", idempotencyKey: "k", flow: "a", mode: .draft),
        .init(
          store: "shop", idempotencyKey: "k", mode: .test,
          testAddresses: ["a@b.example", "@replay.invalid"]),
      ])
    #expect(
      printed.lines == [
        "the store shop is set to dry run", "the flow a is set to draft",
        "the store shop is set to test",
      ])
  }

  @Test(
    "F21 A mode that is none, and addresses in the wrong mode, are refused",
    arguments: [["dry"], ["test"], ["draft", "--test-address", "a@b.example"]])
  func wrongMode(arguments: [String]) async throws {
    let command = try FlowModeCommand.parse(["here:1", "--store", "shop"] + arguments)
    await #expect(throws: CommandError.self) {
      try await command.set(caller) { printed.add($0) }
    }
    #expect(printed.lines.isEmpty)
  }

  @Test("F06 The shipped flows are in the executable as they are in their files")
  func sample() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Services/Homing/Shipped/flows")
    let files = try FileManager.default.contentsOfDirectory(
      atPath: folder.path(percentEncoded: false))
    #expect(files.sorted() == ShippedFlows.names.map { "\($0).yaml" }.sorted())
    for name in ShippedFlows.names {
      let text = try String(contentsOf: folder.appending(path: "\(name).yaml"), encoding: .utf8)
      #expect(try FlowSampleCommand.parse([name]).text() + "\n" == text)
      #expect(text.contains("\nflow: \(name)\n"))
    }
    #expect(throws: CommandError.self) { try FlowSampleCommand.parse(["cart"]).text() }
  }
}
