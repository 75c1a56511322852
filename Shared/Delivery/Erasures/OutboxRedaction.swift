package import Storage

extension Outbox {
  /// Changes rows that wait, or were refused for good, where they stand (P10). In a transaction
  /// that has fenced the bucket.
  ///
  /// - Parameter change: what is to stand in a body's place; nil: it stays.
  /// - Returns: how many were changed.
  package func redact(
    _ session: any StorageSession, bucket: UInt8, _ change: ([UInt8]) throws -> [UInt8]?
  ) throws -> Int {
    let (bucket, target) = (SQLValue.integer(bucket), SQLValue.text(target))
    var changed: [(seq: Int64, body: [UInt8])] = []
    try session.rows(DeliveryStatements.every, [bucket, target]) { row in
      if let body = try change(row.blob(1)) { changed.append((try row.integer(0), body)) }
      return true
    }
    for (seq, body) in changed {
      try session.execute(
        DeliveryStatements.replace, [bucket, target, .integer(seq), .blob(body)])
    }
    return changed.count
  }
}
