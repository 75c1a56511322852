internal import Messages

/// Flows as a scheduler answers them.
enum FlowSteps {
  typealias Step = SchedulerV1.FlowStep

  static func step(
    _ name: String, _ kind: SchedulerV1.StepKind, _ summary: String, _ branches: [(String, String)]
  ) -> Step {
    Step(
      name: name, kind: kind, channel: kind == .send ? .email : .unspecified, summary: summary,
      branches: branches.map { .init(label: $0.0, step: $0.1) })
  }

  /// The reference flow's shape, its branches joined before a last message.
  static let joined: [Step] = [
    step("pause-1", .pause, "wait 1 day", [("", "check")]),
    step("check", .evaluateData, "check bought", [("bought", "exit-1"), ("none matched", "mail")]),
    step("exit-1", .exit, "exit", []),
    step("mail", .send, "e-mail cart-reminder", [("", "event")]),
    step(
      "event", .evaluateEvent, "wait up to 1 day for mail",
      [("clicked", "help"), ("opened", "pause-2"), ("no action", "last")]),
    step("help", .send, "e-mail cart-help", [("", ""), ("if not sent", "last")]),
    step("pause-2", .pause, "wait 1 day", [("", "last")]),
    step("last", .send, "SMS cart-sms", [("", "")]),
  ]

  /// A flow as chance makes it: every way leads down, every step is reached.
  static func random(_ random: inout SeededRandom, count: Int) -> [Step] {
    var ways: [[(String, String)]] = Array(repeating: [], count: count)
    for index in 1..<max(1, count) {
      let source = Int.random(in: max(0, index - 6)..<index, using: &random)
      ways[source].append(("to \(index)", "s\(index)"))
    }
    for index in 0..<count {
      for _ in 0..<Int.random(in: 0...2, using: &random) where index + 1 < count {
        let target = Int.random(in: (index + 1)..<count, using: &random)
        ways[index].append(("way \(ways[index].count)", "s\(target)"))
      }
      if ways[index].count == 1 { ways[index][0].0 = "" }
      if ways[index].isEmpty && Bool.random(using: &random) { ways[index] = [("", "")] }
    }
    let kinds: [SchedulerV1.StepKind] = [.evaluateData, .evaluateEvent, .split, .send]
    return ways.enumerated().map { index, ways in
      let kind: SchedulerV1.StepKind =
        ways.isEmpty ? .exit : ways.count == 1 ? .pause : kinds[index % kinds.count]
      return step("s\(index)", kind, "step number \(index)", ways)
    }
  }
}
