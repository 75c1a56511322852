internal import Messages
internal import Storage

/// The lines of an explanation, in order of time (X01). Pure.
struct Explanation {
  private static let linesMax = 10_000
  private static let service = "scheduler"

  private(set) var lines: [SchedulerV1.ExplainResponse.Line] = []
  let range: CommonV1.TimeRange?

  init(within range: CommonV1.TimeRange?) { self.range = range }

  /// Oldest first; the newest ones where there are too many.
  var sorted: [SchedulerV1.ExplainResponse.Line] {
    let sorted = lines.enumerated().sorted { left, right in
      let (a, b) = (Explanation.instant(left.element), Explanation.instant(right.element))
      return a != b ? a < b : left.offset < right.offset
    }.map(\.element)
    return Array(sorted.suffix(Explanation.linesMax))
  }

  private static func instant(_ line: SchedulerV1.ExplainResponse.Line) -> Int64 {
    line.at.map(Micros.of) ?? 0
  }

  private mutating func add(_ line: SchedulerV1.ExplainResponse.Line) {
    if range.contains(Explanation.instant(line)) { lines.append(line) }
  }

  // MARK: - The tracker's

  mutating func add(_ episode: CartTrackerV1.Episode) {
    var result = "Cart \(episode.cart) was given up"
    if !episode.enrols { result += "; it enrols nobody" }
    add(
      .init(
        at: episode.knownAt ?? episode.abandonedAt, service: "cart-tracker", rule: "abandonment",
        inputs: [
          .init(name: "state", value: .text("\(episode.state)")),
          .init(name: "trigger", value: .text("\(episode.trigger)")),
        ], result: result + ".", episode: episode.id))
  }

  // MARK: - Our own

  mutating func add(_ enrolment: Enrolment, decisions: [DecisionRow.Read]) {
    let version = "\(enrolment.flow) \(enrolment.version)"
    var line = SchedulerV1.ExplainResponse.Line(
      at: Micros.timestamp(enrolment.startedAt), service: Explanation.service, rule: "entry",
      version: version, episode: enrolment.episode, enrolment: enrolment.id.text)
    switch enrolment.phase {
    case .refused:
      line.result = "Did not enter: \(Explanation.words(enrolment.reason))."
      line.reason = enrolment.reason
    case .entering: line.result = "Is to enter when its time comes."
    case .waiting, .ended: line.result = "Entered the flow."
    }
    add(line)
    for read in decisions { add(read, enrolment) }
    guard enrolment.phase == .ended, let endedAt = enrolment.endedAt else { return }
    add(
      .init(
        at: Micros.timestamp(endedAt), service: Explanation.service, rule: "end",
        version: version, result: "Ended: \(Explanation.words(enrolment.reason)).",
        reason: enrolment.reason, episode: enrolment.episode, enrolment: enrolment.id.text))
  }

  private mutating func add(_ read: DecisionRow.Read, _ enrolment: Enrolment) {
    let record = read.record
    var line = SchedulerV1.ExplainResponse.Line(
      at: Micros.timestamp(record.decidedAt), service: Explanation.service, rule: record.step,
      version: "\(enrolment.flow) \(read.version)", inputs: record.facts,
      episode: enrolment.episode, enrolment: enrolment.id.text, step: record.step,
      order: record.order?.text ?? "")
    let template = record.template.isEmpty ? "" : " \(record.template)"
    switch record.verdict {
    case .sent: line.result = "Ordered\(template)."
    case .wouldSend: line.result = "Would have ordered\(template): the mode allows no send."
    case .skipped, .ended:
      let verb = record.verdict == .ended ? "Ended" : "Skipped"
      line.result = "\(verb): \(Explanation.words(record.reason))."
      line.reason = record.reason
    case .deferred:
      line.result = "Waits: \(Explanation.words(record.reason))."
      line.reason = record.reason
    default: line.result = record.branch.isEmpty ? "Passed." : "Went on with `\(record.branch)`."
    }
    add(line)
  }

  /// What somebody was given, by which terms.
  ///
  /// - Parameter campaign: as it is now; nil where it is not known any more.
  mutating func add(_ gift: Gift, _ campaign: Campaign?) {
    let given = gift.contract
    var inputs: [CommonV1.Attribute] = [
      .init(name: "gift", value: .text("\(gift.content.kind)")),
      .init(name: "state", value: .text("\(gift.state)")),
      .init(name: "carts", value: .text(gift.carts.joined(separator: ", "))),
    ]
    if !gift.code.isEmpty { inputs.append(.init(name: "code", value: .text(gift.code))) }
    if let liability = given.liability {
      inputs.append(.init(name: "liability", value: .money(liability)))
    }
    if let expires = given.expiresAt {
      inputs.append(.init(name: "expires", value: .instant(expires)))
    }
    if let period = campaign?.limitPeriod {
      inputs.append(.init(name: "one in days", value: .number(Double(period / Micros.day))))
    }
    for budget in campaign?.terms.budgets ?? [] {
      inputs.append(.init(name: "budget", value: .money(budget)))
    }
    let verb = gift.isDry ? "Would have been given" : "Was given"
    let order = gift.redeemedBy.isEmpty ? "" : "; redeemed by order \(gift.redeemedBy)"
    add(
      .init(
        at: given.givenAt, service: Explanation.service, rule: "incentive \(gift.incentive)",
        version: campaign.map { "revision \($0.revision)" } ?? "", inputs: inputs,
        result: "\(verb) \(gift.incentive)\(order)."))
  }

  // MARK: - The notifier's

  mutating func add(_ message: NotifierV1.OutboundMessage) {
    let order = message.order
    var line = SchedulerV1.ExplainResponse.Line(
      at: message.endedAt ?? message.takenAt, service: "notifier", rule: "hand-off",
      version: message.templateVersion == 0
        ? "" : "\(order?.template ?? "") \(message.templateVersion)",
      result: "Message is \(message.state)", reason: message.reason,
      episode: order?.episode ?? "", enrolment: order?.enrolment ?? "", step: order?.step ?? "",
      order: order?.id ?? "")
    if message.reason != .unspecified {
      line.result += ": \(Explanation.words(message.reason))"
    }
    line.result += "."
    add(line)
    for outcome in message.outcomes {
      add(
        .init(
          at: outcome.at, service: "notifier", rule: "outcome", result: "\(outcome.kind).",
          reason: outcome.reason, episode: order?.episode ?? "",
          enrolment: order?.enrolment ?? "", step: order?.step ?? "", order: outcome.order))
    }
  }

  /// A reason's name as words.
  private static func words(_ reason: CommonV1.ReasonCode) -> String {
    let name = "\(reason)".split(separator: "_").dropFirst(2).joined(separator: " ")
    return name.isEmpty ? "\(reason)" : name.lowercased()
  }
}
