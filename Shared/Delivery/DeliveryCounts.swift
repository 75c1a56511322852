package import ServiceKit
package import Storage
internal import Synchronization

/// Rows ever sent and taken, as the virtual clock asks for them, and the name of the outbox. Both
/// counts outlast a restart.
package final class DeliveryCounts: Sendable {
  private struct State {
    var outbox: String?
    var sent: UInt64 = 0
    var received: UInt64 = 0
  }

  private let state = Mutex(State())

  package init() {}

  /// In the transaction that finds a restored database: rows numbered again under the old name
  /// would be taken for repeats. Before `load`.
  package static func rename(
    _ session: any StorageSession, at now: Instant, chance: inout SplitMix64
  )
    throws
  {
    try session.execute(
      DeliveryStatements.rename, [.blob(UUIDText.version7(now, &chance))])
  }

  /// Reads what was counted; a new database gets the name of its outbox. At the start, before
  /// anything is sent or taken. Blocks.
  ///
  /// - Parameter chance: of the name.
  package func load(
    _ engine: any StorageEngine, now: Instant, chance: inout SplitMix64
  ) throws {
    let name = UUIDText.version7(now, &chance)
    let counts = try engine.write { session in
      try session.execute(DeliveryStatements.name, [.blob(name)])
      return try session.first(DeliveryStatements.counts) {
        (try $0.blob(0), try $0.integer(1))
      }
    }
    guard let (outbox, received) = counts, outbox.count == 16 else {
      throw StorageError(.corrupt, "delivery has no name of the outbox")
    }
    state.withLock { state in
      state.outbox = UUIDText.text(outbox)
      state.received = UInt64(max(0, received))
    }
  }

  /// The name of this database's outbox, a UUID.
  ///
  /// - Precondition: `load` has returned.
  package var outbox: String {
    guard let outbox = state.withLock({ $0.outbox }) else {
      preconditionFailure("the outbox has a name from the start on")
    }
    return outbox
  }

  /// Rows ever put for the targets that have a sender; what was put is counted before its sender is
  /// idle.
  package var sent: UInt64 { state.withLock { $0.sent } }

  /// Rows ever answered STORED or HELD, each once.
  package var received: UInt64 { state.withLock { $0.received } }

  /// Rows of `Intake.Taken`, after the commit that took them and before they are answered.
  package func add(received count: Int) {
    precondition(count >= 0)
    state.withLock { $0.received += UInt64(count) }
  }

  func add(sent count: UInt64) { state.withLock { $0.sent += count } }
}
