internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import TestSupport
internal import Testing

@testable internal import Scheduler

/// A database from yesterday, put back: what may have been done since is not done again (T31, I2).
@Suite struct RestoreTests {
  private static let day = SchedulerFixture.day
  private static let hour = SchedulerFixture.hour

  private static let three = """
    flow: three
    start: cart abandoned
    steps:
      - send e-mail: { template: cart-reminder, expires: 20 days }
        name: first
      - pause: 1 day
      - send e-mail: { template: cart-help, expires: 20 days }
        name: second
      - pause: 1 day
      - send e-mail: { template: cart-help, expires: 20 days }
        name: third
    """

  /// The same database with a beat that is ahead of it, `span` later.
  private func putBack(
    _ old: SchedulerFixture, _ folder: TemporaryFolder, after span: Int64
  ) throws -> SchedulerFixture {
    let now = old.now + span
    let other = try SQLiteEngine.inMemory()
    try Migrator(SchedulerMigrations.all).migrate(other)
    let path = folder.file("scheduler.beat")
    for number in 1...5 as ClosedRange<Int64> {
      try other.write { try RestoreBeat(path: path).note($0, at: now - 5 + number) }
    }
    return try SchedulerFixture(
      engine: old.engine, facts: old.facts,
      restores: RestoreGate(beat: RestoreBeat(path: path), waits: true), at: now)
  }

  private func release(_ fixture: SchedulerFixture, decides: Bool = false) throws {
    let gate = try #require(fixture.ledger.restores)
    let found = try #require(try fixture.engine.read { try gate.list($0) }.first)
    let released = try gate.release(
      .init(foundAt: found.foundAt, decidesSteps: decides), by: "you", now: fixture.now,
      in: fixture.engine)
    #expect(released?.releasedBy == "you" && released?.releasedAt != nil)
    #expect(released?.decidesSteps == decides)
  }

  @Test("T31 Nothing is decided until the restore is released; what was due is skipped then")
  func held() throws {
    let folder = try TemporaryFolder()
    let first = try SchedulerFixture()
    try first.apply(TestFlows.simple)
    try first.take([first.episode()])
    try first.advance(by: Self.hour)
    let name = first.ledger.counts.outbox

    let second = try putBack(first, folder, after: Self.day + 2 * Self.hour)
    #expect(second.ledger.restores?.isHeld == true)
    #expect(second.ledger.counts.outbox != name)
    #expect(try second.worker.runOnce(now: second.clock.now) == .whenWoken)
    #expect(try second.enrolment()?.phase == .waiting)
    #expect(try second.orders.isEmpty)

    try release(second)
    try second.settle()
    #expect(try second.path() == ["pause-1 PASSED", "mail SKIPPED RESTORED"])
    #expect(try second.orders.isEmpty)
    // Once found, it is not found again.
    let third = try SchedulerFixture(
      engine: first.engine, facts: first.facts,
      restores: RestoreGate(
        beat: RestoreBeat(path: folder.file("scheduler.beat")), waits: true), at: second.now)
    #expect(third.ledger.restores?.isHeld == false)
    #expect(third.ledger.counts.outbox == second.ledger.counts.outbox)
  }

  @Test("T31 Where only this database was put back, what was due can be decided")
  func decided() throws {
    let folder = try TemporaryFolder()
    let first = try SchedulerFixture()
    try first.apply(TestFlows.simple)
    try first.take([first.episode()])
    try first.advance(by: Self.hour)
    let second = try putBack(first, folder, after: Self.day + 2 * Self.hour)
    try release(second, decides: true)
    try second.settle()
    #expect(try second.path() == ["pause-1 PASSED", "mail SENT"])
  }

  @Test("T31 I2 A way that may have been gone is followed as it was timed, not begun anew")
  func timeline() throws {
    let folder = try TemporaryFolder()
    let first = try SchedulerFixture()
    try first.apply(Self.three)
    try first.take([first.episode()])
    try first.settle()
    #expect(try first.orders.map(\.step) == ["first"])
    // The second may have gone out after a day, half a day before the restore.
    let second = try putBack(first, folder, after: Self.day + 12 * Self.hour)
    try release(second)
    try second.settle()
    #expect(try second.orders.map(\.step) == ["first"])
    try second.advance(by: 12 * Self.hour)
    #expect(try second.orders.map(\.step) == ["first", "third"])
    #expect(
      try second.path() == [
        "first SENT", "pause-2 PASSED", "second SKIPPED RESTORED", "pause-4 PASSED", "third SENT",
      ])
  }

  @Test("T31 I2 A cart given up before the restore does not enter after it, a later one does")
  func entries() throws {
    let folder = try TemporaryFolder()
    let first = try SchedulerFixture()
    try first.apply(Self.three)
    let second = try putBack(first, folder, after: Self.hour)
    try release(second)
    try second.advance(by: Self.hour)
    try second.take([second.episode("ann", abandonedAt: second.now - 90 * 60_000_000)])
    try second.take([second.episode("bob", abandonedAt: second.now)])
    try second.settle()
    #expect(try second.enrolment("ann")?.reason == .restored)
    #expect(try second.orders.map(\.contact) == ["bob"])
  }
}
