internal import Messages
internal import ServiceKit

/// A flow as the contract shows it: its steps with one line for people each, and the ways on.
enum FlowGraph {
  /// The first is where enrolments begin, the others in the order of the text.
  static func steps(_ flow: FlowDefinition) -> [SchedulerV1.FlowStep] {
    let shown = flow.steps.map { step($0, flow) }
    guard let first = flow.first, first > 0 else { return shown }
    return [shown[first]] + shown[..<first] + shown[(first + 1)...]
  }

  private static func step(_ step: FlowStep, _ flow: FlowDefinition) -> SchedulerV1.FlowStep {
    var shown = SchedulerV1.FlowStep(
      name: step.name, kind: kind(step.action), summary: Quoted.cut(summary(step, flow), 256),
      line: UInt32(clamping: step.line), branches: branches(step, flow))
    if case .send(let send) = step.action {
      shown.channel = send.channel
      shown.template = send.template
    }
    return shown
  }

  private static func kind(_ action: StepAction) -> SchedulerV1.StepKind {
    switch action {
    case .pause: .pause
    case .evaluateData: .evaluateData
    case .evaluateEvent: .evaluateEvent
    case .send: .send
    case .incentive, .give: .incentive
    case .tag: .tag
    case .split: .split
    case .exit: .exit
    }
  }

  // MARK: - Ways

  private static func branches(
    _ step: FlowStep, _ flow: FlowDefinition
  ) -> [SchedulerV1.FlowStep.Branch] {
    func branch(_ label: String, _ index: FlowDefinition.StepIndex?) -> SchedulerV1.FlowStep.Branch
    {
      .init(label: label, step: index.map { flow.steps[$0].name } ?? "")
    }
    switch step.action {
    case .exit: return []
    case .evaluateData(let branches):
      return branches.map { branch($0.label, $0.then) } + [branch("none matched", step.next)]
    case .evaluateEvent(let wait):
      return wait.branches.map { branch(word($0.outcome), $0.then) }
        + [branch("no action", step.next)]
    case .split(let branches):
      return branches.map { branch("\($0.label) \(percent($0.share))", $0.then) }
    case .send(let send):
      let sent = branch("", step.next)
      return send.fallback.map { [sent, branch("if not sent", $0.then)] } ?? [sent]
    case .give(let give):
      let given = branch("", step.next)
      return give.otherwise.map { [given, branch("otherwise", $0.then)] } ?? [given]
    default: return [branch("", step.next)]
    }
  }

  static func word(_ outcome: CommonV1.OutcomeKind) -> String {
    FlowReader.outcomes.first { $0.kind == outcome }?.key ?? "\(outcome)"
  }

  // MARK: - Summaries

  private static func summary(_ step: FlowStep, _ flow: FlowDefinition) -> String {
    switch step.action {
    case .pause(let pause): self.pause(pause)
    case .evaluateData(let branches):
      branches.isEmpty ? "check nothing" : "check " + names(branches)
    case .evaluateEvent(let wait):
      "watch \(flow.steps[wait.of].name) for up to \(PlainValues.text(.span(wait.within)))"
    case .send(let send): self.send(send)
    case .incentive(let step): incentive(step)
    case .give(let give): "give \(give.incentive)"
    case .tag(let add, let remove):
      "tag " + (add.map { "+\($0)" } + remove.map { "−\($0)" }).joined(separator: ", ")
    case .split(let branches):
      "split " + branches.map { percent($0.share) }.joined(separator: " / ")
    case .exit: "exit"
    }
  }

  private static func names(_ branches: [DataBranch]) -> String {
    Set(branches.flatMap { $0.when.factNames }).map(\.text).sorted().joined(separator: ", ")
  }

  private static func pause(_ pause: Pause) -> String {
    let period = pause.period.map { "wait \(PlainValues.text($0))" }
    guard let until = pause.until.map(PlainValues.text) else { return period ?? "wait" }
    return period.map { "\($0), then until \(until)" } ?? "wait until \(until)"
  }

  private static func send(_ send: SendStep) -> String {
    let to = send.recipients.isEmpty ? "" : " to " + send.recipients.joined(separator: ", ")
    let hours = send.window.map { ", " + SendWindowText.text($0) } ?? ""
    return "\(word(send.channel)) \(send.template)\(to)\(hours)"
  }

  /// Such as `e-mail`.
  static func word(_ channel: CommonV1.Channel) -> String {
    switch channel {
    case .email: "e-mail"
    case .sms: "SMS"
    case .chat: "chat"
    case .push: "push"
    case .internal: "notify staff"
    case .webhook: "webhook"
    case .letter: "letter"
    case .postcard: "postcard"
    default: "\(channel)"
    }
  }

  /// Such as `an e-mail`.
  static func noun(_ channel: CommonV1.Channel) -> String {
    switch channel {
    case .email: "an e-mail"
    case .sms: "an SMS"
    case .chat: "a chat message"
    case .push: "a push message"
    case .internal: "a notice to staff"
    default: "a \(word(channel))"
    }
  }

  private static func incentive(_ step: IncentiveStep) -> String {
    let incentive = step.incentive
    var text: String =
      switch incentive.kind {
      case .percentage: "\(percent(Int(incentive.basisPoints))) off"
      case .amount: incentive.amount.map { "\(PlainValues.text($0)) off" } ?? "amount"
      case .freeShipping: "free shipping"
      case .loyaltyPoints: "\(incentive.points) points"
      case .sample: "sample \(incentive.item)"
      default: "resource \(incentive.item)"
      }
    if !incentive.code.isEmpty { text += ", code \(incentive.code)" }
    if let validFor = step.validFor { text += ", valid \(PlainValues.text(.span(validFor)))" }
    return text
  }

  /// Hundredths of a percent, such as `12.5 %`.
  static func percent(_ basisPoints: Int) -> String {
    let (whole, rest) = basisPoints.quotientAndRemainder(dividingBy: 100)
    if rest == 0 { return "\(whole) %" }
    return "\(whole).\(rest < 10 ? "0" : "")\(rest % 10 == 0 ? rest / 10 : rest) %"
  }
}

extension FlowDefinition.Start {
  var contract: SchedulerV1.FlowStart {
    switch self {
    case .cartAbandoned: .cartAbandoned
    case .tagAdded: .tagAdded
    case .profileChanged: .profileChanged
    case .signal: .signal
    case .schedule: .schedule
    }
  }
}
