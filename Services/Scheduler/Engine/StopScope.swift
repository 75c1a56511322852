internal import Messages

/// A purchase as the tracker worked it out (P09).
struct CoveringPurchase: Sendable {
  let order: AnchorOrder
  /// Carts bought whole or in part.
  let carts: Set<String>
  /// Episodes that it recovers.
  let episodes: Set<String>

  /// Whether it stops the enrolment: ordered after its anchor, and within the stop scope of the
  /// cart's kind. That it is of the same store and of a linked identity, the caller has seen to.
  func covers(_ enrolment: Enrolment, in store: StoreProfile) -> Bool {
    guard enrolment.anchor < order else { return false }
    if enrolment.cart.isEmpty || !store.stopsCartOnly(enrolment.cartKind) { return true }
    return carts.contains(enrolment.cart)
      || (!enrolment.episode.isEmpty && episodes.contains(enrolment.episode))
  }
}
