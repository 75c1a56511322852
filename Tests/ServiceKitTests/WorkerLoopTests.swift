internal import Logging
internal import Messages
@testable internal import ServiceKit
internal import Synchronization
internal import TestSupport
internal import Testing

/// Does what a test scripts, and notes each step.
private final class ScriptedWorker: Worker {
  struct Failure: Error {}

  let name = "scripted"
  let steps = Journal<Instant>()
  private let script: Mutex<[Result<NextRun, Failure>]>
  private let onStep: @Sendable (Int) -> Void

  /// - Parameter script: after its end every step answers `.whenWoken`.
  init(_ script: [Result<NextRun, Failure>], onStep: @escaping @Sendable (Int) -> Void = { _ in }) {
    self.script = Mutex(script)
    self.onStep = onStep
  }

  func runOnce(now: Instant) throws -> NextRun {
    let result = script.withLock { $0.isEmpty ? .success(.whenWoken) : $0.removeFirst() }
    steps.add(now)
    onStep(steps.entries.count)
    return try result.get()
  }
}

/// Notes how much it was asked for by then.
private final class CountingWorker: Worker {
  let name = "counter"
  let asked = Atomic<Int>(0)
  let done = Journal<Int>()

  func runOnce(now: Instant) throws -> NextRun {
    done.add(asked.load(ordering: .acquiring))
    return .whenWoken
  }
}

@Suite struct WorkerLoopTests {
  private static let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

  private func run(
    _ worker: ScriptedWorker, clock: any WallClock = VirtualClock(),
    health: HealthRegistry? = nil, _ body: (WorkerLoop) async throws -> Void
  ) async throws {
    var configuration = WorkerLoop.Configuration()
    configuration.backoff = Backoff(first: .microseconds(10), most: .microseconds(100))
    configuration.service = "a.B"
    let loop = WorkerLoop(
      worker, clock: clock, configuration: configuration, health: health, log: Self.quiet)
    try await withTimeout(late: { Issue.record("the worker's loop is late") }) {
      try loop.start()
      try await body(loop)
      await loop.stop()
    }
  }

  @Test("A worker with nothing to do runs once, then only when woken")
  func empty() async throws {
    let worker = ScriptedWorker([])
    try await run(worker) { loop in
      await worker.steps.wait(1)
      loop.wake()
      await worker.steps.wait(2)
    }
    #expect(worker.steps.entries.count == 2)
  }

  @Test("A full batch is followed by the next at once")
  func fullBatches() async throws {
    let worker = ScriptedWorker([.success(.again), .success(.again), .success(.again)])
    try await run(worker) { _ in await worker.steps.wait(4) }
    #expect(worker.steps.entries.count == 4)
  }

  @Test("A worker woken while it runs is run once more, however often it was woken")
  func wokenWhileRunning() async throws {
    let loops = Promise<WorkerLoop>()
    let worker = ScriptedWorker([]) { count in
      if count == 1 { for _ in 0..<1000 { loops.now?.wake() } }
    }
    let loop = WorkerLoop(worker, clock: VirtualClock(), log: Self.quiet)
    loops.fulfil(loop)
    try await withTimeout(late: { Issue.record("the worker's loop is late") }) {
      try loop.start()
      await worker.steps.wait(2)
      await loop.stop()
    }
    #expect(worker.steps.entries.count == 2)
  }

  @Test("On a virtual clock a worker waits for its instant, however far the clock goes before it")
  func virtualInstant() async throws {
    let clock = VirtualClock()
    let due = Instant(seconds: 100)
    let worker = ScriptedWorker([.success(.at(due)), .success(.at(due + .seconds(1)))])
    try await run(worker, clock: clock) { loop in
      await worker.steps.wait(1)
      try clock.advance(to: due - .microseconds(1))
      try clock.advance(to: due)
      await worker.steps.wait(2)
      try clock.advance(to: due + .seconds(10))
      await worker.steps.wait(3)
    }
    #expect(worker.steps.entries == [.epoch, due, due + .seconds(10)])
  }

  @Test("On the system's clock a worker runs at its instant, at once where that has passed")
  func systemInstant() async throws {
    let clock = SystemClock()
    let due = clock.now + .milliseconds(30)
    let worker = ScriptedWorker([.success(.at(.epoch)), .success(.at(due))])
    try await run(worker, clock: clock) { _ in await worker.steps.wait(3) }
    #expect(worker.steps.entries[2] >= due)
  }

  @Test("A worker that waits for an instant far away is woken before")
  func wokenBeforeInstant() async throws {
    let worker = ScriptedWorker([.success(.at(.latest))])
    try await run(worker, clock: SystemClock()) { loop in
      await worker.steps.wait(1)
      loop.wake()
      await worker.steps.wait(2)
    }
    #expect(worker.steps.entries.count == 2)
  }

  @Test(
    "Failures are tried again; from the third in a row the service is NOT_SERVING until one works")
  func failures() async throws {
    let health = HealthRegistry()
    health.set("a.B", .serving)
    health.set("a.C", .serving)
    let seen = Journal<HealthRegistry.Status?>()
    let failure = Result<NextRun, ScriptedWorker.Failure>.failure(.init())
    let worker = ScriptedWorker([failure, failure, failure, .success(.again)]) { _ in
      seen.add(health.status(of: "a.B"))
    }
    try await run(worker, health: health) { _ in await worker.steps.wait(5) }
    #expect(seen.entries == [.serving, .serving, .serving, .notServing, .serving])
    #expect(health.status(of: "a.C") == .serving)
  }

  @Test("Waking does not cut a backoff short, stopping does")
  func backoff() async throws {
    let worker = ScriptedWorker([.failure(.init())])
    var configuration = WorkerLoop.Configuration()
    configuration.backoff = Backoff(first: .seconds(3600), most: .seconds(3600))
    let loop = WorkerLoop(
      worker, clock: SystemClock(), configuration: configuration, log: Self.quiet)
    try await withTimeout(late: { Issue.record("the worker's loop is late") }) {
      try loop.start()
      await worker.steps.wait(1)
      for _ in 0..<100 { loop.wake() }
      await loop.stop()
    }
    #expect(worker.steps.entries.count == 1)
  }

  @Test("A worker that always has more to do is stopped between two steps, and stop waits for it")
  func stopped() async throws {
    let worker = ScriptedWorker(Array(repeating: .success(.again), count: 1_000_000))
    try await run(worker) { _ in await worker.steps.wait(3) }
    let count = worker.steps.entries.count
    #expect(count >= 3 && count < 1_000_000)
    await Task.yield()
    #expect(worker.steps.entries.count == count)
  }

  @Test("A loop that was never started, or is stopped twice, stops at once")
  func stoppedTwice() async throws {
    let worker = ScriptedWorker([])
    let loop = WorkerLoop(worker, clock: SystemClock(), log: Self.quiet)
    await loop.stop()
    await loop.stop()
    #expect(worker.steps.entries.isEmpty)
  }

  @Test("Every wake of many threads leads to a step after it")
  func noWakeIsLost() async throws {
    let worker = CountingWorker()
    try await withTimeout(late: { Issue.record("a wake was lost") }) {
      let loop = WorkerLoop(worker, clock: SystemClock(), log: Self.quiet)
      try loop.start()
      await withTaskGroup(of: Void.self) { tasks in
        for _ in 0..<4 {
          tasks.addTask {
            for _ in 0..<2000 {
              worker.asked.add(1, ordering: .releasing)
              loop.wake()
            }
          }
        }
      }
      await worker.done.wait { $0 == 8000 }
      await loop.stop()
    }
    #expect(worker.done.entries.last == 8000)
  }

  @Test("A backoff doubles up to its most, half of it by chance of the seed")
  func delays() {
    let backoff = Backoff(first: .seconds(1), most: .seconds(10))
    var chance = SplitMix64(seed: 1)
    for (failures, whole) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (400, 10)] {
      for _ in 0..<50 {
        let delay = backoff.delay(failures: failures, &chance)
        #expect(delay >= .seconds(whole) / 2 && delay <= .seconds(whole))
      }
    }
    var one = SplitMix64(seed: 9)
    var two = SplitMix64(seed: 9)
    #expect(backoff.delay(failures: 1, &one) == backoff.delay(failures: 1, &two))
  }
}
