internal import Messages

/// What a gift may cost at worst, in billionths of a currency. Pure.
struct Liability: Sendable, Equatable {
  /// Empty where it costs nothing that is known.
  var currency = ""
  var amount: Int64 = 0

  /// Of a gift for a cart.
  ///
  /// - Parameter cart: nil where the enrolment is not about one, or it is not known any more.
  /// - Returns: nil where the cart does not meet the terms: too small, in another currency, or
  ///   without the total that the terms ask for.
  static func worst(_ campaign: Campaign, _ cart: CartTrackerV1.Cart?) -> Liability? {
    let terms = campaign.terms
    guard let gift = terms.gift else { return nil }
    guard let total = total(terms, cart) else {
      // Without a total: what is worth the same whatever the cart.
      guard terms.minimums.isEmpty, gift.kind != .percentage else { return nil }
      return fixed(terms, gift, nil, nil)
    }
    if !terms.minimums.isEmpty {
      guard let minimum = Campaign.amount(terms.minimums, total.currencyCode),
        let amount = total.billionths, amount >= minimum
      else { return nil }
    }
    return fixed(terms, gift, total, cart)
  }

  /// The total that counts: in a currency that the terms name where they name some.
  private static func total(
    _ terms: SchedulerV1.IncentiveTerms, _ cart: CartTrackerV1.Cart?
  ) -> CommonV1.Money? {
    let named = Set(
      (terms.minimums.isEmpty ? terms.budgets : terms.minimums).map(\.currencyCode))
    let totals = cart?.totals ?? []
    return totals.first { named.isEmpty || named.contains($0.currencyCode) }
  }

  private static func fixed(
    _ terms: SchedulerV1.IncentiveTerms, _ gift: CommonV1.Incentive, _ total: CommonV1.Money?,
    _ cart: CartTrackerV1.Cart?
  ) -> Liability? {
    let currency = total?.currencyCode ?? ""
    switch gift.kind {
    case .percentage:
      guard let amount = total?.billionths else { return nil }
      return Liability(
        currency: currency, amount: percentage(terms, gift, of: amount, currency))
    case .amount:
      guard let money = gift.amount, let amount = money.billionths else { return nil }
      if !currency.isEmpty && money.currencyCode != currency { return nil }
      return Liability(currency: money.currencyCode, amount: amount)
    default:
      if gift.kind == .freeShipping, let money = cart?.header?.shipping,
        money.currencyCode == currency, let amount = money.billionths, amount > 0
      {
        return Liability(currency: currency, amount: amount)
      }
      let known = currency.isEmpty ? terms.costs.first?.currencyCode ?? "" : currency
      return Liability(currency: known, amount: Campaign.amount(terms.costs, known) ?? 0)
    }
  }

  /// What a code is worth for an order, in billionths.
  ///
  /// - Parameter liability: what was set aside, for gifts that are no money.
  /// - Returns: nil where the order does not meet the terms.
  static func value(
    _ terms: SchedulerV1.IncentiveTerms, of total: CommonV1.Money, setAside liability: Liability
  ) -> Liability? {
    guard let gift = terms.gift, let amount = total.billionths else { return nil }
    let currency = total.currencyCode
    if !terms.minimums.isEmpty {
      guard let minimum = Campaign.amount(terms.minimums, currency), amount >= minimum else {
        return nil
      }
    }
    switch gift.kind {
    case .percentage:
      return Liability(
        currency: currency, amount: percentage(terms, gift, of: amount, currency))
    case .amount:
      guard let money = gift.amount, money.currencyCode == currency,
        let worth = money.billionths
      else { return nil }
      return Liability(currency: currency, amount: min(worth, amount))
    default: return liability
    }
  }

  /// Rounded up, so that the worst case is never below what is redeemed.
  private static func percentage(
    _ terms: SchedulerV1.IncentiveTerms, _ gift: CommonV1.Incentive, of amount: Int64,
    _ currency: String
  ) -> Int64 {
    let product = amount.multipliedFullWidth(by: Int64(gift.basisPoints))
    let (quotient, rest) = Int64(10_000).dividingFullWidth(product)
    let value = quotient + (rest > 0 ? 1 : 0)
    return min(value, Campaign.amount(terms.valueMax, currency) ?? .max)
  }
}
