internal import Storage

/// One pass over all that is due: it goes on behind what it has seen, so that enrolments whose
/// facts are not to be had now keep nobody behind them waiting.
struct DueRound {
  /// Where it goes on in a bucket.
  struct Cursor {
    var dueAt: Int64
    var number: Int64

    static let start = Cursor(dueAt: .min, number: .min)
  }

  private var cursors: [UInt8: Cursor] = [:]
  /// Stores that the tracker gave no facts for.
  var away: Set<String> = []
  /// Of them, those whose settings are not known either.
  var withoutProfile: Set<String> = []
  /// Why some were left over.
  var failure: (any Error)?

  /// The next rows in due order.
  ///
  /// - Parameters:
  ///   - limit: rows wanted at most, about.
  ///   - isExact: none is returned before one that is due earlier, over all buckets.
  mutating func next(
    _ heads: DueHeads, until now: Int64, limit: Int, isExact: Bool, _ session: any StorageSession
  ) throws -> [EnrolmentRow] {
    let buckets = heads.due(by: now)
    if buckets.isEmpty { return [] }
    let share = max(8, limit / buckets.count)
    var rows: [EnrolmentRow] = []
    // Behind it a bucket may have rows that were not read.
    var frontier = Int64.max
    for bucket in buckets {
      let cursor = cursors[bucket] ?? .start
      let read = try session.all(
        EnrolmentStatements.due,
        [
          .integer(bucket), .integer(now), .integer(cursor.dueAt), .integer(cursor.number),
          .integer(share),
        ]
      ) { try EnrolmentRow($0, bucket: bucket) }
      if read.count == share, let last = read.last?.enrolment.dueAt {
        frontier = min(frontier, last)
      }
      rows += read
    }
    if isExact { rows.removeAll { ($0.enrolment.dueAt ?? .min) > frontier } }
    rows.sort { DueRound.isBefore($0.enrolment, $1.enrolment) }
    for row in rows {
      cursors[row.enrolment.bucket] = Cursor(
        dueAt: row.enrolment.dueAt ?? .min, number: row.enrolment.place.number)
    }
    return rows
  }

  /// Equal instants in order of their places, so that a run can be repeated.
  private static func isBefore(_ left: Enrolment, _ right: Enrolment) -> Bool {
    if left.dueAt != right.dueAt { return (left.dueAt ?? .min) < (right.dueAt ?? .min) }
    if left.bucket != right.bucket { return left.bucket < right.bucket }
    return left.place.number < right.place.number
  }
}
