internal import Delivery
internal import Logging
internal import Messages
internal import ServiceKit
internal import Storage
internal import Synchronization
internal import TestSupport
internal import Testing
internal import Wire

@Suite struct OutboxSenderTests {
  private static func sender(
    _ fixture: DeliveryFixture, _ send: @escaping OutboxSender.Send
  ) -> OutboxSender {
    var configuration = OutboxSender.Configuration()
    configuration.backoff = Backoff(first: .milliseconds(1), most: .milliseconds(2))
    return OutboxSender(
      fixture.outbox, engine: fixture.engine, counts: fixture.counts,
      configuration: configuration, log: Logger(label: "test"), send: send)
  }

  @Test(
    "Rows put while it runs go out, in order, through a target that is moody",
    arguments: EngineKind.allCases)
  func isInOrder(kind: EngineKind) async throws {
    let fixture = try DeliveryFixture(kind)
    let target = StubTarget()
    let chance = Mutex(SplitMix64(seed: 11))
    target.answer { _ in
      switch chance.withLock({ $0.next() % 60 }) {
      case 0: .retry
      case 1: throw RPCError(.unavailable, "away")
      default: .stored
      }
    }
    let sender = Self.sender(fixture) { rows in
      let receipts = try target.take(rows)
      // The answer of a call that was taken is lost.
      if chance.withLock({ $0.next() % 10 == 0 }) { throw RPCError(.unavailable, "cut off") }
      return receipts
    }
    try await sender.start()
    for round in 0..<30 {
      let buckets = (0..<100).map { UInt8(truncatingIfNeeded: ($0 * $0 + round) % 23) }
      try fixture.put(buckets)
      sender.wake(Set(buckets))
    }
    _ = await withTimeout(late: { Issue.record("rows did not arrive") }) {
      await target.stored.wait(3000)
      // The answer of the last call may be lost: its rows are sent again.
      while !sender.isIdle && !Task.isCancelled { await Task.yield() }
    }
    await sender.stop()
    for (_, taken) in target.taken { #expect(taken == Array(1...UInt64(taken.count))) }
    #expect(target.taken.values.reduce(0) { $0 + $1.count } == 3000)
    #expect(fixture.counts.sent == 3000)
    #expect(sender.isIdle)
    #expect(try fixture.rows() == [])
  }

  @Test("A target that never answers costs no more than its calls' rows, and stops at once")
  func isBounded() async throws {
    let fixture = try DeliveryFixture(.file)
    try fixture.engine.write { session in
      for bucket in 0..<256 {
        try fixture.outbox.put(
          session, bucket: UInt8(bucket), [[UInt8]](repeating: [1, 2, 3], count: 40), now: 0)
      }
    }
    let calls = TestSupport.Journal<Int>()
    let never = Promise<[CommonV1.Receipt]>()
    let sender = Self.sender(fixture) { rows in
      calls.add(rows.count)
      return try await withTaskCancellationHandler {
        let receipts = await never.value
        try Task.checkCancellation()
        return receipts
      } onCancel: {
        never.fulfil([])
      }
    }
    try await sender.start()
    _ = await withTimeout(late: { Issue.record("no calls were made") }) { await calls.wait(4) }
    #expect(!sender.isIdle)
    await sender.stop()
    #expect(calls.entries.count == 4)
    #expect(calls.entries.reduce(0, +) <= 4 * Intake.rowsMax)
    #expect(try fixture.rows().count == 256 * 40)
  }

  @Test("Nothing to send: idle, and no call is ever made")
  func isIdle() async throws {
    let fixture = try DeliveryFixture(.memory)
    let target = StubTarget()
    let sender = Self.sender(fixture) { try target.take($0) }
    try await sender.start()
    await sender.stop()
    #expect(target.calls.isEmpty)
    #expect(sender.held == 0)
  }
}
