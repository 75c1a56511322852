internal import Messages
internal import ServiceKit
internal import Storage

/// What a store may spend in one currency and has, in billionths (D08).
struct BudgetRow: Sendable, Hashable {
  let currency: String
  var daily: Int64?
  var total: Int64?
  var spent: Int64
  /// As 20260302: the day of `spentToday`.
  var day: Int64
  var spentToday: Int64
  /// What a batch may cost without approval, and who said so.
  let approvalOver: Int64?
  let approvalSetBy: String

  init(_ row: Row) throws {
    currency = try row.text(0)
    daily = try row.optionalInteger(1)
    total = try row.optionalInteger(2)
    spent = try row.integer(3)
    day = try row.integer(4)
    spentToday = try row.integer(5)
    approvalOver = try row.optionalInteger(6)
    approvalSetBy = try row.text(7)
  }

  func spent(on day: Int64) -> Int64 { day == self.day ? spentToday : 0 }

  func contract(today: Int64) -> DirectMailV1.Budget {
    DirectMailV1.Budget(
      daily: daily.map { Price.money($0, currency) },
      total: total.map { Price.money($0, currency) },
      spentToday: Price.money(spent(on: today), currency), spent: Price.money(spent, currency),
      approvalOver: approvalOver.map { Price.money($0, currency) },
      approvalSetBy: approvalSetBy)
  }
}

/// Reservations within a transaction: one writer takes them one after the other, so that a limit
/// is never exceeded.
enum Budgets {
  /// Takes the cost of a piece; false where there is no budget in its currency, or too little left.
  static func reserve(
    _ cost: CommonV1.Money, _ store: StoreKey, today: Int64, _ session: any StorageSession
  ) throws -> Bool {
    guard let amount = cost.billionths,
      var budget = try find(store, cost.currencyCode, session)
    else { return false }
    let spentToday = budget.spent(on: today) + amount
    if let daily = budget.daily, spentToday > daily { return false }
    if let total = budget.total, budget.spent + amount > total { return false }
    budget.spent += amount
    // A piece of yesterday that comes late does not bring yesterday back.
    if today >= budget.day {
      budget.day = today
      budget.spentToday = spentToday
    }
    try put(budget, store, session)
    return true
  }

  /// What a piece had reserved, where it had.
  static func giveBack(_ piece: PieceRow, _ session: any StorageSession) throws {
    guard piece.reservedOn > 0, let cost = piece.log.cost, let amount = cost.billionths,
      var budget = try find(piece.storeKey, cost.currencyCode, session)
    else { return }
    budget.spent = max(0, budget.spent - amount)
    if piece.reservedOn == budget.day { budget.spentToday = max(0, budget.spentToday - amount) }
    try put(budget, piece.storeKey, session)
  }

  static func find(
    _ store: StoreKey, _ currency: String, _ session: any StorageSession
  ) throws -> BudgetRow? {
    try session.first(
      BatchStatements.budget, [store.bucketValue, store.value, .text(currency)]
    ) { try BudgetRow($0) }
  }

  private static func put(
    _ budget: BudgetRow, _ store: StoreKey, _ session: any StorageSession
  ) throws {
    try session.execute(
      BatchStatements.putSpent,
      [
        store.bucketValue, store.value, .text(budget.currency), .integer(budget.spent),
        .integer(budget.day), .integer(budget.spentToday),
      ])
  }

  /// The calendar day that a budget counts, as 20260302.
  static func day(_ at: Int64, _ zone: TimeZoneRules) -> Int64 {
    let local = zone.civilTime(at: Instant(microseconds: at))
    return Int64(local.year) * 10_000 + Int64(local.month) * 100 + Int64(local.day)
  }
}
