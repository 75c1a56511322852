internal import Messages
internal import Testing

@testable internal import CartTracker

@Suite struct FoldReasonTests {
  private func given(
    _ reason: Tracked.LeaveReason, _ basis: Tracked.CartReason.Basis
  ) -> Tracked.Event.Kind {
    .reasonGiven(.init(reason: reason, basis: basis))
  }

  @Test("C20 every reason can be stated, before or after the cart was left")
  func stated() throws {
    for number in 1...17 as ClosedRange<Int32> {
      var shop = try FoldShop()
      let reason = Tracked.LeaveReason(rawValue: number)
      shop.add(at: 0)
      shop.send(given(reason, .stated), at: 10, id: "r")
      shop.wait(until: 3600)
      let expected = Tracked.CartReason(reason: reason, basis: .stated, events: ["r"])
      #expect(shop.episodes().map(\.reasons) == [[expected]])
      #expect(shop.cart()?.active?.at == 0)
    }
    var bought = try FoldShop()
    bought.add(at: 0, cart: "x")
    bought.send(.purchase(.init()), at: 1, cart: "x")
    bought.send(given(.tax, .stated), at: 2, cart: "x")
    #expect(bought.cart("x")?.reasons.map(\.reason) == [.tax])
    #expect(bought.cart("x")?.state == .purchased)
  }

  @Test(
    "C21 a shop's signal is evidence of a reason",
    arguments: [
      ("code_rejected", Tracked.LeaveReason.codeRejected), ("question_asked", .openQuestion),
      ("wish_list", .wishList), ("form_abandoned", .longForm),
    ])
  func signals(name: String, reason: Tracked.LeaveReason) throws {
    var shop = try FoldShop()
    shop.add(at: 0)
    shop.send(.signal(.init(name: name)), at: 1, id: "s1")
    shop.send(.signal(.init(name: name)), at: 2, id: "s2")
    shop.send(.signal(.init(name: "other")), at: 3)
    #expect(
      shop.cart()?.reasons == [.init(reason: reason, basis: .inferred, events: ["s1", "s2"])])
    #expect(shop.cart()?.active?.at == 0)
  }

  @Test("C21 what the cart shows when it is left is inferred, with its last activity as evidence")
  func inferred() throws {
    var shop = try FoldShop()
    let shipping = CommonV1.Money(currencyCode: "EUR", units: 9)
    shop.add(at: 0)
    shop.send(
      .checkoutStep(.init()), at: 10, header: .init(stage: .shipping, shipping: shipping),
      id: "step")
    shop.wait(until: 9000)
    #expect(
      shop.episodes().first?.reasons == [
        .init(reason: .shippingCost, basis: .inferred, events: ["step"])
      ])
    var configured = try FoldShop()
    configured.add(at: 0)
    configured.send(.cartViewed(.init()), at: 1, header: .init(kind: .configuration))
    configured.wait(until: 9000)
    #expect(configured.episodes().first?.reasons.map(\.reason) == [.configurationUnfinished])
  }

  @Test("C21 a correction outweighs what was stated and inferred, a statement what was inferred")
  func weights() throws {
    var shop = try FoldShop()
    shop.add(at: 0)
    shop.send(.signal(.init(name: "wish_list")), at: 1, id: "s")
    shop.send(given(.wishList, .stated), at: 2, id: "t")
    #expect(
      shop.cart()?.reasons == [.init(reason: .wishList, basis: .stated, events: ["s", "t"])])
    shop.send(given(.tax, .corrected), at: 3, id: "c")
    #expect(shop.cart()?.reasons == [.init(reason: .tax, basis: .corrected, events: ["c"])])
    shop.send(.signal(.init(name: "code_rejected")), at: 4)
    #expect(shop.cart()?.reasons.map(\.reason) == [.tax])
  }
}
