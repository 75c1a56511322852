internal import Synchronization
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Transport

/// How many are inside at once, at most.
private final class Count: Sendable {
  private let inside = Atomic(0)
  private let highest = Atomic(0)

  var most: Int { highest.load(ordering: .relaxed) }

  func enter() {
    let now = inside.add(1, ordering: .relaxed).newValue
    highest.max(now, ordering: .relaxed)
  }

  func leave() { inside.subtract(1, ordering: .relaxed) }
}

@Suite(.serialized, .bounded) struct EventLoopTests {
  private let loop: EventLoop

  init() throws { loop = TestLoops.group.next() }

  @Test("Timers fire in the order of their times and never early")
  func timers() async throws {
    struct Fired {
      let number: Int
      let isEarly: Bool
    }
    let fired = Journal<Fired>()
    let loop = loop
    let delays = [30, 5, 20, 5, 1, 12, 0, 30]
    loop.execute {
      let now = MonotonicInstant.now
      for (number, delay) in delays.enumerated() {
        let due = now + .milliseconds(delay)
        _ = loop.core.schedule(at: due) {
          fired.add(Fired(number: number, isEarly: .now < due))
        }
      }
    }
    await fired.wait(delays.count)
    let order = fired.entries.map { delays[$0.number] }
    #expect(order == delays.sorted())
    #expect(!fired.entries.contains { $0.isEarly })
  }

  @Test("A cancelled timer never fires")
  func cancelledTimer() async throws {
    let fired = Journal<String>()
    let loop = loop
    loop.execute {
      let due = MonotonicInstant.now + .milliseconds(5)
      let never = loop.core.schedule(at: due) { fired.add("cancelled") }
      _ = loop.core.schedule(at: due) { fired.add("kept") }
      _ = loop.core.schedule(after: .milliseconds(10)) { fired.add("last") }
      loop.core.cancel(never)
      // Cancelling again, or after it has fired, does nothing.
      loop.core.cancel(never)
    }
    await fired.wait { $0 == "last" }
    #expect(fired.entries == ["kept", "last"])
  }

  @Test("Work that other threads hand in runs on the loop, in the order of each thread")
  func worksInOrder() async throws {
    let seen = Journal<(thread: Int, number: Int, isOnLoop: Bool)>()
    let loop = loop
    try await withThrowingTaskGroup(of: Void.self) { group in
      for thread in 0..<4 {
        group.addTask {
          try await onThread {
            for number in 0..<500 {
              loop.execute { seen.add((thread, number, loop.isCurrent)) }
            }
          }
        }
      }
      try await group.waitForAll()
    }
    await seen.wait(2000)
    for thread in 0..<4 {
      #expect(seen.entries.filter { $0.thread == thread }.map(\.number) == Array(0..<500))
    }
    #expect(!seen.entries.contains { !$0.isOnLoop })
  }

  @Test(
    "A task that prefers the loop runs on it, its children too, also after a resume from elsewhere"
  )
  func taskExecutor() async throws {
    let loop = loop
    let seen = await Task(executorPreference: loop) {
      var seen = [loop.isCurrent]
      async let child = loop.isCurrent
      seen.append(await child)
      await withTaskGroup(of: Bool.self) { group in
        for _ in 0..<3 { group.addTask { loop.isCurrent } }
        for await isOnLoop in group { seen.append(isOnLoop) }
      }
      _ = try? await onThread { loop.isCurrent }
      seen.append(loop.isCurrent)
      try? await loop.sleep(for: .milliseconds(1))
      seen.append(loop.isCurrent)
      return seen
    }.value
    #expect(seen == [Bool](repeating: true, count: 7))
    #expect(!loop.isCurrent)
  }

  @Test("Tasks of one loop are interleaved, not run at the same time")
  func oneThread() async throws {
    let loop = loop
    let count = Count()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<50 {
        group.addTask(executorPreference: loop) {
          for _ in 0..<20 {
            count.enter()
            count.leave()
            await Task.yield()
          }
        }
      }
    }
    #expect(count.most == 1)
  }

  @Test("A sleep ends at once when its task is cancelled, before or while it sleeps")
  func sleepCancelled() async throws {
    let loop = loop
    let began = Promise<Void>()
    let sleeping = Task {
      began.fulfil()
      try await loop.sleep(for: .seconds(3600))
    }
    await began.value
    sleeping.cancel()
    await #expect(throws: CancellationError.self) { try await sleeping.value }
    let early = Task {
      while !Task.isCancelled { await Task.yield() }
      try await loop.sleep(for: .seconds(3600))
    }
    early.cancel()
    await #expect(throws: CancellationError.self) { try await early.value }
  }

  @Test("A loop that is stopped does what was handed in before, then ends")
  func stops() async throws {
    let loop = try EventLoop(name: "brief")
    let ran = Promise<Bool>()
    loop.execute { ran.fulfil(loop.isCurrent) }
    loop.stop()
    #expect(await ran.value)
  }

  @Test("A group gives its loops in turn")
  func groupTakesTurns() throws {
    let group = try EventLoopGroup(count: 3, name: "turns")
    defer { group.stop() }
    let taken = (0..<6).map { _ in group.next() }
    #expect(taken[0] === taken[3] && taken[1] === taken[4] && taken[2] === taken[5])
    #expect(Set(taken.map(ObjectIdentifier.init)).count == 3)
  }
}
