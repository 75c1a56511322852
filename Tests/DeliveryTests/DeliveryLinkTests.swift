internal import Delivery
internal import Logging
internal import Messages
internal import ServiceKit
internal import Storage
internal import Stubs
internal import Synchronization
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

/// A service with an intake, behind a real server: each row's effect is a row of its own outbox.
private final class StubScheduler: Sendable {
  let fixture: DeliveryFixture
  let thread: ThreadPool
  /// What becomes of rows that are new.
  let effect = Mutex<@Sendable (CartTrackerV1.Change) -> Intake.Effect>({ _ in .stored })

  init() throws {
    fixture = try DeliveryFixture(.file)
    thread = try ThreadPool(serial: "stub")
  }

  func take(_ request: SchedulerV1.TakeChangesRequest) throws -> CommonV1.Receipts {
    let intake = try Intake(
      source: "cart-tracker", outbox: request.outbox,
      positions: request.changes.map(\.position))
    let effect = effect.withLock { $0 }
    let taken = try fixture.engine.write { session in
      try intake.take(session, now: 0) { index in
        let change = request.changes[index]
        let result = effect(change)
        if result == .stored {
          let bucket = UInt8(change.position?.bucket ?? 0)
          try fixture.outbox.put(session, bucket: bucket, [Array(change.contact.utf8)], now: 0)
        }
        return result
      }
    }
    fixture.counts.add(received: taken.received)
    return taken.receipts
  }

  func register(in table: inout MethodTable) {
    table.unary(SchedulerV1.SchedulerMethods.takeChanges) { [self] turn in
      let request = try SchedulerV1.TakeChangesRequest.decode(turn.message, in: turn.arena)
      try turn.answer(later: { () async throws -> Reply<CommonV1.Receipts> in
        let receipts = try await self.thread.run { try self.take(request) }
        return .now(receipts)
      })
    }
  }

  /// Contacts of the rows that were stored, in order, by bucket.
  func stored() throws -> [Int64: [String]] {
    let statement = Statement(
      name: "stored", sql: "SELECT bucket, body FROM outbox ORDER BY bucket, seq",
      scope: .allBuckets)
    var stored: [Int64: [String]] = [:]
    try fixture.engine.read { session in
      try session.rows(statement, []) { row in
        stored[try row.integer(0), default: []].append(
          String(decoding: try row.blob(1), as: UTF8.self))
        return true
      }
    }
    return stored
  }
}

@Suite struct DeliveryLinkTests {
  private static func put(
    _ fixture: DeliveryFixture, _ rows: [(bucket: UInt8, contact: String)]
  ) throws {
    try fixture.engine.write { session in
      for row in rows {
        let change = CartTrackerV1.Change(
          store: "shop", contact: row.contact,
          anchor: CommonV1.Anchor(at: Protobuf.Timestamp(seconds: 1)),
          kind: .signal(CartTrackerV1.Signal(name: "hello")))
        try fixture.outbox.put(session, bucket: row.bucket, [try change.encoded()], now: 0)
      }
    }
  }

  private static func start(
    _ scheduler: StubScheduler, authority: TestAuthority? = nil, port: Int = 0
  ) async throws -> TestServer {
    try await TestServer.start { setup in
      setup.authority = authority
      setup.port = port
      setup.grants.add(role: "cart-tracker", stores: .all, to: "spiffe://test/client")
      setup.register = { scheduler.register(in: &$0) }
    }
  }

  @Test(
    "Rows cross a real connection once and in order: past a server that is down, RETRY and HELD")
  func crosses() async throws {
    let scheduler = try StubScheduler()
    let tracker = try DeliveryFixture(.file)
    let moods = Mutex<[String: Int]>([:])
    scheduler.effect.withLock { effect in
      effect = { change in
        // Twice not now, then taken; what ends in 7 never.
        if change.contact.hasSuffix("7") { return .held("no such thing") }
        let count = moods.withLock { moods in
          moods[change.contact, default: 0] += 1
          return moods[change.contact] ?? 0
        }
        return change.contact.hasSuffix("3") && count <= 2 ? .retry("busy") : .stored
      }
    }
    let arrived = TestSupport.Journal<CommonV1.Receipt>()
    let first = try await Self.start(scheduler)
    let client = IntakeClient(
      try first.client(), SchedulerV1.SchedulerMethods.takeChanges, timeout: .seconds(60))
    var configuration = OutboxSender.Configuration()
    configuration.backoff = Backoff(first: .milliseconds(1), most: .milliseconds(20))
    let sender = OutboxSender(
      tracker.outbox, engine: tracker.engine, counts: tracker.counts,
      configuration: configuration, log: Logger(label: "test")
    ) { rows in
      let receipts = try await client.send(tracker.counts.outbox, rows)
      for receipt in receipts { arrived.add(receipt) }
      return receipts
    }
    try await sender.start()

    let rows = (0..<600).map { (bucket: UInt8($0 % 7), contact: "c\($0)") }
    try Self.put(tracker, Array(rows[..<300]))
    sender.wake(0..<7)
    _ = await withTimeout(late: { Issue.record("the first half did not arrive") }) {
      await arrived.wait(300) { $0.verdict != .retry }
    }
    // Down, while more is put; then up again at its address.
    await first.cut()
    try Self.put(tracker, Array(rows[300...]))
    sender.wake(0..<7)
    #expect(!sender.isIdle)
    let second = try await Self.start(scheduler, authority: first.authority, port: first.port)
    _ = await withTimeout(late: { Issue.record("the second half did not arrive") }) {
      await arrived.wait(600) { $0.verdict != .retry }
    }
    await sender.stop()
    await second.cut()

    let expected = Dictionary(grouping: rows.filter { !$0.contact.hasSuffix("7") }) {
      Int64($0.bucket)
    }.mapValues { $0.map(\.contact) }
    #expect(try scheduler.stored() == expected)
    #expect(tracker.counts.sent == 600)
    #expect(scheduler.fixture.counts.received == 600)
    #expect(try tracker.rows().allSatisfy { $0.hasSuffix(" no such thing") })
    #expect(sender.held == 60)
  }
}
