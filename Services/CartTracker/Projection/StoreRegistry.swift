internal import Messages
internal import Synchronization

/// The stores with their settings as they are in force, in memory: a few hundred at most, asked for
/// by every event.
final class StoreRegistry: Sendable {
  struct Entry: Sendable {
    var store: Tracked.Store
    let rules: StoreRules
    /// Up to when each source has reported completely (C29).
    var heartbeats: [String: Int64] = [:]

    /// Every source has reported up to here; nil before the first heartbeat.
    var watermark: Int64? { heartbeats.values.min() }
  }

  private let entries = Mutex<[String: Entry]>([:])

  subscript(_ id: String) -> Entry? { entries.withLock { $0[id] } }

  /// In order of their ids.
  var all: [Entry] { entries.withLock { $0.values.sorted { $0.store.id < $1.store.id } } }

  /// - Throws: where its time zone is not known.
  func put(_ store: Tracked.Store) throws {
    let rules = try StoreRules(store)
    entries.withLock { entries in
      let heartbeats = entries[store.id]?.heartbeats ?? [:]
      entries[store.id] = Entry(store: store, rules: rules, heartbeats: heartbeats)
    }
  }

  func heartbeat(_ store: String, source: String, until: Int64) {
    entries.withLock { entries in
      let known = entries[store]?.heartbeats[source] ?? .min
      entries[store]?.heartbeats[source] = max(known, until)
    }
  }
}
