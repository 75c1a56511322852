internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage

/// Points and samples: given by the shop once a purchase is known, taken back with it (M12). In the
/// transaction that takes the purchase; the shop is told by the outbox.
struct Rewarding {
  let writing: Writing

  struct Purchase {
    let store: String
    /// The shop's id of the order; the event's where it names none.
    let order: String
    /// Empty: it names none.
    let carts: [String]
    /// Microseconds.
    let at: Int64
  }

  /// Gives what the persons were promised, once for each order, however often it is told of.
  func bought(_ purchase: Purchase, by persons: [OwnerKey]) throws {
    for person in persons {
      for gift in try writing.gifts(of: person) where gift.isEarned(by: purchase) {
        try give(gift, purchase)
      }
    }
  }

  /// A message with the promise turned out to have left: what was bought meanwhile earns it.
  func confirmed(_ gift: Gift) throws {
    guard gift.isReward else { return }
    let rows = try writing.session.all(
      SchedulerStatements.purchases, [gift.owner.bucketValue, gift.owner.value]
    ) { (at: try $0.integer(0), event: try $0.text(1), body: try $0.blob(2)) }
    for row in rows where row.at >= gift.givenAt {
      let bought = try PurchaseRow(row.body)
      if bought.isReversal { continue }
      let purchase = Purchase(
        store: gift.store, order: bought.order.isEmpty ? row.event : bought.order,
        carts: bought.carts, at: row.at)
      guard let now = try writing.gift(gift.id), now.isEarned(by: purchase) else { continue }
      try give(now, purchase)
    }
  }

  private func give(_ gift: Gift, _ purchase: Purchase) throws {
    let key = Rewarding.key(gift)
    // Known: the purchase was told of again, or it was taken back.
    if try RedemptionRow.find(key, purchase.order, writing.session) != nil { return }
    guard let campaign = try writing.campaign(gift.incentive, in: gift.store) else { return }
    var changed = gift
    changed.redeem(purchase.order, gift.liability)
    try writing.put(changed, replacing: gift)
    let row = RedemptionRow(
      gift: gift.id, at: writing.now, value: gift.liability, isReversed: false)
    try writing.fence(key.bucket)
    try row.put(key, purchase.order, writing.session)
    let request = SchedulerV1.GrantRewardRequest(
      store: gift.store, idempotencyKey: Rewarding.name("grant", gift, purchase.order),
      contact: gift.contact, order: purchase.order, incentive: gift.incentive,
      gift: gift.content)
    try writing.put(
      SchedulerV1.RewardRow(rewards: campaign.terms.rewards, action: .grant(request)),
      bucket: gift.id.bucket)
  }

  /// The order was cancelled: what it gave, and what it redeemed, is taken back.
  func reversed(_ order: String, in store: String, of persons: [OwnerKey]) throws {
    for person in persons {
      let gifts = try writing.gifts(of: person).filter {
        $0.store == store && $0.state == .redeemed && $0.redeemedBy == order
      }
      for gift in gifts {
        if gift.isReward {
          try takeBack(gift)
        } else if !gift.code.isEmpty {
          _ = try CodeReversal.reverse(gift.code, order, in: store, writing)
        }
      }
    }
  }

  private func takeBack(_ gift: Gift) throws {
    let (key, order) = (Rewarding.key(gift), gift.redeemedBy)
    guard var row = try RedemptionRow.find(key, order, writing.session), !row.isReversed,
      let campaign = try writing.campaign(gift.incentive, in: gift.store)
    else { return }
    row.isReversed = true
    try writing.fence(key.bucket)
    try row.put(key, order, writing.session)
    var changed = gift
    changed.reverse(at: writing.now)
    try writing.put(changed, replacing: gift)
    let request = SchedulerV1.ReverseRewardRequest(
      store: gift.store, idempotencyKey: Rewarding.name("reverse", gift, order),
      grantKey: Rewarding.name("grant", gift, order), contact: gift.contact, order: order,
      incentive: gift.incentive, gift: gift.content)
    try writing.put(
      SchedulerV1.RewardRow(rewards: campaign.terms.rewards, action: .reverse(request)),
      bucket: gift.id.bucket)
  }

  /// Under which a gift's orders stand: no code has a colon.
  private static func key(_ gift: Gift) -> OwnerKey {
    OwnerKey(scope: gift.store, kind: .code, id: "gift:" + gift.id.text)
  }

  private static func name(_ what: String, _ gift: Gift, _ order: String) -> String {
    var hash = SHA256()
    hash.update(what)
    hash.update(gift.id.bytes)
    hash.update(order)
    return UUIDText.text(Array(hash.finish().prefix(16)))
  }
}

extension Gift {
  /// The shop gives it at purchase.
  var isReward: Bool {
    source == .none && (content.kind == .sample || content.kind == .loyaltyPoints)
  }

  fileprivate func isEarned(by purchase: Rewarding.Purchase) -> Bool {
    guard isReward, !isDry, state == .outstanding, store == purchase.store,
      (givenAt..<validUntil).contains(purchase.at)
    else { return false }
    return carts.isEmpty || purchase.carts.isEmpty
      || carts.contains(where: purchase.carts.contains)
  }
}
