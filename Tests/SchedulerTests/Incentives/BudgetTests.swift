internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Stubs
internal import Synchronization
internal import TestSupport
internal import Testing

@testable internal import Scheduler

@Suite struct BudgetTests {
  private static let day = SchedulerFixture.day

  /// What a budget of an incentive has to be, from the rules alone: whole euros.
  private struct Model {
    struct One {
      var state = SchedulerV1.GivenIncentive.State.reserved
      var liability: Int64
      var value: Int64 = 0
      var order: CommonV1.SendOrder
      var isUnderWay = true
      let until: Int64
    }

    let limit: Int64
    var gifts: [One] = []
    var redemptions = 0

    var reserved: Int64 {
      gifts.reduce(0) {
        $0 + ($1.state == .reserved || $1.state == .outstanding ? $1.liability : 0)
      }
    }
    var spent: Int64 { gifts.reduce(0) { $0 + ($1.state == .redeemed ? $1.value : 0) } }

    func some(_ chance: inout SplitMix64, where isMeant: (One) -> Bool) -> Int? {
      gifts.indices.filter { isMeant(gifts[$0]) }.randomElement(using: &chance)
    }
  }

  @Test(
    "I8 No order of events exceeds a budget, and what is counted is what is there",
    arguments: 1...24)
  func interleavings(seed: Int) throws {
    var chance = SplitMix64(seed: UInt64(seed))
    let fixture = try SchedulerFixture()
    var model = Model(limit: Int64.random(in: 20...120, using: &chance))
    try fixture.put(SchedulerFixture.terms(budget: model.limit))
    try fixture.apply(SchedulerFixture.giving)
    for number in 0..<90 {
      try play(number, fixture, &model, &chance)
      let incentive = try fixture.incentive()
      #expect(incentive.euros == [model.reserved, model.spent], "seed \(seed), step \(number)")
      #expect(incentive.euros.reduce(0, +) <= model.limit, "seed \(seed), step \(number)")
    }
    #expect(model.gifts.count > 3 && model.redemptions > 0)
  }

  private func play(
    _ number: Int, _ fixture: SchedulerFixture, _ model: inout Model, _ chance: inout SplitMix64
  ) throws {
    switch Int.random(in: 0..<10, using: &chance) {
    case 0...3: try give(number, fixture, &model, &chance)
    case 4:
      guard let index = model.some(&chance, where: \.isUnderWay) else { return }
      try fixture.tell(.handedOver, of: model.gifts[index].order)
      model.gifts[index].isUnderWay = false
      if model.gifts[index].state == .reserved { model.gifts[index].state = .outstanding }
    case 5:
      guard let index = model.some(&chance, where: \.isUnderWay) else { return }
      try fixture.tell(.withdrawn, of: model.gifts[index].order)
      model.gifts[index].isUnderWay = false
      if model.gifts[index].state == .reserved { model.gifts[index].state = .released }
    case 6, 7: try redeem(number, fixture, &model, &chance)
    case 8:
      guard let index = model.some(&chance, where: { $0.state == .redeemed }) else { return }
      let gift = model.gifts[index]
      let holds = try fixture.reverse(
        gift.order.incentive?.code ?? "", order: "o-\(gift.order.contact)")
      #expect(holds == (fixture.now < gift.until))
      model.gifts[index].state = holds ? .outstanding : .expired
      model.gifts[index].liability = min(gift.liability, gift.value)
    default:
      try fixture.advance(by: Int64.random(in: 1...12, using: &chance) * Self.day)
      try fixture.endIncentives()
      for index in model.gifts.indices
      where model.gifts[index].state == .outstanding && model.gifts[index].until <= fixture.now {
        model.gifts[index].state = .expired
      }
    }
  }

  /// Ten percent of whole tens of euros.
  private func give(
    _ number: Int, _ fixture: SchedulerFixture, _ model: inout Model, _ chance: inout SplitMix64
  ) throws {
    let liability = Int64.random(in: 1...30, using: &chance)
    let hasRoom = model.reserved + model.spent + liability <= model.limit
    try fixture.abandon("p\(number)", cart: "c\(number)", euros: liability * 10)
    #expect(try fixture.path("p\(number)").first?.hasPrefix("gift PASSED") == hasRoom)
    guard hasRoom else { return }
    let order = try #require(try fixture.orders.last { $0.contact == "p\(number)" })
    model.gifts.append(
      .init(liability: liability, order: order, until: fixture.now + 30 * Self.day))
  }

  private func redeem(
    _ number: Int, _ fixture: SchedulerFixture, _ model: inout Model, _ chance: inout SplitMix64
  ) throws {
    let isMeant: (Model.One) -> Bool = { $0.state == .reserved || $0.state == .outstanding }
    guard let index = model.some(&chance, where: isMeant) else { return }
    let gift = model.gifts[index]
    let value = Int64.random(in: 1...40, using: &chance)
    let hasRoom =
      value <= gift.liability
      || model.reserved + model.spent - gift.liability + value <= model.limit
    let answer = try fixture.redeem(
      gift.order.incentive?.code ?? "", order: "o-\(gift.order.contact)",
      contact: gift.order.contact, euros: value * 10)
    let isOver = gift.until <= fixture.now
    #expect(answer.refusal == (isOver ? .expired : hasRoom ? .unspecified : .budget))
    guard answer.refusal == .unspecified else { return }
    model.gifts[index].state = .redeemed
    model.gifts[index].value = value
    model.redemptions += 1
  }

  @Test("I8 Redemptions and decisions from many threads at once stay within the budget")
  func threads() async throws {
    try await HandlerFixture.run { fixture in
      let scheduler = fixture.scheduler
      try scheduler.put(SchedulerFixture.terms(budget: 300))
      try scheduler.apply(SchedulerFixture.giving)
      for number in 0..<25 { try scheduler.abandon("p\(number)", cart: "c\(number)") }
      #expect(try scheduler.incentive().euros == [250, 0])
      let codes = try scheduler.orders.map { ($0.contact, $0.incentive?.code ?? "") }
      for number in 25..<40 { scheduler.know("p\(number)", cart: "c\(number)") }
      try scheduler.take((25..<40).map { scheduler.episode("p\($0)", cart: "c\($0)") })
      // Each is worth twice what was set aside for it, while others are being given.
      let yes = try await withThrowingTaskGroup(of: Bool.self) { group in
        for (contact, code) in codes {
          group.addTask {
            try await fixture.incentives.redeem(
              .init(
                store: "shop", code: code, order: "o-\(contact)", contact: contact,
                total: .init(currencyCode: "EUR", units: 200))
            ).refusal == .unspecified
          }
        }
        group.addTask {
          try scheduler.settle()
          return false
        }
        return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
      }
      let incentive = try scheduler.incentive()
      #expect(incentive.redeemed == UInt64(yes))
      // Whoever came first: each took ten euros of the room for five.
      #expect(incentive.euros.reduce(0, +) == 300)
      #expect(incentive.euros[1] == Int64(yes) * 20)
    }
  }

  @Test("M12 A pool of N codes gives N persons each one, and none to the next")
  func pool() throws {
    let fixture = try SchedulerFixture()
    try fixture.put(SchedulerFixture.terms(codes: .pool))
    try fixture.apply(SchedulerFixture.giving)
    #expect(try fixture.upload((1...7).map { "ONE-\($0)" }).added == 7)
    for number in 0..<9 { fixture.know("p\(number)", cart: "c\(number)") }
    try fixture.take((0..<9).map { fixture.episode("p\($0)", cart: "c\($0)") })
    try fixture.settle()
    let codes = try fixture.orders.compactMap { $0.incentive?.code }
    #expect(codes.sorted() == (1...7).map { "ONE-\($0)" })
    let without = try fixture.decisions.filter { $0.reason == .noCodeLeft }
    #expect(without.count == 2)
    #expect(try fixture.incentive().poolLeft == 0)
    // What never left goes back, for the next one.
    let order = try #require(try fixture.orders.first { $0.incentive != nil })
    try fixture.tell(.withdrawn, of: order)
    #expect(try fixture.incentive().poolLeft == 1)
    try fixture.abandon("late", cart: "c-late")
    #expect(try fixture.given("late").map(\.code) == [order.incentive?.code])
  }

  @Test("M12 A count is a budget too")
  func count() throws {
    let fixture = try SchedulerFixture()
    try fixture.put(SchedulerFixture.terms(count: 3))
    try fixture.apply(SchedulerFixture.giving)
    for number in 0..<5 { try fixture.abandon("p\(number)", cart: "c\(number)") }
    #expect(try fixture.decisions.filter { $0.reason == .budget }.count == 2)
    #expect(try fixture.incentive().reserved == 3)
  }

  @Test("M12 A restart between the decision and the hand-over keeps what is reserved")
  func restart() throws {
    let engine = try SQLiteEngine.inMemory()
    let before = try SchedulerFixture(engine: engine)
    try before.put(SchedulerFixture.terms(budget: 10))
    try before.apply(SchedulerFixture.giving)
    try before.abandon("ann")
    let order = try #require(try before.orders.first)
    let after = try SchedulerFixture(engine: engine, at: before.now)
    #expect(try after.incentive().euros == [10, 0])
    #expect(try after.given().map(\.code) == [order.incentive?.code])
    try after.tell(.handedOver, of: order)
    try after.tell(.handedOver, of: order)
    #expect(try after.incentive().counted == [0, 1, 0])
    #expect(try after.redeem(order.incentive?.code ?? "").refusal == .unspecified)
  }

  @Test("M12 A decision that a crash undoes reserves nothing, and repeated gives the same code")
  func crash() throws {
    let engine = FailingEngine(try SQLiteEngine.inMemory())
    let fixture = try SchedulerFixture(engine: engine)
    try fixture.put(SchedulerFixture.terms(budget: 10))
    try fixture.apply(SchedulerFixture.giving)
    fixture.know("ann")
    try fixture.take([fixture.episode()])
    engine.failures.withLock { $0 = 1 }
    #expect(throws: (any Error).self) { try fixture.settle() }
    #expect(try fixture.incentive().counted == [0, 0, 0])
    #expect(try fixture.given() == [] && fixture.orders == [])
    try fixture.settle()
    let order = try #require(try fixture.orders.first)
    let id = Identifier.gift(
      of: try #require(Identifier(text: order.enrolment)), step: "gift", isDry: false)
    let salt = fixture.ledger.salt
    #expect(order.incentive?.code == CodeText.generated(salt, id, attempt: 0))
  }
}
