internal import Delivery
internal import Messages

/// A purchase by somebody of a company, as it may stop colleagues (P09, X08).
struct CompanyPurchase {
  let member: Int
  let company: String
  let body: Tracked.StoredCompanyPurchase
  var isVoid = false
}

extension Fold {
  /// More SKUs than a cart may have lines are not looked at.
  private static let skusMax = 1000

  /// Keeps what was bought for colleagues, where the company is known by then: the purchase's, else
  /// a bought cart's, else the contact's.
  mutating func noteCompany(
    _ purchase: Tracked.Purchase, _ places: [PersonGroup.CartPlace], _ event: FoldEvent
  ) {
    let carts = places.map { group[$0] }
    let contact = group.contact(of: event.member).map { group.members[$0].person }
    let companies =
      [purchase.company] + carts.map { $0.header?.company ?? "" } + [
        contact?.profile?.profile?.company ?? ""
      ]
    guard let company = companies.first(where: { !$0.isEmpty }) else { return }
    let quotes = [purchase.quote] + carts.map { $0.header?.quote ?? "" }
    var body = Tracked.StoredCompanyPurchase(order: event.order, position: event.position)
    body.quote = quotes.first { !$0.isEmpty } ?? ""
    let bought =
      purchase.lines.isEmpty
      ? carts.flatMap { $0.lines.map(\.sku) } : purchase.lines.map(\.sku)
    body.skus = Array(Set(bought).sorted().prefix(Self.skusMax))
    companyPurchases.append(CompanyPurchase(member: event.member, company: company, body: body))
  }

  /// A reversal folds all anew, so the purchase is among those noted.
  mutating func takeBackCompany(_ purchase: Tracked.StoredPurchase, _ member: Int) {
    for index in companyPurchases.indices
    where companyPurchases[index].member == member
      && companyPurchases[index].body.order == purchase.order
    {
      companyPurchases[index].isVoid = true
    }
  }
}

/// Whether a colleague's purchase is about a cart: the same quote, or half of its SKUs (P09).
enum CompanyStop {
  /// The latest since an instant; nil where there is none, or the store does not stop companies.
  static func purchase(
    for cart: Tracked.StoredCart, of reading: PersonReader.Reading, since instant: Int64,
    _ rows: PersonRows, after anchor: Tracked.EventOrder? = nil
  ) throws -> Tracked.StoredCompanyPurchase? {
    let (group, rules) = (reading.group, reading.entry.rules)
    guard rules.stopScope(for: cart.kind) == .company else { return nil }
    let contact = group.contact(of: 0).map { group.members[$0].person }
    let companies = [cart.header?.company ?? "", contact?.profile?.profile?.company ?? ""]
    guard let company = companies.first(where: { !$0.isEmpty }) else { return nil }
    let own = Set(reading.person.map { group.members[$0].key })
    let key = OwnerKey.company(store: rules.store, company: company)
    return try rows.companyPurchase(key, since: instant) { person, purchase in
      if own.contains(person) { return false }
      if let anchor, let order = purchase.order, !(anchor < order) { return false }
      return covers(cart, purchase)
    }
  }

  static func covers(_ cart: Tracked.StoredCart, _ purchase: Tracked.StoredCompanyPurchase) -> Bool
  {
    let quote = cart.header?.quote ?? ""
    if !quote.isEmpty && quote == purchase.quote { return true }
    let skus = Set(cart.lines.map(\.sku))
    guard !skus.isEmpty else { return false }
    return 2 * skus.intersection(purchase.skus).count >= skus.count
  }
}
