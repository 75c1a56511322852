internal import Messages
internal import ServiceKit
internal import Storage
internal import Synchronization
internal import TestSupport
internal import Testing

@testable internal import Scheduler

@Suite struct RewardTests {
  private static let day = SchedulerFixture.day

  private static func fixture() throws -> SchedulerFixture {
    let fixture = try SchedulerFixture()
    var terms = SchedulerFixture.terms(
      "autumn", .init(kind: .loyaltyPoints, points: 200), codes: .none)
    terms.rewards = "desk"
    try fixture.put(terms)
    try fixture.apply(SchedulerFixture.giving)
    try fixture.abandon("ann")
    return fixture
  }

  @Test("M12 Points are given at purchase once, and taken back with it")
  func points() throws {
    let fixture = try Self.fixture()
    let mail = try #require(try fixture.orders.first)
    #expect(mail.incentive?.points == 200 && mail.incentive?.code == "")
    try fixture.tell(.handedOver, of: mail)
    #expect(try fixture.rewards.isEmpty)
    let purchase = fixture.purchase("ann", carts: ["c1"], at: fixture.now + 1)
    try fixture.take([purchase])
    // Told of again by a re-fold, in a new place.
    try fixture.take([fixture.purchase("ann", carts: ["c1"], at: fixture.now + 1)])
    try fixture.take([fixture.purchase("ann", carts: ["c1"], order: "o2")])
    let grant = try #require(try fixture.rewards.first?.granted)
    #expect(try fixture.rewards.count == 1)
    #expect(grant.contact == "ann" && grant.order == "o1" && grant.gift?.points == 200)
    try fixture.take([fixture.purchase("ann", carts: ["c1"], reversal: true)])
    try fixture.take([fixture.purchase("ann", carts: ["c1"], reversal: true)])
    let reverse = try #require(try fixture.rewards.last?.reversed)
    #expect(try fixture.rewards.count == 2)
    #expect(reverse.grantKey == grant.idempotencyKey && reverse.order == "o1")
    #expect(reverse.idempotencyKey != grant.idempotencyKey)
    // The cancelled order told of again earns nothing; another one does.
    try fixture.take([fixture.purchase("ann", carts: ["c1"], at: fixture.now + 1)])
    #expect(try fixture.rewards.count == 2)
    try fixture.take([fixture.purchase("ann", carts: ["c1"], at: fixture.now + 2, order: "o3")])
    #expect(try fixture.rewards.count == 3)
  }

  @Test("M12 Without a message that left, for another cart, or after its time nothing is earned")
  func unearned() throws {
    let fixture = try Self.fixture()
    try fixture.take([fixture.purchase("ann", carts: ["c1"], at: fixture.now + 1)])
    #expect(try fixture.rewards.isEmpty)
    // It turns out that it had left before.
    try fixture.tell(.handedOver, of: try #require(try fixture.orders.first))
    #expect(try fixture.rewards.count == 1)
    let other = try Self.fixture()
    try other.tell(.handedOver, of: try #require(try other.orders.first))
    try other.take([other.purchase("ann", carts: ["c9"], at: other.now + 1)])
    #expect(try other.rewards.isEmpty)
    try other.advance(by: 30 * Self.day)
    try other.take([other.purchase("ann", carts: ["c1"], order: "o2")])
    #expect(try other.rewards.isEmpty)
  }
}

extension SchedulerV1.RewardRow {
  fileprivate var granted: SchedulerV1.GrantRewardRequest? {
    if case .grant(let request) = action { return request }
    return nil
  }

  fileprivate var reversed: SchedulerV1.ReverseRewardRequest? {
    if case .reverse(let request) = action { return request }
    return nil
  }
}
