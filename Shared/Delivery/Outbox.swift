package import Storage

/// The rows for one other service, each put in the transaction of the change that it tells of.
package struct Outbox: Sendable, Hashable {
  /// Role of the service that they are for, such as `notifier`.
  package let target: String

  package init(target: String) {
    precondition(!target.isEmpty)
    self.target = target
  }

  /// Puts rows at the end of a bucket's, in this order. In the transaction of the change, after its
  /// fence; once a transaction for each bucket is cheapest. After the commit the target's sender
  /// has to be told: `OutboxSender.wake(_:)`.
  ///
  /// - Parameters:
  ///   - bodies: each the message of one row without its `position`, encoded.
  ///   - now: microseconds.
  /// - Returns: the numbers given, without gaps in a bucket.
  @discardableResult
  package func put(
    _ session: any StorageSession, bucket: UInt8, _ bodies: [[UInt8]], now: Int64
  ) throws -> Range<UInt64> {
    if bodies.isEmpty { return 0..<0 }
    let (bucket, target) = (SQLValue.integer(bucket), SQLValue.text(target))
    let next = try session.first(
      DeliveryStatements.advanceHead, [bucket, target, .integer(bodies.count)]
    ) { try $0.integer(0) }
    guard let next, next > bodies.count else {
      throw StorageError(.corrupt, "outbox_head of \(self.target) gave no numbers")
    }
    let first = next - Int64(bodies.count)
    for (index, body) in bodies.enumerated() {
      try session.execute(
        DeliveryStatements.put,
        [bucket, target, .integer(first + Int64(index)), .integer(now), .blob(body)])
    }
    return UInt64(first)..<UInt64(next)
  }
}

/// One row as it is sent.
package struct OutboxRow: Sendable, Hashable {
  package let bucket: UInt8
  package let seq: UInt64
  /// When it was put, in microseconds.
  package let createdAt: Int64
  /// The row's message without its `position`, encoded.
  package let body: [UInt8]

  package init(bucket: UInt8, seq: UInt64, createdAt: Int64, body: [UInt8]) {
    self.bucket = bucket
    self.seq = seq
    self.createdAt = createdAt
    self.body = body
  }
}
