internal import Delivery
internal import Messages
internal import Storage

/// Where the projector puts what the scheduler is to know.
struct ChangeOutbox: Sendable {
  let outbox: Outbox
  /// Called after a commit with the buckets that got rows.
  let onCommit: @Sendable (Set<UInt8>) -> Void
}

/// The changes of one transaction, by bucket, in the order in which they were found.
struct PendingChanges {
  private var bodies: [UInt8: [[UInt8]]] = [:]

  var buckets: Set<UInt8> { Set(bodies.keys) }

  mutating func add(_ finder: ChangeFinder) throws {
    for found in finder.changes() {
      bodies[finder.group.members[found.member].key.bucket, default: []]
        .append(try Stored.encode(found.change))
    }
  }

  /// Puts them, once each bucket.
  func put(_ outbox: ChangeOutbox, _ session: any StorageSession, now: Int64) throws {
    for (bucket, bodies) in bodies.sorted(by: { $0.key < $1.key }) {
      try outbox.outbox.put(session, bucket: bucket, bodies, now: now)
    }
  }
}
