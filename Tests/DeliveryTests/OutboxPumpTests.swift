@testable internal import Delivery
internal import Logging
internal import Messages
internal import ServiceKit
internal import Storage
internal import Testing
internal import Wire

@Suite struct OutboxPumpTests {
  @Test(
    "Rows go out in order of their bucket, several buckets in a call",
    arguments: EngineKind.allCases)
  func isInOrder(kind: EngineKind) throws {
    let fixture = try DeliveryFixture(kind)
    let target = StubTarget()
    let buckets = (0..<900).map { UInt8(truncatingIfNeeded: $0 * 7 % 90) }
    try fixture.put(buckets)
    let pump = fixture.pump(to: target)
    #expect(!pump.isIdle)
    #expect(try pump.run(fixture.clock) != .again)
    #expect(pump.isIdle)
    #expect(target.taken.count == 90)
    for (_, taken) in target.taken { #expect(taken == Array(1...10)) }
    #expect(target.calls.allSatisfy { $0.count <= Intake.rowsMax })
    #expect(target.calls.contains { Set($0.map(\.bucket)).count > 1 })
    #expect(fixture.counts.sent == 900)
  }

  @Test("What the target has is deleted, in a few transactions", arguments: EngineKind.allCases)
  func isForgotten(kind: EngineKind) throws {
    let fixture = try DeliveryFixture(kind)
    let target = StubTarget()
    try fixture.put([1, 1, 2])
    let pump = fixture.pump(to: target)
    let next = try pump.run(fixture.clock)
    let due = fixture.clock.now + .milliseconds(500)
    #expect(next == .at(due))
    #expect(try fixture.rows().count == 3)
    try fixture.clock.advance(to: due)
    #expect(try pump.run(fixture.clock) == .whenWoken)
    #expect(try fixture.rows() == [])
    try fixture.put([2])
    pump.noteCommitted([2])
    try pump.run(fixture.clock)
    #expect(target.taken[2] == [1, 2])
  }

  @Test("Many rows that the target has are deleted at once", arguments: EngineKind.allCases)
  func isForgottenByCount(kind: EngineKind) throws {
    let fixture = try DeliveryFixture(kind)
    try fixture.put([UInt8](repeating: 4, count: 10))
    let pump = fixture.pump(to: StubTarget()) { $0.acknowledgedMax = 10 }
    #expect(try pump.run(fixture.clock) == .whenWoken)
    #expect(try fixture.rows() == [])
  }

  @Test(
    "A row that is refused for good is kept as held, and its bucket goes on",
    arguments: EngineKind.allCases)
  func isHeld(kind: EngineKind) throws {
    let fixture = try DeliveryFixture(kind)
    let target = StubTarget()
    target.answer { $0.seq == 2 && $0.bucket == 5 ? .held : .stored }
    try fixture.put([5, 5, 5, 6])
    let pump = fixture.pump(to: target)
    try pump.run(fixture.clock)
    #expect(target.taken == [5: [1, 3], 6: [1]])
    #expect(pump.held == 1)
    #expect(pump.isIdle)
    try fixture.clock.advance(to: fixture.clock.now + .seconds(1))
    try pump.run(fixture.clock)
    #expect(try fixture.rows() == ["5/2 VERDICT_HELD"])
    // Not even after a restart is it sent again.
    let calls = target.calls.count
    let again = fixture.pump(to: target)
    try again.run(fixture.clock)
    #expect(target.calls.count == calls)
    #expect(again.isIdle)
  }

  @Test(
    "RETRY keeps that bucket waiting, longer each time, and no other",
    arguments: EngineKind.allCases)
  func isRetried(kind: EngineKind) throws {
    let fixture = try DeliveryFixture(kind)
    let target = StubTarget()
    target.answer { $0.bucket == 5 && $0.seq == 2 ? .retry : .stored }
    try fixture.put([5, 5, 5, 6, 6, 6])
    let pump = fixture.pump(to: target) { $0.acknowledgedFor = .seconds(100) }
    var waits: [Duration] = []
    for _ in 0..<8 {
      guard case .at(let instant) = try pump.run(fixture.clock) else {
        Issue.record("a bucket waits, so there must be an end to that")
        return
      }
      waits.append(instant - fixture.clock.now)
      try fixture.clock.advance(to: instant)
    }
    #expect(target.taken == [5: [1], 6: [1, 2, 3]])
    #expect(!pump.isIdle)
    let most = [50, 100, 200, 400, 800, 1600, 2000, 2000].map { Duration.milliseconds($0) }
    for (wait, most) in zip(waits, most) { #expect(wait <= most && wait >= most / 2) }
    #expect(Set(waits).count == waits.count)

    target.answer { _ in .stored }
    try fixture.clock.advance(to: fixture.clock.now + .seconds(2))
    try pump.run(fixture.clock)
    #expect(target.taken[5] == [1, 2, 3])
    #expect(pump.isIdle)
  }

  @Test("A call that fails is made again with all its rows", arguments: EngineKind.allCases)
  func isRepeated(kind: EngineKind) throws {
    let fixture = try DeliveryFixture(kind)
    let target = StubTarget()
    target.answer { _ in throw RPCError(.unavailable, "down") }
    try fixture.put([1, 2, 2, 3])
    let pump = fixture.pump(to: target)
    let next = try pump.run(fixture.clock)
    #expect(target.taken == [:])
    #expect(next != .whenWoken)
    #expect(!pump.isIdle)
    target.answer { _ in .stored }
    // A wake-up does not shorten the wait.
    let calls = target.calls.count
    pump.noteCommitted([2])
    try pump.run(fixture.clock)
    #expect(target.calls.count == calls)
    try fixture.clock.advance(to: fixture.clock.now + .seconds(1))
    try pump.run(fixture.clock)
    #expect(target.taken == [1: [1], 2: [1, 2], 3: [1]])
    #expect(pump.isIdle)
  }

  @Test(
    "Of a call that is refused, the row at fault is held and the others go on",
    arguments: EngineKind.allCases)
  func isIsolated(kind: EngineKind) throws {
    let fixture = try DeliveryFixture(kind)
    let target = StubTarget()
    target.answer { row in
      if row.bucket == 2 && row.seq == 2 { throw RPCError(.invalidArgument, "no such field") }
      return .stored
    }
    try fixture.put([1, 2, 2, 2, 3, 3])
    let pump = fixture.pump(to: target)
    try pump.run(fixture.clock)
    #expect(target.taken == [1: [1], 2: [1, 3], 3: [1, 2]])
    #expect(pump.held == 1)
    #expect(pump.isIdle)
  }

  @Test("An answer that cannot be read holds no row")
  func isUnreadable() throws {
    let fixture = try DeliveryFixture(.memory)
    let target = StubTarget()
    target.answer { _ in
      _ = try CommonV1.Receipts(encoded: [0xFF])
      return .stored
    }
    try fixture.put([1])
    let pump = fixture.pump(to: target)
    #expect(try pump.run(fixture.clock) != .whenWoken)
    #expect(pump.held == 0)
    #expect(!pump.isIdle)
  }

  @Test("Receipts that are not those of the rows are none", arguments: [0, 1, 2])
  func isChecked(fault: Int) throws {
    let fixture = try DeliveryFixture(.memory)
    let target = StubTarget()
    try fixture.put([1, 2])
    let pump = OutboxPump(
      fixture.outbox, engine: fixture.engine, counts: fixture.counts, configuration: .init(),
      clock: fixture.clock, log: .init(label: "test"),
      send: { rows in
        let receipts = try target.take(rows)
        switch fault {
        case 0: return Array(receipts.dropLast())
        case 1: return receipts.reversed()
        default: return receipts.map { .init(verdict: $0.verdict) }
        }
      })
    pump.noteCommitted([1, 2])
    #expect(try pump.run(fixture.clock) != .whenWoken)
    #expect(!pump.isIdle)
  }

  @Test(
    "A restart goes on where the table stands; what is sent twice has no second effect",
    arguments: EngineKind.allCases)
  func goesOn(kind: EngineKind) throws {
    let fixture = try DeliveryFixture(kind)
    let target = StubTarget()
    target.answer { $0.seq <= 2 ? .stored : .retry }
    try fixture.put([1, 1, 1, 2])
    try fixture.pump(to: target).run(fixture.clock)
    #expect(target.taken == [1: [1, 2], 2: [1]])

    target.answer { _ in .stored }
    let counts = DeliveryCounts()
    var chance = SplitMix64(seed: 3)
    try counts.load(fixture.engine, now: fixture.clock.now, chance: &chance)
    let again = OutboxPump(
      fixture.outbox, engine: fixture.engine, counts: counts, configuration: .init(),
      clock: fixture.clock, log: .init(label: "test"), send: { try target.take($0) })
    again.noteCommitted(0...255)
    try again.run(fixture.clock)
    #expect(target.taken == [1: [1, 2, 3], 2: [1]])
    #expect(counts.sent == 4)
    #expect(fixture.counts.sent == 4)
    try again.forgetAcknowledged()
    #expect(try fixture.rows() == [])
    let third = fixture.pump(to: target)
    try third.run(fixture.clock)
    #expect(third.isIdle)
    #expect(try fixture.outboxNext(1) == 4)
  }

  @Test("Idle is false from a wake-up until its rows are answered", arguments: EngineKind.allCases)
  func isIdleExactly(kind: EngineKind) throws {
    let fixture = try DeliveryFixture(kind)
    let target = StubTarget()
    let pump = fixture.pump(to: target)
    try pump.run(fixture.clock)
    #expect(pump.isIdle)
    pump.noteCommitted([9])
    #expect(!pump.isIdle)
    try pump.run(fixture.clock)
    #expect(pump.isIdle)
    try fixture.put([9])
    pump.noteCommitted([9])
    #expect(!pump.isIdle)
    #expect(fixture.counts.sent == 0)
    target.answer { _ in
      #expect(!pump.isIdle)
      #expect(fixture.counts.sent == 1)
      return .stored
    }
    try pump.run(fixture.clock)
    #expect(pump.isIdle)
  }

  @Test("Large rows share calls as far as their bytes fit")
  func isBounded() throws {
    let fixture = try DeliveryFixture(.memory)
    let target = StubTarget()
    try fixture.engine.write { session in
      for bucket in [1, 2, 3] as [UInt8] {
        try fixture.outbox.put(
          session, bucket: bucket,
          [400, 700, 5000, 100].map { [UInt8](repeating: bucket, count: $0) }, now: 0)
      }
    }
    let pump = fixture.pump(to: target) {
      $0.bytesMax = 1000
      $0.callsMax = 1
    }
    try pump.run(fixture.clock)
    for bucket in [1, 2, 3] as [UInt8] { #expect(target.taken[bucket] == [1, 2, 3, 4]) }
    for call in target.calls {
      #expect(call.count == 1 || call.reduce(0) { $0 + $1.body.count } <= 1000)
    }
    #expect(target.calls.contains { $0.count > 1 })
  }

  @Test("A bucket with many rows does not keep the others waiting")
  func isFair() throws {
    let fixture = try DeliveryFixture(.memory)
    let target = StubTarget()
    try fixture.put([UInt8](repeating: 0, count: 3000) + [200, 201])
    let pump = fixture.pump(to: target) { $0.callsMax = 1 }
    try pump.run(fixture.clock)
    #expect(target.calls[0].contains { $0.bucket == 200 })
    #expect(target.calls[0].contains { $0.bucket == 201 })
    #expect(target.taken[0]?.count == 3000)
    #expect(target.calls.count < 20)
  }

  @Test("Several targets have rows, order and numbers of their own", arguments: EngineKind.allCases)
  func isByTarget(kind: EngineKind) throws {
    let fixture = try DeliveryFixture(kind)
    let (target, other) = (StubTarget(), StubTarget())
    let letters = Outbox(target: "direct-mail")
    try fixture.put([1, 1])
    _ = try fixture.engine.write { try letters.put($0, bucket: 1, [[1], [2], [3]], now: 0) }
    other.answer { _ in .retry }
    let pump = fixture.pump(to: target)
    let second = OutboxPump(
      letters, engine: fixture.engine, counts: fixture.counts, configuration: .init(),
      clock: fixture.clock, log: .init(label: "test"), send: { try other.take($0) })
    second.noteCommitted([1])
    try second.run(fixture.clock)
    try pump.run(fixture.clock)
    #expect(target.taken == [1: [1, 2]])
    #expect(pump.isIdle)
    #expect(!second.isIdle)
    try pump.forgetAcknowledged()
    #expect(try fixture.rows() == ["1/1", "1/2", "1/3"])
    #expect(fixture.counts.sent == 5)
  }
}

extension DeliveryFixture {
  fileprivate func outboxNext(_ bucket: UInt8) throws -> UInt64 {
    try engine.write { try outbox.put($0, bucket: bucket, [[0]], now: 0).lowerBound }
  }
}
