@testable internal import CartTracker
internal import Delivery
internal import Messages
internal import Storage

/// Numbers from a seed.
struct ListChance: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

  mutating func pick<T>(_ values: [T]) -> T { values[below(values.count)] }
}

/// Tables of carts.db in memory with the rows of made-up persons.
final class ListFixture {
  static let store = "shop"

  struct Entry {
    let key: PersonKey
    var person: CartTrackerV1.StoredPerson
    var contact: CartTrackerV1.StoredPerson?
  }

  let engine: SQLiteEngine
  private(set) var entries: [Entry] = []
  private(set) var position: UInt64 = 1

  init(path: String? = nil) throws {
    engine = try path.map { try .file($0) } ?? .inMemory()
    _ = try Migrator(CartsMigrations.all).migrate(engine)
    try moveProjected()
  }

  /// Writes all rows of a person as the projector does.
  func put(_ person: CartTrackerV1.StoredPerson, contact: CartTrackerV1.StoredPerson? = nil) throws
  {
    position += 1
    let entry = Entry(
      key: ListFixture.key(person), person: person,
      contact: contact ?? (person.contact.isEmpty ? nil : person))
    entries.removeAll { $0.key == entry.key }
    entries.append(entry)
    try engine.write { session in try write(entry, in: session) }
    try moveProjected()
  }

  /// Many at once.
  func put(all persons: [CartTrackerV1.StoredPerson]) throws {
    position += 1
    _ = try engine.write { session in
      for person in persons {
        let entry = Entry(
          key: ListFixture.key(person), person: person,
          contact: person.contact.isEmpty ? nil : person)
        entries.append(entry)
        try write(entry, in: session)
      }
    }
    try moveProjected()
  }

  static func identity(_ person: CartTrackerV1.StoredPerson) -> Identity {
    person.contact.isEmpty
      ? Identity(store: person.store, kind: .guest, id: person.guest)
      : Identity(store: person.store, kind: .contact, id: person.contact)
  }

  static func key(_ person: CartTrackerV1.StoredPerson) -> PersonKey { identity(person).key }

  private func write(_ entry: Entry, in session: any StorageSession) throws {
    let key = entry.key
    let bucket = SQLValue.integer(key.bucket)
    for cart in entry.person.carts {
      try CartColumns(
        key: key, person: entry.person, cart: cart, contact: entry.contact, version: position
      ).upsert(in: session)
      for episode in cart.episodes where episode.knownAt != 0 {
        try session.execute(
          ProjectionStatements.putEpisode,
          [
            bucket, .blob(key.bytes), .blob(EpisodeID.of(key, episode)),
            .text(entry.person.store), .text(cart.id), .text(entry.contact?.contact ?? ""),
            .integer(episode.state.rawValue), .integer(episode.kind.rawValue),
            .integer(episode.trigger.rawValue), .integer(episode.abandonedAt),
            .flag(episode.followed), .integer(episode.revision), .blob(try episode.encoded()),
          ])
      }
    }
    if !entry.person.contact.isEmpty {
      try ContactColumns(key: key, person: entry.person).upsert(in: session)
      for tag in entry.person.tags where tag.present {
        try session.execute(
          ProjectionStatements.addTag,
          [bucket, .text(entry.person.store), .text(tag.name), .text(entry.person.contact)])
      }
    }
    try session.execute(
      ProjectionStatements.putPerson,
      [bucket, .blob(key.bytes), .null, .blob(try entry.person.encoded())])
  }

  private func moveProjected() throws {
    _ = try engine.write { session in
      try session.execute(
        ProjectionStatements.putProjected, [.integer(position), 0, 0, .integer(position)])
    }
  }

  // MARK: - Asking

  /// All rows of a query, by pages of `limit`; `between` runs after each page.
  func rows(
    _ query: CartTrackerV1.CartQuery, limit: UInt32, persons: [PersonKey]? = nil,
    between: () throws -> Void = {}
  ) throws -> [CartTrackerV1.CartRow] {
    let plan = try CartQueryPlan(query, store: ListFixture.store, persons: persons)
    let list = CartList(plan: plan, rules: nil)
    var rows: [CartTrackerV1.CartRow] = []
    var after = ""
    repeat {
      let page = CommonV1.Page(limit: limit, after: after)
      let answer = try engine.read { try list.page(page, in: $0) }
      rows += answer.rows
      after = answer.next
      try between()
    } while !after.isEmpty
    return rows
  }

  /// All rows of an export.
  func export(
    _ query: CartTrackerV1.CartQuery, shape: CartShape? = nil
  ) throws -> [CartTrackerV1.CartRow] {
    let plan = try CartQueryPlan(query, store: ListFixture.store)
    var export = CartExport(plan, rules: nil, shape: shape)
    var rows: [CartTrackerV1.CartRow] = []
    while true {
      let next = try engine.read { try export.next(in: $0) }
      if next.isEmpty { return rows }
      rows += next
    }
  }
}

/// Made-up persons with carts.
enum ListSample {
  static let start: Int64 = 1_700_000_000_000_000
  static let products = [
    "Pumpe Größe 3", "Ventil", "Dichtung 100%", "Motor_X", "Wartung", "ЧАЙНИК",
  ]
  static let companies = ["acme", "globex", "initech", ""]

  static func persons(_ count: Int, seed: UInt64) -> [CartTrackerV1.StoredPerson] {
    var chance = ListChance(state: seed)
    return (0..<count).map { person($0, &chance) }
  }

  static func person(
    _ number: Int, _ chance: inout ListChance
  ) -> CartTrackerV1.StoredPerson {
    var person = CartTrackerV1.StoredPerson(store: ListFixture.store)
    if chance.below(5) == 0 { person.guest = "g\(number)" } else { person.contact = "c\(number)" }
    person.knownSince = start
    if person.guest.isEmpty { person.profile = .init(profile: profile(number, &chance)) }
    person.carts = (0..<chance.below(3) + 1).map { index in
      cart("\(number)-\(index)", &chance)
    }
    if chance.below(3) == 0 { person.tags = [.init(name: "AB CART", present: true, at: start)] }
    return person
  }

  private static func profile(
    _ number: Int, _ chance: inout ListChance
  ) -> CartTrackerV1.ContactProfile {
    var profile = CartTrackerV1.ContactProfile()
    profile.givenName = chance.pick(["Änne", "Bob", "Chloë", "anna", ""])
    profile.familyName = chance.pick(["Müller", "STRAUẞ", "O'Neil", "Ng"])
    profile.company = chance.pick(companies)
    profile.companyName = profile.company.isEmpty ? "" : profile.company.capitalizedFirst
    profile.destinations = [
      .init(channel: .email, address: "User\(number % 97)@Example.COM"),
      .init(channel: .sms, address: "+4917\(1_000_000 + number)"),
    ]
    profile.address = CommonV1.Address(
      countryCode: "DE", streetLines: ["Hauptstr. \(number % 50)"], postalCode: "10115",
      locality: chance.pick(["Berlin", "Köln"]))
    return profile
  }

  static func cart(_ id: String, _ chance: inout ListChance) -> CartTrackerV1.StoredCart {
    var cart = CartTrackerV1.StoredCart(id: id, named: true)
    cart.startedAt = start + Int64(chance.below(1000)) * 1_000_000
    cart.active = .init(at: cart.startedAt + 500_000, event: "e-" + id)
    cart.quietFrom = cart.active?.at ?? 0
    cart.state = chance.pick([.open, .abandoned, .abandoned, .abandoned, .purchased, .emptied])
    cart.header = .init(
      kind: chance.pick([.cart, .quote, .reorder]), place: chance.pick([.shop, .portal]),
      offerClass: chance.pick([.service, .capitalGoods, .unspecified]),
      stage: chance.pick([.cart, .checkout, .payment]))
    cart.stages = 1 << 2 | 1 << UInt32(cart.header?.stage.rawValue ?? 0)
    if chance.below(4) == 0 { cart.header?.company = chance.pick(companies) }
    cart.lines = (0..<chance.below(4)).map { line in
      .init(
        sku: "SKU_\(chance.below(12))", name: chance.pick(products),
        quantity: .init(units: Int64(chance.below(4)), nanos: 500_000_000),
        unitPrice: .init(
          currencyCode: chance.pick(["EUR", "EUR", "USD"]), units: Int64(chance.below(9)),
          nanos: 990_000_000))
    }
    if chance.below(2) == 0 {
      cart.reasons = [.init(reason: chance.pick([.tax, .distracted, .longForm]), basis: .stated)]
    }
    if cart.state == .abandoned || cart.state == .purchased && chance.below(2) == 0 {
      cart.episodes = [episode(of: cart, &chance)]
      cart.episodesAnnounced = 1
    }
    if cart.state == .purchased || cart.state == .emptied { cart.closedAt = cart.quietFrom + 1 }
    return cart
  }

  private static func episode(
    of cart: CartTrackerV1.StoredCart, _ chance: inout ListChance
  ) -> CartTrackerV1.StoredEpisode {
    // Few different instants, so that there are ties.
    let at = start + Int64(chance.below(40)) * 60_000_000
    var episode = CartTrackerV1.StoredEpisode(
      anchor: cart.active, trigger: .inactivity,
      state: cart.state == .abandoned ? .running : .recovered, abandonedAt: at, knownAt: at,
      revision: 1,
      kind: cart.kind, stage: cart.stage, cart: cart.id)
    episode.followed = cart.state != .abandoned
    episode.score = .init(value: UInt32(chance.below(100)))
    episode.totals = CartTotals.totals(of: cart.lines)
    return episode
  }
}

extension String {
  fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() + " GmbH" }
}
