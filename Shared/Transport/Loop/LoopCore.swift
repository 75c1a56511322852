internal import CLinux
internal import Glibc
internal import Messages
package import Wire

/// Something with a descriptor that a loop watches.
class Pollable {
  /// The descriptor is ready. On the loop's thread.
  func ready(_ interest: Interest) { preconditionFailure("a pollable answers to ready") }
  /// Called once a turn where it asked for that by `LoopCore.flushLater`.
  func flush() {}
  /// Called every `LoopCore.sweepInterval` while watched.
  func sweep(now: MonotonicInstant) {}
  /// Called in the next turn where it asked for that by `LoopCore.continueLater`.
  func resume() {}
}

/// The state of one loop; lives on its thread.
final class LoopCore {
  static let wakeToken = UInt64.max
  static let sweepInterval = Duration.milliseconds(250)
  /// One for all connections of a loop: what is read in one go before it is handled.
  static let readBytes = 256 << 10

  unowned let loop: EventLoop
  private(set) var now: MonotonicInstant
  var jobs: [UnownedJob] = []
  let readBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: readBytes, alignment: 16)
  /// For the frame that is being handled; reset before each.
  private(set) var frameArena = Arena(limit: Limits.arenaFactor * Limits().frameBytesMax)
  /// For the message that is being written; reset before each.
  let outputArena = Arena(limit: 2 * Limits.frameBytesRange.upperBound)

  private let poller: Epoll
  private var timers = TimerHeap()
  private var works: [@Sendable () -> Void] = []
  private var watched: [Pollable?] = []
  private var freeSlots: [Int] = []
  private var watchedCount = 0
  private var flushing: [Pollable] = []
  private var continuing: [Pollable] = []
  private var sweepTimer: TimerHeap.Timer?
  private var isRunning = true

  init(loop: EventLoop, poller: Epoll) {
    self.loop = loop
    self.poller = poller
    now = .now
  }

  deinit { readBuffer.deallocate() }

  /// Turns until the loop is stopped.
  func run() {
    while isRunning { turn() }
  }

  private func turn() {
    let count = poller.wait(timeout: waitMilliseconds)
    now = .now
    var isWoken = false
    for index in 0..<count {
      let (token, ready) = poller.event(at: index)
      if token == LoopCore.wakeToken {
        isWoken = true
      } else {
        // A slot may have been left, and even taken again, by an earlier event of this turn; a
        // spurious `ready` only finds nothing to read.
        watched[Int(token)]?.ready(ready)
      }
    }
    if isWoken { isRunning = loop.takeInbox(jobs: &jobs, works: &works) }
    while let timer = timers.popDue(now: now) { timer.action() }
    resumeContinuing()
    runJobsAndWorks()
    flushAll()
  }

  private var waitMilliseconds: Int32 {
    if !jobs.isEmpty || !works.isEmpty || !continuing.isEmpty { return 0 }
    guard let due = timers.nextDue else { return -1 }
    // Counted from this turn's beginning, to save a look at the clock, and rounded up: waking a
    // little late is right, waking early turns in vain.
    let wait = (due.nanoseconds - now.nanoseconds + 999_999) / 1_000_000
    return Int32(clamping: max(0, wait))
  }

  private func runJobsAndWorks() {
    if jobs.isEmpty && works.isEmpty { return }
    let executor = loop.asUnownedTaskExecutor()
    // What these enqueue runs in the same turn, up to a bound so that sockets are not starved.
    for _ in 0..<16 {
      if jobs.isEmpty && works.isEmpty { return }
      let works = exchange(&self.works, with: [])
      for work in works { work() }
      let jobs = exchange(&self.jobs, with: [])
      for job in jobs { job.runSynchronously(on: executor) }
    }
  }

  private func resumeContinuing() {
    if continuing.isEmpty { return }
    for pollable in exchange(&continuing, with: []) { pollable.resume() }
  }

  private func flushAll() {
    var index = 0
    // A flush may lead to others.
    while index < flushing.count {
      flushing[index].flush()
      index += 1
    }
    if index > 0 { flushing.removeAll(keepingCapacity: true) }
  }

  // MARK: - For what lives on the loop

  /// The arena for frames, made anew where the connection's limit is another than the last one's.
  func frameArena(limit: Int) -> Arena {
    if frameArena.limit != limit { frameArena = Arena(limit: limit) }
    return frameArena
  }

  func watch(
    _ pollable: Pollable, _ descriptor: Int32, _ interest: Interest
  ) throws(SystemError) -> Int {
    let slot = freeSlots.popLast() ?? watched.count
    do {
      try poller.add(descriptor, interest, token: UInt64(slot))
    } catch {
      if slot < watched.count { freeSlots.append(slot) }
      throw error
    }
    if slot == watched.count { watched.append(pollable) } else { watched[slot] = pollable }
    watchedCount += 1
    if sweepTimer == nil { scheduleSweep() }
    return slot
  }

  func setInterest(_ interest: Interest, _ descriptor: Int32, slot: Int) {
    poller.modify(descriptor, interest, token: UInt64(slot))
  }

  func unwatch(_ descriptor: Int32, slot: Int) {
    precondition(watched[slot] != nil)
    poller.remove(descriptor)
    watched[slot] = nil
    freeSlots.append(slot)
    watchedCount -= 1
  }

  /// Calls `flush` of the pollable at the end of this turn.
  func flushLater(_ pollable: Pollable) { flushing.append(pollable) }

  /// Calls `resume` of the pollable in the next turn, which will not wait.
  func continueLater(_ pollable: Pollable) { continuing.append(pollable) }

  func schedule(
    after span: Duration, _ action: @escaping () -> Void
  ) -> TimerHeap.Timer {
    timers.schedule(at: .now + span, action)
  }

  func schedule(at due: MonotonicInstant, _ action: @escaping () -> Void) -> TimerHeap.Timer {
    timers.schedule(at: due, action)
  }

  func cancel(_ timer: TimerHeap.Timer) { timers.cancel(timer) }

  private func scheduleSweep() {
    sweepTimer = timers.schedule(at: now + LoopCore.sweepInterval) { [unowned self] in
      sweepTimer = nil
      for pollable in watched { pollable?.sweep(now: now) }
      if watchedCount > 0 { scheduleSweep() }
    }
  }
}

extension MonotonicInstant {
  package static var now: MonotonicInstant {
    MonotonicInstant(nanoseconds: homing_monotonic_nanoseconds())
  }
}

/// Puts a new value in place and gives the old one out.
func exchange<T>(_ place: inout T, with value: T) -> T {
  let old = place
  place = value
  return old
}
