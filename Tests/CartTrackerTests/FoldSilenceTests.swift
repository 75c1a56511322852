internal import Messages
internal import ServiceKit
internal import Testing

@testable internal import CartTracker

@Suite struct FoldSilenceTests {
  private func span(_ seconds: Int64) -> Tracked.Window {
    Tracked.Window(length: .span(.init(seconds: seconds)))
  }

  @Test("C05 C14 a cart is abandoned at last activity + window, whenever that is noticed")
  func exact() throws {
    var shop = try FoldShop()
    shop.add(at: 100)
    shop.wait(until: 3699)
    #expect(shop.episodes().isEmpty && shop.cart()?.state == .open)
    shop.wait(until: 9999)
    let episode = try #require(shop.episodes().first)
    #expect(episode.abandonedAt == 3_700_000_000 && episode.trigger == .inactivity)
    #expect(episode.anchor?.at == 100_000_000 && episode.window == span(3600))
    #expect(episode.state == .running && episode.enrols && !episode.followed)
    #expect(episode.revision == 1 && shop.cart()?.state == .abandoned)
    var late = try FoldShop()
    late.receive(
      FoldShop.records(
        FoldFixture.body(
          .itemAdded(.init(line: FoldShop.line("a"))), at: 100, "e")), now: 77_000_000_000)
    #expect(late.episodes().map(\.abandonedAt) == [3_700_000_000])
    #expect(late.episodes().map(\.knownAt) == [77_000_000_000])
  }

  @Test("C05 C14 an event exactly at the end of the window comes after it, one before prevents it")
  func boundary() throws {
    for (at, times) in [(3600, [3600]), (3599, [])] as [(Int64, [Int64])] {
      for isNoticed in [true, false] {
        var shop = try FoldShop()
        let records = FoldShop.records(
          FoldFixture.body(.itemAdded(.init(line: FoldShop.line("b"))), at: at, "b"))
        shop.add(at: 0)
        // The timer may come first or last: it makes no difference.
        if isNoticed { shop.wait(until: 3600) }
        shop.receive(records, now: 3_600_000_000)
        #expect(shop.times() == times)
        #expect(shop.episodes().allSatisfy { $0.state == .reopened && $0.followed })
        #expect(shop.cart()?.state == .open && shop.cart()?.quietFrom == at * 1_000_000)
      }
    }
  }

  @Test("C05 an empty or bought cart is never abandoned")
  func nothingToAbandon() throws {
    var shop = try FoldShop()
    shop.add(at: 0, cart: "x")
    shop.add(at: 0, cart: "y")
    shop.send(.cartEmptied(.init()), at: 1, cart: "x")
    shop.send(.purchase(.init()), at: 2, cart: "y")
    shop.wait(until: 100_000)
    #expect(shop.episodes().isEmpty)
  }

  @Test("C05 views are activity only where the store says so")
  func views() throws {
    for isActivity in [false, true] {
      var shop = try FoldShop { $0.viewsAreActivity = isActivity }
      shop.add(at: 0)
      shop.send(.cartViewed(.init()), at: 1000)
      shop.wait(until: 10_000)
      #expect(shop.times() == [isActivity ? 4600 : 3600])
    }
  }

  @Test("C06 leaving the checkout is dated at the event plus the grace, 15 minutes by default")
  func checkoutLeft() throws {
    for (grace, at) in [(nil, 2000 + 900), (0, 2000), (30, 2030)] as [(Int64?, Int64)] {
      var shop = try FoldShop { $0.checkoutGrace = grace.map { .init(seconds: $0) } }
      shop.add(at: 0)
      shop.send(.checkoutLeft(.init()), at: 2000)
      shop.wait(until: at - 1)
      #expect(shop.times() == (grace == 0 ? [2000] : []))
      shop.wait(until: at)
      #expect(shop.times() == [at])
      #expect(shop.episodes().map(\.trigger) == [.checkoutLeft])
      #expect(shop.episodes().map(\.window) == [span(grace ?? 900)])
    }
  }

  @Test("C06 any activity cancels the grace")
  func graceCancelled() throws {
    var shop = try FoldShop()
    shop.add(at: 0)
    shop.send(.checkoutLeft(.init()), at: 100)
    shop.send(.checkoutStep(.init()), at: 999)
    shop.wait(until: 10_000)
    #expect(shop.times() == [4599] && shop.episodes().map(\.trigger) == [.inactivity])
  }

  @Test("C06 a pending payment suspends detection, its time-out counts as the last activity")
  func paymentTimesOut() throws {
    var shop = try FoldShop()
    shop.add(at: 0)
    shop.send(.paymentPending(.init(timeout: .init(seconds: 10_000))), at: 100)
    shop.send(.checkoutStep(.init()), at: 200)
    shop.wait(until: 13_699)
    #expect(shop.episodes().isEmpty)
    shop.wait(until: 13_700)
    #expect(shop.times() == [13_700])
    #expect(shop.episodes().map(\.anchor?.at) == [200_000_000])
  }

  @Test("C06 leaving the checkout while a payment is pending waits for the payment")
  func leftWhilePending() throws {
    var shop = try FoldShop()
    shop.add(at: 0)
    shop.send(.paymentPending(.init(timeout: .init(seconds: 1000))), at: 0, order: 1)
    shop.send(.checkoutLeft(.init()), at: 10)
    shop.wait(until: 99_999)
    #expect(shop.times() == [4600])
    shop.send(.checkoutLeft(.init()), at: 100_000)
    shop.wait(until: 200_000)
    #expect(shop.times() == [4600, 100_900])
  }

  @Test("C06 C20 a failed payment ends the waiting, and is a reason with its evidence")
  func paymentFails() throws {
    var shop = try FoldShop()
    shop.add(at: 0)
    shop.send(.paymentPending(.init(timeout: .init(seconds: 10_000))), at: 100)
    shop.send(.paymentFailed(.init(code: "51")), at: 300, id: "failed")
    shop.wait(until: 5000)
    #expect(shop.times() == [3900])
    let reason = Tracked.CartReason(reason: .paymentFailed, basis: .inferred, events: ["failed"])
    #expect(shop.episodes().map(\.reasons) == [[reason]])
  }

  @Test("C07 C08 a deadline takes the window's place; past it the window holds again")
  func deadline() throws {
    var shop = try FoldShop()
    shop.add(at: 0)
    shop.send(
      .quoteRequested(.init(quote: "q", deadline: .init(seconds: 20_000))), at: 10)
    #expect(shop.cart()?.stage == .quoteRequested && shop.cart()?.header?.quote == "q")
    shop.wait(until: 19_999)
    #expect(shop.episodes().isEmpty)
    shop.wait(until: 20_000)
    #expect(shop.times() == [20_000] && shop.episodes().map(\.trigger) == [.deadline])
    #expect(shop.episodes().map(\.window) == [nil])
    shop.send(.checkoutStep(.init()), at: 21_000)
    shop.wait(until: 99_999)
    #expect(shop.times() == [20_000, 24_600])
  }

  @Test("C07 C08 a deadline sooner than the window's end comes first; taken away, the window holds")
  func deadlineRemoved() throws {
    var shop = try FoldShop()
    shop.add(at: 0)
    shop.send(.deadlineSet(.init(deadline: .init(seconds: 50))), at: 10)
    shop.wait(until: 60)
    #expect(shop.times() == [50])
    shop.send(.deadlineSet(.init(deadline: .init(seconds: 90_000))), at: 100)
    shop.send(.deadlineSet(.init()), at: 200)
    shop.wait(until: 10_000)
    #expect(shop.times() == [50, 3800])
  }

  @Test("C09 another system's word begins an episode at its instant, and once")
  func declared() throws {
    var shop = try FoldShop()
    shop.add(at: 0, cart: "x")
    shop.declare("x", at: 100, reason: .tax)
    let episode = try #require(shop.episodes().first)
    #expect(episode.trigger == .declared && episode.abandonedAt == 100_000_000)
    #expect(episode.window == nil && episode.reasons.map(\.basis) == [.stated])
    shop.declare("x", at: 200)
    shop.declare("none", at: 300)
    shop.wait(until: 50_000)
    #expect(shop.times() == [100])
  }

  @Test("C12 off, nothing is listed: neither a silence, nor a declaration, nor what was pending")
  func off() throws {
    var shop = try FoldShop { $0.detection = false }
    shop.add(at: 0, cart: "x")
    shop.declare("x", at: 100)
    shop.wait(until: 50_000)
    #expect(shop.episodes().isEmpty && shop.cart("x")?.state == .open)
    var pending = try FoldShop { $0.allowedLateness = .init(seconds: 1000) }
    pending.add(at: 0, cart: "x")
    pending.add(at: 4000, cart: "x")
    try pending.change { $0.detection = false }
    pending.add(at: 6000, cart: "x")
    pending.wait(until: 50_000)
    #expect(pending.episodes().isEmpty)
  }

  @Test("C12 switched on late, a cart that went quiet before is listed and never enrolled")
  func switchedOnLate() throws {
    for lateness in [0, 500] as [Int64] {
      var shop = try FoldShop {
        $0.detection = false
        $0.allowedLateness = .init(seconds: lateness)
      }
      shop.add(at: 0, cart: "early")
      shop.add(at: 9000, cart: "recent")
      shop.wait(until: 10_000)
      try shop.change { $0.detection = true }
      shop.add(at: 11_000, cart: "later")
      shop.wait(until: 100_000)
      #expect(shop.episodes().map(\.cart) == ["early", "recent", "later"])
      #expect(shop.times() == [3600, 12_600, 14_600])
      #expect(shop.episodes().map(\.enrols) == [false, false, true])
    }
  }

  @Test("C12 a silence that was over before the switch is no episode")
  func overBeforeSwitch() throws {
    var shop = try FoldShop { $0.detection = false }
    shop.add(at: 0)
    shop.add("b", at: 8000)
    shop.wait(until: 9000)
    try shop.change { $0.detection = true }
    shop.wait(until: 50_000)
    #expect(shop.times() == [11_600])
  }

  @Test("C13 each kind of cart may have a window of its own")
  func kinds() throws {
    var shop = try FoldShop {
      $0.kinds = [.init(kind: .quote, window: self.span(60)), .init(kind: .reorder)]
    }
    for (cart, kind) in [("q", .quote), ("r", .reorder), ("c", .cart)]
      as [(String, Tracked.CartKind)]
    {
      shop.send(
        .itemAdded(.init(line: FoldShop.line("a"))), at: 0, cart: cart, header: .init(kind: kind))
    }
    shop.wait(until: 10_000)
    #expect(shop.times() == [60, 3600, 3600])
    #expect(shop.episodes().map(\.kind) == [.quote, .cart, .reorder])
  }

  @Test(
    "C13 months are calendar months in the store's zone, from the last activity",
    arguments: [
      ("Europe/Berlin", "2027-02-28T02:30:00+01:00", "2027-03-28T03:30:00+02:00"),
      ("Europe/Berlin", "2027-01-31T12:00:00+01:00", "2027-02-28T12:00:00+01:00"),
      ("Europe/Berlin", "2028-01-31T12:00:00+01:00", "2028-02-29T12:00:00+01:00"),
      ("Europe/Berlin", "2027-09-30T02:30:00+02:00", "2027-10-30T02:30:00+02:00"),
      ("Europe/Berlin", "2027-10-01T02:30:00+02:00", "2027-11-01T02:30:00+01:00"),
      ("America/New_York", "2026-10-01T01:30:00-04:00", "2026-11-01T01:30:00-04:00"),
      ("Australia/Lord_Howe", "2026-09-04T02:15:00+10:30", "2026-10-04T02:45:00+11:00"),
    ])
  func months(zone: String, from: String, to: String) throws {
    var shop = try FoldShop {
      $0.timeZone = zone
      $0.window = Tracked.Window(length: .months(1))
      $0.cartExpiry = .init(seconds: 1 << 40)
    }
    let start = try Instant(parsing: from).microseconds
    let end = try Instant(parsing: to).microseconds
    shop.add(at: start / 1_000_000)
    shop.wait(until: end / 1_000_000 - 1)
    #expect(shop.episodes().isEmpty)
    shop.wait(until: end / 1_000_000)
    #expect(shop.episodes().map(\.abandonedAt) == [end])
  }

  @Test("C14 a changed window holds for carts not yet abandoned; past episodes keep theirs")
  func changedWindow() throws {
    var shop = try FoldShop()
    shop.add(at: 0, cart: "old")
    shop.add(at: 3000, cart: "new")
    shop.wait(until: 3600)
    try shop.change { $0.window = self.span(7200) }
    shop.wait(until: 50_000)
    #expect(shop.times() == [3600, 10_200])
    // A late event elsewhere folds all anew; what was announced stays.
    shop.add(at: 10, cart: "third", now: 60_000)
    shop.wait(until: 60_001)
    #expect(shop.times() == [3600, 7210, 10_200] && shop.allEpisodes().count == 3)
    #expect(shop.episodes()[0].window == span(3600) && shop.episodes()[0].revision == 1)
  }

  @Test("C14 an episode not yet announced takes the changed window")
  func changedWhilePending() throws {
    var shop = try FoldShop { $0.allowedLateness = .init(seconds: 1000) }
    shop.add(at: 0)
    shop.add("b", at: 4000)
    try shop.change { $0.window = self.span(7200) }
    shop.wait(until: 50_000)
    #expect(shop.times() == [11_200])
  }
}
