internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Testing

@testable internal import CartTracker

@Suite struct ListRowTests {
  private let person = CartTrackerV1.StoredPerson(store: "shop", contact: "c1")

  private func values(
    _ cart: CartTrackerV1.StoredCart, contact: CartTrackerV1.StoredPerson? = nil
  ) -> [SQLValue] {
    CartColumns(
      key: ListFixture.key(person), person: person, cart: cart, contact: contact, version: 7
    ).values
  }

  @Test("L02 L08 a cart's row says what the lists filter, search and sort by")
  func columns() throws {
    var contact = person
    contact.profile = .init(
      profile: .init(
        givenName: "Änne", familyName: "Groß", company: "acme", companyName: "ACME",
        destinations: [
          .init(channel: .push, address: "token"), .init(channel: .email, address: "A@x.org"),
          .init(channel: .email, address: "b@x.org"), .init(channel: .sms, address: "+49"),
        ], address: .init(countryCode: "DE", streetLines: ["Weg 1"], locality: "Ulm")))
    let episode = CartTrackerV1.StoredEpisode(
      abandonedAt: 500, knownAt: 501, stage: .payment, score: .init(value: 9))
    let cart = CartTrackerV1.StoredCart(
      id: "k", state: .abandoned,
      lines: [
        .init(
          sku: "S1", name: "Pipe", quantity: .init(units: 1, nanos: 500_000_000),
          unitPrice: .init(currencyCode: "EUR", units: 2)),
        .init(sku: "s1", name: "Motor", unitPrice: .init(currencyCode: "CHF", units: 1)),
      ], reasons: [.init(reason: .tax), .init(reason: .justBrowsing)], startedAt: 100,
      active: .init(at: 400), episodes: [episode], episodesAnnounced: 1, stages: 0b100100)
    let expected: [SQLValue] = [
      .integer(ListFixture.key(person).bucket), .blob(ListFixture.key(person).bytes), "k", "shop",
      "c1", 2, 1, 0, 0, 2, 0b100100, 5, .integer(Int64(1 << 2 | 1 << 17)), "acme", 9, 100, 400,
      .null, 500, 1, 2.5, 1, 0, "CHF", "Änne Groß", "ACME", "A@x.org", "+49", "pipe\u{1F}motor",
      "s1", "änne gross\u{1F}acme", "a@x.org\u{1F}b@x.org\u{1F}+49\u{1F}weg 1 ulm de",
      "CHF 1.000000000\u{1F}EUR 3.000000000", 7, .null,
    ]
    #expect(values(cart, contact: contact) == expected)
  }

  @Test("C26 a silence that is not announced does not show")
  func pending() {
    let episode = CartTrackerV1.StoredEpisode(abandonedAt: 500, knownAt: 0)
    let cart = CartTrackerV1.StoredCart(id: "k", state: .abandoned, episodes: [episode])
    #expect(values(cart)[5] == 1)
    #expect(values(cart)[18] == .null)
    let message = CartMessage.cart(cart, person: person, contact: "c1", rules: nil)
    #expect(message.state == .open && message.abandonedAt == nil)
  }

  @Test("C30 a cart's message has its sums, and kind and stage as they count")
  func message() {
    let cart = CartTrackerV1.StoredCart(
      id: "k", state: .purchased, lines: [.init(sku: "a", quantity: .init(units: 2))],
      startedAt: 1_000_000, active: .init(at: 2_000_000), closedAt: 3_500_000)
    let message = CartMessage.cart(cart, person: person, contact: "c1", rules: nil)
    #expect(message.quantities == [.init(units: 2)] && message.totals.isEmpty)
    #expect(message.header?.kind == .cart && message.header?.stage == .cart)
    #expect(message.startedAt == .init(seconds: 1) && message.lastActivityAt == .init(seconds: 2))
    #expect(message.closedAt == .init(seconds: 3, nanos: 500_000_000))
    #expect(message.deadline == nil && message.abandonedAt == nil)
  }

  @Test("C14 an open cart tells when it will be abandoned, while detection is on")
  func abandonsAt() throws {
    var store = CartTrackerV1.Store(id: "shop")
    store.settings = .init(
      timeZone: "UTC", detection: true, window: .init(length: .span(.init(seconds: 3600))))
    store.detectionSince = .init(seconds: 1)
    var cart = CartTrackerV1.StoredCart(
      id: "k", state: .open, lines: [.init(sku: "a")], quietFrom: 10_000_000)
    let on = try StoreRules(store)
    func instant(_ rules: StoreRules) -> Protobuf.Timestamp? {
      CartMessage.cart(cart, person: person, contact: "c1", rules: rules).abandonsAt
    }
    #expect(instant(on) == .init(seconds: 3610))
    store.settings?.detection = false
    #expect(instant(try StoreRules(store)) == nil)
    cart.paymentPendingUntil = 99_000_000
    #expect(instant(on) == nil)
    cart.paymentPendingUntil = 0
    cart.state = .emptied
    #expect(instant(on) == nil)
  }

  @Test("An episode's id follows from person, cart and anchor alone")
  func episodeID() {
    let key = ListFixture.key(person)
    var episode = CartTrackerV1.StoredEpisode(anchor: .init(at: 1, event: "e1"), cart: "k")
    let id = UUIDText.text(EpisodeID.of(key, episode))
    #expect(id == "cf4b361d-6c79-d1cd-1399-5cf79d4537a7")
    episode.abandonedAt = 77
    episode.anchor?.at = 5
    #expect(UUIDText.text(EpisodeID.of(key, episode)) == id)
    episode.cart = "k2"
    #expect(UUIDText.text(EpisodeID.of(key, episode)) != id)
    let message = EpisodeMessage.episode(episode, key: key, person: person, contact: "c1")
    #expect(message.id != id && message.anchor?.at == .init(seconds: 0, nanos: 5000))
  }
}
