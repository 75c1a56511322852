internal import Messages

/// Purchases and what takes them back (P09, C27).
extension Fold {
  /// Purchases kept in a contact's state.
  static let purchasesMax = 64

  mutating func applyPurchase(
    _ purchase: Tracked.Purchase, _ body: Tracked.Event, _ event: FoldEvent
  ) {
    var record = Tracked.StoredPurchase()
    record.order = event.order
    record.orderID = purchase.order
    record.cart = body.cart
    record.revenue = Revenue.of(purchase)
    record.position = event.position

    let places = carts(boughtBy: body, event)
    noteCompany(purchase, places, event)
    var wanted = purchase.lines
    for place in places {
      settle(place, until: event.order.at)
      guard group[place].isOpen else { continue }
      if let header = body.header, !body.cart.isEmpty { merge(header, place) }
      guard buy(&wanted, isWhole: purchase.lines.isEmpty, place, event) else { continue }
      let cart = group[place]
      record.carts.append(cart.id)
      let isRecovery = cart.newestEpisode?.state == .recovered
      record.anchors.append(isRecovery ? (cart.newestEpisode?.anchor?.event ?? "") : "")
    }
    keep(record, event.member)
    setPurchaseTags(event)
  }

  /// Named, that one; else all that are open, the most recently active first.
  private mutating func carts(
    boughtBy body: Tracked.Event, _ event: FoldEvent
  ) -> [PersonGroup.CartPlace] {
    if body.cart.isEmpty { return group.openCarts(of: event.member) }
    return group.cart(named: body.cart, for: event.member).map { [$0] } ?? []
  }

  /// Takes what was bought from a cart. False where it has nothing of it.
  private mutating func buy(
    _ wanted: inout [Tracked.OrderLine], isWhole: Bool, _ place: PersonGroup.CartPlace,
    _ event: FoldEvent
  ) -> Bool {
    if !isWhole {
      var isAffected = false
      for index in wanted.indices {
        isAffected = takeLines(of: &wanted[index], from: place) || isAffected
      }
      guard isAffected else { return false }
      wanted.removeAll { $0.quantity.map { $0.units == 0 && $0.nanos == 0 } ?? false }
    }
    if isWhole || group[place].lines.isEmpty {
      group[place].active = event.order
      close(place, .purchased, at: event.order.at, by: event.order)
    } else {
      // A remainder stays the same cart; what was recovered is recovered.
      group[place].paymentPendingUntil = 0
      group[place].follow(.recovered)
      activate(place, event)
    }
    return true
  }

  /// Quantities of one SKU leave the cart; what is left of the order line goes on to the next cart.
  private mutating func takeLines(
    of line: inout Tracked.OrderLine, from place: PersonGroup.CartPlace
  ) -> Bool {
    var isAffected = false
    while let index = group[place].lines.firstIndex(where: { $0.sku == line.sku }) {
      isAffected = true
      let inCart = group[place].lines[index]
      guard let quantity = line.quantity else {
        group[place].lines.remove(at: index)
        continue
      }
      if quantity.units <= 0 && quantity.nanos <= 0 { return isAffected }
      line.quantity =
        Optional(quantity).rest(without: inCart.quantity.stated)
        ?? CommonV1.Quantity(unitCode: quantity.unitCode)
      _ = group[place].take(inCart.key, quantity)
    }
    return isAffected
  }

  private mutating func keep(_ record: Tracked.StoredPurchase, _ member: Int) {
    let at = record.order?.at ?? 0
    group.members[member].person.purchases.append(record)
    let count = group.members[member].person.purchases.count
    if count > Fold.purchasesMax {
      group.members[member].person.purchases.removeFirst(count - Fold.purchasesMax)
    }
    group.members[member].person.orders &+= 1
    if group.members[member].person.firstOrderAt == 0 {
      group.members[member].person.firstOrderAt = at
    }
    group.members[member].person.lastOrderAt = at
    if let revenue = record.revenue { group.members[member].person.addToTotals(revenue) }
  }

  /// P05: bought, and no longer abandoned unless another cart is.
  private mutating func setPurchaseTags(_ event: FoldEvent) {
    let hasAbandoned = group.openCarts(of: event.member).contains { group[$0].state == .abandoned }
    for contact in linkedContacts(of: event.member) {
      setTag(rules.purchasedTag, true, event.order.at, contact)
      if !hasAbandoned && group.members[contact].person.hasTag(rules.abandonedTag) {
        setTag(rules.abandonedTag, false, event.order.at, contact)
      }
    }
  }

  /// A cancellation or refund takes the recovery back, wholly or by line.
  mutating func applyReversal(_ reversal: Tracked.PurchaseReversed, _ event: FoldEvent) {
    for member in group.linked(to: event.member) {
      guard
        let index = group.members[member].person.purchases.lastIndex(where: {
          $0.orderID == reversal.order && !$0.void
        })
      else { continue }
      var purchase = group.members[member].person.purchases[index]
      let amount = reversal.amount ?? (reversal.lines.isEmpty ? purchase.kept : nil)
      if let amount {
        purchase.giveBack(amount)
        group.members[member].person.addToTotals(amount.negated)
      }
      if reversal.lines.isEmpty {
        purchase.void = true
        takeBackCompany(purchase, member)
        group.members[member].person.orders -= min(1, group.members[member].person.orders)
        for (cart, anchor) in zip(purchase.carts, purchase.anchors) where !anchor.isEmpty {
          takeBackRecovery(of: cart, anchor, event)
        }
      }
      group.members[member].person.purchases[index] = purchase
      return
    }
  }

  private mutating func takeBackRecovery(of cart: String, _ anchor: String, _ event: FoldEvent) {
    guard let place = group.cart(named: cart, for: event.member) else { return }
    for index in group[place].episodes.indices
    where group[place].episodes[index].anchor?.event == anchor
      && group[place].episodes[index].state == .recovered
    {
      group[place].episodes[index].state = .reversed
      touch(place)
    }
  }
}

extension Tracked.StoredPurchase {
  /// What is left of the revenue.
  fileprivate var kept: CommonV1.Money? {
    guard let reversed, reversed.currencyCode == revenue?.currencyCode else { return revenue }
    return revenue?.sum(with: reversed.negated)
  }

  /// Amounts of another currency than the first one's stand in the person's totals alone (C30).
  fileprivate mutating func giveBack(_ amount: CommonV1.Money) {
    guard let known = reversed else {
      reversed = amount
      return
    }
    if known.currencyCode == amount.currencyCode { reversed = known.sum(with: amount) }
  }
}

/// What a purchase earned.
enum Revenue {
  /// What was paid, net of tax and shipping where those are known in its currency (R00); a discount
  /// is not part of what was paid.
  static func of(_ purchase: Tracked.Purchase) -> CommonV1.Money? {
    guard let total = purchase.total else { return nil }
    return [purchase.tax, purchase.shipping].compactMap { $0 }
      .filter { $0.currencyCode == total.currencyCode }
      .reduce(total) { $0.sum(with: $1.negated) }
  }
}

extension CommonV1.Money {
  private static let billion: Int64 = 1_000_000_000

  /// Of the same currency.
  func sum(with other: CommonV1.Money) -> CommonV1.Money {
    assert(currencyCode == other.currencyCode)
    let nanoSum = Int64(nanos) + Int64(other.nanos)
    var units = units.addingClamped(other.units).addingClamped(nanoSum / Self.billion)
    var rest = nanoSum % Self.billion
    if units > 0 && rest < 0 { (units, rest) = (units - 1, rest + Self.billion) }
    if units < 0 && rest > 0 { (units, rest) = (units + 1, rest - Self.billion) }
    return CommonV1.Money(currencyCode: currencyCode, units: units, nanos: Int32(rest))
  }

  var negated: CommonV1.Money {
    CommonV1.Money(currencyCode: currencyCode, units: -max(units, -.max), nanos: -nanos)
  }
}

extension Tracked.StoredPerson {
  /// Never summed across currencies (C30).
  mutating func addToTotals(_ amount: CommonV1.Money) {
    guard let index = orderTotals.firstIndex(where: { $0.currencyCode == amount.currencyCode })
    else {
      orderTotals.append(amount)
      orderTotals.sort { $0.currencyCode < $1.currencyCode }
      return
    }
    orderTotals[index] = orderTotals[index].sum(with: amount)
  }

  func hasTag(_ name: String) -> Bool { tags.contains { $0.name == name && $0.present } }

  /// The latest word about a tag counts.
  mutating func setTag(_ name: String, _ present: Bool, _ at: Int64) {
    guard let index = tags.firstIndex(where: { $0.name == name }) else {
      tags.append(Tracked.StoredTag(name: name, present: present, at: at))
      return
    }
    if at >= tags[index].at {
      tags[index] = Tracked.StoredTag(name: name, present: present, at: at)
    }
  }
}
