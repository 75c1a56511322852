internal import Messages
internal import ServiceKit
internal import Storage
internal import Wire

/// Sets and shows what stores may spend (D08).
struct BudgetDesk: Sendable {
  let database: DirectMailDatabase
  let commands: Commands
  let stores: StoreBook
  let clock: any WallClock
  let threads: ThreadPool

  func set(
    _ request: DirectMailV1.SetBudgetRequest, by caller: String
  ) async throws -> DirectMailV1.Budget {
    guard Price.isCurrency(request.currencyCode) else {
      throw BudgetDesk.refusal("currency_code", "is not three capital letters")
    }
    let daily = try BudgetDesk.limit(request.daily, "daily", request.currencyCode)
    let total = try BudgetDesk.limit(request.total, "total", request.currencyCode)
    let over = try BudgetDesk.limit(
      request.approvalOver, "approval_over", request.currencyCode)
    let zone = StoreZones.zone(try await stores.store(request.store))
    let store = StoreKey(request.store)
    return try await commands.run(
      "SetBudget", request.store, request.idempotencyKey, request
    ) { now in
      Commands.Effect(
        buckets: [store.bucket],
        apply: { session in
          let known = try Budgets.find(store, request.currencyCode, session)
          // Whoever leaves the limit as it is has not set it.
          let author = known.map { $0.approvalOver == over ? $0.approvalSetBy : caller } ?? caller
          try session.execute(
            BatchStatements.putLimits,
            [
              store.bucketValue, store.value, .text(request.currencyCode), .optional(daily),
              .optional(total), .optional(over), .text(over == nil ? "" : author),
            ])
          guard let budget = try Budgets.find(store, request.currencyCode, session) else {
            throw StorageError(.corrupt, "a budget that was set is not there")
          }
          return budget.contract(today: Budgets.day(now, zone))
        })
    }
  }

  private static func limit(
    _ money: CommonV1.Money?, _ field: String, _ currency: String
  ) throws(RPCError) -> Int64? {
    guard let money else { return nil }
    guard money.currencyCode == currency else {
      throw refusal("\(field).currency_code", "is not \(currency)")
    }
    guard let amount = money.billionths else {
      throw refusal(field, "is no amount from 0 to \(Price.unitsMax)")
    }
    return amount
  }

  func list(
    _ request: DirectMailV1.ListBudgetsRequest
  ) async throws -> DirectMailV1.ListBudgetsResponse {
    let zone = StoreZones.zone(try await stores.store(request.store))
    let store = StoreKey(request.store)
    let today = Budgets.day(clock.now.microseconds, zone)
    return try await threads.run {
      try database.read { session in
        let rows = try session.all(
          BatchStatements.budgets, [store.bucketValue, store.value]
        ) { try BudgetRow($0) }
        return .init(budgets: rows.map { $0.contract(today: today) })
      }
    }
  }

  static func refusal(_ field: String, _ detail: String) -> RPCError {
    RPCError(
      .invalidArgument, "\(field) \(detail)",
      fieldViolations: [.init(field: field, detail: detail)])
  }
}
