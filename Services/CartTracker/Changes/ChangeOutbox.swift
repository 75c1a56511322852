internal import Delivery
internal import Messages
internal import Storage

/// Where the projector puts what the scheduler is to know.
struct ChangeOutbox: Sendable {
  let outbox: Outbox
  /// Called after a commit with the buckets that got rows.
  let onCommit: @Sendable (Set<UInt8>) -> Void
  /// Called where rows carry addresses of somebody who is erased (P10).
  var onErasure: @Sendable () -> Void = {}

  /// Field 1 with a position of number 1, as it is on the wire.
  private static let somePosition: [UInt8] = [0x0A, 0x02, 0x10, 0x01]

  /// Takes personal fields out of rows that wait (P10).
  func redact(_ person: PersonKey, in session: any StorageSession) throws {
    onErasure()
    _ = try outbox.redact(session, bucket: person.bucket) { body in
      // Rows are kept without the position that the contract requires.
      var change = try Stored.decode(
        Tracked.Change.self, ChangeOutbox.somePosition + body, "outbox")
      guard case .signal(var signal) = change.kind, !signal.attributes.isEmpty,
        [
          PersonKey.contact(store: change.store, contact: change.contact),
          PersonKey.guest(store: change.store, guest: change.guest),
        ].contains(person)
      else { return nil }
      signal.attributes = []
      change.position = nil
      change.kind = .signal(signal)
      return try Stored.encode(change)
    }
  }
}

/// The changes of one transaction, by bucket, in the order in which they were found.
struct PendingChanges {
  private var bodies: [UInt8: [[UInt8]]] = [:]

  var buckets: Set<UInt8> { Set(bodies.keys) }

  mutating func add(_ finder: ChangeFinder, _ journal: Journal) throws {
    for found in finder.changes() {
      let key = finder.group.members[found.member].key
      var change = found.change
      if case .erased = change.kind {
        guard let order = try journal.erasure(of: key)?.order else {
          throw StorageError(.corrupt, "the log has an erasure that the table has not")
        }
        change.kind = .erased(order)
      }
      bodies[key.bucket, default: []].append(try Stored.encode(change))
    }
  }

  /// Puts them, once each bucket.
  func put(_ outbox: ChangeOutbox, _ session: any StorageSession, now: Int64) throws {
    for (bucket, bodies) in bodies.sorted(by: { $0.key < $1.key }) {
      try outbox.outbox.put(session, bucket: bucket, bodies, now: now)
    }
  }
}
