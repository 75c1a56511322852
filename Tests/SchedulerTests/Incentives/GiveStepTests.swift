internal import Messages
internal import ServiceKit
internal import Storage
internal import TestSupport
internal import Testing

@testable internal import Scheduler

@Suite struct GiveStepTests {
  private static let day = SchedulerFixture.day

  private static func fixture(
    _ terms: SchedulerV1.IncentiveTerms = SchedulerFixture.terms(),
    mode: CommonV1.Mode = .test
  ) throws -> SchedulerFixture {
    let fixture = try SchedulerFixture()
    try fixture.put(terms)
    try fixture.apply(SchedulerFixture.giving, mode: mode)
    return fixture
  }

  @Test("M12 A code is reserved at the decision, goes with the message and counts at hand-over")
  func way() throws {
    let fixture = try Self.fixture(SchedulerFixture.terms(budget: 1000))
    try fixture.abandon("ann", euros: 123)
    #expect(try fixture.path() == ["gift PASSED", "mail SENT"])
    let order = try #require(try fixture.orders.first)
    let code = order.incentive?.code ?? ""
    #expect(CodeText.isWhole(code))
    #expect(order.incentive?.basisPoints == 1000)
    #expect(
      order.incentive?.expiresAt == Micros.timestamp(SchedulerFixture.start + 30 * Self.day))
    #expect(try fixture.incentive().counted == [1, 0, 0])
    #expect(
      try fixture.incentive().worth.first?.reserved
        == .init(currencyCode: "EUR", units: 12, nanos: 300_000_000))
    try fixture.tell(.handedOver, of: order)
    #expect(try fixture.incentive().counted == [0, 1, 0])
    let answer = try fixture.redeem(code, cart: "c1", euros: 123)
    #expect(answer.refusal == .unspecified)
    #expect(answer.value == .init(currencyCode: "EUR", units: 12, nanos: 300_000_000))
    #expect(try fixture.incentive().counted == [0, 0, 1])
    #expect(try fixture.incentive().euros == [0, 12])
  }

  @Test(
    "M12 A message that is skipped, withdrawn or failed releases code, budget and limit",
    arguments: [CommonV1.OutcomeKind.skipped, .withdrawn, .failed])
  func released(kind: CommonV1.OutcomeKind) throws {
    let fixture = try Self.fixture(SchedulerFixture.terms(budget: 10))
    try fixture.abandon("ann")
    let order = try #require(try fixture.orders.first)
    #expect(try fixture.incentive().euros == [10, 0])
    try fixture.end("ann")
    try fixture.tell(kind, of: order, reason: .noConsent)
    #expect(try fixture.given().map(\.state) == [.released])
    #expect(try fixture.incentive().euros == [0, 0])
    #expect(try fixture.redeem(order.incentive?.code ?? "").refusal == .unknown)
    try fixture.abandon("bob", cart: "c2")
    #expect(try fixture.given("bob").map(\.state) == [.reserved])
  }

  @Test("M12 The next channel takes the gift anew where the first message could not go")
  func fallback() throws {
    let fixture = try Self.fixture(SchedulerFixture.terms(budget: 10))
    try fixture.apply(
      SchedulerFixture.giving.replacing("flow: offers", with: "flow: later") + """

          - evaluate event: { of: mail, within: 1 day, clicked: exit }
        """)
    try fixture.abandon("ann")
    let mail = try #require(try fixture.orders.first { $0.flow == "later" })
    for order in try fixture.orders { try fixture.tell(.failed, of: order) }
    try fixture.settle()
    let text = try #require(try fixture.orders.first { $0.flow == "later" && $0.step == "text" })
    #expect(text.incentive?.code == mail.incentive?.code)
    #expect(try fixture.given().map(\.state) == [.reserved])
    #expect(try fixture.incentive().euros == [10, 0])
  }

  @Test("M12 A second step, another flow and another cart of the person reuse a code that holds")
  func reuse() throws {
    let fixture = try Self.fixture()
    try fixture.abandon("ann")
    let first = try #require(try fixture.orders.first)
    try fixture.tell(.handedOver, of: first)
    try fixture.advance(by: 20 * Self.day)
    try fixture.abandon("ann", cart: "c2")
    let codes = try fixture.orders.map { $0.incentive?.code }
    #expect(codes.count == 2 && Set(codes).count == 1)
    #expect(try fixture.given().map(\.carts) == [["c1", "c2"]])
    #expect(try fixture.incentive().counted == [0, 1, 0])
    let code = first.incentive?.code ?? ""
    #expect(try fixture.redeem(code, order: "no", cart: "c3").refusal == .wrongPersonOrCart)
    #expect(try fixture.redeem(code, cart: "c1").refusal == .unspecified)
  }

  @Test("M12 A person, by any address or link, and a company get one in 90 days")
  func limited() throws {
    let fixture = try Self.fixture()
    let start = SchedulerFixture.start
    func attempt(
      _ contact: String, _ cart: String, company: String = "", email: String = "",
      linked: [String] = []
    ) throws {
      fixture.know(contact, cart: cart, company: company, email: email, linked: linked)
      try fixture.take([fixture.episode(contact, cart: cart)])
      try fixture.settle()
    }
    try attempt("ann", "c1", company: "ACME", email: "Ann@x.test")
    for order in try fixture.orders { try fixture.tell(.handedOver, of: order) }
    // Past its validity, so that it is not used again.
    try fixture.advance(to: start + 60 * Self.day)
    try attempt("ann", "c2")
    try attempt("col", "c3", company: "ACME")
    try attempt("two", "c4", email: "ann@x.test")
    try attempt("old", "c5", linked: ["ann"])
    try attempt("bob", "c6", company: "Other", email: "bob@x.test")
    for contact in ["ann", "col", "two", "old"] {
      let path = try fixture.path(contact).filter { $0.contains("gift") }.last
      #expect(path == "gift SKIPPED otherwise INCENTIVE_LIMIT", "\(contact)")
    }
    #expect(try fixture.path("bob").first == "gift PASSED")
    try fixture.advance(to: start + 90 * Self.day)
    try attempt("ann", "c7")
    #expect(try fixture.path("ann").contains("gift PASSED"))
    #expect(try fixture.given("ann").count == 2)
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let terms: SchedulerV1.IncentiveTerms?
    var currency = "EUR"
    let reason: CommonV1.ReasonCode
  }

  private static func refusing(_ change: (inout SchedulerV1.IncentiveTerms) -> Void)
    -> SchedulerV1.IncentiveTerms
  {
    var terms = SchedulerFixture.terms()
    change(&terms)
    return terms
  }

  static let refusals: [Refusal] = [
    Refusal(testDescription: "no such incentive", terms: nil, reason: .incentiveEnded),
    Refusal(
      testDescription: "closed", terms: refusing { $0.closed = true }, reason: .incentiveEnded),
    Refusal(
      testDescription: "not yet valid",
      terms: refusing { $0.validFrom = Micros.timestamp(SchedulerFixture.start + 1) },
      reason: .incentiveEnded),
    Refusal(
      testDescription: "no longer valid",
      terms: refusing { $0.validUntil = Micros.timestamp(SchedulerFixture.start) },
      reason: .incentiveEnded),
    Refusal(
      testDescription: "budget too small",
      terms: refusing { $0.budgets = [.init(currencyCode: "EUR", units: 9, nanos: 999_999_999)] },
      reason: .budget),
    Refusal(
      testDescription: "budget in another currency", terms: SchedulerFixture.terms(budget: 1000),
      currency: "CHF", reason: .conditionNotMet),
    Refusal(
      testDescription: "cart below the minimum",
      terms: refusing { $0.minimums = [.init(currencyCode: "EUR", units: 101)] },
      reason: .conditionNotMet),
    Refusal(
      testDescription: "empty pool", terms: SchedulerFixture.terms(codes: .pool),
      reason: .noCodeLeft),
  ]

  @Test(
    "M12 Where nothing can be given the reason is recorded and the fallback taken",
    arguments: refusals)
  func refused(refusal: Refusal) throws {
    let fixture = try SchedulerFixture()
    if let terms = refusal.terms { try fixture.put(terms) }
    try fixture.apply(SchedulerFixture.giving)
    fixture.know("ann", currency: refusal.currency)
    try fixture.take([fixture.episode()])
    try fixture.settle()
    let reason = "\(refusal.reason)".replacing("REASON_CODE_", with: "")
    #expect(
      try fixture.path()
        == ["gift SKIPPED otherwise \(reason)", "plain SENT", "end ENDED FLOW_ENDED"])
    #expect(try fixture.orders.map(\.incentive) == [nil])
    #expect(try fixture.given() == [])
  }

  @Test("M12 A dry run takes no code and counts what it would cost")
  func dryRun() throws {
    let fixture = try Self.fixture(
      SchedulerFixture.terms(codes: .pool, budget: 1000), mode: .dryRun)
    _ = try fixture.upload(["P1", "P2"])
    for number in 0..<5 { try fixture.abandon("p\(number)", cart: "c\(number)") }
    let incentive = try fixture.incentive()
    #expect(incentive.poolLeft == 2 && incentive.counted == [0, 0, 0])
    #expect(incentive.wouldGive == 5)
    #expect(incentive.worth.first?.wouldReserve == .init(currencyCode: "EUR", units: 50))
    #expect(try fixture.path("p0") == ["gift PASSED", "mail WOULD_SEND"])
    #expect(try fixture.given("p0").map(\.code) == [""])
    try fixture.set(.test)
    try fixture.abandon("p0", cart: "c9")
    #expect(try fixture.orders.map { $0.incentive?.code } == ["P1"])
  }

  @Test("M12 What nobody carries is released when its enrolment ends, or after a week")
  func unused() throws {
    let fixture = try SchedulerFixture()
    try fixture.put(SchedulerFixture.terms(budget: 20))
    try fixture.apply(
      """
      flow: waits
      start: cart abandoned
      holdout: 0 %
      steps:
        - give incentive: autumn
        - pause: 30 days
        - send e-mail: { template: offer, expires: 2 days }
      """)
    try fixture.abandon("ann", cart: "c1")
    try fixture.abandon("bob", cart: "c2")
    #expect(try fixture.incentive().euros == [20, 0])
    try fixture.take([fixture.purchase("ann", carts: ["c1"])])
    #expect(try fixture.given("ann").map(\.state) == [.released])
    try fixture.advance(by: 7 * Self.day - 1)
    try fixture.endIncentives()
    #expect(try fixture.incentive().euros == [10, 0])
    try fixture.advance(by: 1)
    try fixture.endIncentives()
    #expect(try fixture.incentive().euros == [0, 0])
    try fixture.advance(by: 23 * Self.day)
    #expect(try fixture.orders.map { $0.incentive?.code.isEmpty } == [false])
    #expect(try fixture.given("bob").map(\.state) == [.reserved])
  }
}
