internal import ServiceKit
internal import Storage

/// Ends what was given once its time is over: its share of the budget is free again, and what
/// never left goes back to its pool. Whoever gives or redeems looks at the time itself, so that a
/// late run costs room and lets nothing through.
struct IncentiveUpkeep: Worker {
  private static let interval: Duration = .seconds(600)
  /// Of a transaction.
  private static let rowsMax = 256

  let name = "incentives"
  let ledger: Ledger

  func runOnce(now: Instant) throws -> NextRun {
    var isMore = false
    for bucket in UInt8.min...UInt8.max {
      if try end(in: bucket, now.microseconds) == IncentiveUpkeep.rowsMax { isMore = true }
    }
    return isMore ? .again : .at(now + IncentiveUpkeep.interval)
  }

  private func end(in bucket: UInt8, _ now: Int64) throws -> Int {
    let values: [SQLValue] = [
      .integer(bucket), .integer(now), .integer(IncentiveUpkeep.rowsMax),
    ]
    let isDue = try ledger.engine.read { session in
      try session.first(IncentiveStatements.ended, values) { _ in true } ?? false
    }
    guard isDue else { return 0 }
    return try ledger.write(now: now) { writing in
      let gifts = try writing.session.all(IncentiveStatements.ended, values) { try Gift($0) }
      for gift in gifts {
        var changed = gift
        changed.end(at: now)
        try writing.put(changed, replacing: gift)
      }
      return gifts.count
    }
  }
}
