internal import Delivery
internal import Logging
internal import Messages
internal import ServiceKit
internal import Storage
internal import Synchronization
internal import TestSupport
internal import Testing

@testable internal import Scheduler

@Suite struct DueWorkerTests {
  private static let day = SchedulerFixture.day

  @Test("An episode waits its pause, then its message is ordered, once")
  func thinnestPath() throws {
    let fixture = try SchedulerFixture()
    try fixture.apply(TestFlows.simple)
    #expect(try fixture.take([fixture.episode()]).map(\.verdict) == [.stored])
    try fixture.settle()
    #expect(try fixture.orders == [])
    #expect(fixture.ledger.heads.earliest == fixture.now + Self.day)
    try fixture.advance(by: Self.day - 1)
    #expect(try fixture.orders == [])
    try fixture.advance(by: 1)
    let orders = try fixture.orders
    #expect(orders.map(\.template) == ["cart-reminder"])
    let order = try #require(orders.first)
    #expect(order.contact == "ann" && order.cart == "c1" && order.step == "mail")
    #expect(order.mode == .test && order.flow == "simple" && order.flowVersion == 1)
    #expect(order.dueAt == Micros.timestamp(SchedulerFixture.start + Self.day))
    #expect(order.expiresAt == Micros.timestamp(SchedulerFixture.start + 3 * Self.day))
    #expect(order.anchor?.event == "last-ann-c1")
    #expect(try fixture.path() == ["pause-1 PASSED", "mail SENT"])
    #expect(try fixture.enrolment()?.reason == .flowEnded)
    try fixture.advance(by: 10 * Self.day)
    #expect(try fixture.orders.count == 1)
  }

  @Test("Nothing due: nothing is written, and the worker waits to be woken")
  func empty() throws {
    let fixture = try SchedulerFixture()
    #expect(try fixture.worker.runOnce(now: fixture.clock.now) == .whenWoken)
    try fixture.apply(TestFlows.simple)
    #expect(try fixture.worker.runOnce(now: fixture.clock.now) == .whenWoken)
    #expect(fixture.worker.isIdle(at: fixture.now))
    #expect(fixture.worker.counters.enrolments == 0)
  }

  @Test("More than a batch is decided in order of due time, whatever the batch")
  func fullBatches() throws {
    var paths: [[String]] = []
    for rowsMax in [1, 7, 4096] {
      let fixture = try SchedulerFixture(rowsMax: rowsMax)
      try fixture.apply(TestFlows.simple)
      for number in 0..<300 {
        try fixture.take([fixture.episode("p\(number % 100)", cart: "c\(number)")])
      }
      try fixture.advance(by: 2 * Self.day)
      #expect(try fixture.orders.count == 100)
      #expect(try fixture.decisions.count == 200)
      paths.append(
        try fixture.enrolments.map { "\($0.id.text) \($0.phase) \($0.reason) \($0.startedAt)" })
    }
    #expect(paths[0] == paths[1] && paths[1] == paths[2])
  }

  @Test("A backlog is decided bucket by bucket, and no bucket keeps the others waiting")
  func backlog() throws {
    let fixture = try SchedulerFixture(isVirtual: false, rowsMax: 8)
    try fixture.apply(TestFlows.simple)
    let persons = ["ann", "bob", "cleo"]
    for person in persons {
      for number in 0..<20 {
        try fixture.take([fixture.episode(person, cart: "\(person)-\(number)")])
      }
    }
    let buckets = Set(
      persons.map { OwnerKey.contact(store: SchedulerFixture.store, contact: $0).bucket })
    var left: [Int] = []
    while try fixture.worker.runOnce(now: fixture.clock.now) == .again {
      let open = try fixture.enrolments.filter { $0.phase == .entering }
      left.append(open.count)
      if left.count == 3 {
        let touched = buckets.filter { bucket in open.count { $0.bucket == bucket } < 20 }
        #expect(touched == buckets)
      }
    }
    #expect(left == [52, 44, 36, 28, 20, 12, 4, 0])
    let running = try fixture.enrolments.filter { $0.phase == .waiting }
    #expect(Set(running.map(\.contact)) == Set(persons) && running.count == 3)
  }

  @Test(
    "I5 On a virtual clock each step is decided at its own due time, however far the clock moves")
  func ownTimes() throws {
    let fixture = try SchedulerFixture()
    try fixture.apply(TestFlows.reference)
    try fixture.take([fixture.episode()])
    try fixture.advance(by: 30 * Self.day)
    let start = SchedulerFixture.start
    #expect(
      try fixture.path() == [
        "first-pause PASSED", "check PASSED none matched", "first-mail SENT",
        "response PASSED no action", "sms-without-open SENT", "last-pause PASSED",
        "tagged PASSED",
      ])
    let times = try fixture.enrolment()?.visits.map { ($0.decidedAt - start) / Self.day }
    #expect(times == [1, 1, 1, 2, 2, 4, 4])
    #expect(try fixture.decisions.allSatisfy { $0.dueAt == $0.decidedAt })
    #expect(try fixture.bodies(.tracker).count == 1)
  }

  @Test("Facts away: nothing is decided or lost, other stores go on, and it is tried again")
  func factsAway() throws {
    let fixture = try SchedulerFixture()
    try fixture.apply(TestFlows.simple)
    try fixture.take([fixture.episode("ann"), fixture.episode("bob", cart: "c2")])
    try fixture.settle()
    fixture.facts.setAway(SchedulerFixture.store, true)
    try fixture.clock.advance(to: fixture.clock.now + .seconds(86_400))
    #expect(throws: DueFailure.self) { try fixture.settle() }
    #expect(try fixture.orders == [])
    #expect(!fixture.worker.isIdle(at: fixture.now))
    // What needs no facts is decided all the same.
    try fixture.apply(
      """
      flow: tags
      start: { signal: tagging }
      steps:
        - tag: { add: [SEEN] }
      """, mode: nil)
    try fixture.take([fixture.change(.signal(.init(name: "tagging")), contact: "cy")])
    #expect(throws: DueFailure.self) { try fixture.settle() }
    #expect(try fixture.enrolment("cy")?.reason == .flowEnded)
    fixture.facts.setAway(SchedulerFixture.store, false)
    try fixture.settle()
    #expect(try fixture.orders.count == 2)
  }

  @Test("What changed an enrolment while it was being decided wins")
  func conflict() throws {
    let fixture = try SchedulerFixture()
    try fixture.apply(TestFlows.simple)
    try fixture.take([fixture.episode()])
    try fixture.settle()
    let enrolment = try #require(try fixture.enrolment())
    let row = try fixture.engine.read { session in
      try session.first(
        EnrolmentStatements.named, [.integer(enrolment.bucket), enrolment.id.value]
      ) { try EnrolmentRow($0, bucket: enrolment.bucket) }
    }
    let stale = try #require(row)
    try fixture.take([fixture.purchase()])
    let changed = try fixture.ledger.write(now: fixture.now) { writing in
      try writing.change(stale, to: stale.enrolment)
    }
    #expect(!changed)
    #expect(try fixture.enrolment()?.reason == .purchased)
  }

  @Test("A process that ends after a commit goes on from there")
  func restart() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("scheduler.db")
    do {
      let fixture = try SchedulerFixture(engine: SQLiteEngine.file(path))
      try fixture.apply(TestFlows.simple)
      for number in 0..<50 { try fixture.take([fixture.episode("p\(number)", cart: "c\(number)")]) }
      try fixture.settle()
      fixture.engine.close()
    }
    let fixture = try SchedulerFixture(engine: SQLiteEngine.file(path), rowsMax: 8)
    #expect(fixture.now == SchedulerFixture.start)
    #expect(fixture.ledger.heads.earliest == SchedulerFixture.start + Self.day)
    try fixture.clock.advance(to: fixture.clock.now + .seconds(86_400))
    _ = try fixture.worker.runOnce(now: fixture.clock.now)
    fixture.engine.close()
    let after = try SchedulerFixture(engine: SQLiteEngine.file(path))
    #expect(after.now == SchedulerFixture.start + Self.day)
    try after.settle()
    let orders = try after.orders
    #expect(orders.count == 50)
    #expect(Set(orders.map(\.id)).count == 50)
    #expect(try after.decisions.count == 100)
    after.engine.close()
  }

  @Test("A process killed between its commit and the send: the next one sends each row, once")
  func sendAfterRestart() async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("scheduler.db")
    do {
      let fixture = try SchedulerFixture(engine: SQLiteEngine.file(path))
      try fixture.apply(TestFlows.simple)
      for number in 0..<40 {
        try fixture.take([fixture.episode("p\(number)", cart: "c\(number)")])
      }
      try fixture.advance(by: Self.day)
      #expect(try fixture.orders.count == 40)
      fixture.engine.close()
    }
    let fixture = try SchedulerFixture(engine: SQLiteEngine.file(path))
    let sent = TestSupport.Journal<[UInt8]>()
    let sender = OutboxSender(
      Outbox(target: "notifier"), engine: fixture.engine, counts: fixture.ledger.counts,
      log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    ) { rows in
      for row in rows { sent.add(row.body) }
      return rows.map { row in
        CommonV1.Receipt(
          position: .init(bucket: UInt32(row.bucket), seq: row.seq), verdict: .stored)
      }
    }
    try await sender.start()
    await sent.wait(40)
    await sender.stop()
    #expect(Set(sent.entries).count == 40 && sent.entries.count == 40)
    #expect(try fixture.orders == [])
    fixture.engine.close()
  }

  @Test("Nothing stands in the table that was not committed: a write that fails is done again")
  func failedCommit() throws {
    let engine = FailingEngine(try SQLiteEngine.inMemory())
    let fixture = try SchedulerFixture(engine: engine)
    try fixture.apply(TestFlows.simple)
    try fixture.take([fixture.episode()])
    try fixture.settle()
    try fixture.clock.advance(to: fixture.clock.now + .seconds(86_400))
    engine.failures.withLock { $0 = 3 }
    for _ in 0..<3 {
      #expect(throws: StorageError.self) { try fixture.worker.runOnce(now: fixture.clock.now) }
    }
    try fixture.settle()
    #expect(try fixture.orders.count == 1)
    #expect(try fixture.path() == ["pause-1 PASSED", "mail SENT"])
  }
}

/// An engine whose next writes fail after they ran.
final class FailingEngine: StorageEngine {
  let engine: any StorageEngine
  let failures = Mutex(0)

  init(_ engine: any StorageEngine) { self.engine = engine }

  func write<R>(_ body: (any StorageSession) throws -> R) throws -> R {
    let fails = failures.withLock { failures in
      defer { failures = max(0, failures - 1) }
      return failures > 0
    }
    return try engine.write { session in
      let result = try body(session)
      if fails { throw StorageError(.io, "scripted") }
      return result
    }
  }

  func read<R>(_ body: (any StorageSession) throws -> R) throws -> R { try engine.read(body) }
  func emptyLog() throws { try engine.emptyLog() }
  func close() { engine.close() }
}
