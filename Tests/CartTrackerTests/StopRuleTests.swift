internal import Messages
internal import Testing

@testable internal import CartTracker

@Suite struct StopRuleTests {
  /// A cart of ann that was abandoned, with no heartbeats expected.
  private func shop(
    kind: Tracked.CartKind = .cart, _ change: (inout Tracked.StoreSettings) -> Void = { _ in }
  ) throws -> (FoldShop, Tracked.EventOrder) {
    var shop = try FoldShop {
      $0.feedLimit = .init()
      change(&$0)
    }
    shop.send(
      .itemAdded(.init(line: FoldShop.line("a"))), at: 0, cart: "x", header: .init(kind: kind))
    shop.wait(until: 3600)
    return (shop, try #require(shop.episodes().first?.anchor))
  }

  @Test("X03 nothing forbids a send about a cart that is still left")
  func granted() throws {
    let (shop, anchor) = try shop()
    #expect(shop.stands().refusal(after: anchor, cart: "x") == nil)
    #expect(shop.stands().refusal(after: anchor) == nil)
  }

  @Test("X03 a later purchase by any linked identity stops, and says which event it was")
  func purchased() throws {
    var (shop, anchor) = try shop()
    shop.link("ann", "bob", at: 4000)
    shop.send(.purchase(.init(order: "o")), at: 5000, contact: "bob", id: "bought")
    for cart in ["x", ""] {
      let refusal = try #require(shop.stands().refusal(after: anchor, cart: cart))
      #expect(refusal.reason == .purchased && refusal.event == "bought" && refusal.isLasting)
      #expect(refusal.position == UInt64(shop.log.count))
    }
  }

  @Test("X03 a purchase exactly at the anchor, or before it, does not cover")
  func atAnchor() throws {
    var (shop, anchor) = try shop(kind: .cart)
    shop.send(.purchase(.init(lines: [.init(sku: "zzz")])), at: -5, now: 3601)
    #expect(shop.stands().refusal(after: anchor, cart: "x") == nil)
    shop.send(.purchase(.init(lines: [.init(sku: "zzz")])), at: 4000, id: "p")
    let purchase = try #require(shop.person().purchases.last?.order)
    #expect(shop.stands().refusal(after: purchase, cart: "x") == nil)
    #expect(shop.stands().refusal(after: anchor, cart: "x")?.reason == .purchased)
  }

  @Test("X03 C27 a purchase that was taken back does not cover, for its own cart neither")
  func reversed() throws {
    var (shop, anchor) = try shop()
    shop.send(.purchase(.init(order: "o")), at: 5000)
    #expect(shop.stands().refusal(after: anchor, cart: "x")?.reason == .purchased)
    shop.send(.purchaseReversed(.init(order: "o")), at: 6000)
    #expect(shop.stands().refusal(after: anchor, cart: "x") == nil)
    #expect(shop.stands().refusal(after: anchor) == nil)
  }

  @Test("P09 a quote is stopped by its own purchase alone, unless the store says otherwise")
  func scopes() throws {
    for (kind, scope, isStopped) in [
      (.cart, .unspecified, true), (.reorder, .unspecified, true), (.order, .unspecified, true),
      (.quote, .unspecified, false), (.configuration, .unspecified, false),
      (.signup, .unspecified, false), (.quote, .contact, true), (.cart, .cart, false),
    ] as [(Tracked.CartKind, Tracked.StopScope, Bool)] {
      var (shop, anchor) = try shop(kind: kind) {
        if scope != .unspecified { $0.kinds = [.init(kind: kind, stopScope: scope)] }
      }
      shop.add("b", at: 4000, cart: "other")
      shop.send(.purchase(.init()), at: 5000, cart: "other")
      let refusal = shop.stands().refusal(after: anchor, cart: "x")
      #expect((refusal?.reason == .purchased) == isStopped, "\(kind) \(scope)")
      #expect(shop.stands().refusal(after: anchor)?.reason == .purchased)
      shop.send(.purchase(.init()), at: 6000, cart: "x")
      #expect(shop.stands().refusal(after: anchor, cart: "x")?.reason == .purchased)
    }
  }

  @Test("X03 an emptied or expired cart is no reason to write, one that is gone neither")
  func gone() throws {
    var (emptied, anchor) = try shop()
    emptied.send(.cartEmptied(.init()), at: 5000, cart: "x", id: "emptied")
    let refusal = emptied.stands().refusal(after: anchor, cart: "x")
    #expect(refusal == .init(reason: .cartEmptied, event: "emptied"))
    var (expired, _) = try shop { $0.cartExpiry = .init(seconds: 5000) }
    expired.wait(until: 6000)
    #expect(
      expired.stands().refusal(after: anchor, cart: "x") == .init(reason: .cartExpired))
    #expect(
      expired.stands().refusal(after: anchor, cart: "none") == .init(reason: .episodeWithdrawn))
  }

  @Test("X03 a cart that the state no longer has is judged by its row")
  func archived() throws {
    let (shop, anchor) = try shop()
    var cart = Tracked.StoredCart(id: "old")
    cart.state = .emptied
    let refusal = shop.stands().refusal(after: anchor, cart: "old", archived: cart)
    #expect(refusal?.reason == .cartEmptied)
  }

  @Test("X03 C26 a withdrawn episode stops for good")
  func withdrawn() throws {
    let (shop, anchor) = try shop()
    let refusal = shop.stands().refusal(after: anchor, cart: "x", withdrawn: true)
    #expect(refusal == .init(reason: .episodeWithdrawn))
  }

  @Test("X03 C12 nothing is sent while detection is off")
  func off() throws {
    var (shop, anchor) = try shop()
    try shop.change { $0.detection = false }
    #expect(
      shop.stands().refusal(after: anchor, cart: "x") == .init(reason: .detectionOff))
  }

  @Test("X03 C29 a feed older than the limit refuses for now, and not at the limit")
  func feedStale() throws {
    let (shop, anchor) = try shop { $0.feedLimit = nil }
    let stands = shop.stands()
    let stale = stands.refusal(after: anchor, cart: "x", now: 5000, watermark: 4099)
    #expect(stale == .init(reason: .feedStale, isLasting: false))
    #expect(stands.refusal(after: anchor, cart: "x", now: 5000, watermark: 4100) == nil)
    #expect(stands.refusal(after: anchor, cart: "x", now: 5000) == nil)
    let (quiet, _) = try self.shop()
    #expect(quiet.stands().refusal(after: anchor, cart: "x", now: 5000, watermark: 0) == nil)
  }

  @Test("X03 P09 more identities than may be one person refuse for now, before all else")
  func tooWide() throws {
    var (shop, anchor) = try shop()
    shop.send(.purchase(.init()), at: 5000)
    let refusal = shop.stands().refusal(after: anchor, cart: "x", isTooWide: true)
    #expect(refusal == .init(reason: .notReadable, isLasting: false))
  }
}
