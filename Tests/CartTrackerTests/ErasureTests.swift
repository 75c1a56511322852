@testable internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import TestSupport
internal import Testing

@testable internal import CartTracker

/// Forgetting a person (P10), by log, tables and outbox.
@Suite struct ErasureTests {
  private static let mark = "xqmarkx"

  private static func text(_ words: String) -> String { "\(words) \(mark)" }

  /// A profile of which every field bears the mark.
  private static func profile(_ email: String = "\(mark)@example.test") -> Tracked.ContactProfile {
    Tracked.ContactProfile(
      givenName: mark, familyName: mark, title: mark, salutation: mark, company: mark,
      companyName: mark, locale: "de", timeZone: "Europe/Berlin",
      destinations: [.init(channel: .email, address: email)],
      address: .init(countryCode: "DE", person: mark, streetLines: [mark], locality: mark),
      attributes: [.init(name: "hobby", value: .text(mark))],
      consents: [
        .init(
          channel: .email, purpose: "recovery", source: "page",
          givenAt: .init(instant: 1_000_000))
      ])
  }

  /// One event of each kind that has something personal.
  private static func events(_ contact: String, from second: Int64) -> [Tracked.Event] {
    func event(_ name: String, _ kind: Tracked.Event.Kind) -> Tracked.Event {
      FoldFixture.body(
        kind, at: second, "\(contact)-\(name)", contact: contact, cart: "c-\(contact)")
    }
    let line = Tracked.CartLine(sku: "hose", configuration: text("engraved"))
    var add = event("add", .itemAdded(.init(line: line)))
    add.header = Tracked.CartHeader(url: "https://shop.test/\(mark)", quote: text("q"))
    return [
      event("meet", .contactUpserted(.init(profile: profile()))),
      event("tags", .tagsChanged(.init(added: [text("tag")]))), add,
      event("why", .reasonGiven(.init(reason: .tax, basis: .stated, note: text("note")))),
      event(
        "signal",
        .signal(.init(name: "looked", attributes: [.init(name: "at", value: .text(mark))]))),
    ]
  }

  private static let columns: KeyValuePairs = [
    "person": "state",
    "cart": "CAST(contact_name || company_name || email || customer || details AS BLOB)",
    "contact": "CAST(search AS BLOB)", "contact_tag": "CAST(tag AS BLOB)", "episode": "body",
    "change": "body", "outbox": "body",
  ]

  /// Tables that hold the mark somewhere.
  private static func marked(_ fixture: ChangeFixture) throws -> [String] {
    var found = try columns.filter { try holds(fixture.carts, $0.key, $0.value) }.map(\.key)
    for (table, column) in [("log", "body"), ("command", "answer"), ("erasure", "body")]
    where try holds(fixture.log, table, column) {
      found.append(table)
    }
    return found
  }

  private static func holds(
    _ engine: any StorageEngine, _ table: String, _ column: String
  ) throws -> Bool {
    let statement = Statement(
      name: "marked \(table)",
      sql: "SELECT 1 FROM \(table) WHERE instr(\(column), CAST('\(mark)' AS BLOB)) > 0 LIMIT 1",
      scope: .allBuckets)
    return try engine.read { try $0.first(statement) { _ in true } ?? false }
  }

  private func erasing(
    _ contact: String, _ journal: CartTracker.Journal, at now: Int64
  ) throws -> Erasing {
    let identity = Identity(store: "shop", kind: .contact, id: contact)
    return try Erasing.looking(
      for: identity,
      CommonV1.ErasePerson(
        erasure: "018f4c3e-7b2a-7c1d-9e5f-0123456789ab", store: "shop", contact: contact,
        at: .init(instant: now * 1_000_000), identities: 1, contacts: 1), by: "you", in: journal)
  }

  @Test("P10 After an erasure neither log nor tables nor outbox hold anything personal of them")
  func erases() throws {
    let fixture = try ChangeFixture()
    try fixture.receive(Self.events("ann", from: 100), now: 100)
    // A repeat, and another body under a known id, stand in the log too.
    try fixture.receive(Self.events("ann", from: 100), now: 101)
    var other = Self.events("ann", from: 100)
    other[0].kind = .contactUpserted(.init(profile: Self.profile("\(Self.mark)2@example.test")))
    try fixture.receive(other, now: 102)
    try fixture.pass(to: 4000)
    _ = try fixture.changes()
    #expect(try Self.marked(fixture).contains("log"))
    // What nobody has projected yet.
    try fixture.append(
      [
        FoldFixture.body(
          .contactUpserted(.init(profile: Self.profile())), at: 4001, "late", contact: "ann",
          cart: "")
      ], now: 4001)
    let person = try erasing("ann", fixture.journal, at: 4002)
    #expect(
      person.order.destinations.map(\.address).sorted() == [
        "\(Self.mark)2@example.test", "\(Self.mark)@example.test",
      ])
    try fixture.journal.eraseBlocking([person], known: 1, command: nil)
    try fixture.pass(to: 4002)
    let changes = try fixture.changes()
    guard case .erased(let order) = try #require(changes.last).kind else {
      Issue.record("the erasure is not told")
      return
    }
    #expect(order == person.order)
    #expect(!changes.contains { if case .profile = $0.kind { true } else { false } })
    try fixture.journal.forgetAddressesBlocking(of: [person.identity.key])
    #expect(try Self.marked(fixture) == ["outbox"])
    let stored = try #require(try fixture.journal.erasure(of: person.identity.key))
    #expect(stored.redacted.first { $0.what == "log row" }?.rows == 16)
    #expect(stored.order == person.order.withoutAddresses)
  }

  @Test("P10 What comes later is stored without anything personal, over a restart too")
  func later() throws {
    let fixture = try ChangeFixture()
    try fixture.receive(Self.events("ann", from: 100), now: 100)
    let person = try erasing("ann", fixture.journal, at: 200)
    try fixture.journal.eraseBlocking([person], known: 1, command: nil)
    try fixture.journal.forgetAddressesBlocking(of: [person.identity.key])
    try fixture.restart()
    try fixture.pass(to: 201)
    _ = try fixture.changes()
    let told = Statement(
      name: "told", sql: "DELETE FROM outbox WHERE bucket = ?1", scope: .allBuckets)
    _ = try fixture.carts.write {
      try $0.execute(told, [.integer(person.identity.key.bucket)])
    }
    for (index, event) in Self.events("ann", from: 300).enumerated() {
      var event = event
      event.id = "again-\(index)"
      try fixture.receive([event], now: 300)
    }
    // One from before that comes late.
    try fixture.receive(
      [
        FoldFixture.body(
          .reasonGiven(.init(reason: .tax, basis: .stated, note: Self.text("old"))), at: 150,
          "old", contact: "ann", cart: "c-ann")
      ], now: 301)
    #expect(try Self.marked(fixture) == [])
    // Others are not touched.
    try fixture.receive(Self.events("ben", from: 400), now: 400)
    #expect(try Self.marked(fixture).contains("person"))
  }

  @Test("P10 Nothing is permitted for one who was erased, whatever else there is")
  func refuses() throws {
    var group = FoldFixture.group("ann")
    group.members[0].person.erasedAt = 5
    let rule = StopRule(
      group: group, rules: try FoldFixture.rules { $0.detection = false }, watermark: 0, now: 10)
    let refusal = rule.refusal(
      anchor: .init(), cart: "", isTooWide: false, withdrawn: false, archived: nil)
    #expect(refusal == StopRule.Refusal(reason: .erased))
  }

  @Test("P10 Redacting twice is redacting once, and keeps what is bought and when")
  func redactsOnce() throws {
    for event in Self.events("ann", from: 100) {
      let record = Tracked.LogRecord(store: "shop", contact: "ann", kind: .event(event))
      let redacted = record.redacted
      #expect(redacted.redacted == redacted)
      #expect(redacted.order == record.order)
      #expect(redacted.eventID == record.eventID)
    }
  }
}
