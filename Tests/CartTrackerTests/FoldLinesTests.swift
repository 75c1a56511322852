internal import Messages
internal import Testing

@testable internal import CartTracker

@Suite struct FoldLinesTests {
  private func money(_ units: Int64, _ currency: String = "EUR") -> CommonV1.Money {
    CommonV1.Money(currencyCode: currency, units: units)
  }

  @Test("C01 the first item starts a cart, and nothing else does")
  func start() throws {
    var shop = try FoldShop()
    shop.send(.checkoutStep(.init()), at: 5)
    shop.send(.itemRemoved(.init(line: "a")), at: 6, cart: "c")
    shop.send(.cartViewed(.init()), at: 7)
    #expect(shop.person().carts.isEmpty)
    shop.add(at: 10)
    let cart = try #require(shop.cart())
    #expect(cart.state == .open && cart.startedAt == 10_000_000 && !cart.named)
    #expect(cart.id.hasPrefix("~") && cart.id.utf8.count == 23)
    #expect(cart.stages == 1 << UInt32(Tracked.Stage.cart.rawValue))
  }

  @Test("C01 an event without a cart goes to the cart that was active last")
  func mostRecent() throws {
    var shop = try FoldShop()
    shop.add("a", at: 1, cart: "x")
    shop.add("b", at: 2, cart: "y")
    shop.add("c", at: 3, cart: "x")
    shop.add("d", at: 4)
    #expect(shop.cart("x")?.lines.map(\.sku) == ["a", "c", "d"])
    #expect(shop.cart("y")?.lines.map(\.sku) == ["b"])
  }

  @Test("C01 the last line gone empties the cart, an item makes it live again")
  func emptied() throws {
    var shop = try FoldShop()
    shop.add("a", at: 1, cart: "x")
    shop.send(.itemRemoved(.init(line: "a")), at: 2, cart: "x")
    #expect(shop.cart("x")?.state == .emptied && shop.cart("x")?.closedAt == 2_000_000)
    shop.add("b", at: 3, cart: "x")
    #expect(shop.cart("x")?.state == .open && shop.cart("x")?.lines.map(\.sku) == ["b"])
    shop.send(.cartEmptied(.init()), at: 4, cart: "x")
    #expect(shop.cart("x")?.state == .emptied && shop.cart("x")?.lines.isEmpty == true)
  }

  @Test("C01 a cart expires after its silence and the allowed lateness, dated at the former")
  func expiry() throws {
    var shop = try FoldShop {
      $0.cartExpiry = .init(seconds: 10_000)
      $0.allowedLateness = .init(seconds: 600)
    }
    shop.add(at: 0)
    shop.wait(until: 10_599)
    #expect(shop.cart()?.state == .abandoned)
    shop.wait(until: 10_600)
    #expect(shop.cart()?.state == .expired && shop.cart()?.closedAt == 10_000_000_000)
    #expect(shop.episodes().map(\.state) == [.closed])
    #expect(shop.episodes().map(\.followed) == [false])
  }

  @Test("C01 a cart that expires before its window ends has no episode")
  func expiresFirst() throws {
    var shop = try FoldShop(window: 5000) { $0.cartExpiry = .init(seconds: 1000) }
    shop.add(at: 0)
    shop.add("b", at: 9000)
    #expect(shop.person().carts.map(\.state) == [.expired, .open])
    #expect(shop.episodes().isEmpty)
    var late = try FoldShop(window: 5000) { $0.cartExpiry = .init(seconds: 1000) }
    late.add(at: 0)
    late.receive(
      FoldShop.records(
        FoldFixture.body(.itemAdded(.init(line: FoldShop.line("b"))), at: 9000, "late")),
      now: 9_000_000_000)
    #expect(late.person().carts.map(\.state) == [.expired, .open])
    #expect(late.episodes().isEmpty)
  }

  @Test("C02 a line that is there grows and takes the other values; no stated total drops the old")
  func grows() throws {
    var shop = try FoldShop()
    var first = FoldShop.line("a", 2, eur: 5)
    first.name = "Kettle"
    first.lineTotal = money(9)
    shop.send(.itemAdded(.init(line: first)), at: 1)
    #expect(shop.cart()?.lines[0].lineTotal == money(9))
    var second = Tracked.CartLine(sku: "a", unitPrice: money(4))
    second.imageURL = "https://shop.example/a.png"
    shop.send(.itemAdded(.init(line: second)), at: 2)
    let line = try #require(shop.cart()?.lines.first)
    #expect(line.quantity?.units == 3 && line.unitPrice == money(4) && line.lineTotal == nil)
    #expect(line.name == "Kettle" && line.imageURL == "https://shop.example/a.png")
  }

  @Test("C02 lines of one SKU with ids of their own stay apart; either name finds them")
  func lineIDs() throws {
    var shop = try FoldShop()
    var blue = FoldShop.line("a", 1)
    blue.id = "blue"
    var red = FoldShop.line("a", 1)
    red.id = "red"
    shop.send(.itemAdded(.init(line: blue)), at: 1)
    shop.send(.itemAdded(.init(line: red)), at: 2)
    shop.send(.quantityChanged(.init(line: "red", quantity: .init(units: 7))), at: 3)
    #expect(shop.cart()?.lines.map(\.quantity?.units) == [1, 7])
    shop.send(.itemRemoved(.init(line: "a")), at: 4)
    #expect(shop.cart()?.lines.map(\.id) == ["red"])
  }

  @Test("C02 parts of a quantity go exactly, and the line goes with the last of them")
  func removePart() throws {
    var shop = try FoldShop()
    let cable = Tracked.CartLine(
      sku: "cable", quantity: .init(units: 2, nanos: 250_000_000, unitCode: "MTR"),
      lineTotal: money(9))
    shop.send(.itemAdded(.init(line: cable)), at: 1)
    shop.add("b", at: 2)
    let part = CommonV1.Quantity(nanos: 500_000_000, unitCode: "MTR")
    shop.send(.itemRemoved(.init(line: "cable", quantity: part)), at: 3)
    #expect(
      shop.cart()?.lines[0].quantity == .init(units: 1, nanos: 750_000_000, unitCode: "MTR"))
    #expect(shop.cart()?.lines[0].lineTotal == nil)
    let all = CommonV1.Quantity(units: 1, nanos: 750_000_000, unitCode: "MTR")
    shop.send(.itemRemoved(.init(line: "cable", quantity: all)), at: 4)
    #expect(shop.cart()?.lines.map(\.sku) == ["b"])
  }

  @Test("C02 a quantity of zero removes the line, another sets it with its total")
  func quantity() throws {
    var shop = try FoldShop()
    shop.add("a", 1, eur: 5, at: 1)
    shop.add("b", at: 2)
    shop.send(
      .quantityChanged(.init(line: "a", quantity: .init(units: 4), lineTotal: money(19))), at: 3)
    #expect(shop.cart()?.lines[0].quantity?.units == 4)
    #expect(shop.cart()?.lines[0].lineTotal == money(19))
    shop.send(.quantityChanged(.init(line: "a", quantity: .init(units: 5))), at: 4)
    #expect(shop.cart()?.lines[0].lineTotal == nil)
    shop.send(.quantityChanged(.init(line: "a", quantity: .init())), at: 5)
    #expect(shop.cart()?.lines.map(\.sku) == ["b"])
    shop.send(.quantityChanged(.init(line: "b", quantity: .init())), at: 6)
    #expect(shop.cart()?.state == .emptied)
  }

  @Test("C02 another unit replaces the quantity, it is never added up")
  func unitChange() throws {
    var shop = try FoldShop()
    shop.add("a", 3, at: 1)
    let metres = CommonV1.Quantity(units: 2, unitCode: "MTR")
    shop.send(.itemAdded(.init(line: Tracked.CartLine(sku: "a", quantity: metres))), at: 2)
    #expect(shop.cart()?.lines[0].quantity == metres)
  }

  @Test("C05 a line that is not there, removed or changed, is activity all the same")
  func unknownLine() throws {
    var shop = try FoldShop()
    shop.add("a", at: 0)
    shop.send(.itemRemoved(.init(line: "zzz")), at: 1000)
    #expect(shop.cart()?.active?.at == 1_000_000_000)
    shop.send(.quantityChanged(.init(line: "zzz", quantity: .init(units: 2))), at: 2000)
    #expect(shop.cart()?.active?.at == 2_000_000_000 && shop.cart()?.lines.count == 1)
  }

  @Test("C03 C04 C17 C18 a header merges field by field and is no activity by itself")
  func header() throws {
    var shop = try FoldShop()
    shop.add(at: 0)
    let first = Tracked.CartHeader(
      kind: .quote, place: .portal, offerClass: .service, device: .phone, stage: .checkout,
      checkoutStep: "address", company: "acme", discount: money(10), shipping: money(5))
    shop.send(.cartViewed(.init()), at: 10, header: first)
    var change = Tracked.CartHeader(stage: .payment, discount: .init(currencyCode: "EUR"))
    change.url = "https://shop.example/cart"
    shop.send(.cartViewed(.init()), at: 20, header: change)
    var expected = first
    expected.stage = .payment
    expected.url = "https://shop.example/cart"
    expected.discount = .init(currencyCode: "EUR")
    #expect(shop.cart()?.header == expected)
    #expect(shop.cart()?.active?.at == 0 && shop.cart()?.views == 2)
  }

  @Test("C18 the stage last reported stays, and every one that was reached is kept")
  func stages() throws {
    var shop = try FoldShop()
    shop.add(at: 0)
    for (index, stage) in [Tracked.Stage.checkout, .payment, .shipping].enumerated() {
      shop.send(.checkoutStep(.init()), at: 1 + Int64(index), header: .init(stage: stage))
    }
    let reached = [Tracked.Stage.cart, .checkout, .payment, .shipping]
    #expect(shop.cart()?.stage == .shipping)
    #expect(shop.cart()?.stages == reached.reduce(0) { $0 | 1 << UInt32($1.rawValue) })
    shop.wait(until: 4000)
    #expect(shop.episodes().map(\.stage) == [.shipping])
  }

  @Test("C18 a purchase brings its header to the cart that it names")
  func purchaseHeader() throws {
    var shop = try FoldShop()
    shop.add(at: 0, cart: "x")
    shop.send(.purchase(.init()), at: 1, cart: "x", header: .init(stage: .order, quote: "q7"))
    #expect(shop.cart("x")?.stage == .order && shop.cart("x")?.header?.quote == "q7")
    #expect((shop.cart("x")?.stages ?? 0) & 1 << UInt32(Tracked.Stage.order.rawValue) != 0)
  }

  @Test("C30 an episode's totals are one for each currency, never a sum across them")
  func totals() throws {
    var shop = try FoldShop()
    shop.add("a", 2, eur: 5, at: 0)
    let dollars = Tracked.CartLine(sku: "b", unitPrice: money(7, "USD"))
    shop.send(.itemAdded(.init(line: dollars)), at: 1)
    shop.wait(until: 4000)
    #expect(shop.episodes().map(\.totals) == [[money(10), money(7, "USD")]])
  }

  @Test("A state keeps the last closed carts, and an old one named again comes back with its past")
  func archive() throws {
    var shop = try FoldShop(window: 60)
    for number in 0..<(Fold.closedCartsMax + 4) {
      let start = Int64(number) * 1000
      shop.add(at: start, cart: "c\(number)")
      shop.send(.purchase(.init()), at: start + 500, cart: "c\(number)")
    }
    #expect(shop.person().carts.count == Fold.closedCartsMax && shop.cart("c0") == nil)
    shop.send(.itemRemoved(.init(line: "a")), at: 50_000, cart: "c1")
    #expect(shop.cart("c1") == nil)
    shop.add(at: 60_000, cart: "c0")
    shop.wait(until: 60_060)
    let cart = try #require(shop.cart("c0"))
    #expect(cart.state == .abandoned && cart.episodesAnnounced == 2)
    // A late event makes all carts again; what the old one went through counts once.
    shop.add("b", at: 100, cart: "c0", now: 60_100)
    #expect(shop.cart("c0")?.episodesAnnounced == 3)
    #expect(shop.times().filter { $0 < 500 } == [60, 160])
    #expect(shop.person().carts.count == Fold.closedCartsMax + 1)
  }
}
