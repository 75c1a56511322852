internal import Messages
internal import Testing

@testable internal import CartTracker

@Suite struct CompanyStopTests {
  private func cart(_ skus: [String], quote: String = "") -> Tracked.StoredCart {
    Tracked.StoredCart(id: "c", header: .init(quote: quote), lines: skus.map { FoldShop.line($0) })
  }

  @Test("P09 A colleague's purchase covers the same quote, or half of the cart's SKUs")
  func covers() {
    for (skus, quote, bought, boughtQuote, isCovered) in [
      (["a", "b"], "", ["a"], "", true), (["a", "b", "c"], "", ["a"], "", false),
      (["a", "b", "c"], "", ["a", "c"], "", true), (["a"], "", ["b"], "", false),
      (["a", "a", "b"], "", ["a"], "", true), ([], "", ["a"], "", false), ([], "", [], "", false),
      (["a", "b", "c"], "q1", [], "q1", true), (["a", "b", "c"], "q1", ["a"], "q2", false),
      (["a"], "", ["z"], "", false), (["a", "b"], "q1", ["b", "c", "d"], "", true),
    ] as [([String], String, [String], String, Bool)] {
      let purchase = Tracked.StoredCompanyPurchase(quote: boughtQuote, skus: bought)
      #expect(
        CompanyStop.covers(cart(skus, quote: quote), purchase) == isCovered,
        "\(skus) \(quote) \(bought) \(boughtQuote)")
    }
  }

  private func fold(
    _ events: [(Tracked.Event.Kind, at: Int64, header: Tracked.CartHeader?)]
  ) throws -> [CompanyPurchase] {
    var fold = Fold(following: FoldFixture.group("ann"), rules: try FoldFixture.rules())
    for (number, event) in events.enumerated() {
      var made = FoldFixture.event(event.0, at: event.at, UInt64(number), cart: "c")
      if case .event(var body) = made.record.kind {
        body.header = event.header
        var record = made.record
        record.kind = .event(body)
        made = FoldEvent(
          order: made.order, member: 0, record: record, position: made.position)
      }
      fold.apply(made)
    }
    return fold.finish(now: nil).companyPurchases
  }

  @Test("P09 What a person of a company bought is kept for the colleagues, and taken back")
  func noted() throws {
    let known = Tracked.Event.Kind.contactUpserted(
      .init(profile: Tracked.ContactProfile(company: "acme")))
    let add = Tracked.Event.Kind.itemAdded(.init(line: FoldShop.line("a")))
    let buy = Tracked.Event.Kind.purchase(.init(order: "o"))
    // Nobody knows of a company: nothing is kept.
    #expect(try fold([(add, 0, nil), (buy, 1, nil)]).isEmpty)
    let whole = try fold([(known, 0, nil), (add, 1, .init(quote: "q")), (buy, 2, nil)])
    #expect(whole.map(\.company) == ["acme"])
    #expect(whole.map(\.body.skus) == [["a"]] && whole.map(\.body.quote) == ["q"])
    // The purchase's own word comes first, then the cart's.
    let named = Tracked.Purchase(
      order: "o", lines: [.init(sku: "x"), .init(sku: "x")], quote: "q2", company: "other")
    let stated = try fold([
      (known, 0, nil), (add, 1, .init(quote: "q")), (.purchase(named), 2, nil),
    ])
    #expect(stated.map(\.company) == ["other"] && stated.map(\.body.skus) == [["x"]])
    #expect(stated.map(\.body.quote) == ["q2"])
    let ofCart = try fold([(known, 0, nil), (add, 1, .init(company: "branch")), (buy, 2, nil)])
    #expect(ofCart.map(\.company) == ["branch"])
    let reversed = try fold([
      (known, 0, nil), (add, 1, nil), (buy, 2, nil),
      (.purchaseReversed(.init(order: "o")), 3, nil),
    ])
    #expect(reversed.map(\.isVoid) == [true])
  }
}
