internal import Messages

/// Sums over the lines of a cart (L08): never across currencies or units.
///
/// A sum beyond what can be written down stays at the greatest amount.
enum CartTotals {
  /// The sum of the line totals, one for each currency, in order of the codes.
  static func totals(of lines: [Tracked.CartLine]) -> [CommonV1.Money] {
    sums(lines.lazy.compactMap { $0.total.map { (Amount($0), $0.currencyCode) } })
      .map { CommonV1.Money($0.amount, $0.code) }
  }

  /// The sum of the quantities, one for each unit, in order of the codes.
  static func quantities(of lines: [Tracked.CartLine]) -> [CommonV1.Quantity] {
    sums(lines.lazy.map { ($0.amount, $0.quantity?.unitCode ?? "") })
      .map { CommonV1.Quantity($0.amount, $0.code) }
  }

  /// Amounts of the same currency, from several carts or purchases, added up.
  static func sum(_ money: some Sequence<CommonV1.Money>) -> [CommonV1.Money] {
    sums(money.lazy.map { (Amount($0), $0.currencyCode) })
      .map { CommonV1.Money($0.amount, $0.code) }
  }

  private static func sums(
    _ parts: some Sequence<(Amount, String)>
  ) -> [(amount: Amount, code: String)] {
    var sums: [(amount: Amount, code: String)] = []
    for (amount, code) in parts {
      if let index = sums.firstIndex(where: { $0.code == code }) {
        sums[index].amount = sums[index].amount.addingClamped(amount)
      } else {
        sums.append((amount, code))
      }
    }
    return sums.sorted { $0.code.utf8.lexicographicallyPrecedes($1.code.utf8) }
  }
}

extension Tracked.CartLine {
  /// How much of it; one piece where nothing is said.
  var amount: Amount { quantity.map { Amount($0) } ?? .one }

  /// The shop's own total; else quantity × unit price ÷ price base; nil where no price is known.
  var total: CommonV1.Money? {
    if let lineTotal { return lineTotal }
    guard let unitPrice else { return nil }
    let price = Amount(unitPrice)
    var base = priceBase.map { Amount($0) } ?? .one
    if base == .zero { base = .one }
    let total = price.times(amount, over: base) ?? Amount.end(of: [price, amount, base])
    return CommonV1.Money(total, unitPrice.currencyCode)
  }
}
