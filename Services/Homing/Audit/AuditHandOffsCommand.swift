internal import ArgumentParser
internal import DynamicMessages
internal import Messages
internal import Stubs
internal import Transport
internal import Wire

/// `homing audit hand-offs`: each hand-off with the purchases that it checked (X03).
struct AuditHandOffsCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "hand-offs",
    abstract: "Check every hand-off against the log: none after a purchase that it had read.",
    discussion: """
      Each message or letter that left is listed with the positions of the log that its grant had \
      read, and the first purchase that covers it. One that stood at or before such a position is \
      a violation; the command then ends with an error.
      """)

  @OptionGroup var of: AuditedStore
  @Option(help: "Decided at or after this time, such as 2026-11-22.") var from: String?
  @Option(help: "Decided before this time.") var to: String?
  @Flag(help: "Only hand-offs that somebody bought after, or should have stopped.")
  var onlyBought = false
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    let counts = try await of.call { scheduler, tracker in
      try await audit(scheduler, tracker) { Terminal.print($0) }
    }
    if counts.violations > 0 {
      throw CommandError.usage(
        "\(counts.violations) of \(counts.handOffs) hand-offs began after a purchase that they had "
          + "read")
    }
  }

  struct Counts: Equatable {
    var handOffs = 0
    var violations = 0
  }

  /// One message that left.
  private struct HandOff {
    let decision: SchedulerV1.Decision
    let outcome: CommonV1.Outcome
    let grant: CommonV1.Grant
  }

  /// Lists them and says how many there were.
  func audit(
    _ scheduler: SchedulerCaller, _ tracker: TrackerCaller, _ print: (String) -> Void
  ) async throws -> Counts {
    var counts = Counts()
    var printer = ListPrinter([
      ("AT", .left), ("CHANNEL", .left), ("CONTACT", .left), ("FLOW", .left), ("STEP", .left),
      ("READ", .left), ("BOUGHT", .left),
    ])
    let json = output.isJSON ? try ContractJSON() : nil
    let decided = try TimeOption.range(from: from, to: to)
    var after = ""
    repeat {
      let answer = try await scheduler.client.listDecisions(
        .init(
          store: of.at.store, page: .init(limit: 256, after: after), verdicts: [.sent],
          decided: decided), options: scheduler.options)
      let left = answer.decisions.compactMap(AuditHandOffsCommand.handOff)
      let findings = try await findings(left, tracker)
      counts.handOffs += left.count
      counts.violations += findings.count(where: \.violated)
      let shown = zip(left, findings).filter { !onlyBought || !$1.event.isEmpty }
      if let json {
        for (handOff, finding) in shown { print(try line(handOff, finding, json)) }
      } else {
        for line in printer.lines(shown.map(row)) { print(line) }
      }
      after = answer.next
    } while !after.isEmpty
    if json == nil {
      print("\(counts.handOffs) hand-offs, \(counts.violations) violations")
    }
    return counts
  }

  private static func handOff(_ decision: SchedulerV1.Decision) -> HandOff? {
    let left = decision.outcomes.first { $0.kind == .handedOver || $0.kind == .unknown }
    guard let left, let grant = left.grant else { return nil }
    return HandOff(decision: decision, outcome: left, grant: grant)
  }

  private func findings(
    _ handOffs: [HandOff], _ tracker: TrackerCaller
  ) async throws -> [CartTrackerV1.AuditHandOffsResponse.Finding] {
    if handOffs.isEmpty { return [] }
    let request = CartTrackerV1.AuditHandOffsRequest(
      store: of.at.store,
      handOffs: handOffs.map {
        .init(
          contact: $0.decision.contact, cart: $0.decision.cart, anchor: $0.decision.anchor,
          grant: $0.grant)
      })
    let findings = try await tracker.client.auditHandOffs(request, options: tracker.options)
      .findings
    guard findings.count == handOffs.count else {
      throw RPCError(.internalError, "cart-tracker answered about others")
    }
    return findings
  }

  private func row(
    _ handOff: HandOff, _ finding: CartTrackerV1.AuditHandOffsResponse.Finding
  ) -> [String] {
    let decision = handOff.decision
    let bought =
      finding.event.isEmpty
      ? ""
      : (finding.violated ? "BEFORE: " : "after: ") + "\(finding.event) at "
        + AuditHandOffsCommand.text(finding.position)
    return [
      ValueText.text(handOff.outcome.at), FlowTexts.channel.name(decision.channel),
      decision.contact, decision.flow, decision.step,
      handOff.grant.positions.map(AuditHandOffsCommand.text).joined(separator: " "), bought,
    ]
  }

  private func line(
    _ handOff: HandOff, _ finding: CartTrackerV1.AuditHandOffsResponse.Finding,
    _ json: ContractJSON
  ) throws -> String {
    return output.line(
      .object([
        JSONMember("decision", try json.value(handOff.decision)),
        JSONMember("finding", try json.value(finding)),
      ]))
  }

  /// Bucket and number.
  private static func text(_ position: CommonV1.Position?) -> String {
    guard let position else { return "?" }
    return "\(position.bucket):\(position.seq)"
  }
}
