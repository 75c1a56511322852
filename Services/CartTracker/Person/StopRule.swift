internal import Messages

/// Whether something forbids a hand-off now (X03): pure, over what was read of a person.
struct StopRule {
  struct Refusal: Equatable {
    let reason: CommonV1.ReasonCode
    var event = ""
    var position: UInt64 = 0
    /// No later answer is a grant.
    var isLasting = true
  }

  let group: PersonGroup
  let rules: StoreRules
  /// Every source has reported up to here; nil where none ever did.
  let watermark: Int64?
  let now: Int64

  /// The first of: erased, too many identities, stale feed, detection off, episode withdrawn,
  /// bought, cart gone. Nil: nothing forbids it.
  ///
  /// - Parameters:
  ///   - withdrawn: whether the subject's episode is known to be withdrawn.
  ///   - archived: the subject's cart, for where the person's state no longer has it.
  func refusal(
    anchor: Tracked.EventOrder, cart id: String, isTooWide: Bool, withdrawn: Bool,
    archived: Tracked.StoredCart?
  ) -> Refusal? {
    if group.members[0].person.erasedAt != 0 { return Refusal(reason: .erased) }
    if isTooWide { return Refusal(reason: .notReadable, isLasting: false) }
    if let limit = rules.feedLimit, let watermark, watermark < now.addingClamped(-limit) {
      return Refusal(reason: .feedStale, isLasting: false)
    }
    if rules.detectsSince == nil { return Refusal(reason: .detectionOff) }
    if withdrawn { return Refusal(reason: .episodeWithdrawn) }
    let place = id.isEmpty ? nil : group.cart(named: id, for: 0)
    let cart = place.map { group[$0] } ?? archived
    if let covering = covering(anchor, id, cart?.kind) { return covering }
    guard !id.isEmpty else { return nil }
    guard let cart else { return Refusal(reason: .episodeWithdrawn) }
    switch cart.state {
    case .purchased where !isTakenBack(cart.closedBy):
      return Refusal(reason: .purchased, event: cart.closedBy?.event ?? "")
    case .emptied: return Refusal(reason: .cartEmptied, event: cart.closedBy?.event ?? "")
    case .expired: return Refusal(reason: .cartExpired)
    default: return nil
    }
  }

  private func isTakenBack(_ purchase: Tracked.EventOrder?) -> Bool {
    group.linked(to: 0).contains { member in
      group.members[member].person.purchases.contains { $0.void && $0.order == purchase }
    }
  }

  /// A purchase by any linked identity that is ordered after the anchor, within the stop scope of
  /// the cart's kind (P09).
  private func covering(
    _ anchor: Tracked.EventOrder, _ id: String, _ kind: Tracked.CartKind?
  ) -> Refusal? {
    let isAboutCart = kind.map { rules.stopScope(for: $0) == .cart } ?? false
    for member in group.linked(to: 0) {
      for purchase in group.members[member].person.purchases.reversed() where !purchase.void {
        guard let order = purchase.order, anchor < order else { continue }
        if isAboutCart && purchase.cart != id && !purchase.carts.contains(id) { continue }
        return Refusal(reason: .purchased, event: order.event, position: purchase.position)
      }
    }
    return nil
  }
}
