internal import Messages
internal import ServiceKit
internal import Stubs
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import DirectMail

@Suite struct BudgetTests {
  private static func euros(_ units: Int64, _ cents: Int32 = 0) -> CommonV1.Money {
    .init(currencyCode: "EUR", units: units, nanos: cents * 10_000_000)
  }

  private func start() async throws -> DirectMailFixture {
    let mail = try await DirectMailFixture.start(settings: ["HOMING_LETTER_COST": "0.85 EUR"])
    try await mail.putTemplate(store: "live")
    return mail
  }

  private func set(
    _ mail: DirectMailFixture, daily: CommonV1.Money? = nil, total: CommonV1.Money? = nil,
    key: String = "budget"
  ) async throws {
    _ = try await mail.client.setBudget(
      .init(store: "live", idempotencyKey: key, currencyCode: "EUR", daily: daily, total: total))
  }

  private func spent(_ mail: DirectMailFixture) async throws -> [CommonV1.Money?] {
    let budget = try await mail.client.listBudgets(.init(store: "live")).budgets.first
    return [budget?.spentToday, budget?.spent]
  }

  @Test("D08 Without a budget in the currency nothing is ordered, and samples need none")
  func withoutBudget() async throws {
    let mail = try await start()
    try await mail.putTemplate()
    let (live, sample) = (mail.order(1, store: "live"), mail.order(2))
    try await mail.send([live])
    try await mail.send([sample])
    await mail.settle()
    #expect(mail.told(live) == ["SKIPPED BUDGET"])
    #expect(try await mail.piece(live).state == .skipped)
    #expect(try await mail.piece(sample).state == .accepted)
    #expect(try await mail.client.listBudgets(.init(store: "live")).budgets == [])
    await mail.stop()
  }

  @Test("D08 Orders at the same time never spend more than the total")
  func concurrent() async throws {
    let mail = try await start()
    try await set(mail, total: BudgetTests.euros(6))
    let orders = (1...20).map { mail.order($0, store: "live") }
    try await withThrowingTaskGroup { group in
      for (index, order) in orders.enumerated() {
        group.addTask { _ = try await mail.send([order], from: UInt64(index + 1)) }
      }
      try await group.waitForAll()
    }
    await mail.settle()
    var states: [DirectMailV1.PieceState] = []
    for order in orders { states.append(try await mail.piece(order).state) }
    #expect(states.count { $0 == .accepted } == 7)
    #expect(states.count { $0 == .skipped } == 13)
    #expect(try await spent(mail) == [BudgetTests.euros(5, 95), BudgetTests.euros(5, 95)])
    try await mail.advanceToCutOff()
    let batch = try #require(try await mail.batches("live").first)
    #expect(batch.cost == [BudgetTests.euros(5, 95)])
    #expect((batch.pieces, batch.sample) == (7, false))
    await mail.stop()
  }

  @Test("D08 A daily limit holds for a calendar day of the store")
  func daily() async throws {
    let mail = try await start()
    try await set(mail, daily: BudgetTests.euros(1))
    try await mail.send([mail.order(1, store: "live"), mail.order(2, store: "live")])
    // 23:00 in Berlin, then 00:00.
    try await mail.advance(by: .seconds(13 * 3600))
    try await mail.send([mail.order(3, store: "live")], from: 3)
    try await mail.advance(by: .seconds(3600))
    #expect(try await spent(mail) == [BudgetTests.euros(0), BudgetTests.euros(0, 85)])
    try await mail.send([mail.order(4, store: "live")], from: 4)
    await mail.settle()
    #expect(mail.told(mail.order(2, store: "live")) == ["SKIPPED BUDGET"])
    #expect(mail.told(mail.order(3, store: "live")) == ["SKIPPED BUDGET"])
    #expect(mail.told(mail.order(4, store: "live")) == [])
    #expect(try await spent(mail) == [BudgetTests.euros(0, 85), BudgetTests.euros(1, 70)])
    await mail.stop()
  }

  @Test("D08 A withdrawn piece, and one that is skipped at its cut-off, give back what they had")
  func givesBack() async throws {
    let mail = try await start()
    try await set(mail, total: BudgetTests.euros(1, 70))
    let orders = (1...3).map { mail.order($0, store: "live") }
    try await mail.send(Array(orders[..<2]))
    #expect(try await spent(mail) == [BudgetTests.euros(1, 70), BudgetTests.euros(1, 70)])
    _ = try await mail.client.withdrawMailPiece(
      .init(store: "live", idempotencyKey: "w", piece: orders[0].id))
    #expect(try await spent(mail) == [BudgetTests.euros(0, 85), BudgetTests.euros(0, 85)])
    try await mail.send([orders[2]], from: 3)
    mail.tracker.answers { ScriptedTracker.refuse($0, .purchased, lasting: true) }
    try await mail.advanceToCutOff()
    #expect(mail.told(orders[2]) == ["SKIPPED PURCHASED"])
    #expect(try await spent(mail) == [BudgetTests.euros(0), BudgetTests.euros(0)])
    await mail.stop()
  }

  @Test("A budget in another currency, or below zero, is refused with its field")
  func refuses() async throws {
    let mail = try await start()
    for (currency, daily, field) in [
      ("EURO", BudgetTests.euros(1), "currency_code"), ("USD", BudgetTests.euros(1), "daily"),
      ("EUR", BudgetTests.euros(-1), "daily"),
    ] {
      let error = try await rpcError {
        try await mail.client.setBudget(
          .init(store: "live", idempotencyKey: "b", currencyCode: currency, daily: daily))
      }
      #expect(error.code == .invalidArgument)
      #expect(error.fieldViolations.first?.field.hasPrefix(field) == true)
    }
    await mail.stop()
  }

  @Test("Prices are read as they are written, and nothing else is one")
  func prices() throws {
    #expect(try Price.parse("0.85 EUR") == BudgetTests.euros(0, 85))
    #expect(try Price.parse("1 CHF") == .init(currencyCode: "CHF", units: 1))
    for wrong in ["", "1", "1 eur", "1,5 EUR", "-1 EUR", "1. EUR", ".5 EUR", "1.0000000001 EUR"] {
      #expect(throws: RPCError.self) { try Price.parse(wrong) }
    }
    #expect(Manifest.amount(BudgetTests.euros(3)) == "3.00")
    #expect(Manifest.amount(.init(currencyCode: "EUR", units: 0, nanos: 5_000_000)) == "0.005")
  }
}
