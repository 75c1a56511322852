internal import Messages
internal import Testing

@testable internal import CartTracker

/// The projector in small: a log, rows and timers in memory around the fold, on a virtual clock.
struct FoldShop {
  private(set) var store: Tracked.Store
  private(set) var rules: StoreRules
  /// The record at position n is at n - 1.
  private(set) var log: [(identity: Identity, record: Tracked.LogRecord)] = []
  private(set) var persons: [Identity: Tracked.StoredPerson] = [:]
  /// Announced episodes, withdrawn ones too.
  private(set) var rows: [Identity: [Fold.EpisodeKey: Tracked.StoredEpisode]] = [:]
  private var archived: [Identity: [String: Tracked.StoredCart]] = [:]
  private var identities: [PersonKey: Identity] = [:]
  private var links: [(Identity, Identity)] = []
  private var timers = DueTimers()
  private(set) var clock: Int64 = .min
  /// How often all was folded anew.
  private(set) var anew = 0
  private var events: UInt64 = 0

  init(window: Int64 = 3600, _ change: (inout Tracked.StoreSettings) -> Void = { _ in }) throws {
    try self.init(FoldFixture.store(window: window, change))
  }

  init(_ store: Tracked.Store) throws {
    self.store = store
    rules = try StoreRules(store)
  }

  static func identity(_ record: Tracked.LogRecord) -> Identity {
    record.contact.isEmpty
      ? Identity(store: record.store, kind: .guest, id: record.guest)
      : Identity(store: record.store, kind: .contact, id: record.contact)
  }

  // MARK: - What the projector does

  /// Appends a batch, and folds it at `now`.
  mutating func receive(_ records: [Tracked.LogRecord], now: Int64) {
    clock = max(clock, now)
    var fresh: [(Identity, UInt64)] = []
    for record in records {
      log.append((FoldShop.identity(record), record))
      fresh.append((FoldShop.identity(record), UInt64(log.count)))
      if let other = FoldShop.other(record) { links.append((FoldShop.identity(record), other)) }
    }
    var done: Set<Identity> = []
    for (identity, _) in fresh where !done.contains(identity) {
      done.formUnion(fold(identity, fresh, now: now))
    }
  }

  /// Decides all that is due up to `now`, each at its own due time.
  mutating func pass(to now: Int64) {
    var steps = 0
    while let (at, key) = timers.take(until: now, limit: 1).first {
      steps += 1
      guard steps < 100_000 else {
        Issue.record("timers come again without end")
        return
      }
      if let identity = identities[key] { fold(identity, [], now: at) }
    }
    clock = max(clock, now)
  }

  /// Other settings from now on, and a look at every person, as after PutStore.
  mutating func change(_ change: (inout Tracked.StoreSettings) -> Void) throws {
    var settings = store.settings ?? .init()
    let wasOn = settings.detection
    change(&settings)
    store.settings = settings
    store.revision += 1
    if settings.detection && !wasOn { store.detectionSince = .init(instant: clock) }
    rules = try StoreRules(store)
    for identity in persons.keys.sorted(by: { $0.key < $1.key }) {
      if persons[identity]?.storeRevision != store.revision { fold(identity, [], now: clock) }
    }
  }

  @discardableResult
  private mutating func fold(
    _ identity: Identity, _ batch: [(Identity, UInt64)], now: Int64
  ) -> [Identity] {
    var group = load(identity)
    var fresh: [FoldEvent] = []
    for (owner, position) in batch {
      guard let member = group.members.firstIndex(where: { $0.key == owner.key }) else { continue }
      if let event = count(position, member, &group) { fresh.append(event) }
    }
    fresh.sort { $0.order < $1.order }
    for member in group.members.indices {
      group.members[member].archived = archived[owner(group, member)] ?? [:]
    }
    let isAnew = group.mustFoldAnew(for: fresh, rules)
    var fold =
      isAnew
      ? Fold(anew: group, announced: announced(group), rules: rules)
      : Fold(following: group, rules: rules)
    for event in isAnew ? all(group) : fresh { fold.apply(event) }
    if isAnew { anew += 1 }
    return keep(fold.finish(now: now))
  }

  private func owner(_ group: PersonGroup, _ member: Int) -> Identity {
    let person = group.members[member].person
    return person.contact.isEmpty
      ? Identity(store: person.store, kind: .guest, id: person.guest)
      : Identity(store: person.store, kind: .contact, id: person.contact)
  }

  /// All that any record of the log ever brought together.
  private func load(_ identity: Identity) -> PersonGroup {
    var found = [identity]
    var next = 0
    while next < found.count {
      let current = found[next]
      next += 1
      for (owner, other) in links where owner == current || other == current {
        for new in [other, owner] where !found.contains(new) { found.append(new) }
      }
    }
    return PersonGroup(
      members: found.map { identity in
        var person = persons[identity] ?? Tracked.StoredPerson(store: identity.store)
        if identity.kind == .guest {
          person.guest = identity.id
        } else {
          person.contact = identity.id
        }
        return PersonGroup.Member(key: identity.key, person: person)
      })
  }

  private static func other(_ record: Tracked.LogRecord) -> Identity? {
    switch record.kind {
    case .link(let link):
      return link.contact.isEmpty
        ? Identity(store: record.store, kind: .guest, id: link.guest)
        : Identity(store: record.store, kind: .contact, id: link.contact)
    case .event(let event):
      if case .identify = event.kind {
        return Identity(store: record.store, kind: .guest, id: event.guest)
      }
      return nil
    default: return nil
    }
  }

  /// Nil for an id that is known; the first body counts.
  private func count(
    _ position: UInt64, _ member: Int, _ group: inout PersonGroup
  ) -> FoldEvent? {
    let record = log[Int(position) - 1].record
    let hash = EventHash.of(record.eventID)
    let known = group.members[member].person.indexedPositions(of: hash)
      .map { log[Int($0) - 1].record }.filter { $0.eventID == record.eventID }
    if known.contains(where: record.hasSameBody) { return nil }
    let order = record.order ?? .init()
    group.members[member].person.index(hash, order.at, position)
    if !known.isEmpty { return nil }
    group.members[member].note(record)
    return FoldEvent(order: order, member: member, record: record, position: position)
  }

  private func announced(_ group: PersonGroup) -> [(member: Int, Tracked.StoredEpisode)] {
    group.members.indices.flatMap { member in
      (rows[owner(group, member)] ?? [:]).values.map { (member, $0) }
    }
  }

  private func all(_ group: PersonGroup) -> [FoldEvent] {
    group.members.indices.flatMap { member -> [FoldEvent] in
      var ids: Set<String> = []
      return group.members[member].person.eventPositions.compactMap { position in
        let record = log[Int(position) - 1].record
        guard let order = record.order, ids.insert(record.eventID).inserted else { return nil }
        return FoldEvent(order: order, member: member, record: record, position: position)
      }
    }.sorted { $0.order < $1.order }
  }

  private mutating func keep(_ result: FoldResult) -> [Identity] {
    var done: [Identity] = []
    for index in result.group.members.indices {
      let identity = owner(result.group, index)
      done.append(identity)
      identities[identity.key] = identity
      var person = result.group.members[index].person
      archive(&person, identity, result.group.members[index].touchedCarts)
      persons[identity] = person
      timers.set(identity.key, result.due[index])
    }
    for change in result.episodes {
      var key = Fold.key(change.episode, change.member)
      key = Fold.EpisodeKey(member: 0, cart: key.cart, anchor: key.anchor)
      let identity = owner(result.group, change.member)
      if let old = rows[identity]?[key], old.revision >= change.episode.revision {
        Issue.record("revision \(change.episode.revision) does not follow \(old.revision)")
      }
      rows[identity, default: [:]][key] = change.episode
    }
    return done
  }

  /// Old closed carts leave the state, as in the tables.
  private mutating func archive(
    _ person: inout Tracked.StoredPerson, _ identity: Identity, _ touched: Set<String>
  ) {
    for id in touched { archived[identity, default: [:]][id] = nil }
    let closed = person.carts.filter { cart in
      !cart.isOpen && !cart.episodes.contains { $0.knownAt == 0 }
    }.sorted { $0.closedAt < $1.closedAt }
    for cart in closed.dropLast(Fold.closedCartsMax) {
      archived[identity, default: [:]][cart.id] = cart
      person.carts.removeAll { $0.id == cart.id }
    }
  }
}

// MARK: - In seconds, for tests of one rule

extension FoldShop {
  /// Something that happens at `at`, and is reported then or at `now`.
  mutating func send(
    _ kind: Tracked.Event.Kind, at: Int64, contact: String = "ann", guest: String = "",
    cart: String = "", header: Tracked.CartHeader? = nil, id: String? = nil, order: UInt64 = 0,
    now: Int64? = nil, tooLate: Bool = false
  ) {
    events += 1
    let event = Tracked.Event(
      id: id ?? "e\(events)", at: .init(seconds: at), sourceOrder: order, contact: contact,
      guest: guest, cart: cart, header: header, kind: kind)
    let instant = max(clock, (now ?? at) * 1_000_000)
    pass(to: instant)
    receive(FoldShop.records(event, tooLate: tooLate), now: instant)
  }

  /// As the recorder writes them: one, or for Identify two.
  static func records(
    _ event: Tracked.Event, store: String = "shop", tooLate: Bool = false
  ) -> [Tracked.LogRecord] {
    var record = Tracked.LogRecord(store: store, contact: event.contact, tooLate: tooLate)
    if event.contact.isEmpty { record.guest = event.guest }
    record.kind = .event(event)
    guard case .identify(let identify) = event.kind else { return [record] }
    let link = Tracked.LinkRecord(
      id: event.id, at: event.at?.microseconds ?? 0, contact: event.contact,
      evidence: identify.evidence, byIdentify: true)
    return [
      record, Tracked.LogRecord(store: store, guest: event.guest, kind: .link(link)),
    ]
  }

  mutating func add(
    _ sku: String = "a", _ units: Int64 = 1, eur: Int64? = nil, at: Int64, contact: String = "ann",
    guest: String = "", cart: String = "", now: Int64? = nil
  ) {
    send(
      .itemAdded(.init(line: FoldShop.line(sku, units, eur: eur))), at: at, contact: contact,
      guest: guest, cart: cart, now: now)
  }

  static func line(_ sku: String, _ units: Int64 = 1, eur: Int64? = nil) -> Tracked.CartLine {
    Tracked.CartLine(
      sku: sku, quantity: .init(units: units),
      unitPrice: eur.map { .init(currencyCode: "EUR", units: $0) })
  }

  /// A link or its taking back between two contacts, in the logs of both.
  mutating func link(_ left: String, _ right: String, at: Int64, unlinked: Bool = false) {
    events += 1
    pass(to: at * 1_000_000)
    let records = [(left, right), (right, left)].map { mine, other in
      Tracked.LogRecord(
        store: "shop", contact: mine,
        kind: .link(
          .init(id: "l\(events)", at: at * 1_000_000, contact: other, unlinked: unlinked)))
    }
    receive(records, now: at * 1_000_000)
  }

  mutating func declare(_ cart: String, at: Int64, reason: Tracked.LeaveReason = .unspecified) {
    events += 1
    pass(to: at * 1_000_000)
    let record = Tracked.LogRecord(
      store: "shop", contact: "ann",
      kind: .declaration(
        .init(id: "d\(events)", at: at * 1_000_000, cart: cart, reason: reason)))
    receive([record], now: at * 1_000_000)
  }

  mutating func wait(until seconds: Int64) { pass(to: seconds * 1_000_000) }

  func person(_ contact: String = "ann") -> Tracked.StoredPerson {
    persons[Identity(store: "shop", kind: .contact, id: contact)] ?? .init()
  }

  func guest(_ id: String) -> Tracked.StoredPerson {
    persons[Identity(store: "shop", kind: .guest, id: id)] ?? .init()
  }

  /// The one cart of a contact, or the one of this id.
  func cart(_ id: String? = nil, of contact: String = "ann") -> Tracked.StoredCart? {
    let carts = person(contact).carts.filter { id == nil || $0.id == id }
    return carts.count == 1 ? carts[0] : nil
  }

  /// Announced episodes in order of their time, withdrawn ones left out.
  func episodes(of contact: String = "ann") -> [Tracked.StoredEpisode] {
    allEpisodes(of: contact).filter { $0.state != .withdrawn }
  }

  func allEpisodes(of contact: String = "ann") -> [Tracked.StoredEpisode] {
    let identity = Identity(store: "shop", kind: .contact, id: contact)
    return (rows[identity] ?? [:]).values.sorted {
      ($0.abandonedAt, $0.cart) < ($1.abandonedAt, $1.cart)
    }
  }

  /// The times of `episodes`, in seconds.
  func times(of contact: String = "ann") -> [Int64] {
    episodes(of: contact).map { $0.abandonedAt / 1_000_000 }
  }

  /// All carts of an identity, those that left its state too.
  func carts(of identity: Identity) -> [Tracked.StoredCart] {
    (persons[identity]?.carts ?? []) + (archived[identity] ?? [:]).values
  }

  func stands(_ contact: String = "ann") -> StopStand { StopStand(shop: self, contact: contact) }

  /// Everyone who is one person with the contact, the contact first.
  func group(_ contact: String) -> PersonGroup {
    load(Identity(store: "shop", kind: .contact, id: contact))
  }
}

/// Asks the stop rule about one contact.
struct StopStand {
  let shop: FoldShop
  let contact: String

  func refusal(
    after anchor: Tracked.EventOrder, cart: String = "", now: Int64? = nil, watermark: Int64? = nil,
    isTooWide: Bool = false, withdrawn: Bool = false, archived: Tracked.StoredCart? = nil
  ) -> StopRule.Refusal? {
    StopRule(
      group: shop.group(contact), rules: shop.rules,
      watermark: watermark.map { $0 * 1_000_000 },
      now: now.map { $0 * 1_000_000 } ?? shop.clock
    ).refusal(
      anchor: anchor, cart: cart, isTooWide: isTooWide, withdrawn: withdrawn, archived: archived)
  }
}
