internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Stubs

/// Writes what becomes of pieces: the row, its history, what the budget gets back, and what the
/// scheduler is told, all in the caller's transaction.
struct PieceLog: Sendable {
  let outcomes: OutcomeReports

  /// Moves a piece to another state; false where it has moved meanwhile.
  ///
  /// - Parameter at: when it happened.
  func move(
    _ piece: PieceRow, to state: DirectMailV1.PieceState,
    _ reason: CommonV1.ReasonCode = .unspecified, at: Int64, now: Int64, note: String = "",
    _ session: any StorageSession,
    _ change: (inout DirectMailV1.MailPiece) -> Void = { _ in }
  ) throws -> Bool {
    precondition(state != piece.state)
    var log = piece.log
    change(&log)
    log.history.append(.init(state: state, at: .init(microseconds: at), note: note))
    guard
      try write(
        piece, state, reason, batch: piece.batch, cutOffAt: piece.cutOffAt, log, session)
    else { return false }
    let ends: Set<DirectMailV1.PieceState> = [.skipped, .withdrawn, .failed]
    // What may have been printed may have cost what it costs.
    if ends.contains(state) && reason != .restored { try Budgets.giveBack(piece, session) }
    if let kind = reason == .restored ? .unknown : state.outcome {
      var outcome = piece.outcome(kind, reason, at: at)
      if state == .submitted { outcome.grant = log.grant }
      try outcomes.put(outcome, piece.key.bucket, now, session)
    }
    return true
  }

  /// Lets a piece wait for another batch; the scheduler is told where the reason is a new one.
  ///
  /// - Returns: the batch.
  func hold(
    _ piece: PieceRow, _ reason: CommonV1.ReasonCode, field: String, _ plan: BatchPlan,
    now: Int64, _ session: any StorageSession
  ) throws -> BatchKey {
    let batch = try plan.join(session)
    var log = piece.log
    log.field = field
    guard
      try write(
        piece, .accepted, reason, batch: batch.id, cutOffAt: plan.plannedAt, log, session)
    else { return batch }
    if reason == piece.reason { return batch }
    var outcome = piece.outcome(.deferred, reason, at: now, discriminator: "\(reason.rawValue)")
    outcome.deferredUntil = .init(microseconds: plan.plannedAt)
    try outcomes.put(outcome, piece.key.bucket, now, session)
    return batch
  }

  private func write(
    _ piece: PieceRow, _ state: DirectMailV1.PieceState, _ reason: CommonV1.ReasonCode,
    batch: [UInt8], cutOffAt: Int64, _ log: DirectMailV1.MailPiece, _ session: any StorageSession
  ) throws -> Bool {
    try session.execute(
      PieceStatements.move,
      [
        piece.key.bucketValue, piece.key.idValue, .integer(piece.state.rawValue),
        .integer(state.rawValue), .integer(reason.rawValue), .blob(batch), .integer(cutOffAt),
        .blob(try Stored.encode(log)),
      ]) == 1
  }
}

/// Outcomes on their way to the scheduler.
struct OutcomeReports: Sendable {
  static let target = "scheduler"

  private let outbox = Outbox(target: OutcomeReports.target)
  /// Nil where nobody is told.
  let sender: OutboxSender?

  init(sender: OutboxSender?) { self.sender = sender }

  /// In the transaction of the change that it tells of.
  func put(
    _ outcome: CommonV1.Outcome, _ bucket: UInt8, _ now: Int64, _ session: any StorageSession
  ) throws {
    guard sender != nil else { return }
    let row = SchedulerV1.TakeOutcomesRequest.Row(outcome: outcome)
    try outbox.put(session, bucket: bucket, [try Stored.encode(row)], now: now)
  }

  /// After the commit.
  func wake(_ buckets: [UInt8]) { sender?.wake(buckets) }
}

extension PieceRow {
  /// An outcome of it, with the id that it always has.
  func outcome(
    _ kind: CommonV1.OutcomeKind, _ reason: CommonV1.ReasonCode = .unspecified, at: Int64,
    discriminator: String = ""
  ) -> CommonV1.Outcome {
    CommonV1.Outcome(
      order: order.id, store: order.store, enrolment: order.enrolment, step: order.step,
      channel: order.channel, kind: kind, at: .init(microseconds: at), reason: reason,
      id: DerivedID.of("outcome", order.id, "\(kind.rawValue)", discriminator))
  }
}

extension DirectMailV1.PieceState {
  /// What the scheduler is told when it is entered; nil: nothing.
  var outcome: CommonV1.OutcomeKind? {
    switch self {
    case .submitted: .handedOver
    case .printed: .printed
    case .inTransit: .inTransit
    case .delivered: .delivered
    case .returned: .returned
    case .skipped: .skipped
    case .withdrawn: .withdrawn
    case .failed: .failed
    default: nil
    }
  }
}
