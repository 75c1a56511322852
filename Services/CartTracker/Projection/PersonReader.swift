internal import Delivery
internal import Messages
internal import Storage

/// Reads one person as of the last acknowledged event: what is stored, and folded on top of it what
/// still waits in the log's tail.
struct PersonReader: Sendable {
  let carts: any StorageEngine
  let journal: Journal
  let stores: StoreRegistry

  /// A person with everything that was read of it.
  struct Reading {
    let outcome: GroupFolder.Outcome
    let entry: StoreRegistry.Entry
    /// Last row of each member's bucket that was acknowledged before anything was read.
    let positions: [CommonV1.Position]

    var group: PersonGroup { outcome.result.group }
    /// Whether any event ever named the identity.
    var isKnown: Bool { group.members[0].person.events > 0 }
    /// The members that are one person with the one asked for.
    var person: [Int] { group.linked(to: 0) }

    /// The person's cart of this id, also one that was moved out of the state; nil for an empty id.
    func cart(named id: String, _ rows: PersonRows) throws -> Tracked.StoredCart? {
      if id.isEmpty { return nil }
      if let place = group.cart(named: id, for: 0) { return group[place] }
      for member in person {
        if let cart = try rows.archivedCart(id, of: group.members[member].key) { return cart }
      }
      return nil
    }
  }

  /// Blocks; on a reader's thread only.
  ///
  /// - Parameters:
  ///   - adding: records to fold as if they were in the identity's log already.
  ///   - use: called with the reading and the rows' snapshot.
  func read<R>(
    _ identity: Identity, adding: [Tracked.LogRecord] = [],
    _ use: (Reading, PersonRows) throws -> R
  ) throws -> R? {
    guard let entry = stores[identity.store] else { return nil }
    var known: [PersonKey] = [identity.key]
    while true {
      // First what waits, then what is stored: a row that is projected in between is seen twice and
      // counts once. The other way round it could be missed.
      let positions = known.map { journal.lastPosition(ofBucket: $0.bucket) }
      var pending: [PersonKey: [GroupFolder.PendingRow]] = [:]
      for key in known {
        pending[key] = try journal.tail.rows(of: key).map { try .init($0) }
      }
      for (index, record) in adding.enumerated() {
        pending[identity.key, default: []].append(
          .init(position: UInt64(Int64.max) - UInt64(index), record: record))
      }
      let result: R?? = try carts.read { session in
        let rows = PersonRows(carts: session, journal: journal)
        let folder = GroupFolder(rows: rows, rules: entry.rules) { pending[$0] ?? [] }
        let outcome = try folder.fold(identity, now: nil)
        let members = outcome.result.group.members.map(\.key)
        guard Set(members).isSubset(of: known) else {
          // Further identities turned up, whose tails were not looked at.
          known = members
          return nil
        }
        return .some(
          try use(Reading(outcome: outcome, entry: entry, positions: positions), rows))
      }
      if let result { return result }
    }
  }
}
