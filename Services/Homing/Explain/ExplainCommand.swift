internal import ArgumentParser
internal import Messages
internal import Stubs
internal import Wire

/// `homing explain`: every rule that was evaluated for a person or a cart (X01).
struct ExplainCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Tell why a person or a cart was written to, or was not.",
    discussion: """
      One line for each rule in the order of time: what it rests on, and what came of it. A cross \
      and a reason code stand where something was not sent, a tick where it was ordered.
      """)

  @OptionGroup var at: SchedulerStore
  @Option(help: "The contact's id; linked identities count too.") var contact: String?
  @Option(help: "The cart's id.") var cart: String?
  @Option(help: "From this time on, such as 2026-11-22T10:00:00Z.") var from: String?
  @Option(help: "Up to this time.") var to: String?
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if (contact == nil) == (cart == nil) {
      throw ValidationError("One of --contact and --cart is needed, not both.")
    }
  }

  func perform() async throws {
    try await at.call {
      try await explain($0, Painter(isOn: Terminal.usesStyle)) { Terminal.print($0) }
    }
  }

  func explain(
    _ caller: SchedulerCaller, _ painter: Painter, _ print: (String) -> Void
  ) async throws {
    let answer = try await caller.client.explain(
      .init(
        store: at.store, contact: contact ?? "", cart: cart ?? "",
        at: try TimeOption.range(from: from, to: to)),
      options: caller.options)
    if output.isJSON { return print(output.line(try ContractJSON().value(answer))) }
    for line in ExplainText(answer, painter).lines { print(line) }
  }
}

/// An explanation as a person reads it.
struct ExplainText {
  let lines: [String]

  init(_ answer: SchedulerV1.ExplainResponse, _ painter: Painter) {
    let serviceWidth = answer.lines.map(\.service.count).max() ?? 0
    var lines: [String] = []
    var episode = ""
    for line in answer.lines {
      if !line.episode.isEmpty && line.episode != episode {
        if !lines.isEmpty { lines.append("") }
        lines.append(painter.heading("episode \(Printable.text(line.episode))"))
        episode = line.episode
      }
      lines.append(ExplainText.text(line, serviceWidth, painter))
    }
    if answer.lines.isEmpty { lines.append("Nothing is known of it: no rule was evaluated.") }
    if answer.lines.count == 10_000 { lines.append("Older lines are left out: there are more.") }
    lines += ExplainText.summary(answer.lines, painter)
    for service in answer.missing {
      lines.append(painter.bad("\(Printable.text(service)) did not answer: its rules are missing"))
    }
    self.lines = lines
  }

  private static func text(
    _ line: SchedulerV1.ExplainResponse.Line, _ serviceWidth: Int, _ painter: Painter
  ) -> String {
    let space = String(repeating: " ", count: max(0, serviceWidth - line.service.count))
    let version = line.version.isEmpty ? "" : " (\(line.version))"
    let inputs = line.inputs.map { "\($0.name) = \(MessageTexts.text($0))" }
      .joined(separator: ", ")
    let reason = MessageTexts.reason.name(line.reason)
    let isOrdered = reason.isEmpty && !line.order.isEmpty
    let mark =
      reason.isEmpty ? isOrdered ? painter.good("✓") : painter.soft("·") : painter.bad("✗")
    let place = [line.step.isEmpty ? "" : "step \(line.step)"].filter { !$0.isEmpty }
    let parts =
      [
        painter.soft(ValueText.text(line.at)), Printable.text(line.service) + space, mark,
        Printable.text((place + [line.rule + version]).joined(separator: ", ") + ":"),
        verdict(Printable.text(line.result), reason, isOrdered, painter),
      ] + (inputs.isEmpty ? [] : [painter.soft("[" + Printable.text(inputs) + "]")])
    return parts.joined(separator: "  ")
  }

  private static func verdict(
    _ result: String, _ reason: String, _ isOrdered: Bool, _ painter: Painter
  ) -> String {
    if !reason.isEmpty { return painter.bad(result.isEmpty ? reason : "\(result) \(reason)") }
    return isOrdered ? painter.good(result) : result
  }

  /// How often what came of it.
  private static func summary(
    _ lines: [SchedulerV1.ExplainResponse.Line], _ painter: Painter
  ) -> [String] {
    if lines.isEmpty { return [] }
    let ordered = Set(lines.filter { $0.reason == .unspecified }.map(\.order)).subtracting([""])
    var reasons: [CommonV1.ReasonCode: Int] = [:]
    for line in lines where line.reason != .unspecified { reasons[line.reason, default: 0] += 1 }
    let told = reasons.sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }
      .map { "\(MessageTexts.reason.name($0.key)) \($0.value)" }
    let parts = ["\(lines.count) rules", "\(ordered.count) ordered"] + told
    return ["", painter.heading(parts.joined(separator: ", "))]
  }
}

/// Colours for a person at a terminal.
struct Painter {
  let isOn: Bool

  func good(_ text: String) -> String { styled(text, "32") }
  func bad(_ text: String) -> String { styled(text, "31") }
  func soft(_ text: String) -> String { styled(text, "2") }
  func heading(_ text: String) -> String { styled(text, "1") }

  private func styled(_ text: String, _ style: String) -> String {
    isOn && !text.isEmpty ? "\u{1b}[\(style)m\(text)\u{1b}[0m" : text
  }
}
