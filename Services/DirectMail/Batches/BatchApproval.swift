internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Wire

/// The end of a batch's joining: it closes, or waits for somebody's approval (F21). All of it in
/// transactions.
///
/// A held batch has no grants: what is bought or objected to meanwhile stops its pieces as before,
/// and those that expire while nobody decides are not printed.
enum BatchApproval {
  /// Lets no piece join from now on.
  ///
  /// - Parameter caller: who closes it before its cut-off; empty at it.
  static func end(
    _ batch: BatchRow, by caller: String, _ now: Int64, _ session: any StorageSession
  ) throws {
    guard let over = try limit(over: batch, session) else {
      try session.execute(
        BatchStatements.beginClosing,
        [
          batch.key.bucketValue, batch.key.idValue, .integer(now),
          .integer(min(batch.cutOffAt, now)),
        ])
      return
    }
    var log = batch.log
    log.heldAt = .init(microseconds: now)
    log.approvalOver = over
    log.closedBy = caller
    try session.execute(
      BatchStatements.hold,
      [
        batch.key.bucketValue, batch.key.idValue, .integer(now),
        .integer(min(batch.cutOffAt, now)), .blob(try Stored.encode(log)),
      ])
  }

  /// The limit that the batch's pieces cost more than; nil where none is. Samples cost nobody
  /// anything.
  private static func limit(
    over batch: BatchRow, _ session: any StorageSession
  ) throws -> CommonV1.Money? {
    if batch.isSample || batch.state != .open { return nil }
    for cost in try BatchPieces.sum(of: batch.key, session).cost {
      let currency = cost.currencyCode
      let budget = try Budgets.find(StoreKey(batch.store), currency, session)
      if let over = budget?.approvalOver, cost.billionths ?? .max > over {
        return Price.money(over, currency)
      }
    }
    return nil
  }

  /// When the last piece of a held batch has expired: it closes then, and nothing is printed.
  static func expiry(_ batch: BatchKey, _ session: any StorageSession) throws -> Int64 {
    var last = Int64.min
    try BatchPieces.each(of: batch, session) { last = max(last, $0.expiresAt) }
    return last.addingReportingOverflow(1).partialValue
  }

  /// A held batch closes now: approved, or with nothing left to print.
  static func release(
    _ batch: BatchRow, _ log: DirectMailV1.Batch, _ now: Int64, _ session: any StorageSession
  ) throws {
    try session.execute(
      BatchStatements.release,
      [
        batch.key.bucketValue, batch.key.idValue, .integer(now), .blob(try Stored.encode(log)),
      ])
  }

  /// - Throws: FAILED_PRECONDITION for a batch that is not held, and for whoever made it so.
  static func check(
    _ batch: BatchRow, by caller: String, _ session: any StorageSession
  ) throws {
    guard batch.state == .held else {
      throw RPCError(.failedPrecondition, "the batch is \(batch.state), not held")
    }
    let currency = batch.log.approvalOver?.currencyCode ?? ""
    let budget = try Budgets.find(StoreKey(batch.store), currency, session)
    guard caller != budget?.approvalSetBy, caller != batch.log.closedBy else {
      throw RPCError(
        .failedPrecondition,
        "a held batch is decided on by somebody else than who set the limit or closed it early")
    }
  }
}
