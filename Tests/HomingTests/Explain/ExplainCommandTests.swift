internal import ArgumentParser
internal import Messages
internal import Stubs
internal import Testing
internal import Wire

@testable internal import Homing
@testable internal import Transport

@Suite struct ExplainCommandTests {
  private static let at = ["here:1", "--store", "shop"]

  private let channel = TrackerChannel()
  private let printed = PrintedLines()
  private var caller: SchedulerCaller { SchedulerCaller(channel, timeout: .seconds(1)) }

  private static let answer = SchedulerV1.ExplainResponse(
    lines: [
      .init(
        at: .init(seconds: 1_780_000_000), service: "cart-tracker", rule: "silence", version: "4",
        inputs: [
          .init(name: "window", value: .text("1h")),
          .init(
            name: "total",
            value: .money(.init(currencyCode: "EUR", units: 12, nanos: 500_000_000))),
        ], result: "Abandoned.", episode: "ep1"),
      .init(
        at: .init(seconds: 1_780_000_060), service: "scheduler", rule: "send", result: "Ordered.",
        episode: "ep1", step: "first", order: "o1"),
      .init(
        at: .init(seconds: 1_780_000_120), service: "scheduler", rule: "stop",
        result: "Bought\u{1b}[2J meanwhile.", reason: .purchased, episode: "ep1", step: "second"),
    ], missing: ["notifier"])

  private func explain(_ arguments: [String], isColoured: Bool = false) async throws {
    channel.answer(SchedulerV1.SchedulerMethods.explain) { (_: SchedulerV1.ExplainRequest) in
      Self.answer
    }
    let command = try ExplainCommand.parse(Self.at + arguments)
    try await command.explain(caller, Painter(isOn: isColoured)) { printed.add($0) }
  }

  @Test("X01 Each rule is one line in the order of time, with inputs and what came of it")
  func lines() async throws {
    try await explain(["--contact", "c1", "--from", "2026-05-01"])
    #expect(
      printed.lines == [
        "episode ep1",
        "2026-05-28T20:26:40Z  cart-tracker  ·  silence (4):  Abandoned.  "
          + "[window = 1h, total = 12.50 EUR]",
        "2026-05-28T20:27:40Z  scheduler     ✓  step first, send:  Ordered.",
        "2026-05-28T20:28:40Z  scheduler     ✗  step second, stop:  "
          + "Bought\\u{1b}[2J meanwhile. purchased",
        "", "3 rules, 1 ordered, purchased 1",
        "notifier did not answer: its rules are missing",
      ])
    let requests: [SchedulerV1.ExplainRequest] = try channel.requests(
      SchedulerV1.SchedulerMethods.explain)
    #expect(requests[0].contact == "c1")
    #expect(requests[0].at?.from != nil)
  }

  @Test("At a terminal a verdict has its colour")
  func colours() async throws {
    try await explain(["--cart", "k1"], isColoured: true)
    #expect(printed.lines[2].contains("\u{1b}[32m✓\u{1b}[0m"))
    #expect(printed.lines[3].contains("\u{1b}[31m✗\u{1b}[0m"))
    #expect(!printed.lines[3].contains("\u{1b}[2J"))
  }

  @Test("As JSON it is what the scheduler said")
  func json() async throws {
    try await explain(["--cart", "k1", "--json"])
    #expect(printed.lines.count == 1)
    #expect(printed.lines[0].contains(#""reason":"REASON_CODE_PURCHASED""#))
  }

  @Test("Where nothing is known, that is said")
  func nothing() {
    let text = ExplainText(.init(), Painter(isOn: false))
    #expect(text.lines == ["Nothing is known of it: no rule was evaluated."])
  }

  @Test("One of contact and cart is needed", arguments: [[], ["--contact", "a", "--cart", "b"]])
  func one(arguments: [String]) {
    #expect(throws: (any Error).self) { try ExplainCommand.parse(Self.at + arguments) }
  }
}
