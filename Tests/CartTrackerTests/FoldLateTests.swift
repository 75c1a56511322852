internal import Messages
internal import Testing

@testable internal import CartTracker

@Suite struct FoldLateTests {
  @Test("C26 an event after the last one but within an announced silence disproves the episode")
  func withdrawn() throws {
    var shop = try FoldShop()
    shop.add(at: 0)
    shop.wait(until: 3600)
    #expect(shop.episodes().map(\.revision) == [1])
    shop.add("b", at: 1800, now: 4000)
    #expect(shop.allEpisodes().map(\.state) == [.withdrawn])
    #expect(shop.allEpisodes().map(\.revision) == [2])
    #expect(shop.cart()?.state == .open && shop.cart()?.episodesAnnounced == 0)
    shop.wait(until: 10_000)
    #expect(shop.times() == [5400] && shop.cart()?.episodesAnnounced == 1)
  }

  @Test("C26 a late event before the last one moves what follows from it")
  func moved() throws {
    var shop = try FoldShop()
    shop.add(at: 0)
    shop.add("b", at: 5000)
    #expect(shop.times() == [3600])
    shop.add("c", at: 2000, now: 5001)
    shop.wait(until: 50_000)
    #expect(shop.allEpisodes().map(\.state) == [.withdrawn, .running])
    #expect(shop.times() == [8600])
    #expect(shop.cart()?.lines.map(\.sku) == ["a", "c", "b"])
  }

  @Test("C26 a silence that turns out true after all has its id again, with a later revision")
  func trueAgain() throws {
    var shop = try FoldShop()
    shop.add("a", at: 0, contact: "ann", cart: "x")
    shop.wait(until: 3600)
    // A guest that was ann when it was at the cart, and then is nobody for sure.
    let identify = Tracked.Event.Kind.identify(.init(evidence: .login))
    shop.send(identify, at: 10, contact: "ann", guest: "g", now: 3601)
    shop.send(.checkoutStep(.init()), at: 1800, contact: "", guest: "g", cart: "x", now: 3602)
    #expect(shop.allEpisodes().map(\.state) == [.withdrawn])
    shop.send(identify, at: 20, contact: "bob", guest: "g", now: 3603)
    #expect(shop.allEpisodes().map(\.state) == [.running])
    #expect(shop.allEpisodes().map(\.revision) == [3] && shop.times() == [3600])
  }

  @Test("C26 a purchase that comes late, dated before the abandonment, leaves no episode")
  func latePurchase() throws {
    var shop = try FoldShop()
    shop.add(at: 0)
    shop.wait(until: 4000)
    shop.send(.purchase(.init()), at: 3000, now: 5000)
    #expect(shop.allEpisodes().map(\.state) == [.withdrawn])
    #expect(shop.cart()?.state == .purchased && shop.person().hasTag("BUY"))
    #expect(!shop.person().hasTag("AB CART"))
  }

  @Test("C26 an event within the silence of an expired cart keeps it alive")
  func lateForExpired() throws {
    var shop = try FoldShop(window: 60) { $0.cartExpiry = .init(seconds: 1000) }
    shop.add(at: 0)
    shop.wait(until: 1500)
    #expect(shop.cart()?.state == .expired)
    shop.add("b", at: 900, now: 1600)
    #expect(shop.cart()?.state == .abandoned && shop.times() == [60, 960])
    #expect(shop.episodes().map(\.state) == [.reopened, .running])
  }

  @Test("C26 the allowed lateness delays the announcement and moves no time")
  func lateness() throws {
    var shop = try FoldShop { $0.allowedLateness = .init(seconds: 500) }
    shop.add(at: 0)
    shop.wait(until: 4099)
    #expect(shop.episodes().isEmpty)
    shop.wait(until: 4100)
    #expect(shop.times() == [3600] && shop.episodes().map(\.knownAt) == [4_100_000_000])
    var late = try FoldShop { $0.allowedLateness = .init(seconds: 500) }
    late.add(at: 0)
    late.wait(until: 4000)
    late.add("b", at: 3500, now: 4050)
    late.wait(until: 50_000)
    #expect(late.allEpisodes().map(\.abandonedAt) == [7_100_000_000])
  }

  @Test("C26 an episode that is over when it is announced is announced as it is")
  func announcedReopened() throws {
    var shop = try FoldShop { $0.allowedLateness = .init(seconds: 500) }
    shop.add(at: 0)
    shop.add("b", at: 3700)
    #expect(shop.allEpisodes().isEmpty)
    shop.wait(until: 4100)
    #expect(shop.allEpisodes().map(\.state) == [.reopened])
    #expect(shop.allEpisodes().map(\.revision) == [1] && shop.person().hasTag("AB CART"))
  }

  @Test("C26 what comes too late corrects history and starts nothing")
  func tooLate() throws {
    var shop = try FoldShop()
    shop.send(
      .itemAdded(.init(line: FoldShop.line("a"))), at: 0, now: 1_000_000, tooLate: true)
    #expect(shop.times() == [3600] && shop.episodes().map(\.enrols) == [false])
    shop.add("b", at: 1_000_001)
    shop.wait(until: 2_000_000)
    #expect(shop.episodes().map(\.enrols) == [false, true])
  }

  @Test("C26 a repeat has no effect, and of two bodies of one id the first counts")
  func repeats() throws {
    var shop = try FoldShop()
    let first = Tracked.Event.Kind.itemAdded(.init(line: FoldShop.line("a", 2)))
    let other = Tracked.Event.Kind.itemAdded(.init(line: FoldShop.line("a", 50)))
    shop.send(first, at: 0, id: "x")
    shop.send(first, at: 0, id: "x", now: 10)
    shop.send(other, at: 0, id: "x", now: 20)
    shop.send(other, at: 0, id: "x", now: 30)
    #expect(shop.cart()?.lines.map(\.quantity?.units) == [2] && shop.anew == 0)
    #expect(shop.person().events == 2)
    shop.send(.cartViewed(.init()), at: -5, now: 40)
    #expect(shop.cart()?.lines.map(\.quantity?.units) == [2] && shop.anew == 1)
  }

  @Test("C26 a repeat of a clamped event is known by what the source said")
  func clampedRepeat() {
    func record(_ at: Int64, from: Int64) -> Tracked.LogRecord {
      let event = FoldFixture.body(.cartViewed(.init()), at: at, "x")
      return Tracked.LogRecord(
        store: "shop", contact: "ann", receivedAt: at, clampedFrom: from, kind: .event(event))
    }
    #expect(record(10, from: 900).hasSameBody(as: record(20, from: 900)))
    #expect(!record(10, from: 900).hasSameBody(as: record(20, from: 901)))
    #expect(record(10, from: 900).hasSameBody(as: record(0, from: 0)) == false)
  }

  @Test("C26 events of one instant are in order of the source, then of their ids' bytes")
  func order() {
    func order(_ at: Int64, _ source: UInt64, _ id: String) -> Tracked.EventOrder {
      Tracked.EventOrder(at: at, sourceOrder: source, event: id)
    }
    let sorted = [
      order(-1, 9, "z"), order(0, 0, "z"), order(0, 1, "Z"), order(0, 1, "a"), order(0, 1, "é"),
      order(1, 0, ""),
    ]
    #expect(sorted.reversed().sorted { $0 < $1 } == sorted)
  }

  @Test("C27 a re-opened cart begins a new episode when it goes quiet again")
  func reopened() throws {
    var shop = try FoldShop()
    shop.add(at: 0)
    shop.add("b", at: 5000)
    #expect(shop.episodes().map(\.state) == [.reopened] && shop.cart()?.state == .open)
    shop.wait(until: 20_000)
    #expect(shop.times() == [3600, 8600])
    #expect(shop.episodes().map(\.state) == [.reopened, .running])
    #expect(shop.episodes().map(\.revision) == [2, 1])
    #expect(shop.cart()?.episodesAnnounced == 2)
  }

  @Test("C27 the newest episode is recovered by a purchase, closed by emptying or expiry")
  func endings() throws {
    for (kind, state) in [(.purchase(.init()), .recovered), (.cartEmptied(.init()), .closed)]
      as [(Tracked.Event.Kind, Tracked.EpisodeState)]
    {
      var shop = try FoldShop()
      shop.add(at: 0)
      shop.add("b", at: 5000)
      shop.wait(until: 9000)
      shop.send(kind, at: 9001)
      #expect(shop.episodes().map(\.state) == [.reopened, state])
      #expect(shop.episodes().map(\.followed) == [true, true])
    }
  }

  @Test("C27 a whole cancellation reverses the recovery, one line of it only the revenue")
  func reversal() throws {
    var shop = try FoldShop()
    func euros(_ units: Int64) -> CommonV1.Money { .init(currencyCode: "EUR", units: units) }
    shop.add(at: 0)
    shop.wait(until: 3600)
    shop.send(.purchase(.init(order: "o1", total: euros(100))), at: 4000)
    shop.send(
      .purchaseReversed(.init(order: "o1", lines: [.init(sku: "a")], amount: euros(30))), at: 5000)
    #expect(shop.episodes().map(\.state) == [.recovered])
    #expect(shop.person().orders == 1 && shop.person().orderTotals == [euros(70)])
    shop.send(.purchaseReversed(.init(order: "o1")), at: 6000)
    #expect(shop.episodes().map(\.state) == [.reversed])
    #expect(shop.person().orders == 0 && shop.person().orderTotals == [euros(0)])
    #expect(shop.person().purchases.map(\.void) == [true])
  }

  @Test("C27 a cancellation finds its episode when the cart has long lived on")
  func reversalOfOlder() throws {
    var shop = try FoldShop()
    shop.add(at: 0, cart: "x")
    shop.wait(until: 3600)
    shop.send(.purchase(.init(order: "o1")), at: 4000, cart: "x")
    shop.add(at: 5000, cart: "x")
    shop.wait(until: 9000)
    shop.send(.purchaseReversed(.init(order: "o1")), at: 10_000)
    #expect(shop.episodes().map(\.state) == [.reversed, .running])
  }

  @Test("C30 amounts given back in another currency are never summed with the others")
  func reversalInOtherCurrency() throws {
    var shop = try FoldShop()
    shop.add(at: 0)
    shop.send(
      .purchase(.init(order: "o", total: .init(currencyCode: "EUR", units: 9))), at: 1)
    for currency in ["EUR", "USD"] {
      let amount = CommonV1.Money(currencyCode: currency, units: 2)
      shop.send(
        .purchaseReversed(.init(order: "o", lines: [.init(sku: "a")], amount: amount)), at: 2)
    }
    #expect(
      shop.person().orderTotals == [
        .init(currencyCode: "EUR", units: 7), .init(currencyCode: "USD", units: -2),
      ])
  }
}
