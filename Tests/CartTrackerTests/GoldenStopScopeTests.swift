internal import Messages
internal import Testing

@testable internal import CartTracker

/// Kind × stop scope × what was bought → whether the enrolment about cart x stops (P09).
@Suite struct GoldenStopScopeTests {
  /// Bought after the anchor, a column each:
  ///
  /// - `x` cart x; `o` another cart of the contact; `n` neither a cart nor lines
  /// - `l` all lines of cart x, by their SKUs; `f` an SKU that is in no cart
  /// - `i` neither, by a linked identity; `s` neither, by a stranger
  /// - `b` cart x, and it was taken back; `e` neither, before the anchor
  private static let columns = Array("xonlfisbe")

  /// A letter where it stops, a point where it does not. `-`: the store says nothing.
  private static let table = """
    cart          -       xonlfi...
    cart          cart    x.nl.i...
    cart          contact xonlfi...
    cart          company xonlfi...
    reorder       -       xonlfi...
    reorder       cart    x.nl.i...
    order         -       xonlfi...
    quote         -       x.nl.i...
    quote         contact xonlfi...
    quote         company xonlfi...
    configuration -       x.nl.i...
    configuration contact xonlfi...
    signup        -       x.nl.i...
    signup        contact xonlfi...
    """

  private static let kinds: [Substring: Tracked.CartKind] = [
    "cart": .cart, "reorder": .reorder, "order": .order, "quote": .quote,
    "configuration": .configuration, "signup": .signup,
  ]
  private static let scopes: [Substring: Tracked.StopScope] = [
    "cart": .cart, "contact": .contact, "company": .company,
  ]

  private func stops(
    _ kind: Tracked.CartKind, _ scope: Tracked.StopScope?, _ bought: Character
  ) throws -> Bool {
    var shop = try FoldShop {
      $0.feedLimit = .init()
      if let scope { $0.kinds = [.init(kind: kind, stopScope: scope)] }
    }
    let line = FoldShop.line("a")
    shop.send(.itemAdded(.init(line: line)), at: 0, cart: "x", header: .init(kind: kind))
    shop.link("ann", "bea", at: 10)
    shop.wait(until: 3600)
    let anchor = try #require(shop.episodes().first?.anchor)
    shop.add("b", at: 4000, cart: "other")
    let everything = Tracked.Event.Kind.purchase(.init(order: "o"))
    switch bought {
    case "x": shop.send(everything, at: 5000, cart: "x")
    case "o": shop.send(everything, at: 5000, cart: "other")
    case "n": shop.send(everything, at: 5000)
    case "l":
      shop.send(
        .purchase(.init(order: "o", lines: [.init(sku: "a", quantity: line.quantity)])), at: 5000)
    case "f":
      shop.send(
        .purchase(.init(order: "o", lines: [.init(sku: "z", quantity: line.quantity)])), at: 5000)
    case "i": shop.send(everything, at: 5000, contact: "bea")
    case "s": shop.send(everything, at: 5000, contact: "stranger")
    case "b":
      shop.send(everything, at: 5000, cart: "x")
      shop.send(.purchaseReversed(.init(order: "o")), at: 6000)
    default:
      // Of another person's cart, so that this one's episode stays.
      shop.send(.purchase(.init(lines: [.init(sku: "zzz")])), at: -5, now: 5000)
    }
    return shop.stands().refusal(after: anchor, cart: "x")?.reason == .purchased
  }

  @Test("P09 Golden table: what each kind of purchase stops, by kind of cart and stop scope")
  func table() throws {
    for row in Self.table.split(separator: "\n") {
      let parts = row.split(separator: " ")
      let kind = try #require(Self.kinds[parts[0]])
      let wanted = Array(parts[2])
      try #require(wanted.count == Self.columns.count)
      for (column, verdict) in zip(Self.columns, wanted) {
        let isStopped = try stops(kind, Self.scopes[parts[1]], column)
        #expect(isStopped == (verdict == column), "\(parts[0]) \(parts[1]) \(column)")
      }
    }
  }
}
