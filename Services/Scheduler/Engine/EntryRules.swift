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
    /// Itself, while nothing was ordered or given in it: a more valuable cart may take its place.
    let pending: Enrolment?

    init(_ enrolment: Enrolment) {
      id = enrolment.id
      isRunning = enrolment.phase == .waiting
      let hasEntered = enrolment.phase == .waiting || enrolment.phase == .ended
      enteredAt = hasEntered ? enrolment.startedAt : nil
      entering = enrolment.phase == .entering ? enrolment : nil
      pending = isRunning && enrolment.hasGivenNothing ? enrolment : nil
    }
  }

  enum Verdict: Equatable {
    /// - Parameter insteadOf: one that runs and is to end, since this cart leads (C28).
    case enters(insteadOf: Identifier?)
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
    // It may have entered, and been written to, before a restored database knew of it (T31).
    let began = enrolment.happenedAt > 0 ? enrolment.happenedAt : enrolment.startedAt
    if began <= input.unknownUntil { return .refused(.restored, other: nil) }
    if !enrolment.enrols { return .refused(.detectionOff, other: nil) }
    if enrolment.contact.isEmpty { return .refused(.noDestination, other: nil) }
    if let entry = flow.entry {
      guard let sheet = EnrolmentMachine.sheet(enrolment, input) else { return .needsFacts }
      if !entry.isMet(sheet) { return .refused(.conditionNotMet, other: nil) }
    }
    var replaced: Identifier?
    if let running = others.first(where: \.isRunning) {
      switch leads(enrolment, over: running) {
      case true: replaced = running.id
      case false: return .refused(.merged, other: running.id)
      case nil: return .needsFacts
      }
    }
    let latest = others.filter { $0.id != replaced }
      .compactMap { other in other.enteredAt.map { (at: $0, id: other.id) } }
      .max { $0.at < $1.at }
    if flow.reEntry > 0, let latest, input.now < Micros.sum(latest.at, flow.reEntry) {
      return .refused(.reEntry, other: latest.id)
    }
    if let facts = input.facts, SendGate.isBought(enrolment, facts, input.store) {
      return .refused(.purchased, other: nil)
    }
    return leads(enrolment, insteadOf: replaced)
  }

  /// Whether its cart takes the place of one that was given up at the same instant and came first:
  /// which of them is met first must not decide. Nil: facts are needed.
  private func leads(_ enrolment: Enrolment, over running: Other) -> Bool? {
    guard let first = running.pending, first.happenedAt == enrolment.happenedAt,
      enrolment.happenedAt > 0, !first.cart.isEmpty, !enrolment.cart.isEmpty
    else { return false }
    guard let worth else { return nil }
    return EntryRules.isMore(worth[enrolment.cart] ?? [], than: worth[first.cart] ?? [])
  }

  /// What each cart comes to; nil without facts.
  private var worth: [String: [CommonV1.Money]]? {
    input.facts.map { facts in
      Dictionary(facts.carts.map { ($0.id, $0.totals) }) { first, _ in first }
    }
  }

  /// Of several that would enter at one instant the one with the most valuable cart does (C28).
  private func leads(_ enrolment: Enrolment, insteadOf replaced: Identifier?) -> Verdict {
    let rivals = others.compactMap(\.entering).filter { rival in
      rival.dueAt.map { $0 <= input.now } == true && !rival.cart.isEmpty
    }
    if rivals.isEmpty || enrolment.cart.isEmpty { return .enters(insteadOf: replaced) }
    guard let worth else { return .needsFacts }
    let alone = EntryRules(
      flow: flow, input: input, others: others.filter { $0.entering == nil })
    let best = rivals.filter { alone.judge($0).isEntry }.reduce(enrolment) { best, rival in
      EntryRules.isMore(worth[rival.cart] ?? [], than: worth[best.cart] ?? []) ? rival : best
    }
    return best.id == enrolment.id
      ? .enters(insteadOf: replaced) : .refused(.merged, other: best.id)
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

extension EntryRules.Verdict {
  fileprivate var isEntry: Bool {
    if case .enters = self { true } else { false }
  }
}
