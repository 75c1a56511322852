internal import Delivery
internal import Messages
internal import Storage

/// What rows of the notifier's and direct-mail's outboxes do: outcomes are kept, and enrolments
/// that wait for one are due at once (F05).
struct OutcomeIntake {
  /// Outcomes of an order that are kept, as the contract has it.
  private static let keptMax: Int64 = 64

  let writing: Writing

  /// In the transaction that notes the row as taken.
  func apply(_ row: SchedulerV1.TakeOutcomesRequest.Row) throws -> Intake.Effect {
    guard let outcome = row.outcome, let order = Identifier(text: outcome.order),
      let enrolment = Identifier(text: outcome.enrolment), let id = Identifier(text: outcome.id)
    else { return .held("an id in it is not a UUID") }
    guard enrolment.bucket == order.bucket, let known = try writing.enrolment(enrolment),
      known.enrolment.store == outcome.store
    else { return .held("the store has no such enrolment") }
    guard known.enrolment.visits.contains(where: { $0.order?.id == order }) else {
      return .held("the enrolment has no such order")
    }
    guard try keep(outcome, order, id) else { return .stored }
    if let given = try writing.noteEnd(of: order, outcome.kind) {
      try Rewarding(writing: writing).confirmed(given)
    }
    var changed = known.enrolment
    let version = try writing.flows.version(of: changed, writing.session)
    let isNew = try changed.take(OrderOutcome(outcome, order), version, now: writing.now) {
      try writing.others(than: known.enrolment).allSatisfy(\.enrolment.isOver)
    }
    if isNew {
      try writing.change(known, to: changed)
      if let visit = changed.visits.first(where: { $0.order?.id == order }), visit.isReleased {
        try writing.release(order, of: OwnerKeys.owner(of: changed), at: visit.decidedAt)
      }
    }
    return .stored
  }

  /// - Returns: false where it is known.
  private func keep(
    _ outcome: CommonV1.Outcome, _ order: Identifier, _ id: Identifier
  ) throws -> Bool {
    let bucket = SQLValue.integer(order.bucket)
    try writing.fence(order.bucket)
    let count =
      try writing.session.first(EnrolmentStatements.outcomeCount, [bucket, order.value]) {
        try $0.integer(0)
      } ?? 0
    // What comes beyond is counted in the enrolment's row all the same.
    guard count < OutcomeIntake.keptMax else { return true }
    let at = outcome.at.map(Micros.of) ?? writing.now
    return try writing.session.execute(
      EnrolmentStatements.addOutcome,
      [bucket, order.value, id.value, .integer(at), .blob(try Stored.encode(outcome))]) == 1
  }
}

extension OrderOutcome {
  init(_ outcome: CommonV1.Outcome, _ order: Identifier) {
    self.init(
      order: order, kind: outcome.kind, at: outcome.at.map(Micros.of) ?? 0,
      reason: outcome.reason, isHuman: outcome.actor == .human)
  }
}
