internal import Synchronization

/// A clock that stands still until somebody moves it: for a replay, a test, a simulation.
package final class VirtualClock: WallClock {
  private struct Alarm {
    let at: Instant
    let ring: @Sendable () -> Void
  }

  private struct State {
    var now: Instant
    var lastNumber: UInt64 = 0
    var alarms: [UInt64: Alarm] = [:]
  }

  private let state: Mutex<State>

  package init(at start: Instant = .epoch) { state = Mutex(State(now: start)) }

  package var now: Instant { state.withLock { $0.now } }

  /// Moves on, then rings what is due, in order of its instant. The present instant changes
  /// nothing.
  ///
  /// - Throws: for an instant that has passed.
  package func advance(to instant: Instant) throws(TimeError) {
    let due = state.withLock { state -> [(UInt64, Alarm)]? in
      if instant < state.now { return nil }
      state.now = instant
      let due = state.alarms.filter { $0.value.at <= instant }
      for number in due.keys { state.alarms[number] = nil }
      return due.sorted { ($0.value.at, $0.key) < ($1.value.at, $1.key) }
    }
    guard let due else { throw TimeError("\(instant) lies before the clock, which shows \(now)") }
    for (_, alarm) in due { alarm.ring() }
  }

  /// Calls `ring` once, when the clock shows `instant` or later: at once where it does.
  ///
  /// - Parameter ring: must not block.
  /// - Returns: a number by which it can be taken back.
  package func alarm(at instant: Instant, _ ring: @escaping @Sendable () -> Void) -> UInt64 {
    let (number, isDue) = state.withLock { state in
      state.lastNumber += 1
      if instant > state.now {
        state.alarms[state.lastNumber] = Alarm(at: instant, ring: ring)
        return (state.lastNumber, false)
      }
      return (state.lastNumber, true)
    }
    if isDue { ring() }
    return number
  }

  /// Takes an alarm back; one that rang already, or is about to, is not.
  package func cancel(alarm number: UInt64) {
    state.withLock { _ = $0.alarms.removeValue(forKey: number) }
  }

  /// Suspends until the clock shows the instant or later.
  ///
  /// - Throws: `CancellationError` where the task is cancelled meanwhile.
  package func wait(until instant: Instant) async throws {
    try Task.checkCancellation()
    let (rings, ringing) = AsyncStream.makeStream(of: Void.self)
    let number = alarm(at: instant) {
      ringing.yield()
      ringing.finish()
    }
    defer { cancel(alarm: number) }
    // A cancelled task's stream ends without a ring.
    for await _ in rings { return }
    try Task.checkCancellation()
  }
}
