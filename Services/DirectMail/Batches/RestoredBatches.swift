internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage

/// What a database from a backup would print again is not printed (T31, I2): batches whose cut-off
/// was before the start that finds it may have been handed over, so what became of their pieces is
/// unknown, and they are listed with RESTORED.
struct RestoredBatches: Sendable {
  let database: DirectMailDatabase
  let pieceLog: PieceLog
  let gate: RestoreGate
  let clock: any WallClock

  /// Ends them. At every start, before batches are looked for, since one may have been cut short.
  /// Blocks.
  ///
  /// - Returns: how many pieces.
  func end() throws -> Int {
    if gate.until == .min { return 0 }
    var count = 0
    for bucket in 0...255 as ClosedRange<UInt8> {
      for key in try waiting(in: bucket) { count += try end(key) }
    }
    return count
  }

  private func waiting(in bucket: UInt8) throws -> [BatchKey] {
    try database.read { session in
      let ids =
        try session.all(BatchStatements.toDo, [.integer(bucket)]) { try $0.blob(0) }
        + session.all(BatchStatements.held, [.integer(bucket)]) { try $0.blob(0) }
      return try ids.map { id in
        guard let key = BatchKey(bucket: bucket, id: id) else {
          throw StorageError(.corrupt, "a batch's id has not 16 bytes")
        }
        return key
      }
    }
  }

  private func end(_ key: BatchKey) throws -> Int {
    let now = clock.now.microseconds
    let buckets = Array(0...255 as ClosedRange<UInt8>)
    return try database.commitBlocking(buckets, weight: 64) { session in
      guard var batch = try BatchRow.find(key, session), gate.covers(batch.cutOffAt) else {
        return 0
      }
      if batch.state == .open {
        try session.execute(
          BatchStatements.beginClosing,
          [key.bucketValue, key.idValue, .integer(now), .integer(batch.cutOffAt)])
        batch = try BatchRow.find(key, session) ?? batch
      }
      var count = 0
      try BatchPieces.each(of: key, session) { piece in
        if try pieceLog.move(piece, to: .skipped, .restored, at: now, now: now, session) {
          count += 1
        }
      }
      _ = try batch.move(to: .empty, batch.log, session)
      return count
    }
  }
}
