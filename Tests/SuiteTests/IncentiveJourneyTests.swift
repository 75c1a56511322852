internal import Foundation
internal import Messages
internal import Stubs
internal import Synchronization
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

/// A code in a mail, redeemed and taken back; points at purchase: over all services as real
/// processes.
@Suite(.serialized) struct IncentiveJourneyTests {
  private let t0 = TrackerProcess.morning

  private static let flow = """
    flow: win-back
    start: cart abandoned
    holdout: 0 %
    steps:
      - give incentive: { incentive: autumn, otherwise: exit }
        name: gift
      - pause: 4 hours
      - send e-mail: { template: cart-offer, expires: 2 days }
        name: mail
    """

  /// Ann's cart is given up; ten percent of it, or points, are promised.
  private func suite(
    _ terms: SchedulerV1.IncentiveTerms, _ settings: [String: String] = [:],
    authority: TestAuthority? = nil
  ) async throws -> ServiceSuite {
    let suite = try ServiceSuite(authority: authority)
    try await suite.start(scheduler: settings)
    try await suite.openShop(flow: Self.flow)
    _ = try await suite.incentives.putIncentive(
      .init(store: "shop", idempotencyKey: "put", terms: terms))
    try await suite.meet("ann", at: t0)
    try await suite.record([
      Make.event(
        "e1", t0, contact: "ann", cart: "c1", header: .init(url: "https://shop.invalid/cart?id=1"),
        Make.add("A", price: 200))
    ])
    return suite
  }

  private func incentive(_ suite: ServiceSuite) async throws -> SchedulerV1.Incentive {
    try await suite.incentives.getIncentive(.init(store: "shop", name: "autumn"))
  }

  @Test("M07 M11 M12 I8 abandoned, mailed with a code, redeemed, bought, and taken back")
  func code() async throws {
    let suite = try await suite(
      .init(
        name: "autumn", gift: .init(kind: .percentage, basisPoints: 1000), codes: .generated,
        budgets: [.init(currencyCode: "EUR", units: 25)]))
    let abandoned = t0 + ServiceSuite.hour
    try await suite.run(to: abandoned)
    let reserved = try await incentive(suite)
    #expect(reserved.reserved == 1)
    #expect(reserved.worth.first?.left == .init(currencyCode: "EUR", units: 5))
    // Between the decision and the message the scheduler dies.
    suite.scheduler.kill9()
    try await suite.restart(suite.scheduler)
    try await suite.run(to: abandoned + 4 * ServiceSuite.hour)
    let given = try await suite.incentives.listGiven(.init(store: "shop", contact: "ann")).given
    let code = try #require(given.first?.code)
    #expect(given.count == 1 && given.first?.state == .outstanding)
    let mail = try MailText(try #require(suite.smtp.mails.entries.first))
    #expect(mail.parts["text/html"]?.contains(code) == true)
    #expect(mail.parts["text/plain"]?.contains(code) == true)
    let sent = try #require(try await suite.sent(to: "ann").first)
    #expect(sent.order?.incentive?.code == code)

    let request = SchedulerV1.RedeemRequest(
      store: "shop", code: code, order: "o1", contact: "ann", cart: "c1",
      total: .init(currencyCode: "EUR", units: 200))
    let answer = try await suite.incentives.redeem(request)
    #expect(answer.refusal == .unspecified)
    #expect(answer.value == .init(currencyCode: "EUR", units: 20))
    let stranger = try await suite.incentives.redeem(
      .init(
        store: "shop", code: code, order: "o2", contact: "bob",
        total: .init(currencyCode: "EUR", units: 200)))
    #expect(stranger.refusal == .wrongPersonOrCart)
    let bought = abandoned + 5 * ServiceSuite.hour
    try await suite.run(to: bought)
    try await suite.record([
      Make.event(
        "e2", bought, contact: "ann", cart: "c1", .purchase(.init(order: "o1", codes: [code])))
    ])
    try await suite.run(to: bought + 60)
    #expect(try await incentive(suite).redeemed == 1)
    #expect(try await incentive(suite).worth.first?.spent?.units == 20)
    try await suite.record([
      Make.event("e3", bought + 60, contact: "ann", .purchaseReversed(.init(order: "o1")))
    ])
    try await suite.run(to: bought + 120)
    let after = try await incentive(suite)
    #expect(after.redeemed == 0 && after.outstanding == 1)
    #expect(after.worth.first?.spent?.units == 0)
    let why = try await suite.flows.explain(.init(store: "shop", contact: "ann"))
    let line = try #require(why.lines.first { $0.rule == "incentive autumn" })
    #expect(line.inputs.contains { $0.name == "code" && $0.value == .text(code) })
  }

  @Test("M12 points are given by the shop at purchase once, also after it was away, and taken back")
  func points() async throws {
    let authority = try TestAuthority()
    let shop = RewardDesk()
    let server = try await TestServer.start { setup in
      setup.authority = authority
      setup.grants.add(role: "scheduler", stores: .all, to: "spiffe://test/scheduler")
      setup.register = { shop.register(in: &$0) }
    }
    let suite = try await suite(
      .init(
        name: "autumn", gift: .init(kind: .loyaltyPoints, points: 200), codes: .none,
        rewards: "desk"),
      ["HOMING_REWARDS": "desk=127.0.0.1:\(server.port)"], authority: authority)
    let mailed = t0 + 5 * ServiceSuite.hour
    try await suite.run(to: mailed)
    #expect(suite.smtp.mails.entries.count == 1)
    #expect(shop.balances.isEmpty)
    // The shop answers its first calls as one that is away does, after it has done what was asked.
    shop.failures.withLock { $0 = 2 }
    try await suite.record([
      Make.event("e2", mailed, contact: "ann", cart: "c1", .purchase(.init(order: "o1")))
    ])
    try await suite.run(to: mailed + 60)
    #expect(shop.balances == ["ann": 200])
    #expect(shop.calls == 3)
    try await suite.record([
      Make.event("e3", mailed + 60, contact: "ann", .purchaseReversed(.init(order: "o1")))
    ])
    try await suite.run(to: mailed + 120)
    #expect(shop.balances == ["ann": 0])
    await server.cut()
  }
}

/// A shop that gives points, each key once.
private final class RewardDesk: SchedulerV1.RewardsService {
  private struct State {
    var keys: Set<String> = []
    var balances: [String: Int64] = [:]
    var calls = 0
  }

  /// Answers that are lost.
  let failures = Mutex(0)
  private let state = Mutex(State())

  var balances: [String: Int64] { state.withLock { $0.balances } }
  var calls: Int { state.withLock { $0.calls } }

  func grantReward(
    _ request: SchedulerV1.GrantRewardRequest, _ call: ServerCall
  ) throws -> Reply<SchedulerV1.GrantRewardResponse> {
    try take(request.idempotencyKey, request.contact, Int64(request.gift?.points ?? 0))
    return .now(.init())
  }

  func reverseReward(
    _ request: SchedulerV1.ReverseRewardRequest, _ call: ServerCall
  ) throws -> Reply<SchedulerV1.ReverseRewardResponse> {
    try take(request.idempotencyKey, request.contact, -Int64(request.gift?.points ?? 0))
    return .now(.init())
  }

  private func take(_ key: String, _ contact: String, _ points: Int64) throws {
    state.withLock { state in
      state.calls += 1
      if state.keys.insert(key).inserted { state.balances[contact, default: 0] += points }
    }
    let isLost = failures.withLock { failures in
      defer { failures = max(0, failures - 1) }
      return failures > 0
    }
    if isLost { throw RPCError(.unavailable, "scripted") }
  }
}
