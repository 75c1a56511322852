internal import Delivery
internal import Messages
internal import Storage

/// What one person was given of an incentive, as it is stored (M12). A value; instants in
/// microseconds. It counts for the incentive's budget as its state says.
struct Gift: Sendable, Equatable {
  typealias State = SchedulerV1.GivenIncentive.State

  /// Of the contact's bucket.
  let id: Identifier
  /// The contact's key.
  let owner: OwnerKey
  let store: String
  let incentive: String
  let contact: String
  var state = State.reserved
  /// Of a dry run: it has no code and counts for dry runs only.
  let isDry: Bool
  let source: SchedulerV1.IncentiveTerms.CodeSource
  /// What messages carry, with code and expiry.
  var content: CommonV1.Incentive
  let givenAt: Int64
  let validUntil: Int64
  /// Orders under way that carry it.
  var carried: Int64 = 0
  var carts: [String] = []
  var liability: Liability
  /// While it is redeemed: by which order, and what it was worth.
  var redeemedBy = ""
  var value = Liability()
  /// Other keys that it counts under, beside the owner.
  let keys: [OwnerKey]

  /// How long a gift that no message carries is kept for its enrolment.
  static let heldFor = 7 * Micros.day

  var code: String { content.code }

  /// Whether it can be used by then.
  func holds(at now: Int64) -> Bool {
    (state == .reserved || state == .outstanding) && now < validUntil
  }

  /// When somebody has to look at it again; nil: never. What an order carries ends with the order.
  var endsAt: Int64? {
    switch state {
    case .reserved:
      carried > 0 ? nil : min(validUntil, Micros.sum(givenAt, Gift.heldFor))
    case .outstanding: validUntil
    default: nil
    }
  }

  // MARK: - States

  /// A message left with it.
  mutating func confirm() {
    if state == .reserved { state = .outstanding }
  }

  /// Nothing left with it, nor will.
  mutating func release() {
    if state == .reserved && carried == 0 { state = .released }
  }

  /// Its time is over.
  mutating func end(at now: Int64) {
    if let end = endsAt, end <= now { state = state == .reserved ? .released : .expired }
  }

  mutating func void() {
    if state == .reserved || state == .outstanding { state = .void }
  }

  mutating func redeem(_ order: String, _ value: Liability) {
    precondition(state == .reserved || state == .outstanding)
    precondition(!order.isEmpty)
    (state, redeemedBy, self.value) = (.redeemed, order, value)
  }

  /// The order was cancelled. What is set aside again is no more than what was spent, which has
  /// just become free: the budget has room for it.
  mutating func reverse(at now: Int64) {
    precondition(state == .redeemed)
    state = now < validUntil ? .outstanding : .expired
    if liability.currency != value.currency {
      liability = value
    } else {
      liability.amount = min(liability.amount, value.amount)
    }
    (redeemedBy, value) = ("", Liability())
  }

  // MARK: - What it counts for

  /// One in the state that counts.
  var counts: IncentiveCounts {
    switch state {
    case .reserved: IncentiveCounts(reserved: 1)
    case .outstanding: IncentiveCounts(outstanding: 1)
    case .redeemed: IncentiveCounts(redeemed: 1)
    default: IncentiveCounts()
    }
  }

  var worth: IncentiveWorth {
    switch state {
    case .reserved, .outstanding:
      IncentiveWorth(currency: liability.currency, reserved: liability.amount)
    case .redeemed: IncentiveWorth(currency: value.currency, spent: value.amount)
    default: IncentiveWorth()
    }
  }

  /// For a decision's record; the code is not for everybody who reads decisions.
  var attributes: [CommonV1.Attribute] {
    var attributes = [CommonV1.Attribute(name: "incentive", value: .text(incentive))]
    if !liability.currency.isEmpty {
      let money = CommonV1.Money(billionths: liability.amount, liability.currency)
      attributes.append(.init(name: "liability", value: .money(money)))
    }
    return attributes
  }

  var contract: SchedulerV1.GivenIncentive {
    func money(_ amount: Liability) -> CommonV1.Money? {
      amount.currency.isEmpty ? nil : .init(billionths: amount.amount, amount.currency)
    }
    return .init(
      incentive: incentive, code: code, state: state, carts: carts,
      givenAt: Micros.timestamp(givenAt),
      expiresAt: validUntil == .max ? nil : Micros.timestamp(validUntil),
      liability: money(liability), order: redeemedBy,
      value: state == .redeemed ? money(value) : nil, dryRun: isDry)
  }
}

/// Gifts in rows.
extension Gift {
  private static let format: UInt8 = 1

  /// - Parameter row: of a statement of `IncentiveStatements` with all columns.
  init(_ row: Row) throws {
    var reader = RowReader(try row.blob(17), table: "gift")
    guard try reader.byte() == Gift.format else {
      throw StorageError(.newer, "a row of gift has a format that this version does not know")
    }
    let source = SchedulerV1.IncentiveTerms.CodeSource(rawValue: try reader.signed32())
    let content = try Stored.decode(CommonV1.Incentive.self, reader.blob(), "gift")
    let valueCurrency = try reader.text()
    var carts: [String] = []
    for _ in 0..<(try reader.count()) { carts.append(try reader.text()) }
    try reader.finish()
    let keys = try row.blob(16)
    self.init(
      id: try Identifier(bytes: row.blob(0)), owner: try OwnerKey(bytes: row.blob(1)),
      store: try row.text(2), incentive: try row.text(3), contact: try row.text(4),
      state: State(rawValue: Int32(truncatingIfNeeded: try row.integer(6))),
      isDry: try row.integer(7) != 0, source: source, content: content,
      givenAt: try row.integer(8), validUntil: try row.integer(9), carried: try row.integer(11),
      carts: carts, liability: Liability(currency: try row.text(12), amount: try row.integer(13)),
      redeemedBy: try row.text(14),
      value: Liability(currency: valueCurrency, amount: try row.integer(15)),
      keys: try stride(from: 0, to: keys.count, by: OwnerKey.size).map {
        try OwnerKey(bytes: Array(keys[$0...].prefix(OwnerKey.size)))
      })
  }

  /// A contact's, newest first.
  static func all(
    of contact: String, in store: String, _ session: any StorageSession
  ) throws -> [Gift] {
    let owner = OwnerKeys.owner(store: store, contact: contact, guest: "")
    return try session.all(
      IncentiveStatements.ofOwner, [owner.bucketValue, owner.value]
    ) { try Gift($0) }
  }

  func values() throws -> [SQLValue] {
    var writer = RowWriter(capacity: 96)
    writer.byte(Gift.format)
    writer.signed(Int64(source.rawValue))
    writer.blob(try Stored.encode(content))
    writer.text(value.currency)
    writer.count(carts.count)
    for cart in carts { writer.text(cart) }
    return [
      .integer(id.bucket), id.value, owner.value, .text(store), .text(incentive),
      .text(contact), .text(code), .integer(state.rawValue), .flag(isDry), .integer(givenAt),
      .integer(validUntil), .optional(endsAt), .integer(carried), .text(liability.currency),
      .integer(liability.amount), .text(redeemedBy), .integer(value.amount),
      .blob(keys.flatMap(\.bytes)), .blob(writer.bytes),
    ]
  }
}
