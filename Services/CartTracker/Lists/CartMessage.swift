internal import Messages

/// Carts as the contract has them.
enum CartMessage {
  /// - Parameters:
  ///   - contact: id of the contact that the cart belongs to; empty for a guest.
  ///   - rules: the store's; nil leaves out when the cart will be abandoned.
  static func cart(
    _ cart: Tracked.StoredCart, person: Tracked.StoredPerson, contact: String, rules: StoreRules?
  ) -> Tracked.Cart {
    var message = Tracked.Cart()
    message.store = person.store
    message.id = cart.id
    message.contact = contact
    message.guest = person.guest
    message.state = cart.announcedState
    var header = cart.header ?? Tracked.CartHeader()
    header.kind = cart.kind
    header.stage = cart.stage
    message.header = header
    message.lines = cart.lines
    message.quantities = CartTotals.quantities(of: cart.lines)
    message.totals = CartTotals.totals(of: cart.lines)
    message.reasons = cart.reasons
    message.startedAt = Protobuf.Timestamp(microseconds: cart.startedAt)
    message.lastActivityAt = Protobuf.Timestamp(microseconds: cart.lastActivityAt)
    message.abandonsAt = abandonsAt(cart, rules)
    message.abandonedAt = Protobuf.Timestamp(microseconds: cart.announcedEpisode?.abandonedAt ?? 0)
    message.closedAt = Protobuf.Timestamp(microseconds: cart.closedAt)
    message.deadline = Protobuf.Timestamp(microseconds: cart.deadline)
    message.paymentPendingUntil = Protobuf.Timestamp(microseconds: cart.paymentPendingUntil)
    message.episodes = cart.episodesAnnounced
    message.score = cart.announcedEpisode?.score
    return message
  }

  private static func abandonsAt(
    _ cart: Tracked.StoredCart, _ rules: StoreRules?
  ) -> Protobuf.Timestamp? {
    guard let rules, rules.detectsSince != nil, cart.paymentPendingUntil == 0 else { return nil }
    if let ahead = cart.abandonment(rules) { return Protobuf.Timestamp(instant: ahead.at) }
    // Its silence has lasted long enough, and waits for late events only.
    guard cart.state == .abandoned, cart.announcedState == .open else { return nil }
    return cart.episodes.last.map { Protobuf.Timestamp(instant: $0.abandonedAt) }
  }
}

/// What a list's row carries: ids always, the rest where it was asked for (L04).
struct CartShape: Hashable, Sendable {
  private let columns: Set<Tracked.CartColumn>
  /// Lines are carried (L05).
  let withLines: Bool

  static let everyColumn: [Tracked.CartColumn] = [
    .abandonedAt, .quantity, .total, .contact, .email, .company, .stage, .score, .kind, .state,
    .reason, .phone, .lastActivityAt,
  ]

  /// - Parameter columns: none means all.
  init(columns: [Tracked.CartColumn], withLines: Bool) {
    self.columns = Set(columns)
    self.withLines = withLines
  }

  init(_ query: Tracked.CartQuery) {
    self.init(columns: query.columns, withLines: query.withLines)
  }

  func carries(_ column: Tracked.CartColumn) -> Bool {
    columns.isEmpty || columns.contains(column)
  }

  /// The row with what was asked for.
  func row(_ full: Tracked.CartRow) -> Tracked.CartRow {
    var row = full
    if !withLines { row.cart?.lines = [] }
    if columns.isEmpty { return row }
    row.cart = full.cart.map(cart)
    if !carries(.contact) { row.contactName = "" }
    if !carries(.email) { row.email = "" }
    if !carries(.phone) { row.phone = "" }
    if !carries(.company) { row.companyName = "" }
    return row
  }

  private func cart(_ full: Tracked.Cart) -> Tracked.Cart {
    var cart = Tracked.Cart(
      store: full.store, id: full.id, contact: full.contact, guest: full.guest)
    if withLines { cart.lines = full.lines }
    if carries(.state) { cart.state = full.state }
    if carries(.quantity) { cart.quantities = full.quantities }
    if carries(.total) { cart.totals = full.totals }
    if carries(.reason) { cart.reasons = full.reasons }
    if carries(.abandonedAt) { cart.abandonedAt = full.abandonedAt }
    if carries(.lastActivityAt) { cart.lastActivityAt = full.lastActivityAt }
    if carries(.score) { cart.score = full.score }
    if let header = full.header, carries(.kind) || carries(.stage) || carries(.company) {
      var shown = Tracked.CartHeader()
      if carries(.kind) { shown.kind = header.kind }
      if carries(.stage) { shown.stage = header.stage }
      if carries(.company) { shown.company = header.company }
      cart.header = shown
    }
    return cart
  }
}
