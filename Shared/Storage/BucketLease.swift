/// The right to work on buckets, as one owner has it for one epoch.
///
/// Table `bucket_lease(bucket, owner, epoch, fence, beat, next_due)`. A taker raises the epoch, so
/// that every later transaction of the former owner fails at its `fence`.
package struct BucketLease: Sendable, Hashable {
  package static let bucketCount = 256

  package let owner: String
  package let epoch: Int64

  /// What stands in a row about its owner; compared, never interpreted.
  package struct Hold: Sendable, Hashable {
    package let owner: String
    package let epoch: Int64
    package let beat: Int64
  }

  /// Takes all buckets, whoever has them: to be called by who holds the folder's lock, or has seen
  /// the same hold for a whole lease (`Contender`).
  package static func take(_ session: any StorageSession, owner: String) throws -> BucketLease {
    let newest = try session.first(LeaseStatements.newest) { try $0.integer(0) } ?? 0
    let epoch = newest + 1
    for bucket in 0..<bucketCount {
      try session.execute(
        LeaseStatements.take, [.integer(bucket), .text(owner), .integer(epoch)])
    }
    return BucketLease(owner: owner, epoch: epoch)
  }

  /// Must be the first statement of an owner's transaction for the bucket; throws
  /// `StorageError.fenced` if another has taken it.
  package func fence(_ session: any StorageSession, _ bucket: UInt8) throws {
    let changed = try session.execute(LeaseStatements.fence, [.integer(bucket), .integer(epoch)])
    if changed != 1 {
      throw StorageError(.fenced, "bucket \(bucket) is no longer in epoch \(epoch) of \(owner)")
    }
  }

  /// Says that the owner lives; call every third of a lease. Throws `StorageError.fenced`.
  package func beat(_ session: any StorageSession) throws {
    let changed = try session.execute(LeaseStatements.beat, [.integer(epoch)])
    if changed != BucketLease.bucketCount {
      throw StorageError(
        .fenced, "\(BucketLease.bucketCount - changed) buckets are no longer in epoch \(epoch)")
    }
  }

  /// Who has the bucket; nil before anybody took it.
  package static func hold(_ session: any StorageSession, _ bucket: UInt8) throws -> Hold? {
    try session.first(LeaseStatements.hold, [.integer(bucket)]) { row in
      Hold(owner: try row.text(0), epoch: try row.integer(1), beat: try row.integer(2))
    }
  }

  /// Decides when a bucket may be taken: after the same hold was seen for a whole lease on this
  /// side's monotonic clock. Wall clocks of two machines are never compared.
  package struct Contender: Sendable {
    private let lease: Int64
    private var seen: Hold?
    private var seenSince: Int64 = 0

    package init(lease: Duration) {
      let (seconds, attoseconds) = lease.components
      self.lease = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
      precondition(self.lease > 0)
    }

    /// - Parameter now: nanoseconds of the monotonic clock.
    package mutating func mayTake(_ hold: Hold?, now: Int64) -> Bool {
      guard let hold else { return true }
      if hold != seen {
        seen = hold
        seenSince = now
      }
      return now - seenSince >= lease
    }
  }
}

/// The statements of `bucket_lease`, for the catalogue of who has the table.
package enum LeaseStatements {
  /// What a migration makes the table with.
  package static let create = """
    CREATE TABLE bucket_lease(
      bucket INTEGER NOT NULL PRIMARY KEY,
      owner TEXT NOT NULL,
      epoch BIGINT NOT NULL,
      fence BIGINT NOT NULL,
      beat BIGINT NOT NULL,
      next_due BIGINT,
      CONSTRAINT bucket_lease_bucket CHECK(bucket BETWEEN 0 AND 255),
      CONSTRAINT bucket_lease_epoch CHECK(epoch > 0 AND fence >= 0 AND beat >= 0))
    """
  /// The epoch of the last take-over.
  package static let newest = Statement(
    name: "newestEpoch", sql: "SELECT coalesce(max(epoch), 0) FROM bucket_lease",
    scope: .allBuckets)
  /// Makes the caller the owner of a bucket, in a newer epoch than all before.
  package static let take = Statement(
    name: "takeBucket",
    sql: """
      INSERT INTO bucket_lease(bucket, owner, epoch, fence, beat, next_due)
      VALUES(?1, ?2, ?3, 0, 0, NULL)
      ON CONFLICT(bucket) DO UPDATE SET owner = ?2, epoch = ?3, beat = 0
      WHERE bucket_lease.bucket = ?1 AND bucket_lease.epoch < ?3
      """)
  /// Locks the bucket's row, and finds out a stale owner.
  package static let fence = Statement(
    name: "fenceBucket",
    sql: "UPDATE bucket_lease SET fence = fence + 1 WHERE bucket = ?1 AND epoch = ?2")
  /// Shows that the owner lives.
  package static let beat = Statement(
    name: "beatBuckets", sql: "UPDATE bucket_lease SET beat = beat + 1 WHERE epoch = ?1",
    scope: .allBuckets)
  /// What a contender compares.
  package static let hold = Statement(
    name: "bucketHold", sql: "SELECT owner, epoch, beat FROM bucket_lease WHERE bucket = ?1")

  package static let all = [newest, take, fence, beat, hold]
}
