internal import Messages
internal import Testing

@testable internal import Scheduler

@Suite struct FactSheetTests {
  private static let anchor = CommonV1.Anchor(at: .init(seconds: 1000, nanos: 500))

  private static func facts() -> CartTrackerV1.Facts {
    let profile = CartTrackerV1.ContactProfile(
      company: "ACME", locale: "de_CH",
      destinations: [.init(channel: .email, address: "a@b.example")],
      address: .init(countryCode: "ch"),
      attributes: [
        .init(name: "segment", value: .text("gold")), .init(name: "points", value: .number(3)),
        .init(name: "gone"),
      ])
    let contact = CartTrackerV1.Contact(
      id: "p", profile: profile, tags: ["AB CART", "BUY"],
      history: .init(orders: 2, totals: [.init(currencyCode: "EUR", units: 30)]))
    let cart = CartTrackerV1.Cart(
      id: "c", header: .init(kind: .quote, place: .portal, offerClass: .service, stage: .payment),
      lines: [
        .init(sku: "a", quantity: .init(units: 2)),
        .init(sku: "b", quantity: .init(units: 2, nanos: 500_000_000, unitCode: "MTR")),
        .init(sku: "c"),
      ],
      totals: [.init(currencyCode: "EUR", units: 5), .init(currencyCode: "CHF", units: 7)],
      reasons: [.init(reason: .tax), .init(reason: .justBrowsing)], score: .init(value: 40))
    return CartTrackerV1.Facts(contact: contact, carts: [.init(id: "other"), cart])
  }

  private static func sheet(
    _ facts: CartTrackerV1.Facts, cart: String = "c", episode: CartTrackerV1.Episode? = nil
  ) -> FactSheet {
    FactSheet(facts: facts, store: "shop", cart: cart, anchor: anchor, episode: episode)
  }

  @Test("P07 C21 Everything that conditions name is taken from the tracker's facts")
  func whole() {
    let sheet = Self.sheet(Self.facts())
    #expect(sheet["store"] == [.text("shop")])
    #expect(sheet["bought"] == [.flag(false)])
    #expect(sheet["cart.total"]?.count == 2)
    #expect(sheet["cart.lines"] == [.number(3)])
    #expect(sheet["cart.items"] == [.number(4)])
    #expect(sheet["cart.kind"] == [.text("quote")])
    #expect(sheet["cart.place"] == [.text("portal")])
    #expect(sheet["cart.offer_class"] == [.text("service")])
    #expect(sheet["cart.stage"] == [.text("payment")])
    #expect(sheet["cart.device"] == nil)
    #expect(sheet["cart.reason"] == [.text("tax"), .text("just_browsing")])
    #expect(sheet["company"] == [.text("ACME")])
    #expect(sheet["score"] == [.number(40)])
    #expect(sheet["contact.locale"] == [.text("de-ch")])
    #expect(sheet["contact.language"] == [.text("de")])
    #expect(sheet["contact.country"] == [.text("CH")])
    #expect(sheet["contact.segment"] == [.text("gold")])
    #expect(sheet["contact.points"] == [.number(3)])
    #expect(sheet["contact.gone"] == nil)
    #expect(sheet["has email"] == [.flag(true)])
    #expect(sheet["has phone"] == [.flag(false)])
    #expect(sheet["has address"] == [.flag(true)])
    #expect(sheet["history.orders"] == [.number(2)])
    #expect(sheet["history.total"] == [.money(currency: "EUR", units: 30, nanos: 0)])
  }

  @Test(
    "P05 Bought means a purchase at or after the anchor, and the purchase tag follows it",
    arguments: [(999, 0, false), (1000, 499, false), (1000, 500, true), (1001, 0, true)])
  func bought(seconds: Int64, nanos: Int32, isBought: Bool) {
    var facts = Self.facts()
    facts.purchasedAt = .init(seconds: seconds, nanos: nanos)
    let sheet = Self.sheet(facts)
    #expect(sheet["bought"] == [.flag(isBought)])
    #expect(sheet["tag"] == [.text("AB CART")] + (isBought ? [.text("BUY")] : []))
  }

  @Test("The episode stands in for a cart that the facts do not hold")
  func episode() {
    let episode = CartTrackerV1.Episode(
      cart: "gone", kind: .reorder, stage: .cart, totals: [.init(currencyCode: "EUR", units: 9)],
      score: .init(value: 7), reasons: [.init(reason: .tax)], company: "X")
    let sheet = Self.sheet(Self.facts(), cart: "gone", episode: episode)
    #expect(sheet["cart.kind"] == [.text("reorder")])
    #expect(sheet["cart.total"] == [.money(currency: "EUR", units: 9, nanos: 0)])
    #expect(sheet["cart.lines"] == nil)
    #expect(sheet["score"] == [.number(7)])
    let without = Self.sheet(Self.facts(), cart: "gone")
    #expect(without["cart.kind"] == nil)
    #expect(Self.sheet(Self.facts(), cart: "")["cart.lines"] == [.number(0)])
  }

  @Test("Of somebody who is not known only the store is")
  func nobody() {
    let sheet = Self.sheet(CartTrackerV1.Facts(unknown: true))
    #expect(sheet.values.count == 1)
    #expect(sheet["store"] == [.text("shop")])
  }

  @Test("The words of the catalogue are those of the contract, in its order")
  func words() {
    func names<Value: RawRepresentable & CustomStringConvertible>(
      _ prefix: String, _ make: (Int32) -> Value
    ) -> [String] where Value.RawValue == Int32 {
      (1...99).map { make($0).description }.prefix { $0.hasPrefix(prefix) }
        .map { $0.dropFirst(prefix.count).lowercased() }
    }
    #expect(names("CART_KIND_") { CartTrackerV1.CartKind(rawValue: $0) } == FactCatalogue.kinds)
    #expect(names("STAGE_") { CartTrackerV1.Stage(rawValue: $0) } == FactCatalogue.stages)
    #expect(names("PLACE_") { CartTrackerV1.Place(rawValue: $0) } == FactCatalogue.places)
    #expect(names("DEVICE_") { CartTrackerV1.Device(rawValue: $0) } == FactCatalogue.devices)
    #expect(
      names("OFFER_CLASS_") { CartTrackerV1.OfferClass(rawValue: $0) } == FactCatalogue.offers)
    #expect(
      names("LEAVE_REASON_") { CartTrackerV1.LeaveReason(rawValue: $0) } == FactCatalogue.reasons)
  }
}
