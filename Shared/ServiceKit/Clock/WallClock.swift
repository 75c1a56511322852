internal import Glibc

/// Tells what the time of day is; for deadlines and time-outs there is `MonotonicInstant`.
package protocol WallClock: Sendable {
  var now: Instant { get }
}

/// The machine's clock. May jump either way.
package struct SystemClock: WallClock {
  package init() {}

  package var now: Instant {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Instant(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
  }
}
