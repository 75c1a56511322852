internal import Messages

/// Who enters a flow: the rules in their order, each with its reason (X01). Pure.
struct EntryRules {
  /// Another enrolment of the same person, by any linked identity, in the same flow.
  struct Other: Sendable {
    let id: Identifier
    let isRunning: Bool
    /// When it entered; nil where it never did.
    let enteredAt: Int64?
    /// Itself, while it is about to enter.
    let entering: Enrolment?

    init(_ enrolment: Enrolment) {
      id = enrolment.id
      isRunning = enrolment.phase == .waiting
      let hasEntered = enrolment.phase == .waiting || enrolment.phase == .ended
      enteredAt = hasEntered ? enrolment.startedAt : nil
      entering = enrolment.phase == .entering ? enrolment : nil
    }
  }

  enum Verdict: Equatable {
    case enters
    case needsFacts
    case refused(CommonV1.ReasonCode, other: Identifier?)
  }

  let flow: FlowDefinition
  let input: DecisionInput
  let others: [Other]

  func judge(_ enrolment: Enrolment) -> Verdict {
    if input.mode == .draft { return .refused(.mode, other: nil) }
    // Known to us: an outage of ours makes it as old as one of the tracker's (F20).
    let known = max(enrolment.knownAt, enrolment.startedAt)
    let isTooOld = known > Micros.sum(enrolment.happenedAt, flow.maxAge)
    if isTooOld { return .refused(.tooOld, other: nil) }
    if !enrolment.enrols { return .refused(.detectionOff, other: nil) }
    if enrolment.contact.isEmpty { return .refused(.noDestination, other: nil) }
    if let entry = flow.entry {
      guard let sheet = EnrolmentMachine.sheet(enrolment, input) else { return .needsFacts }
      if !entry.isMet(sheet) { return .refused(.conditionNotMet, other: nil) }
    }
    if let running = others.first(where: \.isRunning) {
      return .refused(.merged, other: running.id)
    }
    let latest = others.compactMap { other in other.enteredAt.map { (at: $0, id: other.id) } }
      .max { $0.at < $1.at }
    if flow.reEntry > 0, let latest, input.now < Micros.sum(latest.at, flow.reEntry) {
      return .refused(.reEntry, other: latest.id)
    }
    if let facts = input.facts, SendGate.isBought(enrolment, facts, input.store) {
      return .refused(.purchased, other: nil)
    }
    return leads(enrolment)
  }

  /// Of several that would enter at one instant the one with the most valuable cart does (C28).
  private func leads(_ enrolment: Enrolment) -> Verdict {
    let rivals = others.compactMap(\.entering).filter { rival in
      rival.dueAt.map { $0 <= input.now } == true && !rival.cart.isEmpty
    }
    if rivals.isEmpty || enrolment.cart.isEmpty { return .enters }
    guard let carts = input.facts?.carts else { return .needsFacts }
    let worth = Dictionary(carts.map { ($0.id, $0.totals) }) { first, _ in first }
    let alone = EntryRules(
      flow: flow, input: input, others: others.filter { $0.entering == nil })
    let best = rivals.filter { alone.judge($0) == .enters }.reduce(enrolment) { best, rival in
      EntryRules.isMore(worth[rival.cart] ?? [], than: worth[best.cart] ?? []) ? rival : best
    }
    return best.id == enrolment.id ? .enters : .refused(.merged, other: best.id)
  }

  /// In the first currency that both have.
  private static func isMore(_ left: [CommonV1.Money], than right: [CommonV1.Money]) -> Bool {
    for money in left {
      if let other = right.first(where: { $0.currencyCode == money.currencyCode }) {
        return (money.units, money.nanos) > (other.units, other.nanos)
      }
    }
    return false
  }
}
