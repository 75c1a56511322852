internal import Messages
internal import Testing

@testable internal import CartTracker

@Suite struct FoldPurchaseTests {
  private func bought(_ sku: String, _ units: Int64? = nil) -> Tracked.OrderLine {
    Tracked.OrderLine(sku: sku, quantity: units.map { .init(units: $0) })
  }

  @Test("P09 a purchase that names a cart buys that one whole")
  func named() throws {
    var shop = try FoldShop()
    shop.add(at: 0, cart: "x")
    shop.add(at: 0, cart: "y")
    shop.send(.purchase(.init(order: "o")), at: 1, cart: "x")
    #expect(shop.cart("x")?.state == .purchased && shop.cart("y")?.state == .open)
    #expect(shop.person().purchases.map(\.carts) == [["x"]])
  }

  @Test("P09 a purchase that names neither cart nor lines buys all of the person's carts")
  func all() throws {
    var shop = try FoldShop()
    for cart in ["x", "y", "z"] { shop.add(at: 0, cart: cart) }
    shop.send(.purchase(.init()), at: 1)
    #expect(shop.person().carts.allSatisfy { $0.state == .purchased })
    #expect(shop.person().orders == 1 && shop.person().purchases[0].carts.count == 3)
  }

  @Test("P09 bought quantities leave the cart, a remainder stays the same cart and goes quiet anew")
  func lines() throws {
    var shop = try FoldShop()
    shop.add("a", 3, at: 0, cart: "x")
    shop.add("b", at: 0, cart: "x")
    shop.wait(until: 3600)
    shop.send(.purchase(.init(lines: [bought("a", 2)])), at: 4000, cart: "x")
    #expect(shop.cart("x")?.lines.map(\.quantity?.units) == [1, 1])
    #expect(shop.cart("x")?.state == .open)
    #expect(shop.episodes().map(\.state) == [.recovered])
    shop.wait(until: 7600)
    #expect(shop.episodes().map(\.state) == [.recovered, .running])
    shop.send(.purchase(.init(lines: [bought("a"), bought("b", 9)])), at: 8000, cart: "x")
    #expect(shop.cart("x")?.state == .purchased)
    #expect(shop.episodes().map(\.state) == [.recovered, .recovered])
  }

  @Test("P09 lines without a cart are taken from the carts, the most recently active first")
  func linesOverCarts() throws {
    var shop = try FoldShop()
    shop.add("a", 2, at: 0, cart: "old")
    shop.add("a", 2, at: 10, cart: "new")
    shop.add("z", at: 20, cart: "other")
    shop.send(.purchase(.init(lines: [bought("a", 3)])), at: 30)
    #expect(shop.cart("new")?.state == .purchased)
    #expect(shop.cart("old")?.lines.map(\.quantity?.units) == [1])
    #expect(shop.cart("other")?.active?.at == 20_000_000)
    #expect(shop.person().purchases.map(\.carts) == [["new", "old"]])
  }

  @Test("P09 a purchase of nothing that is in a cart counts as an order and changes no cart")
  func unrelated() throws {
    var shop = try FoldShop()
    shop.add(at: 0)
    shop.send(.purchase(.init(lines: [bought("zzz")])), at: 10)
    #expect(shop.cart()?.state == .open && shop.cart()?.active?.at == 0)
    #expect(shop.person().orders == 1 && shop.person().purchases.map(\.carts) == [[]])
    var empty = try FoldShop()
    empty.send(.purchase(.init()), at: 10)
    #expect(empty.person().orders == 1 && empty.person().carts.isEmpty)
  }

  @Test("P03 P05 an episode sets the one tag and clears the other; a purchase does the reverse")
  func tags() throws {
    var shop = try FoldShop()
    shop.send(.purchase(.init()), at: 0)
    #expect(shop.person().hasTag("BUY") && !shop.person().hasTag("AB CART"))
    shop.add(at: 10, cart: "x")
    shop.add(at: 20, cart: "y")
    shop.wait(until: 4000)
    #expect(!shop.person().hasTag("BUY") && shop.person().hasTag("AB CART"))
    shop.send(.purchase(.init()), at: 5000, cart: "x")
    #expect(shop.person().hasTag("BUY") && shop.person().hasTag("AB CART"))
    shop.send(.purchase(.init()), at: 6000, cart: "y")
    #expect(shop.person().hasTag("BUY") && !shop.person().hasTag("AB CART"))
  }

  @Test("P02 P03 the tags' names are settings, and others are set and cleared by events")
  func tagNames() throws {
    var shop = try FoldShop {
      $0.abandonedTag = "left"
      $0.purchasedTag = "bought"
    }
    shop.add(at: 0)
    shop.wait(until: 3600)
    #expect(shop.person().tags.filter(\.present).map(\.name) == ["left"])
    shop.send(.tagsChanged(.init(added: ["vip"])), at: 4000)
    shop.send(.tagsChanged(.init(removed: ["vip"])), at: 3900, now: 4001)
    #expect(shop.person().hasTag("vip"))
    shop.send(.tagsChanged(.init(removed: ["vip", "left"])), at: 5000)
    #expect(shop.person().tags.filter(\.present).isEmpty)
  }

  @Test("C10 C30 R00 revenue is net of tax and shipping of its currency, summed for each currency")
  func revenue() throws {
    func money(_ currency: String, _ units: Int64, _ nanos: Int32 = 0) -> CommonV1.Money {
      .init(currencyCode: currency, units: units, nanos: nanos)
    }
    var shop = try FoldShop()
    shop.send(
      .purchase(
        .init(
          order: "1", total: money("EUR", 119, 500_000_000), shipping: money("EUR", 4, 900_000_000),
          tax: money("EUR", 19))), at: 10)
    shop.send(
      .purchase(.init(order: "2", total: money("USD", 50), tax: money("EUR", 8))), at: 20)
    #expect(shop.person().orderTotals == [money("EUR", 95, 600_000_000), money("USD", 50)])
    #expect(shop.person().orders == 2)
    #expect(shop.person().firstOrderAt == 10_000_000 && shop.person().lastOrderAt == 20_000_000)
  }
}
