internal import Messages

/// Why a cart may have been left, as far as its events tell (C21).
enum InferredReasons {
  private static let manyViews: UInt32 = 3

  /// Signals that shops may send, and what each says.
  static func reason(ofSignal name: String) -> Tracked.LeaveReason? {
    switch name {
    case "code_rejected": .codeRejected
    case "question_asked": .openQuestion
    case "wish_list": .wishList
    case "form_abandoned": .longForm
    default: nil
    }
  }

  /// The cart's reasons with those that its state at the abandonment suggests.
  static func completed(_ cart: Tracked.StoredCart) -> [Tracked.CartReason] {
    var cart = cart
    func evidence() -> [String] { cart.active.map { [$0.event] } ?? [] }
    func infer(_ reason: Tracked.LeaveReason) {
      cart.give(Tracked.CartReason(reason: reason, basis: .inferred, events: evidence()))
    }
    if cart.header?.kind == .configuration { infer(.configurationUnfinished) }
    if cart.stage == .shipping, let shipping = cart.header?.shipping,
      shipping.units > 0 || shipping.nanos > 0
    {
      infer(.shippingCost)
    }
    if cart.stage == .browsing && cart.views >= manyViews { infer(.justBrowsing) }
    return cart.reasons
  }
}
