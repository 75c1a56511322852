internal import Messages
internal import ServiceKit
internal import Storage
internal import Stubs
internal import Synchronization
internal import TestSupport
internal import Testing

@testable internal import Scheduler

@Suite struct CeilingTests {
  private static let day = SchedulerFixture.day
  private static let hour = SchedulerFixture.hour

  private static func flow(_ ceiling: Int, _ name: String = "few", expires: String = "3 days")
    -> String
  {
    """
    flow: \(name)
    start: { signal: \(name) }
    re-entry: 0 s
    holdout: 0 %
    ceiling: \(ceiling)
    steps:
      - send e-mail: { template: hello, expires: \(expires) }
        name: hello
    """
  }

  private static func fixture(
    _ text: String, zone: String = "UTC", at now: Int64 = SchedulerFixture.start
  ) throws -> SchedulerFixture {
    let fixture = try SchedulerFixture(at: now)
    fixture.facts.set { settings in
      settings.uncapped = true
      settings.timeZone = zone
    }
    try fixture.apply(text)
    return fixture
  }

  private static func start(
    _ fixture: SchedulerFixture, _ contacts: Range<Int>, _ flow: String = "few"
  ) throws {
    try fixture.take(
      contacts.map { number in
        fixture.change(
          .signal(.init(name: flow)), contact: "p\(number)", event: "e\(number)\(flow)")
      })
    try fixture.settle()
  }

  private static func audit(_ fixture: SchedulerFixture) throws -> [SchedulerV1.AuditEntry] {
    try fixture.engine.read { session in
      let request = SchedulerV1.ListAuditRequest(store: "shop")
      return try AuditStore.list(
        request, try ListPage(.init(limit: 100), request, { $0.page = nil }, store: "shop"),
        session
      ).entries
    }
  }

  @Test("F20 The order above a flow's ceiling pauses the flow, is audited, and waits")
  func paused() throws {
    let fixture = try Self.fixture(Self.flow(3))
    try Self.start(fixture, 0..<3)
    #expect(try fixture.orders.count == 3)
    #expect(fixture.pauses.all.isEmpty)
    try Self.start(fixture, 3..<8)
    #expect(try fixture.orders.count == 3)
    #expect(fixture.pauses.all.map(\.author) == ["homing"])
    #expect(fixture.pauses.all.map(\.flow) == ["few"])
    #expect(fixture.pauses.all.allSatisfy { $0.holds && $0.store == "shop" })
    #expect(fixture.pauses.all.first?.note == "the ceiling of 3 orders a day was reached")
    let paused = try Self.audit(fixture).filter { $0.act == .paused }
    #expect(paused.map(\.identity) == ["homing"] && paused.map(\.flow) == ["few"])
    let waiting = try fixture.decisions.filter { $0.verdict == .deferred }
    #expect(waiting.count == 5 && waiting.allSatisfy { $0.reason == .ceiling })
    #expect(try fixture.decisions.count == 8)
    // Another flow goes on.
    try fixture.apply(Self.flow(3, "other"))
    try Self.start(fixture, 0..<3, "other")
    #expect(try fixture.orders.count == 6)
    #expect(fixture.pauses.all.count == 1)
  }

  @Test("F20 F22 Who resumes the flow lets it order as much once more, and what waited goes on")
  func resumed() throws {
    let fixture = try Self.fixture(Self.flow(3))
    try Self.start(fixture, 0..<8)
    try fixture.advance(by: Self.hour)
    #expect(try fixture.orders.count == 3)
    try fixture.resume("few")
    #expect(fixture.pauses.all.map(\.holds) == [false])
    try fixture.advance(by: CeilingRule.wait)
    #expect(try fixture.orders.count == 6)
    #expect(fixture.pauses.all.map(\.holds).sorted { $0 && !$1 } == [true, false])
    try fixture.resume("few")
    try fixture.advance(by: CeilingRule.wait)
    #expect(try fixture.orders.count == 8)
    #expect(Set(try fixture.orders.map(\.contact)).count == 8)
    #expect(try fixture.decisions.map(\.verdict).allSatisfy { $0 == .sent })
    #expect(try fixture.decisions.count == 8)
    #expect(fixture.pauses.all.count(where: \.holds) == 0)
  }

  @Test("F20 A flow at its ceiling stays paused past midnight; what waits obeys its own expiry")
  func overnight() throws {
    let fixture = try Self.fixture(Self.flow(2))
    try Self.start(fixture, 0..<4)
    try fixture.advance(by: 2 * Self.day)
    try Self.start(fixture, 4..<5)
    #expect(try fixture.orders.count == 2)
    try fixture.advance(by: Self.day + 1)
    #expect(try fixture.decisions.count { $0.reason == .stale } == 2)
    try fixture.resume("few")
    try fixture.advance(by: Self.hour)
    #expect(try fixture.orders.count == 3)
  }

  @Test("F20 A day is the calendar's in the store's zone, also where clocks are changed")
  func days() throws {
    let table: [(zone: String, at: String, day: Int64)] = [
      ("Europe/Berlin", "2026-10-24T21:59:59Z", 2026_10_24),
      ("Europe/Berlin", "2026-10-24T22:00:00Z", 2026_10_25),
      // 02:30 is shown twice.
      ("Europe/Berlin", "2026-10-25T00:30:00Z", 2026_10_25),
      ("Europe/Berlin", "2026-10-25T01:30:00Z", 2026_10_25),
      ("Europe/Berlin", "2026-10-25T22:59:59Z", 2026_10_25),
      ("Europe/Berlin", "2026-10-25T23:00:00Z", 2026_10_26),
      ("Europe/Berlin", "2027-03-27T23:00:00Z", 2027_03_28),
      ("Europe/Berlin", "2027-03-28T21:59:59Z", 2027_03_28),
      ("Europe/Berlin", "2027-03-28T22:00:00Z", 2027_03_29),
      // Midnight is skipped.
      ("America/Sao_Paulo", "2018-11-04T02:59:59Z", 2018_11_03),
      ("America/Sao_Paulo", "2018-11-04T03:00:00Z", 2018_11_04),
      ("UTC", "2026-12-31T23:59:59Z", 2026_12_31),
      ("UTC", "2027-01-01T00:00:00Z", 2027_01_01),
      ("Pacific/Kiritimati", "2026-12-31T10:00:00Z", 2027_01_01),
    ]
    for row in table {
      let at = try #require(PlainValues.instant(row.at))
      let zone = try TimeZoneRules(name: row.zone)
      #expect(CeilingRule.day(at: at, zone: zone) == row.day, "\(row)")
    }
  }

  @Test("F20 A new day begins a new count, at the store's midnight", arguments: [false, true])
  func midnight(isShort: Bool) throws {
    // The nights in which clocks are changed: days of 25 and of 23 hours.
    let evening = try #require(
      PlainValues.instant(isShort ? "2027-03-27T22:30:00Z" : "2026-10-24T21:30:00Z"))
    let fixture = try Self.fixture(Self.flow(2), zone: "Europe/Berlin", at: evening)
    try Self.start(fixture, 0..<2)
    try fixture.advance(by: Self.hour / 2)
    try Self.start(fixture, 2..<4)
    #expect(try fixture.orders.count == 4 && fixture.pauses.all.isEmpty)
    // The last instant of the next day is the same day.
    try fixture.advance(by: (isShort ? 23 : 25) * Self.hour - 1)
    try Self.start(fixture, 4..<5)
    #expect(try fixture.orders.count == 4)
    #expect(fixture.pauses.all.count == 1)
  }

  @Test("F20 Orders in one go count each, and none more than the ceiling", arguments: [1, 7, 4096])
  func batches(rowsMax: Int) throws {
    let fixture = try SchedulerFixture(isVirtual: false, rowsMax: rowsMax)
    fixture.facts.set { $0.uncapped = true }
    try fixture.apply(
      """
      flow: few
      start: { signal: few }
      re-entry: 0 s
      holdout: 0 %
      ceiling: 25
      steps:
        - send e-mail: hello
        - send internal: lead
      """)
    try Self.start(fixture, 0..<40)
    #expect(try fixture.orders.count == 25)
    #expect(fixture.pauses.all.count == 1)
  }

  @Test("F20 F21 A dry run reaches no ceiling, and a replay none that its flow does not state")
  func without() throws {
    let fixture = try Self.fixture(Self.flow(2))
    try fixture.set(.dryRun)
    try Self.start(fixture, 0..<5)
    #expect(try fixture.decisions.allSatisfy { $0.verdict == .wouldSend })
    #expect(fixture.pauses.all.isEmpty)
    let flow = try FlowReader.read(TestFlows.simple)
    #expect(CeilingRule.ceiling(flow, isVirtual: true) == nil)
    #expect(CeilingRule.ceiling(flow, isVirtual: false) == 10_000)
    let stated = try FlowReader.read(Self.flow(2))
    #expect(CeilingRule.ceiling(stated, isVirtual: true) == 2)
  }

  @Test("F20 What a flow has ordered today is known after a restart, and so is that it is halted")
  func restart() throws {
    let fixture = try Self.fixture(Self.flow(3))
    try Self.start(fixture, 0..<2)
    let again = try SchedulerFixture(engine: fixture.engine, facts: fixture.facts, at: fixture.now)
    try again.take(
      (2..<5).map { number in
        again.change(.signal(.init(name: "few")), contact: "p\(number)", event: "e\(number)")
      }, outbox: "018f4c3e-7b2a-7c1d-9e5f-0123456789ac")
    try again.settle()
    #expect(try again.orders.count == 3)
    let third = try SchedulerFixture(engine: fixture.engine, facts: fixture.facts, at: fixture.now)
    #expect(third.pauses.all.map(\.holds) == [true])
    try third.advance(by: Self.hour)
    #expect(try third.orders.count == 3)
  }

  @Test("F20 F22 Resume by call ends the pause, which is told to who sends")
  func byCall() async throws {
    try await HandlerFixture.run { fixture in
      let scheduler = fixture.scheduler
      scheduler.facts.set { $0.uncapped = true }
      try scheduler.apply(Self.flow(1))
      try Self.start(scheduler, 0..<2)
      let teller = BrakeTeller(
        modes: scheduler.modes, pauses: scheduler.pauses,
        peers: Peers(tracker: fixture.peer, notifier: fixture.peer, directMail: fixture.peer))
      _ = try teller.runOnce(now: scheduler.clock.now)
      #expect(fixture.peer.state.withLock { $0.pauses.map(\.author) } == ["homing"])
      #expect(fixture.peer.state.withLock { $0.letterPauses.map(\.flow) } == ["few"])
      let resumed = try await fixture.client.resume(
        .init(idempotencyKey: "1", store: "shop", flow: "few"))
      #expect(!resumed.holds && resumed.author == "homing")
      #expect(fixture.peer.state.withLock { $0.pauses.map(\.holds) } == [true, false])
      try scheduler.advance(by: CeilingRule.wait)
      #expect(try scheduler.orders.count == 2)
    }
  }
}
