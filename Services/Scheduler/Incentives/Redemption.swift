internal import Delivery
internal import Messages
internal import Storage
internal import Wire

/// Whether a code holds for an order, in a transaction: the same order with the same code gets the
/// first yes again.
struct Redemption {
  private typealias Answer = SchedulerV1.RedeemResponse

  let request: SchedulerV1.RedeemRequest
  let writing: Writing

  private var now: Int64 { writing.now }

  func redeem() throws -> SchedulerV1.RedeemResponse {
    guard let key = Writing.key(of: request.code, in: request.store) else {
      return Answer(refusal: .unknown)
    }
    if let known = try RedemptionRow.find(key, request.order, writing.session), !known.isReversed,
      let gift = try writing.gift(known.gift)
    {
      return answer(gift, known.value, at: known.at)
    }
    switch try find() {
    case .failure(let refusal): return Answer(refusal: refusal.reason)
    case .success(let gift): return try redeem(gift, key)
    }
  }

  private func redeem(_ gift: Gift, _ key: OwnerKey) throws -> SchedulerV1.RedeemResponse {
    let campaign = try writing.campaign(gift.incentive, in: request.store)
    if let refusal = refusal(gift, campaign) { return Answer(refusal: refusal) }
    guard var terms = campaign?.terms, let total = request.total else {
      return Answer(refusal: .unknown)
    }
    // What was given keeps its worth, whatever the terms say now.
    terms.gift = gift.content
    guard let value = Liability.value(terms, of: total, setAside: gift.liability) else {
      return Answer(refusal: .minimum)
    }
    guard try hasRoom(for: value, of: gift, campaign) else { return Answer(refusal: .budget) }
    if request.checkOnly { return answer(gift, value, at: nil) }
    var changed = gift
    changed.redeem(request.order, value)
    try writing.put(changed, replacing: gift)
    let row = RedemptionRow(gift: gift.id, at: now, value: value, isReversed: false)
    try writing.fence(key.bucket)
    try row.put(key, request.order, writing.session)
    return answer(changed, value, at: now)
  }

  private func refusal(_ gift: Gift, _ campaign: Campaign?) -> SchedulerV1.RedeemResponse.Refusal? {
    switch gift.state {
    case .void: return .void
    case .redeemed: return .redeemed
    case .expired: return .expired
    case .reserved, .outstanding: break
    default: return .unknown
    }
    let end = campaign?.terms.validUntil.map { Micros.of($0) } ?? .max
    return now < min(gift.validUntil, end) ? nil : .expired
  }

  /// What it is worth beyond what was set aside has to be left.
  private func hasRoom(for value: Liability, of gift: Gift, _ campaign: Campaign?) throws -> Bool {
    guard let campaign, !campaign.terms.budgets.isEmpty, !value.currency.isEmpty else {
      return true
    }
    guard let limit = campaign.budget(value.currency) else { return false }
    let setAside = gift.liability.currency == value.currency ? gift.liability.amount : 0
    if value.amount <= setAside { return true }
    let worth = try writing.worth(of: campaign.owner, value.currency, isDry: false)
    return worth.total - setAside + value.amount <= limit
  }

  private func answer(
    _ gift: Gift, _ value: Liability, at: Int64?
  ) -> SchedulerV1.RedeemResponse {
    let isMoney = gift.content.kind == .percentage || gift.content.kind == .amount
    return Answer(
      value: isMoney ? .init(billionths: value.amount, value.currency) : nil,
      gift: gift.content, incentive: gift.incentive, redeemedAt: at.map { Micros.timestamp($0) })
  }

  // MARK: - Whose code it is

  private struct Refused: Error {
    let reason: SchedulerV1.RedeemResponse.Refusal
  }

  private func find() throws -> Result<Gift, Refused> {
    let fixed = try writing.session.first(
      IncentiveStatements.withCode,
      [.text(request.store), .text(CodeText.normal(request.code) ?? "")]
    ) { try $0.text(0) }
    let found = try fixed == nil ? personal() : shared()
    switch found {
    case .failure: return found
    case .success(let gift): return try fits(gift) ? found : .failure(Refused(reason: .wrong))
    }
  }

  private func personal() throws -> Result<Gift, Refused> {
    let entries = try writing.entries(of: request.code, in: request.store)
    for entry in entries where entry.gift != .nobody {
      if let gift = try writing.gift(entry.gift) { return .success(gift) }
    }
    return .failure(Refused(reason: entries.contains(where: \.isVoid) ? .void : .unknown))
  }

  /// A fixed code is of many: the contact's, else the cart's; one that still holds before others.
  private func shared() throws -> Result<Gift, Refused> {
    var gifts: [Gift] = []
    if !request.contact.isEmpty {
      let normal = CodeText.normal(request.code)
      let owner = OwnerKeys.owner(store: request.store, contact: request.contact, guest: "")
      for person in try writing.linked(with: owner) {
        gifts += try writing.gifts(of: person).filter {
          $0.store == request.store && !$0.isDry && CodeText.normal($0.code) == normal
        }
      }
    } else {
      let entries = try writing.entries(
        of: request.code, in: request.store, cart: request.cart)
      gifts = try entries.compactMap { try writing.gift($0.gift) }
    }
    let fitting = try gifts.filter { try fits($0) }
    let best = fitting.first { $0.holds(at: now) } ?? fitting.first ?? gifts.first
    return best.map { .success($0) } ?? .failure(Refused(reason: .wrong))
  }

  private func fits(_ gift: Gift) throws -> Bool {
    if !request.cart.isEmpty && !gift.carts.isEmpty && !gift.carts.contains(request.cart) {
      return false
    }
    if request.contact.isEmpty || request.contact == gift.contact { return true }
    let owner = OwnerKeys.owner(store: request.store, contact: request.contact, guest: "")
    return try writing.linked(with: owner).contains(gift.owner)
  }
}

extension SchedulerV1.RedeemResponse.Refusal {
  fileprivate static var wrong: Self { .wrongPersonOrCart }
}

/// What an order redeemed with a code.
struct RedemptionRow: Sendable, Equatable {
  let gift: Identifier
  let at: Int64
  let value: Liability
  var isReversed: Bool

  /// - Parameter key: of the code.
  static func find(
    _ key: OwnerKey, _ order: String, _ session: any StorageSession
  ) throws -> RedemptionRow? {
    try session.first(
      IncentiveStatements.redemption, [key.bucketValue, key.value, .text(order)]
    ) {
      RedemptionRow(
        gift: try Identifier(bytes: $0.blob(0)), at: try $0.integer(1),
        value: Liability(currency: try $0.text(2), amount: try $0.integer(3)),
        isReversed: try $0.integer(4) != 0)
    }
  }

  /// After the fence of the key's bucket.
  func put(_ key: OwnerKey, _ order: String, _ session: any StorageSession) throws {
    try session.execute(
      IncentiveStatements.putRedemption,
      [
        key.bucketValue, key.value, .text(order), gift.value, .integer(at),
        .text(value.currency), .integer(value.amount), .flag(isReversed),
      ])
  }
}

/// Takes codes and redemptions back, in a transaction.
enum CodeReversal {
  /// Whether the code holds again. A repeat changes nothing.
  ///
  /// - Throws: NOT_FOUND where the order redeemed no such code.
  static func reverse(
    _ code: String, _ order: String, in store: String, _ writing: Writing
  ) throws -> Bool {
    guard let key = Writing.key(of: code, in: store),
      var row = try RedemptionRow.find(key, order, writing.session),
      let gift = try writing.gift(row.gift)
    else { throw RPCError(.notFound, "the order redeemed no such code") }
    if row.isReversed { return gift.holds(at: writing.now) }
    row.isReversed = true
    try writing.fence(key.bucket)
    try row.put(key, order, writing.session)
    guard gift.state == .redeemed, gift.redeemedBy == order else { return false }
    var changed = gift
    changed.reverse(at: writing.now)
    try writing.put(changed, replacing: gift)
    return changed.holds(at: writing.now)
  }

  static func void(_ request: SchedulerV1.VoidCodeRequest, _ writing: Writing) throws {
    let fixed = try writing.session.first(
      IncentiveStatements.withCode,
      [.text(request.store), .text(CodeText.normal(request.code) ?? "")]
    ) { try $0.text(0) }
    if fixed != nil && request.contact.isEmpty {
      throw RPCError(
        .failedPrecondition, "a fixed code is void for one contact, or its incentive is closed",
        fieldViolations: [.init(field: "contact", detail: "is empty")])
    }
    let gifts = try gifts(request, writing)
    if gifts.isEmpty { return try voidOfPool(request, writing) }
    for gift in gifts {
      if gift.state == .redeemed {
        throw RPCError(.failedPrecondition, "the code was redeemed by the order \(gift.redeemedBy)")
      }
      var changed = gift
      changed.void()
      try writing.put(changed, replacing: gift)
    }
  }

  private static func gifts(
    _ request: SchedulerV1.VoidCodeRequest, _ writing: Writing
  ) throws -> [Gift] {
    guard !request.contact.isEmpty else {
      return try writing.entries(of: request.code, in: request.store)
        .filter { $0.gift != .nobody }.compactMap { try writing.gift($0.gift) }
    }
    let normal = CodeText.normal(request.code)
    let owner = OwnerKeys.owner(store: request.store, contact: request.contact, guest: "")
    return try writing.gifts(of: owner).filter {
      $0.store == request.store && !$0.isDry && CodeText.normal($0.code) == normal
    }
  }

  private static func voidOfPool(
    _ request: SchedulerV1.VoidCodeRequest, _ writing: Writing
  ) throws {
    let entries = try writing.entries(of: request.code, in: request.store)
    guard request.contact.isEmpty, let entry = entries.first(where: { $0.gift == .nobody }) else {
      throw RPCError(.notFound, "the store has no such code")
    }
    if entry.isVoid { return }
    try writing.dropFromPool(request.code, entry.incentive, in: request.store)
    try writing.addCode(
      request.code, "", .nobody, entry.incentive, in: request.store, isVoid: true)
  }
}
