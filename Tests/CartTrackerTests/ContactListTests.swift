internal import Messages
internal import Storage
internal import Testing
internal import Wire

@testable internal import CartTracker

@Suite struct ContactListTests {
  private func pages(
    _ fixture: ListFixture, _ list: ContactList, limit: UInt32
  ) throws -> [CartTrackerV1.Contact] {
    var found: [CartTrackerV1.Contact] = []
    var after = ""
    repeat {
      let page = CommonV1.Page(limit: limit, after: after)
      let answer = try fixture.engine.read { try list.page(page, in: $0) }
      found += answer.contacts
      after = answer.next
    } while !after.isEmpty
    return found
  }

  private func filled() throws -> ListFixture {
    let fixture = try ListFixture()
    try fixture.put(all: ListSample.persons(120, seed: 12))
    return fixture
  }

  private func sorted(_ ids: [String]) -> [String] {
    ids.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  @Test("P01 contacts come in order of their ids, without guests, in pages and whole")
  func everyone() throws {
    let fixture = try filled()
    let list = try ContactList(CartTrackerV1.ListContactsRequest(store: ListFixture.store))
    let expected = sorted(fixture.entries.map(\.person.contact).filter { !$0.isEmpty })
    #expect(try pages(fixture, list, limit: 7).map(\.id) == expected)
    #expect(try pages(fixture, list, limit: 1000).map(\.id) == expected)
  }

  @Test(
    "A search finds parts of names, addresses and companies",
    arguments: ["MÜLLER", "user3@example", "globex", "köln"])
  func search(_ text: String) throws {
    let fixture = try filled()
    let list = try ContactList(
      CartTrackerV1.ListContactsRequest(store: ListFixture.store, search: text))
    let expected = fixture.entries.filter { entry in
      let profile = entry.person.profile?.profile ?? .init()
      let texts = [
        profile.givenName + " " + profile.familyName, profile.companyName,
        profile.address?.locality ?? "",
      ]
      return !entry.person.contact.isEmpty
        && (texts + profile.destinations.map(\.address)).contains {
          $0.lowercased().contains(text.lowercased())
        }
    }
    #expect(!expected.isEmpty && expected.count < 90)
    #expect(
      try pages(fixture, list, limit: 5).map(\.id) == sorted(expected.map(\.person.contact)))
  }

  @Test("P04 everyone with a tag is listed with destinations")
  func tagged() throws {
    let fixture = try filled()
    let list = try ContactList(
      CartTrackerV1.ListTaggedRequest(store: ListFixture.store, tag: "AB CART"))
    let expected = fixture.entries.filter {
      !$0.person.contact.isEmpty && !$0.person.tags.isEmpty
    }
    let found = try pages(fixture, list, limit: 6)
    #expect(!expected.isEmpty && found.map(\.id) == sorted(expected.map(\.person.contact)))
    #expect(found.allSatisfy { $0.tags == ["AB CART"] && $0.profile?.destinations.count == 2 })
    let none = try ContactList(CartTrackerV1.ListTaggedRequest(store: ListFixture.store, tag: "x"))
    #expect(try pages(fixture, none, limit: 6).isEmpty)
  }

  @Test("P09 a contact names its linked identities and counts their purchases too")
  func linked() throws {
    let fixture = try ListFixture()
    let order = CartTrackerV1.EventOrder(at: 5, event: "l")
    var contact = CartTrackerV1.StoredPerson(store: ListFixture.store, contact: "c1")
    contact.tags = [
      .init(name: "z", present: true), .init(name: "b", present: false),
      .init(name: "a", present: true),
    ]
    contact.links = [.init(guest: "g1", order: order), .init(contact: "c2", order: order)]
    contact.orders = 1
    contact.firstOrderAt = 3_000_000
    contact.lastOrderAt = 3_000_000
    contact.orderTotals = [.init(currencyCode: "EUR", units: 10)]
    var guest = CartTrackerV1.StoredPerson(store: ListFixture.store, guest: "g1")
    guest.links = [.init(contact: "c1", order: order)]
    var other = CartTrackerV1.StoredPerson(store: ListFixture.store, contact: "c2")
    other.links = [.init(contact: "c1", order: order)]
    other.orders = 2
    other.firstOrderAt = 1_000_000
    other.lastOrderAt = 9_000_000
    other.orderTotals = [
      .init(currencyCode: "CHF", units: 1), .init(currencyCode: "EUR", units: 5),
    ]
    for person in [contact, guest, other] { try fixture.put(person) }
    let list = try ContactList(CartTrackerV1.ListContactsRequest(store: ListFixture.store))
    let found = try pages(fixture, list, limit: 10)
    #expect(found.map(\.id) == ["c1", "c2"])
    #expect(found.map(\.linked) == [["c2", "g1"], ["c1", "g1"]])
    #expect(found[0].tags == ["a", "z"])
    let history = CartTrackerV1.PurchaseHistory(
      orders: 3, firstAt: .init(seconds: 1), lastAt: .init(seconds: 9),
      totals: [.init(currencyCode: "CHF", units: 1), .init(currencyCode: "EUR", units: 15)])
    #expect(found.map(\.history) == [history, history])
  }

  @Test("A token of one list is none of another")
  func tokens() throws {
    let fixture = try filled()
    let all = try ContactList(CartTrackerV1.ListContactsRequest(store: ListFixture.store))
    let next = try fixture.engine.read { try all.page(.init(limit: 2), in: $0) }.next
    let tagged = try ContactList(
      CartTrackerV1.ListTaggedRequest(store: ListFixture.store, tag: "AB CART"))
    #expect(!next.isEmpty)
    #expect(throws: RPCError.self) {
      try fixture.engine.read { try tagged.page(.init(limit: 2, after: next), in: $0) }
    }
  }
}
