internal import Messages
internal import ServiceKit
internal import Stubs
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Scheduler

@Suite struct IncentivesHandlerTests {
  private static func put(
    _ terms: SchedulerV1.IncentiveTerms, _ fixture: HandlerFixture, key: String = "k1"
  ) async throws -> SchedulerV1.Incentive {
    try await fixture.incentives.putIncentive(
      .init(store: "shop", idempotencyKey: key, terms: terms))
  }

  @Test("M11 An incentive is put, changed, shown and listed; the same again changes nothing")
  func putting() async throws {
    try await HandlerFixture.run { fixture in
      let first = try await Self.put(SchedulerFixture.terms(budget: 100), fixture)
      #expect(first.revision == 1)
      #expect(first.worth.first?.left == .init(currencyCode: "EUR", units: 100))
      let same = try await Self.put(SchedulerFixture.terms(budget: 100), fixture, key: "k2")
      #expect(same.revision == 1)
      let changed = try await Self.put(SchedulerFixture.terms(budget: 50), fixture, key: "k3")
      #expect(changed.revision == 2)
      let again = try await Self.put(SchedulerFixture.terms(budget: 100), fixture)
      #expect(again == first)
      let reused = try await rpcError {
        try await Self.put(SchedulerFixture.terms(budget: 1), fixture)
      }
      #expect(reused.code == .failedPrecondition)
      let shown = try await fixture.incentives.getIncentive(.init(store: "shop", name: "autumn"))
      #expect(shown == changed)
      let list = try await fixture.incentives.listIncentives(.init(store: "shop"))
      #expect(list.incentives == [changed])
      let none = try await rpcError {
        try await fixture.incentives.getIncentive(.init(store: "shop", name: "winter"))
      }
      #expect(none.code == .notFound)
      let nowhere = try await rpcError {
        try await fixture.incentives.getIncentive(.init(store: "other", name: "winter"))
      }
      #expect(nowhere.code == .notFound)
    }
  }

  struct Fault: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let change: @Sendable (inout SchedulerV1.IncentiveTerms) -> Void

    init(_ field: String, _ change: @escaping @Sendable (inout SchedulerV1.IncentiveTerms) -> Void)
    {
      (testDescription, self.change) = (field, change)
    }
  }

  static let faults: [Fault] = [
    Fault("terms.name") { $0.name = "au tumn" },
    Fault("terms.gift.basis_points") { $0.gift?.basisPoints = 10_001 },
    Fault("terms.gift.amount") { $0.gift = .init(kind: .amount) },
    Fault("terms.gift.amount") {
      $0.gift = .init(kind: .amount, amount: .init(currencyCode: "EUR", units: -1))
    },
    Fault("terms.gift.points") {
      $0.gift = .init(kind: .loyaltyPoints)
      ($0.codes, $0.rewards) = (.none, "desk")
    },
    Fault("terms.gift.item") { $0.gift = .init(kind: .resource, item: "http://x.test") },
    Fault("terms.gift.code") { $0.gift?.code = "SAVE10" },
    Fault("terms.gift.code") { $0.codes = .fixed },
    Fault("terms.codes") { $0.codes = .none },
    Fault("terms.codes") { $0.codes = .init(rawValue: 9) },
    Fault("terms.code_valid_for") { $0.codeValidFor = .init(seconds: 731 * 86_400) },
    Fault("terms.limit_period") { $0.limitPeriod = .init(seconds: -1) },
    Fault("terms.valid_until") {
      ($0.validFrom, $0.validUntil) = (.init(seconds: 10), .init(seconds: 10))
    },
    Fault("terms.rewards") { $0.rewards = "desk" },
    Fault("terms.rewards") {
      $0.gift = .init(kind: .sample, item: "S-1")
      ($0.codes, $0.rewards) = (.none, "nobody")
    },
    Fault("terms.budgets[1]") {
      $0.budgets = [.init(currencyCode: "EUR", units: 1), .init(currencyCode: "EUR", units: 2)]
    },
    Fault("terms.minimums[0].currency_code") {
      $0.minimums = [.init(currencyCode: "eur", units: 1)]
    },
    Fault("terms.costs[0]") { $0.costs = [.init(currencyCode: "EUR", units: 4_000_000_001)] },
  ]

  @Test("M11 Terms that cannot be kept are refused with the field's name", arguments: faults)
  func refused(fault: Fault) async throws {
    try await HandlerFixture.run { fixture in
      var terms = SchedulerFixture.terms()
      fault.change(&terms)
      let error = try await rpcError { try await Self.put(terms, fixture) }
      #expect(error.code == .invalidArgument)
      #expect(error.fieldViolations.map(\.field) == [fault.testDescription])
    }
  }

  @Test("M11 A source of codes stays once codes exist, and a code is one incentive's")
  func conflicts() async throws {
    try await HandlerFixture.run { fixture in
      _ = try await Self.put(SchedulerFixture.terms(codes: .pool), fixture)
      _ = try await fixture.incentives.uploadCodes(
        .init(store: "shop", idempotencyKey: "u", incentive: "autumn", codes: ["SAVE10"]))
      let source = try await rpcError {
        try await Self.put(SchedulerFixture.terms(), fixture, key: "k2")
      }
      #expect(source.code == .failedPrecondition)
      var fixed = SchedulerFixture.terms("other", codes: .fixed)
      fixed.gift?.code = "save-10"
      let taken = try await rpcError { [fixed] in try await Self.put(fixed, fixture, key: "k3") }
      #expect(taken.message.contains("autumn"))
      fixed.gift?.code = "SAVE20"
      _ = try await Self.put(fixed, fixture, key: "k4")
      let upload = try await fixture.incentives.uploadCodes(
        .init(store: "shop", idempotencyKey: "v", incentive: "autumn", codes: ["SAVE20"]))
      #expect(upload.refused.map(\.problem) == ["is known already, as a code of other"])
      let none = try await rpcError {
        try await fixture.incentives.uploadCodes(
          .init(store: "shop", idempotencyKey: "w", incentive: "other", codes: ["A"]))
      }
      #expect(none.code == .failedPrecondition)
    }
  }

  @Test("M11 An upload refuses what is no new code, with its line, and may be repeated")
  func upload() async throws {
    try await HandlerFixture.run { fixture in
      _ = try await Self.put(SchedulerFixture.terms(codes: .pool), fixture)
      let request = SchedulerV1.UploadCodesRequest(
        store: "shop", idempotencyKey: "u", incentive: "autumn",
        codes: ["A-1", "a1", "ü", "B2"], firstLine: 5)
      let answer = try await fixture.incentives.uploadCodes(request)
      #expect(answer.added == 2)
      #expect(answer.refused.map(\.line) == [6, 7])
      #expect(answer.refused.first?.problem == "stands in line 5 too")
      #expect(try await fixture.incentives.uploadCodes(request) == answer)
      #expect(try fixture.scheduler.incentive().poolLeft == 2)
      var other = request
      other.idempotencyKey = "u2"
      let repeated = try await fixture.incentives.uploadCodes(other)
      #expect(repeated.added == 0 && repeated.refused.map(\.line) == [5, 6, 7, 8])
    }
  }

  @Test("M12 A shop redeems, reverses and asks by RPC; whose code it is has to be said")
  func redeeming() async throws {
    try await HandlerFixture.run { fixture in
      let scheduler = fixture.scheduler
      try scheduler.put(SchedulerFixture.terms())
      try scheduler.apply(SchedulerFixture.giving)
      try scheduler.abandon("ann")
      let code = try scheduler.orders.first?.incentive?.code ?? ""
      let total = CommonV1.Money(currencyCode: "EUR", units: 80)
      let nobody = try await rpcError {
        try await fixture.incentives.redeem(
          .init(store: "shop", code: code, order: "o1", total: total))
      }
      #expect(nobody.fieldViolations.map(\.field) == ["contact"])
      let below = try await rpcError {
        try await fixture.incentives.redeem(
          .init(
            store: "shop", code: code, order: "o1", contact: "ann",
            total: .init(currencyCode: "EUR", units: -1)))
      }
      #expect(below.fieldViolations.map(\.field) == ["total"])
      let yes = try await fixture.incentives.redeem(
        .init(store: "shop", code: code, order: "o1", contact: "ann", total: total))
      #expect(yes.value?.units == 8 && yes.incentive == "autumn")
      let given = try await fixture.incentives.listGiven(.init(store: "shop", contact: "ann"))
      #expect(given.given.map(\.order) == ["o1"])
      let request = SchedulerV1.ReverseRedemptionRequest(
        store: "shop", idempotencyKey: "r", code: code, order: "o1")
      #expect(try await fixture.incentives.reverseRedemption(request).holds)
      #expect(try await fixture.incentives.reverseRedemption(request).holds)
      _ = try await fixture.incentives.voidCode(
        .init(store: "shop", idempotencyKey: "v", code: code))
      let void = try await fixture.incentives.redeem(
        .init(store: "shop", code: code, order: "o2", contact: "ann", total: total))
      #expect(void.refusal == .void)
    }
  }
}
