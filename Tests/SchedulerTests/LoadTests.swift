internal import Delivery
internal import Foundation
internal import Messages
internal import ServiceKit
internal import Storage
internal import TestSupport
internal import Testing

@testable internal import Scheduler

/// What a million waiting steps cost. Run in a release build only:
/// `HOMING_SCHEDULER_LOAD=1000000 swift test -c release -Xswiftc -enable-testing --filter Load`.
@Suite(.serialized) struct LoadTests {
  private static let rows =
    ProcessInfo.processInfo.environment["HOMING_SCHEDULER_LOAD"].flatMap { Int($0) } ?? 0

  private static let flow = """
    flow: load
    start: cart abandoned
    ceiling: 1000000000
    steps:
      - pause: 1 day
        name: first
      - send e-mail: { template: cart-reminder, expires: 2 days }
        name: mail
      - pause: 30 days
        name: second
    """

  private static func options() -> SQLiteOptions {
    var options = SQLiteOptions()
    options.pageSize = 4096
    options.checkpointPages = 16_384
    options.cacheSize = 96 << 20
    options.readerCacheSize = 24 << 20
    return options
  }

  /// In bytes.
  private static func residentSize() throws -> Int {
    let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
    return (Int(text.split(separator: " ")[1]) ?? 0) * 4096
  }

  /// Of all threads, in seconds.
  private static func processorTime() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
      + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
  }

  private static func fill(_ fixture: SchedulerFixture, due: (Int) -> Int64) throws {
    let version = try #require(fixture.flows.newest("load", in: "shop")).version
    let start = fixture.now
    for first in stride(from: 0, to: rows, by: 10_000) {
      try fixture.ledger.write(now: start) { writing in
        for number in first..<min(first + 10_000, rows) {
          let contact = "customer-\(number)@example.com"
          let owner = OwnerKey.contact(store: "shop", contact: contact)
          let episode = SchedulerFixture.episodeID("c\(number)", contact)
          var enrolment = Enrolment(
            place: .init(bucket: owner.bucket, number: 0),
            id: .enrolment(owner: owner, flow: "load", start: episode), store: "shop",
            flow: "load", version: version.number, contact: contact,
            startedAt: start - Micros.day)
          enrolment.cart = "cart-\(number)"
          enrolment.episode = episode
          enrolment.anchor = AnchorOrder(at: start - 2 * Micros.day, event: "event-\(number)")
          enrolment.phase = .waiting
          enrolment.step = 0
          enrolment.reachedAt = start - Micros.day
          enrolment.dueAt = due(number)
          try writing.add(enrolment)
        }
      }
    }
  }

  @Test(
    "A million waiting steps: little memory, a quick start, many decided each second",
    .enabled(if: rows > 0))
  func throughput() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("scheduler.db")
    let watch = ContinuousClock()
    let now = SystemClock().now.microseconds
    do {
      let fixture = try SchedulerFixture(
        engine: SQLiteEngine.file(path, Self.options()), isVirtual: false, at: now)
      try fixture.apply(Self.flow)
      let filling = try watch.measure { try Self.fill(fixture) { now - Int64(Self.rows - $0) } }
      print("filled \(Self.rows) in \(filling)")
      fixture.engine.close()
    }
    let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
    print("file \(size >> 20) MiB, resident before the start \(try Self.residentSize() >> 20) MiB")
    var started: SchedulerFixture?
    let starting = try watch.measure {
      started = try SchedulerFixture(
        engine: SQLiteEngine.file(path, Self.options()), isVirtual: false, at: now)
    }
    let fixture = try #require(started)
    print("start \(starting)")
    var decided: UInt64 = 0
    let processorBefore = Self.processorTime()
    var longest = Duration.zero
    let deciding = try watch.measure {
      while true {
        var next = NextRun.again
        let step = try watch.measure { next = try fixture.worker.runOnce(now: fixture.clock.now) }
        longest = max(longest, step)
        if next != .again { break }
      }
      decided = fixture.worker.counters.enrolments
    }
    let rate =
      Double(decided)
      / (Double(deciding.components.seconds) + Double(deciding.components.attoseconds) / 1e18)
    print("decided \(decided) in \(deciding): \(Int(rate)) steps/s, longest batch \(longest)")
    let processor = Self.processorTime() - processorBefore
    print("processor time \(processor) s, \(processor / Double(decided) * 1e6) µs a step")
    print("resident \(try Self.residentSize() >> 20) MiB")
    #expect(decided == UInt64(Self.rows))
    fixture.engine.close()
  }

  @Test("Steps that become due all the time are decided within a second", .enabled(if: rows > 0))
  func lateness() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("scheduler.db")
    let system = SystemClock()
    let now = system.now.microseconds
    let fixture = try SchedulerFixture(
      engine: SQLiteEngine.file(path, Self.options()), isVirtual: false, at: now)
    try fixture.apply(Self.flow)
    // They begin to be due when the file is filled, 10,000 a second for 20 seconds.
    let first = now + Int64(Self.rows) * 40 + 5 * Micros.second
    try Self.fill(fixture) { first + Int64($0 % 200_000) * 100 + ($0 >= 200_000 ? Micros.day : 0) }
    print("filled, \((first - system.now.microseconds) / 1000) ms before the first is due")
    while system.now.microseconds < first + 21 * Micros.second {
      if try fixture.worker.runOnce(now: system.now) != .again { poll(nil, 0, 2) }
    }
    var late: [Int64] = []
    try fixture.engine.read { session in
      for bucket in 0..<256 {
        try session.rows(
          EnrolmentStatements.decisions,
          [.integer(bucket), "shop", .integer(Int64.min), .integer(Int64.max), "first"]
        ) { row in
          let record = try DecisionRow.read(row).record
          late.append(record.decidedAt - record.dueAt)
          return true
        }
      }
    }
    late.sort()
    let (half, most) = (late[late.count / 2], late[late.count * 99 / 100])
    print("decided \(late.count), late p50 \(half) p99 \(most) max \(late[late.count - 1]) µs")
    #expect(late[late.count * 99 / 100] <= Micros.second)
    fixture.engine.close()
  }
}
