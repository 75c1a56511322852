internal import Messages
internal import Wire

/// Whether the terms of an incentive can be kept. Pure.
struct TermsRules {
  private static let day: Int64 = 86_400

  let terms: SchedulerV1.IncentiveTerms
  /// Names that the shops' Rewards are configured under.
  let rewards: Set<String>
  private(set) var violations: [RPCError.FieldViolation] = []

  init(_ terms: SchedulerV1.IncentiveTerms, rewards: Set<String>) {
    self.terms = terms
    self.rewards = rewards
  }

  /// - Throws: INVALID_ARGUMENT with every field that is wrong.
  static func check(
    _ terms: SchedulerV1.IncentiveTerms, rewards: Set<String>
  ) throws(RPCError) {
    var rules = TermsRules(terms, rewards: rewards)
    rules.checkName()
    rules.checkGift()
    rules.checkCodes()
    rules.checkSpans()
    rules.checkRewards()
    rules.checkMoney(terms.budgets, "budgets")
    rules.checkMoney(terms.minimums, "minimums")
    rules.checkMoney(terms.valueMax, "value_max")
    rules.checkMoney(terms.costs, "costs")
    guard let first = rules.violations.first else { return }
    throw RPCError(
      .invalidArgument, "\(first.field) \(first.detail)", fieldViolations: rules.violations)
  }

  private mutating func add(_ field: String, _ detail: String) {
    violations.append(.init(field: "terms.\(field)", detail: detail))
  }

  private mutating func checkName() {
    let isName = terms.name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "_"):
        true
      default: false
      }
    }
    if !isName { add("name", "has other characters than letters, digits, - and _") }
  }

  private mutating func checkGift() {
    guard let gift = terms.gift else { return }
    if gift.expiresAt != nil { add("gift.expires_at", "is set by code_valid_for and valid_until") }
    switch gift.kind {
    case .percentage:
      if !(1...10_000).contains(gift.basisPoints) {
        add("gift.basis_points", "is \(gift.basisPoints), not from 1 to 10000")
      }
    case .amount:
      guard let money = gift.amount, let amount = money.billionths, amount > 0 else {
        return add("gift.amount", "is no amount above 0 and up to \(CommonV1.Money.unitsMax)")
      }
      checkMoney([money], "gift.amount")
    case .loyaltyPoints:
      if gift.points == 0 { add("gift.points", "is 0") }
    case .sample:
      if gift.item.isEmpty { add("gift.item", "is empty: the sample's SKU is wanted") }
    case .resource:
      if !gift.item.hasPrefix("https://") { add("gift.item", "does not begin with https://") }
    case .freeShipping: break
    default: add("gift.kind", "is \(gift.kind), which is not known")
    }
  }

  private mutating func checkCodes() {
    let code = terms.gift?.code ?? ""
    switch terms.codes {
    case .fixed:
      if CodeText.normal(code) == nil {
        add("gift.code", "is no code of letters, digits, - and _, up to \(CodeText.bytesMax) bytes")
      }
    case .none, .pool, .generated:
      if !code.isEmpty { add("gift.code", "is set, and codes is not FIXED") }
    default: add("codes", "is \(terms.codes), which is not known")
    }
    let kind = terms.gift?.kind
    if terms.codes == .none && (kind == .percentage || kind == .amount) {
      add("codes", "is NONE: a discount needs a code to be redeemed by")
    }
  }

  private mutating func checkSpans() {
    if let from = terms.validFrom, let until = terms.validUntil,
      Micros.of(until) <= Micros.of(from)
    {
      add("valid_until", "is not after valid_from")
    }
    if let span = terms.codeValidFor, !(1...730 * Self.day).contains(span.seconds) {
      add("code_valid_for", "is \(span.seconds) s, not from 1 s to 730 days")
    }
    if let span = terms.limitPeriod, !(0...730 * Self.day).contains(span.seconds) {
      add("limit_period", "is \(span.seconds) s, not from 0 to 730 days")
    }
  }

  private mutating func checkRewards() {
    let isReward = terms.gift?.kind == .sample || terms.gift?.kind == .loyaltyPoints
    guard isReward else {
      if !terms.rewards.isEmpty { add("rewards", "belongs to a sample or loyalty points") }
      return
    }
    if terms.codes != .none { add("codes", "is \(terms.codes): the shop gives it at purchase") }
    if !rewards.contains(terms.rewards) {
      add("rewards", "is \(terms.rewards), which HOMING_REWARDS does not name")
    }
  }

  private mutating func checkMoney(_ list: [CommonV1.Money], _ field: String) {
    var known: Set<String> = []
    for (index, money) in list.enumerated() {
      let code = money.currencyCode
      let isCode = code.utf8.count == 3 && code.utf8.allSatisfy { (0x41...0x5A).contains($0) }
      if !isCode { add("\(field)[\(index)].currency_code", "is not three capital letters") }
      if !known.insert(code).inserted { add("\(field)[\(index)]", "is a second one in \(code)") }
      if money.billionths == nil {
        add("\(field)[\(index)]", "is no amount from 0 to \(CommonV1.Money.unitsMax)")
      }
    }
  }
}
