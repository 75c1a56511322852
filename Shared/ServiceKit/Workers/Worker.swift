/// When a worker is to be run again.
package enum NextRun: Hashable, Sendable {
  /// At once: there is more to do.
  case again
  /// At this instant of the clock, or when woken.
  case at(Instant)
  case whenWoken
}

/// Work in the background, as steps that a loop repeats and a test takes one by one.
///
/// A step that throws is tried again, so it must leave nothing half done.
package protocol Worker: Sendable {
  /// For logs and the thread; at most 15 bytes of it are the thread's name.
  var name: String { get }
  /// Does one batch. May block; never called twice at once.
  func runOnce(now: Instant) throws -> NextRun
}

/// How long to wait after so many failures in a row.
package struct Backoff: Hashable, Sendable {
  /// After the first failure.
  package var first: Duration
  package var most: Duration

  package init(first: Duration = .milliseconds(100), most: Duration = .seconds(30)) {
    precondition(first > .zero && most >= first)
    self.first = first
    self.most = most
  }

  /// Doubles with each failure up to `most`; then at random between half of that and all of it.
  package func delay(failures: Int, _ chance: inout SplitMix64) -> Duration {
    precondition(failures > 0)
    // 2^40 times any span we use is over any limit we use.
    let factor = Double(UInt64(1) << UInt64(min(failures - 1, 40)))
    let whole = min(first * factor, most)
    return whole * Double.random(in: 0.5...1, using: &chance)
  }
}
