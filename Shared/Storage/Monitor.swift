internal import Glibc

/// A value behind a lock that threads can wait at. For threads of our own: `wait` blocks.
///
/// `@unchecked Sendable` holds because the value is only touched with the lock held, and the lock
/// and the condition live as long as the object, at places that never move.
package final class Monitor<State>: @unchecked Sendable {
  private var state: State
  private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  package init(_ state: sending State) {
    self.state = state
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    lock.initialize(to: pthread_mutex_t())
    condition.initialize(to: pthread_cond_t())
    let made = (pthread_mutex_init(lock, nil), pthread_cond_init(condition, &attributes))
    precondition(made == (0, 0), "no memory for a lock")
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(lock)
    condition.deallocate()
    lock.deallocate()
  }

  package func withLock<R>(_ body: (inout State) throws -> R) rethrows -> R {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    return try body(&state)
  }

  /// Waits until `body` gives a value; it runs at once and after each wake-up.
  package func wait<R>(for body: (inout State) throws -> R?) rethrows -> R {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    while true {
      if let value = try body(&state) { return value }
      pthread_cond_wait(condition, lock)
    }
  }

  /// The same for `limit` at most, on the monotonic clock; then nil.
  package func wait<R>(
    atMost limit: Duration, for body: (inout State) throws -> R?
  ) rethrows -> R? {
    var end = timespec()
    clock_gettime(CLOCK_MONOTONIC, &end)
    let (seconds, attoseconds) = limit.components
    let nanoseconds = Int64(end.tv_nsec) + attoseconds / 1_000_000_000
    // A year is as good as for ever, and cannot overflow.
    end.tv_sec += Int(min(max(seconds, 0), 31_536_000) + nanoseconds / 1_000_000_000)
    end.tv_nsec = Int(max(nanoseconds, 0) % 1_000_000_000)
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    while true {
      if let value = try body(&state) { return value }
      if pthread_cond_timedwait(condition, lock, &end) == ETIMEDOUT { return try body(&state) }
    }
  }

  package func wakeOne() { pthread_cond_signal(condition) }

  package func wakeAll() { pthread_cond_broadcast(condition) }
}
