internal import Glibc
internal import Synchronization

/// Wakes one thread that waits; a ring while it does not wait is kept, several are one.
///
/// `@unchecked Sendable`, because the mutex and the condition are made in `init`, destroyed in
/// `deinit`, and between the two used only by calls that POSIX allows from any thread.
final class Doorbell: @unchecked Sendable {
  private enum Bell {
    static let quiet: UInt8 = 0
    static let rung: UInt8 = 1
    static let awaited: UInt8 = 2
  }

  private let bell = Atomic<UInt8>(Bell.quiet)
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  init() {
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    // The machine's time of day may jump; a span must not.
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// One atomic exchange, and a call of the system only where the thread waits.
  func ring() {
    // An exchange even where it is rung already: what the caller wrote before is then seen by the
    // thread that takes the ring.
    let before = bell.exchange(Bell.rung, ordering: .sequentiallyConsistent)
    guard before == Bell.awaited else { return }
    pthread_mutex_lock(mutex)
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
  }

  /// Forgets a ring, whose reason the caller looks at next.
  func take() { _ = bell.exchange(Bell.quiet, ordering: .sequentiallyConsistent) }

  /// Waits for a ring, and takes it. For one thread at a time.
  ///
  /// - Parameter timeout: nil waits without end.
  /// - Returns: false where the time was up first.
  func wait(timeout: Duration? = nil) -> Bool {
    let (isQuiet, _) = bell.compareExchange(
      expected: Bell.quiet, desired: Bell.awaited, ordering: .sequentiallyConsistent)
    if isQuiet {
      var deadline = timeout.map(Doorbell.deadline)
      pthread_mutex_lock(mutex)
      while bell.load(ordering: .sequentiallyConsistent) == Bell.awaited {
        let result =
          deadline == nil
          ? pthread_cond_wait(condition, mutex)
          : pthread_cond_timedwait(condition, mutex, &deadline!)
        if result == ETIMEDOUT { break }
      }
      pthread_mutex_unlock(mutex)
    }
    return bell.exchange(Bell.quiet, ordering: .sequentiallyConsistent) == Bell.rung
  }

  private static func deadline(_ span: Duration) -> timespec {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    let (seconds, attoseconds) = max(.zero, min(span, .seconds(86_400))).components
    let nanoseconds = time.tv_nsec + Int(attoseconds / 1_000_000_000)
    time.tv_sec += Int(seconds) + nanoseconds / 1_000_000_000
    time.tv_nsec = nanoseconds % 1_000_000_000
    return time
  }
}
