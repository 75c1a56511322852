internal import Delivery
internal import Messages
internal import Storage

/// What a store says about an incentive (M11), with the defaults in place. Instants and spans in
/// microseconds, money in billionths.
struct Campaign: Sendable {
  /// Where the terms say nothing.
  static let validFor = 30 * Micros.day
  static let limitPeriod = 90 * Micros.day

  let store: String
  let revision: UInt64
  let terms: SchedulerV1.IncentiveTerms

  var name: String { terms.name }
  /// Of its budget, its counts and its pool.
  var owner: OwnerKey { Campaign.owner(store: store, name: name) }

  static func owner(store: String, name: String) -> OwnerKey {
    OwnerKey(scope: store, kind: .incentive, id: name)
  }

  /// Why nothing is given now, whoever asks; nil: it is.
  func closure(at now: Int64) -> CommonV1.ReasonCode? {
    if terms.closed { return .incentiveEnded }
    if let from = terms.validFrom, now < Micros.of(from) { return .incentiveEnded }
    if let until = terms.validUntil, now >= Micros.of(until) { return .incentiveEnded }
    return nil
  }

  /// Until when what is given now holds.
  func validUntil(given now: Int64) -> Int64 {
    let end = Micros.sum(now, terms.codeValidFor.map { Micros.of($0) } ?? Campaign.validFor)
    return min(end, terms.validUntil.map { Micros.of($0) } ?? .max)
  }

  /// In which a person, and a company, is given one; 0: no limit.
  var limitPeriod: Int64 { terms.limitPeriod.map { Micros.of($0) } ?? Campaign.limitPeriod }

  /// What it may be worth in a currency; nil: nothing is said of it.
  func budget(_ currency: String) -> Int64? { Campaign.amount(terms.budgets, currency) }

  /// Whether the gift is known to the shop by itself, and given at purchase.
  var isReward: Bool { terms.gift?.kind == .sample || terms.gift?.kind == .loyaltyPoints }

  /// Whether room for one more has to be looked for.
  func hasRoom(_ counts: IncentiveCounts, _ worth: IncentiveWorth, for liability: Liability) -> Bool
  {
    if terms.countMax > 0, UInt64(clamping: counts.given) >= terms.countMax { return false }
    if terms.budgets.isEmpty { return true }
    guard let limit = budget(liability.currency) else { return false }
    return worth.total + liability.amount <= limit
  }

  static func amount(_ list: [CommonV1.Money], _ currency: String) -> Int64? {
    list.first { $0.currencyCode == currency }?.billionths
  }
}

/// How many gifts of an incentive are in each state.
struct IncentiveCounts: Sendable, Equatable {
  var reserved: Int64 = 0
  var outstanding: Int64 = 0
  var redeemed: Int64 = 0

  var given: Int64 { reserved + outstanding + redeemed }
}

/// What an incentive is worth in one currency, in billionths.
struct IncentiveWorth: Sendable, Equatable {
  var currency = ""
  /// Worst case of what is reserved or outstanding.
  var reserved: Int64 = 0
  var spent: Int64 = 0

  var total: Int64 { reserved + spent }
}

extension CommonV1.Money {
  static let billion: Int64 = 1_000_000_000
  /// Units; more fit no row, and two such amounts never add up to what 64 bits do not hold.
  static let unitsMax: Int64 = 4_000_000_000

  /// Nil for what is below zero or too large.
  var billionths: Int64? {
    guard (0...CommonV1.Money.unitsMax).contains(units), (0..<1_000_000_000).contains(nanos) else {
      return nil
    }
    return units * CommonV1.Money.billion + Int64(nanos)
  }

  init(billionths: Int64, _ currency: String) {
    self.init(
      currencyCode: currency, units: billionths / CommonV1.Money.billion,
      nanos: Int32(billionths % CommonV1.Money.billion))
  }
}
