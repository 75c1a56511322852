internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage

/// Incentives in their tables, within a transaction of the owner: terms, counts and worth, codes,
/// gifts. A gift, its budget, its code and its limits stand in buckets of their own and change
/// together.
extension Writing {
  // MARK: - Terms and budgets

  func campaign(_ name: String, in store: String) throws -> Campaign? {
    try Campaign.named(name, in: store, session)
  }

  func counts(of owner: OwnerKey, isDry: Bool) throws -> IncentiveCounts {
    try IncentiveCounts.read(owner, isDry: isDry, session)
  }

  func worth(of owner: OwnerKey, _ currency: String, isDry: Bool) throws -> IncentiveWorth {
    try IncentiveWorth.read(owner, isDry: isDry, session).first { $0.currency == currency }
      ?? IncentiveWorth(currency: currency)
  }

  private func add(_ counts: IncentiveCounts, _ sign: Int64, to gift: Gift) throws {
    if counts == IncentiveCounts() { return }
    let owner = Campaign.owner(store: gift.store, name: gift.incentive)
    let known = try self.counts(of: owner, isDry: gift.isDry)
    try fence(owner.bucket)
    try session.execute(
      IncentiveStatements.putCounts,
      [
        owner.bucketValue, owner.value, .flag(gift.isDry),
        .integer(known.reserved + sign * counts.reserved),
        .integer(known.outstanding + sign * counts.outstanding),
        .integer(known.redeemed + sign * counts.redeemed),
      ])
  }

  private func add(_ worth: IncentiveWorth, _ sign: Int64, to gift: Gift) throws {
    if worth.currency.isEmpty { return }
    let owner = Campaign.owner(store: gift.store, name: gift.incentive)
    let known = try self.worth(of: owner, worth.currency, isDry: gift.isDry)
    try fence(owner.bucket)
    try session.execute(
      IncentiveStatements.putWorth,
      [
        owner.bucketValue, owner.value, .flag(gift.isDry), .text(worth.currency),
        .integer(known.reserved + sign * worth.reserved),
        .integer(known.spent + sign * worth.spent),
      ])
  }

  // MARK: - Gifts

  func gift(_ id: Identifier) throws -> Gift? {
    try session.first(IncentiveStatements.gift, [.integer(id.bucket), id.value]) { try Gift($0) }
  }

  func gifts(of owner: OwnerKey) throws -> [Gift] {
    try session.all(IncentiveStatements.ofOwner, [owner.bucketValue, owner.value]) {
      try Gift($0)
    }
  }

  /// Stores what a gift has become, with its counts, its worth, and, where it is released, its code
  /// and its limits.
  ///
  /// - Parameter old: nil: it is new, or was released before.
  func put(_ gift: Gift, replacing old: Gift?) throws {
    if old == gift { return }
    if let old {
      try add(old.counts, -1, to: old)
      try add(old.worth, -1, to: old)
    }
    try add(gift.counts, 1, to: gift)
    try add(gift.worth, 1, to: gift)
    try fence(gift.id.bucket)
    try session.execute(IncentiveStatements.putGift, try gift.values())
    if gift.state == .released, let old, old.state != .released { try giveBack(old) }
  }

  /// What a decision does to gifts.
  func apply(_ change: GiftChange) throws {
    switch change {
    case .reserve(let gift): try reserve(gift)
    case .join(let id, let cart):
      guard let known = try gift(id), !known.carts.contains(cart) else { return }
      var joined = known
      joined.carts.append(cart)
      try put(joined, replacing: known)
      try addCode(of: joined, cart: cart)
    case .carry(let id, let order):
      guard let known = try gift(id) else { return }
      let isKnown = try entry(of: order) != nil
      if isKnown { return }
      var carried = known
      carried.carried += 1
      try put(carried, replacing: known)
      try putOrder(order, id, isOpen: true)
    case .confirm(let id):
      guard let known = try gift(id) else { return }
      var changed = known
      changed.confirm()
      try put(changed, replacing: known)
    }
  }

  /// Takes a new gift: its code leaves the pool and its limits count. The same gift again, after it
  /// was released, takes anew.
  private func reserve(_ gift: Gift) throws {
    let known = try self.gift(gift.id)
    if let known, known.state != .released { return }
    try put(gift, replacing: nil)
    if !gift.isDry && gift.source == .pool {
      try dropFromPool(gift.code, gift.incentive, in: gift.store)
    }
    for cart in gift.carts.isEmpty ? [""] : gift.carts { try addCode(of: gift, cart: cart) }
    for key in [gift.owner] + gift.keys {
      try fence(key.bucket)
      try session.execute(
        IncentiveStatements.count,
        [key.bucketValue, key.value, .integer(gift.givenAt), gift.id.value, .flag(gift.isDry)])
    }
  }

  /// Nothing left with it: its limits count no longer and a code of a pool goes back.
  private func giveBack(_ gift: Gift) throws {
    for key in [gift.owner] + gift.keys {
      try fence(key.bucket)
      try session.execute(
        IncentiveStatements.discount,
        [key.bucketValue, key.value, .integer(gift.givenAt), gift.id.value])
    }
    if gift.code.isEmpty { return }
    try removeCode(gift.code, gift.id, in: gift.store)
    if gift.source == .pool { try addToPool([gift.code], gift.incentive, in: gift.store) }
  }

  // MARK: - Orders that carry gifts

  private func entry(of order: Identifier) throws -> (gift: Identifier, isOpen: Bool)? {
    try session.first(IncentiveStatements.ofOrder, [.integer(order.bucket), order.value]) {
      (gift: try Identifier(bytes: $0.blob(0)), isOpen: try $0.integer(1) != 0)
    }
  }

  private func putOrder(_ order: Identifier, _ gift: Identifier, isOpen: Bool) throws {
    try fence(order.bucket)
    try session.execute(
      IncentiveStatements.putOrder,
      [.integer(order.bucket), order.value, gift.value, .flag(isOpen)])
  }

  /// An order has come to its end: what it carried is confirmed, or released where no other carries
  /// it. A repeat changes nothing.
  ///
  /// - Returns: the gift, where it was just confirmed.
  @discardableResult
  func noteEnd(of order: Identifier, _ kind: CommonV1.OutcomeKind) throws -> Gift? {
    let hasLeft: Bool
    switch kind {
    // A code that may have left counts as given.
    case .handedOver, .unknown: hasLeft = true
    case .skipped, .withdrawn, .failed: hasLeft = false
    default: return nil
    }
    guard let entry = try entry(of: order), entry.isOpen, let known = try gift(entry.gift) else {
      return nil
    }
    try putOrder(order, entry.gift, isOpen: false)
    var changed = known
    changed.carried = max(0, known.carried - 1)
    if hasLeft { changed.confirm() } else { changed.release() }
    try put(changed, replacing: known)
    return hasLeft && known.state == .reserved ? changed : nil
  }

  /// The enrolment is over: nothing more leaves with its gift.
  func settle(_ id: Identifier) throws {
    guard let known = try gift(id) else { return }
    var changed = known
    changed.release()
    try put(changed, replacing: known)
  }
}

extension Campaign {
  static func named(
    _ name: String, in store: String, _ session: any StorageSession
  ) throws -> Campaign? {
    try session.first(IncentiveStatements.named, [.text(store), .text(name)]) {
      try Campaign($0, store: store)
    }
  }

  /// - Parameter row: of revision, body.
  init(_ row: Row, store: String) throws {
    self.init(
      store: store, revision: UInt64(clamping: try row.integer(0)),
      terms: try Stored.decode(SchedulerV1.IncentiveTerms.self, row.blob(1), "incentive"))
  }
}

extension IncentiveCounts {
  static func read(
    _ owner: OwnerKey, isDry: Bool, _ session: any StorageSession
  ) throws -> IncentiveCounts {
    try session.first(
      IncentiveStatements.counts, [owner.bucketValue, owner.value, .flag(isDry)]
    ) {
      IncentiveCounts(
        reserved: try $0.integer(0), outstanding: try $0.integer(1), redeemed: try $0.integer(2))
    } ?? IncentiveCounts()
  }
}

extension IncentiveWorth {
  static func read(
    _ owner: OwnerKey, isDry: Bool, _ session: any StorageSession
  ) throws -> [IncentiveWorth] {
    try session.all(
      IncentiveStatements.worth, [owner.bucketValue, owner.value, .flag(isDry)]
    ) {
      IncentiveWorth(
        currency: try $0.text(0), reserved: try $0.integer(1), spent: try $0.integer(2))
    }
  }
}
