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

  /// Rows of a bucket that are taken at once where no order over buckets is kept. Fewer, and each
  /// changes nearly as many pages as all of them; more, and other buckets wait longer.
  static let shareOfBucket = 512

  private var cursors: [UInt8: Cursor] = [:]
  /// Where the next batch begins.
  private var nextBucket: UInt8 = 0
  /// Stores that the tracker gave no facts for.
  var away: Set<String> = []
  /// Of them, those whose settings are not known either.
  var withoutProfile: Set<String> = []
  /// Why some were left over.
  var failure: (any Error)?

  /// The next rows: in due order over all buckets where that is asked for, else bucket by bucket.
  ///
  /// - Parameters:
  ///   - limit: rows wanted at most, about.
  ///   - isExact: none is returned before one that is due earlier, over all buckets.
  mutating func next(
    _ heads: DueHeads, until now: Int64, limit: Int, isExact: Bool, _ session: any StorageSession
  ) throws -> [EnrolmentRow] {
    let buckets = heads.due(by: now)
    if buckets.isEmpty { return [] }
    let rows =
      isExact
      ? try inOrder(buckets, now, limit, session) : try byBucket(buckets, now, limit, session)
    for row in rows {
      cursors[row.enrolment.bucket] = Cursor(
        dueAt: row.enrolment.dueAt ?? .min, number: row.enrolment.place.number)
    }
    return rows
  }

  private func inOrder(
    _ buckets: [UInt8], _ now: Int64, _ limit: Int, _ session: any StorageSession
  ) throws -> [EnrolmentRow] {
    let share = max(8, limit / buckets.count)
    var rows: [EnrolmentRow] = []
    // Behind it a bucket may have rows that were not read.
    var frontier = Int64.max
    for bucket in buckets {
      let read = try due(bucket, now, share, session)
      if read.count == share, let last = read.last?.enrolment.dueAt {
        frontier = min(frontier, last)
      }
      rows += read
    }
    rows.removeAll { ($0.enrolment.dueAt ?? .min) > frontier }
    rows.sort { DueRound.isBefore($0.enrolment, $1.enrolment) }
    return rows
  }

  /// Many of a bucket lie together and share the pages that their decisions change: with few of
  /// each of 256 buckets a step took twice as long.
  private mutating func byBucket(
    _ buckets: [UInt8], _ now: Int64, _ limit: Int, _ session: any StorageSession
  ) throws -> [EnrolmentRow] {
    let first = buckets.firstIndex { $0 >= nextBucket } ?? 0
    var rows: [EnrolmentRow] = []
    for bucket in buckets[first...] + buckets[..<first] {
      rows += try due(bucket, now, min(DueRound.shareOfBucket, limit), session)
      nextBucket = bucket &+ 1
      if rows.count >= limit { break }
    }
    return rows
  }

  private func due(
    _ bucket: UInt8, _ now: Int64, _ limit: Int, _ session: any StorageSession
  ) throws -> [EnrolmentRow] {
    let cursor = cursors[bucket] ?? .start
    return try session.all(
      EnrolmentStatements.due,
      [
        .integer(bucket), .integer(now), .integer(cursor.dueAt), .integer(cursor.number),
        .integer(limit),
      ]
    ) { try EnrolmentRow($0, bucket: bucket) }
  }

  /// Equal instants in order of their places, so that a run can be repeated.
  private static func isBefore(_ left: Enrolment, _ right: Enrolment) -> Bool {
    if left.dueAt != right.dueAt { return (left.dueAt ?? .min) < (right.dueAt ?? .min) }
    if left.bucket != right.bucket { return left.bucket < right.bucket }
    return left.place.number < right.place.number
  }
}
