internal import Messages
internal import Storage
internal import Testing
internal import Wire

@testable internal import CartTracker

@Suite struct ListCartsTests {
  typealias Row = CartTrackerV1.CartRow
  typealias Query = CartTrackerV1.CartQuery

  private static func filled(_ count: Int = 250, seed: UInt64 = 1) throws -> ListFixture {
    let fixture = try ListFixture()
    try fixture.put(all: ListSample.persons(count, seed: seed))
    return fixture
  }

  private func ids(_ rows: [Row]) -> [String] { rows.compactMap(\.cart?.id) }

  // MARK: - Filters against a plain model

  static let filters: [Query] = [
    Query(),
    Query(states: [.open]),
    Query(states: [.open, .abandoned, .purchased, .emptied, .expired]),
    Query(kinds: [.quote, .reorder]),
    Query(places: [.portal]),
    Query(offerClasses: [.service]),
    Query(stages: [.checkout, .payment]),
    Query(reasons: [.tax, .longForm]),
    Query(companies: ["acme", "globex"]),
    Query(scoreMin: 60),
    Query(productName: "größe"),
    Query(productName: "100%"),
    Query(productName: "r_x"),
    Query(productName: "чайник"),
    Query(sku: "sku_1"),
    Query(customerName: "MÜLL"),
    Query(customerName: "strauss"),
    Query(customerName: "acme gmbh"),
    Query(contactDetail: "user1"),
    Query(contactDetail: "hauptstr. 7 10115 köln"),
    Query(total: .init(currencyCode: "EUR", units: 0, nanos: 495_000_000)),
    Query(
      states: [.abandoned, .purchased], kinds: [.cart], stages: [.cart, .checkout],
      productName: "e", customerName: "a", contactDetail: "berlin"),
    Query(abandoned: .init(from: .init(instant: ListSample.start + 600_000_000))),
    Query(
      abandoned: .init(
        from: .init(instant: ListSample.start + 300_000_000),
        to: .init(instant: ListSample.start + 900_000_000)),
      states: [.abandoned, .purchased, .open]),
  ]

  @Test("L02 L03 each filter and search finds exactly the carts that it names", arguments: filters)
  func filter(_ query: Query) throws {
    let fixture = try ListCartsTests.filled()
    var query = query
    query.withLines = true
    let expected = ListModel(fixture).rows(query)
    let found = try fixture.rows(query, limit: 1000)
    #expect(found == expected)
  }

  @Test("The filters of these tests find something and not everything")
  func filtersAreNotEmpty() throws {
    let fixture = try ListCartsTests.filled()
    let all = ListModel(fixture).rows(Query(states: [.open, .abandoned, .purchased, .emptied]))
    var sizes: [Int] = []
    for query in ListCartsTests.filters where query != ListCartsTests.filters[2] {
      sizes.append(ListModel(fixture).rows(query).count)
    }
    #expect(sizes.allSatisfy { $0 > 0 && $0 < all.count })
  }

  // MARK: - Order and pages

  static let sorts: [Query] = CartShape.everyColumn.flatMap { column in
    [true, false].map { isAscending in
      Query(
        states: [.abandoned, .open, .purchased], sort: column, ascending: isAscending)
    }
  }

  @Test("L04 any column sorts, up and down, in pages and whole", arguments: sorts)
  func sort(_ query: Query) throws {
    let fixture = try ListCartsTests.filled(150)
    let expected = ids(ListModel(fixture).rows(query))
    #expect(ids(try fixture.rows(query, limit: 7)) == expected)
    #expect(ids(try fixture.rows(query, limit: 1000)) == expected)
    #expect(ids(try fixture.export(query)) == expected)
  }

  @Test("The newest abandonments come first where nothing else is asked for")
  func defaultOrder() throws {
    let fixture = try ListCartsTests.filled(100)
    let rows = try fixture.rows(Query(ascending: true), limit: 9)
    let times = rows.compactMap { $0.cart?.abandonedAt?.microseconds }
    #expect(times.count == rows.count && times == times.sorted(by: >))
  }

  @Test("L01 unchanged carts are seen exactly once while others change, changed ones at most once")
  func pagesWhileCartsChange() throws {
    let fixture = try ListCartsTests.filled(120, seed: 5)
    var chance = ListChance(state: 9)
    for query in [
      Query(), Query(sort: .lastActivityAt), Query(states: [.abandoned, .open], sort: .score),
    ] {
      let before = ids(ListModel(fixture).rows(query))
      var changed: Set<String> = []
      let rows = try fixture.rows(query, limit: 11) {
        for _ in 0..<3 {
          var person = chance.pick(fixture.entries).person
          for index in person.carts.indices {
            changed.insert(person.carts[index].id)
            person.carts[index] = ListSample.cart(person.carts[index].id, &chance)
          }
          try fixture.put(person)
        }
      }
      let seen = ids(rows)
      #expect(Set(seen).count == seen.count)
      #expect(seen.filter { !changed.contains($0) } == before.filter { !changed.contains($0) })
    }
  }

  @Test("L01 persons folded anew between two pages keep their unchanged carts in sight, each once")
  func foldedAnewBetweenPages() throws {
    let fixture = try ListCartsTests.filled(120, seed: 5)
    var chance = ListChance(state: 9)
    for query in [Query(), Query(states: [.abandoned, .open], sort: .score)] {
      let before = ids(ListModel(fixture).rows(query))
      var changed: Set<String> = []
      let rows = try fixture.rows(query, limit: 11) {
        for _ in 0..<20 {
          // A late event writes every cart of its person: one is new, its siblings as they were.
          var person = chance.pick(fixture.entries).person
          if let first = person.carts.indices.first {
            changed.insert(person.carts[first].id)
            person.carts[first] = ListSample.cart(person.carts[first].id, &chance)
          }
          try fixture.put(person)
        }
      }
      let seen = ids(rows)
      let siblings = fixture.entries.flatMap { $0.person.carts.dropFirst().map(\.id) }
      #expect(!Set(before).isDisjoint(with: siblings) && !changed.isEmpty)
      #expect(Set(seen).count == seen.count)
      #expect(seen.filter { !changed.contains($0) } == before.filter { !changed.contains($0) })
    }
  }

  @Test("A token of another query, and a page too long, are INVALID_ARGUMENT")
  func foreignToken() throws {
    let fixture = try ListCartsTests.filled(60)
    func page(_ query: Query, _ page: CommonV1.Page) throws -> String {
      let plan = try CartQueryPlan(query, store: ListFixture.store)
      let list = CartList(plan: plan, rules: nil)
      return try fixture.engine.read { try list.page(page, in: $0) }.next
    }
    let next = try page(Query(), .init(limit: 3))
    #expect(!next.isEmpty)
    #expect(throws: RPCError.self) { try page(Query(scoreMin: 1), .init(after: next)) }
    #expect(throws: RPCError.self) { try page(Query(), .init(limit: 1001)) }
    #expect(throws: RPCError.self) { try page(Query(), .init(after: "x!")) }
  }

  @Test("L01 a list holds one store's carts alone")
  func stores() throws {
    let fixture = try ListCartsTests.filled(50)
    let before = ids(try fixture.rows(Query(), limit: 1000))
    var chance = ListChance(state: 4)
    var other = ListSample.person(1, &chance)
    other.store = "other"
    try fixture.put(other)
    #expect(ids(try fixture.rows(Query(), limit: 1000)) == before)
  }

  @Test("P09 a contact's carts are those of the identities given")
  func persons() throws {
    let fixture = try ListCartsTests.filled(80)
    let chosen = fixture.entries[3...5]
    let states: [CartTrackerV1.CartState] = [.open, .abandoned, .purchased, .emptied]
    let query = Query(states: states, contact: chosen[3].person.contact + "x")
    let rows = try fixture.rows(query, limit: 2, persons: chosen.map(\.key))
    let wanted = chosen.flatMap { $0.person.carts.map(\.id) }
    #expect(ids(rows).sorted() == wanted.sorted())
  }

  // MARK: - What rows carry

  @Test("L04 L05 a row carries what was asked for and its ids")
  func columns() throws {
    let fixture = try ListCartsTests.filled(60)
    let all = try fixture.rows(Query(withLines: true), limit: 1000)
    let some = try fixture.rows(Query(columns: [.total, .email]), limit: 1000)
    #expect(all.count == some.count && !all.isEmpty)
    for (full, row) in zip(all, some) {
      let cart = try #require(full.cart)
      let ids = CartTrackerV1.Cart(
        store: cart.store, id: cart.id, contact: cart.contact, guest: cart.guest,
        totals: cart.totals)
      #expect(row == Row(cart: ids, email: full.email))
    }
    #expect(all.contains { !($0.cart?.lines.isEmpty ?? true) })
    #expect(try fixture.rows(Query(), limit: 1000).allSatisfy { $0.cart?.lines.isEmpty ?? false })
  }

  @Test("A cart moved out of its person's state is listed from its row")
  func archived() throws {
    let fixture = try ListFixture()
    var chance = ListChance(state: 2)
    var person = ListSample.person(1, &chance)
    var cart = ListSample.cart("old", &chance)
    cart.state = .emptied
    person.carts = []
    try fixture.put(person)
    let columns = CartColumns(
      key: ListFixture.key(person), person: person, cart: cart, contact: nil, version: 1,
      archived: try cart.encoded())
    try fixture.engine.write { try columns.upsert(in: $0) }
    let rows = try fixture.rows(Query(states: [.emptied], withLines: true), limit: 10)
    #expect(rows.map { $0.cart?.lines } == [cart.lines])
  }

  @Test("A row without a body is refused as damage, not passed over")
  func missingBody() throws {
    let fixture = try ListFixture()
    var chance = ListChance(state: 2)
    var person = ListSample.person(1, &chance)
    let cart = ListSample.cart("lost", &chance)
    person.carts = []
    try fixture.put(person)
    let columns = CartColumns(
      key: ListFixture.key(person), person: person, cart: cart, contact: nil, version: 1)
    try fixture.engine.write { try columns.upsert(in: $0) }
    #expect(throws: StorageError.self) {
      try fixture.rows(Query(states: [cart.announcedState]), limit: 10)
    }
  }

  // MARK: - Plans

  private func plan(
    _ query: Query, _ fixture: ListFixture, after: ListPosition? = nil
  ) throws -> [String] {
    let plan = try CartQueryPlan(query, store: ListFixture.store)
    let (statement, values) = plan.list.statement(after: after, version: 1, limit: 10)
    let explain = Statement(
      name: "explain", sql: "EXPLAIN QUERY PLAN " + statement.sql, scope: .maintenance)
    return try fixture.engine.read { session in
      try session.all(explain, [0] + values) { try $0.text(3) }
    }
  }

  @Test("The default query follows the index by abandonment, and sorts nothing but ties")
  func defaultPlan() throws {
    let fixture = try ListCartsTests.filled(20)
    let position = ListPosition(values: [.integer(5), .text("a"), .bytes([1])])
    for after in [nil, position] {
      let plan = try plan(Query(), fixture, after: after)
      #expect(plan.contains { $0.contains("cart_by_abandonment (bucket=? AND store=?") })
      #expect(!plan.contains { $0.contains("TEMP B-TREE FOR ORDER BY") })
    }
  }

  @Test("Every list names its bucket and binds its values")
  func statements() throws {
    for query in ListCartsTests.filters {
      let plan = try CartQueryPlan(query, store: ListFixture.store)
      let (statement, _) = plan.list.statement(after: nil, version: 1, limit: 10)
      #expect(StatementRules.findings([statement]) == [])
    }
  }
}
