internal import Messages
internal import ServiceKit

/// What is known of an outbox's rows, bucket by bucket: which may be sent now, which are under way,
/// which the target has. Decides; reads and sends nothing itself.
struct OutboxLanes {
  /// One bucket's rows.
  ///
  /// Rows up to `acknowledged` are done with; up to `committed` they are in the table. While a call
  /// has rows of it, nothing else of it is sent.
  private struct Lane {
    var committed: UInt64 = 0
    var acknowledged: UInt64 = 0
    /// Rows up to here may have been deleted.
    var forgotten: UInt64 = 0
    /// `committed` may have grown.
    var isStale = false
    var isUnderWay = false
    var failures = 0
    var stalledUntil: Instant?
    /// Up to here each row is sent alone, since one of them made a call fail.
    var aloneUntil: UInt64 = 0

    var isBusy: Bool { isStale || isUnderWay || acknowledged < committed }
  }

  /// Rows of one bucket that may be sent now.
  struct Wanted: Hashable {
    let bucket: UInt8
    /// After this one.
    let after: UInt64
    /// At most.
    let rows: Int
    /// In a call of its own.
    let isAlone: Bool
  }

  /// Rows of one bucket in a call.
  struct Share: Hashable {
    let bucket: UInt8
    let last: UInt64
    /// The bucket's last row when they were read, where these were all of them.
    let end: UInt64?
  }

  /// What a call came to.
  struct Result {
    /// Rows to be kept as held, with the reason.
    var held: [(bucket: UInt8, seq: UInt64, problem: String)] = []
    /// Rows that the target has.
    var acknowledged = 0
    /// The reason why some bucket waits; nil where none does.
    var stall: String?
    /// Most failures in a row of a bucket that waits.
    var failures = 0
  }

  private var lanes = [Lane](repeating: Lane(), count: 256)
  private var busy = 0
  /// Where the next look for rows begins, so that every bucket has its turn.
  private var turn = 0
  private let backoff: Backoff
  private var chance: SplitMix64

  init(backoff: Backoff, seed: UInt64) {
    self.backoff = backoff
    chance = SplitMix64(seed: seed)
  }

  /// Nothing waits, and nothing is under way.
  var isIdle: Bool { busy == 0 }

  private mutating func change<R>(_ bucket: UInt8, _ body: (inout Lane) -> R) -> R {
    let wasBusy = lanes[Int(bucket)].isBusy
    let result = body(&lanes[Int(bucket)])
    assert(lanes[Int(bucket)].acknowledged <= lanes[Int(bucket)].committed)
    if lanes[Int(bucket)].isBusy != wasBusy { busy += wasBusy ? -1 : 1 }
    return result
  }

  // MARK: - What there is

  /// Rows of the bucket were committed, it is not known how many.
  mutating func noteCommitted(_ bucket: UInt8) { change(bucket) { $0.isStale = true } }

  // MARK: - What to send

  /// Takes buckets whose rows may be sent now, in their turn: they are under way until `end`,
  /// `fail` or `giveBack` has them.
  ///
  /// - Parameters:
  ///   - calls: that there is room for.
  ///   - rowsMax: of one call. The buckets share it, so that no call has more than its share.
  mutating func take(now: Instant, calls: Int, rowsMax: Int) -> [Wanted] {
    if isIdle || calls == 0 { return [] }
    let ready = (0..<256).map { ($0 + turn) % 256 }.filter { index in
      let lane = lanes[index]
      return !lane.isUnderWay && (lane.isStale || lane.acknowledged < lane.committed)
        && lane.stalledUntil.map { $0 <= now } ?? true
    }
    guard let first = ready.first else { return [] }
    turn = (first + 1) % 256
    let together = (ready.count + calls - 1) / calls
    let share = max(1, rowsMax / together)
    return ready.prefix(calls * rowsMax).map { index in
      let lane = lanes[index]
      let isAlone = lane.acknowledged < lane.aloneUntil
      change(UInt8(index)) { lane in
        lane.isUnderWay = true
        lane.isStale = false
      }
      return Wanted(
        bucket: UInt8(index), after: lane.acknowledged, rows: isAlone ? 1 : share,
        isAlone: isAlone)
    }
  }

  /// The number of the bucket's last row, read together with its rows; how many more than known.
  mutating func noteEnd(_ bucket: UInt8, _ end: UInt64) -> UInt64 {
    change(bucket) { lane in
      let grown = end > lane.committed ? end - lane.committed : 0
      lane.committed += grown
      return grown
    }
  }

  /// None of the rows that were thought to wait is there: they are held, or were deleted.
  mutating func giveBack(_ bucket: UInt8, withNoneUntil end: UInt64) {
    change(bucket) { lane in
      lane.isUnderWay = false
      lane.stalledUntil = nil
      lane.acknowledged = min(lane.committed, max(lane.acknowledged, end))
    }
  }

  /// Its rows were not read, or not sent.
  mutating func giveBack(_ bucket: UInt8) {
    change(bucket) { lane in
      lane.isUnderWay = false
      lane.isStale = true
    }
  }

  /// When a bucket that has to wait may be sent again; nil where none has.
  var nextStallEnd: Instant? {
    lanes.filter { $0.isBusy && !$0.isUnderWay }.compactMap(\.stalledUntil).min()
  }

  // MARK: - What came of it

  /// The target answered.
  mutating func end(
    _ shares: [Share], _ rows: [OutboxRow], _ receipts: [CommonV1.Receipt], now: Instant
  ) -> Result {
    var result = Result()
    var reached: [UInt8: UInt64] = [:]
    var stalled: [UInt8: String] = [:]
    for (row, receipt) in zip(rows, receipts) where stalled[row.bucket] == nil {
      switch receipt.verdict {
      case .stored, .repeated: break
      case .held: result.held.append((row.bucket, row.seq, receipt.problem))
      default:
        stalled[row.bucket] = receipt.problem
        continue
      }
      reached[row.bucket] = row.seq
      result.acknowledged += 1
    }
    for share in shares {
      let problem = stalled[share.bucket]
      let reached = problem == nil ? (share.end ?? share.last) : reached[share.bucket]
      change(share.bucket) { lane in
        lane.isUnderWay = false
        if let reached { lane.acknowledged = max(lane.acknowledged, reached) }
        if reached != nil { lane.failures = 0 }
        lane.stalledUntil = nil
      }
      if let problem { stall([share.bucket], problem, now, &result) }
    }
    return result
  }

  /// The call failed: its buckets wait, together.
  ///
  /// - Parameter isRefused: the target took none because of one of them. A call with one row alone
  ///   gives it up as held.
  mutating func fail(
    _ shares: [Share], _ rows: [OutboxRow], _ problem: String, isRefused: Bool, now: Instant
  ) -> Result {
    if isRefused, rows.count == 1 {
      let receipt = CommonV1.Receipt(verdict: .held, problem: problem)
      return end(shares, rows, [receipt], now: now)
    }
    var result = Result()
    for share in shares {
      change(share.bucket) { lane in
        lane.isUnderWay = false
        if isRefused { lane.aloneUntil = max(lane.aloneUntil, share.last) }
      }
    }
    // One by one, they are sent at once.
    if !isRefused { stall(shares.map(\.bucket), problem, now, &result) }
    return result
  }

  private mutating func stall(
    _ buckets: [UInt8], _ problem: String, _ now: Instant, _ result: inout Result
  ) {
    for bucket in buckets { change(bucket) { $0.failures += 1 } }
    let failures = buckets.map { lanes[Int($0)].failures }.max() ?? 1
    let delay = backoff.delay(failures: failures, &chance)
    for bucket in buckets { change(bucket) { $0.stalledUntil = now + delay } }
    result.stall = problem
    result.failures = max(result.failures, failures)
  }

  // MARK: - What to delete

  /// Rows that the target has and the table may still hold, by bucket; they count as deleted.
  mutating func takeAcknowledged() -> [(bucket: UInt8, after: UInt64, last: UInt64)] {
    var ranges: [(bucket: UInt8, after: UInt64, last: UInt64)] = []
    for index in lanes.indices where lanes[index].forgotten < lanes[index].acknowledged {
      ranges.append((UInt8(index), lanes[index].forgotten, lanes[index].acknowledged))
      lanes[index].forgotten = lanes[index].acknowledged
    }
    return ranges
  }

  /// They could not be deleted.
  mutating func giveBack(_ ranges: [(bucket: UInt8, after: UInt64, last: UInt64)]) {
    for range in ranges {
      lanes[Int(range.bucket)].forgotten = min(lanes[Int(range.bucket)].forgotten, range.after)
    }
  }
}
