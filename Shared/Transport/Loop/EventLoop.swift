internal import CLinux
internal import Glibc
internal import Synchronization
internal import Wire

/// One thread that waits for sockets and timers and runs the jobs of its tasks: a `TaskExecutor`.
///
/// Everything a connection owns is touched on its loop's thread only (`LoopBound`). Tasks started
/// with this loop as executor preference run there inline and in order, with no lock and no
/// wake-up. Nothing on a loop may block.
public final class EventLoop: TaskExecutor, Sendable {
  /// What other threads hand in.
  private struct Inbox {
    var jobs: [UnownedJob] = []
    var works: [@Sendable () -> Void] = []
    /// Whether the loop has been woken and has not looked yet.
    var isSignalled = false
    var isStopping = false
  }

  private let inbox = Mutex(Inbox())
  private let wakeDescriptor: Int32
  private let threadID = Atomic<UInt>(0)
  private let owned = LoopOwned()

  /// Creates the loop and starts its thread.
  package init(name: String) throws {
    // OpenSSL writes to sockets that a peer may have reset; that is an error to it and shall be
    // none to the process.
    signal(SIGPIPE, SIG_IGN)
    let wake = homing_eventfd()
    if wake < 0 { throw SystemError("eventfd") }
    wakeDescriptor = wake
    let poller = try Epoll()
    try poller.add(wake, .read, token: LoopCore.wakeToken)
    try Thread.start(name: name) { [self] in
      threadID.store(UInt(pthread_self()), ordering: .releasing)
      let core = LoopCore(loop: self, poller: poller)
      owned.core = core
      core.run()
      owned.core = nil
    }
  }

  deinit { close(wakeDescriptor) }

  /// Whether the current thread is this loop's.
  package var isCurrent: Bool {
    threadID.load(ordering: .relaxed) == UInt(pthread_self())
  }

  /// The state behind this loop; only on its thread.
  var core: LoopCore {
    precondition(isCurrent, "a loop's state was touched from another thread")
    return owned.core!
  }

  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    if isCurrent {
      core.jobs.append(job)
    } else {
      hand { $0.jobs.append(job) }
    }
  }

  /// Runs `work` on the loop's thread, soon and in order, from whatever thread.
  package func execute(_ work: @escaping @Sendable () -> Void) {
    hand { $0.works.append(work) }
  }

  /// Suspends the caller for the span; throws `CancellationError` at once when its task is
  /// cancelled.
  package func sleep(for span: Duration) async throws {
    let alarm = Alarm()
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        alarm.arm(continuation)
        execute { [self] in
          _ = core.schedule(after: span) { alarm.ring(.success(())) }
        }
      }
    } onCancel: {
      alarm.ring(.failure(CancellationError()))
    }
  }

  /// Ends the thread after the work that is already there. Connections must be closed before.
  package func stop() {
    hand { $0.isStopping = true }
  }

  private func hand(_ change: (inout sending Inbox) -> Void) {
    let mustWake = inbox.withLock { inbox in
      change(&inbox)
      defer { inbox.isSignalled = true }
      return !inbox.isSignalled
    }
    if mustWake {
      var one: UInt64 = 1
      _ = write(wakeDescriptor, &one, 8)
    }
  }

  /// Takes what other threads handed in; false when the loop shall stop. Loop's thread only.
  func takeInbox(jobs: inout [UnownedJob], works: inout [@Sendable () -> Void]) -> Bool {
    var count: UInt64 = 0
    _ = read(wakeDescriptor, &count, 8)
    return inbox.withLock { inbox in
      jobs.append(contentsOf: inbox.jobs)
      works.append(contentsOf: inbox.works)
      inbox.jobs.removeAll(keepingCapacity: true)
      inbox.works.removeAll(keepingCapacity: true)
      inbox.isSignalled = false
      return !inbox.isStopping
    }
  }
}

/// The slot for a loop's state.
///
/// `@unchecked Sendable`, because it is written and read by the loop's thread only: by the thread's
/// first and last lines, and by `EventLoop.core`, which asserts the thread first.
private final class LoopOwned: @unchecked Sendable {
  var core: LoopCore?
}

/// A continuation that several may want to resume; the first does.
private final class Alarm: Sendable {
  private enum State {
    case waiting(CheckedContinuation<Void, any Error>?)
    case rung(Result<Void, any Error>)
  }

  private let state = Mutex(State.waiting(nil))

  func arm(_ continuation: CheckedContinuation<Void, any Error>) {
    let early: Result<Void, any Error>? = state.withLock { state in
      if case .rung(let result) = state { return result }
      state = .waiting(continuation)
      return nil
    }
    if let early { continuation.resume(with: early) }
  }

  func ring(_ result: Result<Void, any Error>) {
    let waiter: CheckedContinuation<Void, any Error>? = state.withLock { state in
      guard case .waiting(let waiter) = state else { return nil }
      state = .rung(result)
      return waiter
    }
    waiter?.resume(with: result)
  }
}
