internal import Messages
internal import ServiceKit
internal import Storage
internal import TestSupport
internal import Testing

@testable internal import Scheduler

@Suite struct HoldoutTests {
  private static let day = SchedulerFixture.day
  private static let salt = [UInt8](repeating: 7, count: 16)
  private static let holdout = FlowDefinition.Holdout()

  private static func held(
    _ subject: String, flow: String = "f", store: String = "shop", at: Int64 = 0,
    _ holdout: FlowDefinition.Holdout = holdout, salt: [UInt8] = salt
  ) -> Bool {
    HoldoutRule(salt: salt).judge(store: store, flow: flow, holdout, subject: subject, at: at)
      != nil
  }

  @Test(
    "F17 Of 100,000 subjects the share is held out within 0.3 points, the same ones each time",
    arguments: [500, 0, 1000, 5000])
  func share(share: Int) {
    let holdout = FlowDefinition.Holdout(share: share)
    let names = (0..<100_000).map { "contact/customer-\($0)@example.com" }
    let first = names.map { Self.held($0, holdout) }
    let points = Double(first.count { $0 }) / 1000
    #expect(abs(points - Double(share) / 100) <= 0.3, "\(points) %")
    #expect(names[..<5000].map { Self.held($0, holdout) } == Array(first[..<5000]))
  }

  @Test("F17 Another salt, flow, store or period holds out others; within a period it stays")
  func chosen() {
    let holdout = FlowDefinition.Holdout(share: 5000)
    let names = (0..<2000).map { "contact/p\($0)" }
    let base = names.map { Self.held($0, holdout) }
    func overlap(_ other: [Bool]) -> Double {
      Double(zip(base, other).count { $0 == $1 }) / 2000
    }
    let salt = [UInt8](repeating: 8, count: 16)
    #expect(abs(overlap(names.map { Self.held($0, holdout, salt: salt) }) - 0.5) < 0.05)
    #expect(abs(overlap(names.map { Self.held($0, flow: "g", holdout) }) - 0.5) < 0.05)
    #expect(abs(overlap(names.map { Self.held($0, store: "s", holdout) }) - 0.5) < 0.05)
    #expect(abs(overlap(names.map { Self.held($0, at: 90 * Self.day, holdout) }) - 0.5) < 0.05)
    #expect(overlap(names.map { Self.held($0, at: 90 * Self.day - 1, holdout) }) == 1)
  }

  @Test("F17 Periods are counted from 1970, also before")
  func periods() {
    #expect(HoldoutRule.period(Self.holdout, at: 0) == 0)
    #expect(HoldoutRule.period(Self.holdout, at: 90 * Self.day - 1) == 0)
    #expect(HoldoutRule.period(Self.holdout, at: 90 * Self.day) == 1)
    #expect(HoldoutRule.period(Self.holdout, at: -1) == -1)
    #expect(HoldoutRule.period(.init(share: 1, period: Self.day), at: 36 * Self.day + 5) == 36)
  }

  // MARK: - In flows

  private static func flow(_ holdout: String) -> String {
    """
    flow: recovery
    start: cart abandoned
    \(holdout)
    steps:
      - send internal: { template: lead, to: [sales] }
        name: lead
      - send e-mail: { template: cart-reminder, expires: 2 days }
        name: first
      - pause: 1 day
      - send e-mail: { template: cart-help, expires: 2 days }
        name: second
    """
  }

  /// Each contact with an address, its number being its company's where there are companies.
  private static func fixture(
    _ count: Int, _ holdout: String = "", mode: CommonV1.Mode, companies: Int = 0
  ) throws -> SchedulerFixture {
    let fixture = try SchedulerFixture()
    for number in 0..<count {
      var profile = CartTrackerV1.ContactProfile()
      profile.destinations = [.init(channel: .email, address: "p\(number)@example.com")]
      if companies > 0 { profile.company = "company \(number % companies)" }
      fixture.facts.set("p\(number)", .init(contact: .init(profile: profile)))
    }
    try fixture.apply(flow(holdout))
    try fixture.approve("recovery")
    try fixture.set(mode)
    for number in 0..<count {
      try fixture.take([fixture.episode("p\(number)", cart: "c\(number)")])
    }
    try fixture.advance(by: 3 * day)
    return fixture
  }

  private static func heldOut(_ fixture: SchedulerFixture) throws -> Set<String> {
    Set(try fixture.enrolments.filter { $0.reason == .holdout }.map(\.contact))
  }

  @Test("F17 X04 Who is held out gets nothing, and is logged with period and subject")
  func live() throws {
    let fixture = try Self.fixture(400, mode: .live)
    let held = try Self.heldOut(fixture)
    // 5 % where the flow says nothing.
    #expect(held.count > 8 && held.count < 36)
    let mails = try fixture.orders.filter { $0.channel == .email }
    #expect(held.isDisjoint(with: mails.map(\.contact)))
    #expect(mails.count == 2 * (400 - held.count))
    // What reaches nobody outside is no contact.
    #expect(try fixture.orders.count { $0.channel == .internal } == 400)
    let ended = try fixture.decisions.filter { $0.reason == .holdout }
    #expect(ended.count == held.count && ended.allSatisfy { $0.verdict == .ended })
    #expect(ended.allSatisfy { $0.step == "first" && $0.channel == .email })
    #expect(try fixture.count("holdout") == held.count)
    let rows = try fixture.engine.read { session in
      try (UInt8.min...UInt8.max).flatMap { bucket in
        try session.all(
          LimitStatements.heldOut,
          [.integer(bucket), "shop", "recovery", .integer(0 as Int64), .integer(Int64.max)]
        ) { (period: try $0.integer(0), subject: try $0.blob(1), mode: try $0.integer(4)) }
      }
    }
    #expect(Set(rows.map(\.subject)).count == held.count)
    let period = HoldoutRule.period(Self.holdout, at: SchedulerFixture.start)
    #expect(rows.allSatisfy { $0.period == period && $0.mode == 4 })
  }

  @Test("F17 Of a company all are held out, or none")
  func companies() throws {
    let fixture = try Self.fixture(200, "holdout: 30 %", mode: .live, companies: 20)
    let held = try Self.heldOut(fixture)
    let byCompany = Dictionary(grouping: held) { (Int($0.dropFirst()) ?? 0) % 20 }
    #expect(byCompany.count > 1 && byCompany.count < 12)
    #expect(byCompany.values.allSatisfy { $0.count == 10 })
  }

  @Test("F17 F21 A dry run holds out the same, and with 0 % nobody is held out")
  func modes() throws {
    let holdout = "holdout: { share: 20 %, period: 30 days }"
    let live = try Self.heldOut(try Self.fixture(100, holdout, mode: .live))
    let dry = try Self.fixture(100, holdout, mode: .dryRun)
    #expect(try Self.heldOut(dry) == live && !live.isEmpty)
    #expect(try dry.orders.isEmpty)
    #expect(try dry.count("holdout") == live.count)
    let none = try Self.fixture(100, "holdout: 0 %", mode: .live)
    #expect(try Self.heldOut(none).isEmpty)
    #expect(try none.count("holdout") == 0)
  }

  @Test("F17 F21 Test addresses are never held out; others are as they would be")
  func tested() throws {
    let live = try Self.heldOut(try Self.fixture(100, "holdout: 40 %", mode: .live))
    let test = try Self.heldOut(try Self.fixture(100, "holdout: 40 %", mode: .test))
    #expect(test == live)
    let fixture = try SchedulerFixture()
    let tested = live.sorted()[..<3]
    for contact in live {
      var profile = CartTrackerV1.ContactProfile()
      profile.destinations = [.init(channel: .email, address: "\(contact)@example.com")]
      fixture.facts.set(contact, .init(contact: .init(profile: profile)))
    }
    try fixture.apply(Self.flow("holdout: 40 %"))
    try fixture.set(.test, tested: tested.map { "\($0.uppercased())@example.com" })
    try fixture.take(live.sorted().map { fixture.episode($0, cart: "c\($0.dropFirst())") })
    try fixture.advance(by: 3 * Self.day)
    #expect(try Self.heldOut(fixture) == live.subtracting(tested))
  }

  @Test("F17 The salt is made once and stays")
  func salt() throws {
    let engine = try SQLiteEngine.inMemory()
    let first = try SchedulerFixture(engine: engine)
    let salt = first.ledger.salt
    #expect(salt.count == 16 && Set(salt).count > 4)
    var chance = SplitMix64(seed: 99)
    #expect(try Salt.load(engine, chance: &chance) == salt)
    let other = try SQLiteEngine.inMemory()
    try Migrator(SchedulerMigrations.all).migrate(other)
    #expect(try Salt.load(other, chance: &chance) != salt)
  }
}

@Suite struct SplitTests {
  @Test("F18 100,000 contacts fall into branches by their shares within 0.5 points")
  func shares() {
    let bounds = [2500, 5833, 10_000]
    var counts = [0, 0, 0]
    for number in 0..<100_000 {
      let share = SubjectHash.share(store: "shop", flow: "f", "split", "customer-\(number)")
      #expect((0..<10_000).contains(share))
      if let branch = bounds.firstIndex(where: { share < $0 }) { counts[branch] += 1 }
    }
    #expect(abs(Double(counts[0]) / 1000 - 25) <= 0.5)
    #expect(abs(Double(counts[1]) / 1000 - 33.33) <= 0.5)
    #expect(abs(Double(counts[2]) / 1000 - 41.67) <= 0.5)
  }

  @Test("F18 A contact's branch is what it always was, and each step splits anew")
  func stable() {
    let names = (0..<2000).map { "p\($0)" }
    let first = names.map { SubjectHash.share(store: "shop", flow: "f", "one", $0) < 5000 }
    let second = names.map { SubjectHash.share(store: "shop", flow: "f", "two", $0) < 5000 }
    let same = Double(zip(first, second).count { $0 == $1 }) / 2000
    #expect(abs(same - 0.5) < 0.05)
    #expect(SubjectHash.share(store: "shop", flow: "f", "one", "ann") == 6716)
  }
}

@Suite struct ReEntryTests {
  @Test("F20 Where a flow says nothing, nobody enters it twice in 7 days")
  func standard() throws {
    let fixture = try SchedulerFixture()
    try fixture.apply(
      """
      flow: weekly
      start: cart abandoned
      steps:
        - pause: 1 hour
      """)
    try fixture.take([fixture.episode(cart: "c1")])
    try fixture.advance(to: SchedulerFixture.start + 7 * SchedulerFixture.day - 1)
    try fixture.take([fixture.episode(cart: "c2")])
    try fixture.settle()
    #expect(try fixture.enrolment(cart: "c2")?.reason == .reEntry)
    try fixture.advance(by: 1)
    try fixture.take([fixture.episode(cart: "c3")])
    try fixture.settle()
    #expect(try fixture.enrolment(cart: "c3")?.phase == .waiting)
  }
}
