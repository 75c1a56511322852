internal import Messages
@testable internal import ServiceKit
internal import Stubs
internal import Synchronization
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

@Suite struct VirtualClockTests {
  @Test("A virtual clock stands still, moves forward, and refuses to go back")
  func moves() throws {
    let clock = VirtualClock()
    #expect(clock.now == .epoch)
    try clock.advance(to: Instant(seconds: 5))
    try clock.advance(to: Instant(seconds: 5))
    #expect(throws: TimeError.self) { try clock.advance(to: Instant(microseconds: 4_999_999)) }
    #expect(clock.now == Instant(seconds: 5))
  }

  @Test("Alarms ring once, in order of their instants, at once where they are due")
  func alarms() throws {
    let clock = VirtualClock()
    let rung = Journal<Int>()
    for second in [3, 1, 2, 9] {
      _ = clock.alarm(at: Instant(seconds: Int64(second))) { rung.add(second) }
    }
    let cancelled = clock.alarm(at: Instant(seconds: 2)) { rung.add(-1) }
    clock.cancel(alarm: cancelled)
    try clock.advance(to: Instant(seconds: 3))
    #expect(rung.entries == [1, 2, 3])
    _ = clock.alarm(at: Instant(seconds: 3)) { rung.add(33) }
    try clock.advance(to: Instant(seconds: 4))
    #expect(rung.entries == [1, 2, 3, 33])
  }

  @Test("Whoever waits for an instant goes on when it is reached, or when cancelled")
  func waits() async throws {
    let clock = VirtualClock()
    try await withTimeout(late: { Issue.record("a wait is late") }) {
      async let reached: Void = clock.wait(until: Instant(seconds: 10))
      try clock.advance(to: Instant(seconds: 10))
      try await reached
      try await clock.wait(until: Instant(seconds: 10))
      await withTaskGroup(of: Bool.self) { tasks in
        tasks.addTask {
          do { try await clock.wait(until: .latest) } catch { return error is CancellationError }
          return false
        }
        tasks.cancelAll()
        for await wasCancelled in tasks { #expect(wasCancelled) }
      }
    }
  }

  @Test("The system's clock shows this century")
  func system() throws {
    let now = SystemClock().now
    #expect(now > (try Instant(parsing: "2025-01-01T00:00:00Z")))
    #expect(now < (try Instant(parsing: "2100-01-01T00:00:00Z")))
  }
}

/// Is idle once it has settled what it was told of.
private final class Subject: VirtualTimeSubject {
  let told = Journal<Instant>()
  let settled = Mutex(true)

  func nextDue(after instant: Instant) -> Instant? {
    instant < Instant(seconds: 100) ? Instant(seconds: 100) : nil
  }
  var isIdle: Bool { settled.withLock { $0 } }
  var sent: UInt64 { 7 }
  var received: UInt64 { 8 }
  func advanced(to instant: Instant) {
    settled.withLock { $0 = false }
    told.add(instant)
  }
}

@Suite(.serialized) struct ClockHandlerTests {
  private func run(
    _ body: @Sendable (ClockV1.ClockClient, Subject) async throws -> Void
  ) async throws {
    let subject = Subject()
    try await TestServer.run {
      try $0.grants = Grants(parsing: ["spiffe://test/client=operator"])
      $0.register = { ClockHandler(VirtualClock(), subject).register(in: &$0) }
    } _: { server in
      try await body(ClockV1.ClockClient(try server.client()), subject)
    }
  }

  @Test("Advance moves the clock, tells the service once, and Status shows both")
  func advance() async throws {
    try await run { clock, subject in
      let before = try await clock.status(.init())
      #expect(before.now == Protobuf.Timestamp() && before.idle)
      #expect(before.nextDue == Protobuf.Timestamp(seconds: 100))
      let to = Protobuf.Timestamp(seconds: 100, nanos: 1_999)
      let answer = try await clock.advance(.init(to: to))
      #expect(answer.now == Protobuf.Timestamp(seconds: 100, nanos: 1_000))
      _ = try await clock.advance(.init(to: answer.now))
      #expect(subject.told.entries == [Instant(microseconds: 100_000_001)])
      let after = try await clock.status(.init())
      #expect(!after.idle && after.nextDue == nil && after.sent == 7 && after.received == 8)
    }
  }

  @Test("An instant before now is refused, as is one that is missing")
  func refused() async throws {
    try await run { clock, subject in
      _ = try await clock.advance(.init(to: Protobuf.Timestamp(seconds: 10)))
      let back = try await rpcError {
        try await clock.advance(.init(to: Protobuf.Timestamp(seconds: 9)))
      }
      #expect(back.code == .failedPrecondition)
      let missing = try await rpcError { try await clock.advance(.init()) }
      #expect(missing.code == .invalidArgument)
      #expect(subject.told.entries.count == 1)
    }
  }
}
