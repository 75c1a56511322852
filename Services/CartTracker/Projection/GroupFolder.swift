internal import Delivery
internal import Messages
internal import Storage

/// Loads the identities that may be one person with a given one, and folds what is new of them.
///
/// The projector and every point read go through it, so both see the same.
struct GroupFolder {
  /// Identities of one person at most (P09).
  static let membersMax = 32

  let rows: PersonRows
  let rules: StoreRules
  /// New rows of a person's log, oldest first; asked for once for each member.
  let pending: (PersonKey) throws -> [PendingRow]
  /// Whether changes are to be told: what was stored is then kept beside what is folded.
  var tellsChanges = false

  /// A row of the log that is not folded yet. By reference, as a `FoldEvent` is.
  final class PendingRow: Sendable {
    let position: UInt64
    let record: Tracked.LogRecord

    init(position: UInt64, record: Tracked.LogRecord) {
      self.position = position
      self.record = record
    }

    convenience init(_ row: TailRow) throws {
      self.init(
        position: row.position,
        record: try Stored.decode(Tracked.LogRecord.self, row.body, "log"))
    }
  }

  private struct Loaded {
    var group = PersonGroup(members: [])
    /// New rows of each member.
    var pending: [[PendingRow]] = []
    var isTooWide = false
  }

  struct Outcome {
    var result: FoldResult
    /// The members as they were stored.
    var before: [PersonWriter.PersonBefore]
    /// More identities than may be one person: nothing can be said for sure.
    var isTooWide: Bool
    /// How many of the pending rows counted.
    var counted: Int
    /// Whether all was folded anew.
    var isAnew: Bool
    /// Where changes are to be told.
    var changes: ChangeFinder?
  }

  /// - Parameter now: nil to see the state without announcing anything.
  func fold(_ identity: Identity, now: Int64?) throws -> Outcome {
    let loaded = try load(identity)
    let isTooWide = loaded.isTooWide
    let pending = loaded.pending
    var group = (consume loaded).group
    let before = group.members.map { PersonWriter.PersonBefore($0.person) }
    let basis = tellsChanges && !isTooWide ? ChangeBasis(group) : nil
    var fresh: [FoldEvent] = []
    for member in group.members.indices {
      for row in pending[member] {
        guard try count(row, member, &group, fresh) else { continue }
        guard let order = row.record.order else { continue }
        group.members[member].note(row.record)
        fresh.append(
          FoldEvent(order: order, member: member, record: row.record, position: row.position))
      }
    }
    let counted = fresh.count
    if counted > 1 { fresh.sort { $0.order < $1.order } }
    let mustFoldAnew = group.mustFoldAnew(for: fresh, rules)
    if mustFoldAnew { try touchArchived(&group) } else { try addArchived(&group, fresh) }
    let events = mustFoldAnew ? try allEvents(group, fresh) : fresh
    let announced = mustFoldAnew ? try announced(group) : []
    // Handed over, not copied: what is changed in place below is the only one.
    var fold =
      mustFoldAnew
      ? Fold(anew: consume group, announced: announced, rules: rules)
      : Fold(following: consume group, rules: rules)
    for event in events { fold.apply(event) }
    let result = fold.finish(now: now)
    let changes = basis.map { ChangeFinder(basis: $0, result, events: events, fresh: fresh) }
    return Outcome(
      result: result, before: before, isTooWide: isTooWide, counted: counted,
      isAnew: mustFoldAnew, changes: changes)
  }

  // MARK: - Loading

  /// The identity and all that were ever linked with it, directly or through others.
  private func load(_ identity: Identity) throws -> Loaded {
    var loaded = Loaded()
    loaded.group.members.append(try member(identity))
    loaded.pending.append(try waiting(identity.key))
    var next = neighbours(of: 0, loaded)
    if next.isEmpty { return loaded }
    var seen: Set<PersonKey> = [identity.key]
    while let other = next.popLast() {
      guard seen.insert(other.key).inserted else { continue }
      if loaded.group.members.count == Self.membersMax {
        loaded.isTooWide = true
        break
      }
      loaded.group.members.append(try member(other))
      loaded.pending.append(try waiting(other.key))
      next = neighbours(of: loaded.group.members.count - 1, loaded) + next
    }
    return loaded
  }

  /// A row that was read before its person was erased has lost its personal fields since.
  private func waiting(_ key: PersonKey) throws -> [PendingRow] {
    let waiting = try pending(key)
    guard !waiting.isEmpty, rows.journal.isErased(key) else { return waiting }
    return waiting.map { PendingRow(position: $0.position, record: $0.record.redacted) }
  }

  private func member(_ identity: Identity) throws -> PersonGroup.Member {
    let key = identity.key
    var person = try rows.person(key) ?? Tracked.StoredPerson(store: identity.store)
    switch identity.kind {
    case .contact: person.contact = identity.id
    case .guest: person.guest = identity.id
    }
    return PersonGroup.Member(key: key, person: person)
  }

  /// A guest seen with several contacts leads nowhere: they are no group.
  private func neighbours(of member: Int, _ loaded: borrowing Loaded) -> [Identity] {
    let person = loaded.group.members[member].person
    var links = person.links.map { ($0.contact, $0.guest, $0.byIdentify) }
    for row in loaded.pending[member] {
      switch row.record.kind {
      case .link(let link): links.append((link.contact, link.guest, link.byIdentify))
      case .event(let event):
        if case .identify = event.kind, !event.guest.isEmpty, !event.contact.isEmpty {
          links.append(("", event.guest, true))
        }
      default: break
      }
    }
    if links.isEmpty { return [] }
    let identified = Set(links.filter { $0.2 && !$0.0.isEmpty }.map(\.0))
    let stored = Set(person.links.filter(\.byIdentify).map(\.contact))
    // Ambiguous and folded as such: no longer of interest.
    let isAmbiguous = person.contact.isEmpty && stored.count > 1 && identified == stored
    return links.filter { !(isAmbiguous && $0.2) }.map { contact, guest, _ in
      contact.isEmpty
        ? Identity(store: person.store, kind: .guest, id: guest)
        : Identity(store: person.store, kind: .contact, id: contact)
    }
  }

  // MARK: - Repeats

  /// Whether the row counts: its id is new to its person. Notes it in the person's index then.
  private func count(
    _ row: PendingRow, _ member: Int, _ group: inout PersonGroup, _ fresh: [FoldEvent]
  ) throws -> Bool {
    let id = row.record.eventID
    let hash = EventHash.of(id)
    var positions = group.members[member].person.indexedPositions(of: hash)
    if group.members[member].person.hasHistory {
      positions += try rows.positions(of: group.members[member].key, hash: hash)
    }
    // A row that was projected after the tail was looked at.
    if positions.contains(row.position) { return false }
    var isKnown = false
    if !positions.isEmpty {
      var known = fresh.filter { positions.contains($0.position) }.map(\.record)
      let missing = positions.filter { position in
        !fresh.contains { $0.position == position }
      }
      if !missing.isEmpty { known += try rows.records(at: missing).map(\.record) }
      let same = known.filter { $0.eventID == id }
      if same.contains(where: row.record.hasSameBody) { return false }
      isKnown = !same.isEmpty
    }
    // Another body under a known id is kept in sight, and has no effect.
    group.members[member].person.index(hash, row.record.order?.at ?? 0, row.position)
    return !isKnown
  }

  // MARK: - Folding anew

  private func announced(
    _ group: PersonGroup
  ) throws -> [(member: Int, Tracked.StoredEpisode)] {
    try group.members.indices.flatMap { member in
      try rows.episodes(of: group.members[member].key).map { (member, $0) }
    }
  }

  private func allEvents(_ group: PersonGroup, _ fresh: [FoldEvent]) throws -> [FoldEvent] {
    var events: [FoldEvent] = fresh
    let known = Set(fresh.map(\.position))
    for member in group.members.indices {
      let person = group.members[member].person
      var positions = person.eventPositions
      if person.hasHistory { positions += try rows.positions(of: group.members[member].key) }
      let isFresh = Set(positions).intersection(known)
      var ids = Set<String>()
      // In order of arrival: the first body of an id counts.
      let stored = try rows.records(at: positions.filter { !isFresh.contains($0) })
      for (position, record) in stored where ids.insert(record.eventID).inserted {
        guard let order = record.order else { continue }
        events.append(
          FoldEvent(order: order, member: member, record: record, position: position))
      }
    }
    events.sort { $0.order < $1.order }
    return events
  }

  /// All anew: a row of a cart that is not made again has to go.
  private func touchArchived(_ group: inout PersonGroup) throws {
    for member in group.members.indices {
      let person = group.members[member].person
      guard person.carts.count >= Fold.closedCartsMax else { continue }
      group.members[member].touchedCarts.formUnion(
        try rows.archivedCarts(of: group.members[member].key))
    }
  }

  /// Closed carts that an event names, where the state no longer has them.
  private func addArchived(_ group: inout PersonGroup, _ fresh: [FoldEvent]) throws {
    for event in fresh {
      let id = event.record.namedCart
      guard !id.isEmpty else { continue }
      for member in group.members.indices {
        let known = group.members[member]
        if known.person.carts.contains(where: { $0.id == id }) || known.archived[id] != nil {
          continue
        }
        // Only one with a full state has older carts elsewhere.
        guard known.person.carts.count >= Fold.closedCartsMax else { continue }
        if let cart = try rows.archivedCart(id, of: known.key) {
          group.members[member].archived[id] = cart
        }
      }
    }
  }
}

extension Tracked.LogRecord {
  /// The cart that it names; empty where it names none.
  var namedCart: String {
    switch kind {
    case .event(let event): event.cart
    case .declaration(let declaration): declaration.cart
    default: ""
    }
  }
}
