/// So many at once, so many a second after: bounds what a peer may ask for besides calls.
package struct TokenBucket {
  private let burst: Double
  private let perSecond: Double
  private var tokens: Double
  private var last: MonotonicInstant

  package init(burst: Int, perSecond: Int, now: MonotonicInstant) {
    precondition(burst > 0 && perSecond >= 0)
    self.burst = Double(burst)
    self.perSecond = Double(perSecond)
    tokens = Double(burst)
    last = now
  }

  /// Takes one; false where none is left.
  package mutating func take(now: MonotonicInstant) -> Bool {
    let seconds = Double(max(0, now.nanoseconds - last.nanoseconds)) / 1e9
    tokens = min(burst, tokens + seconds * perSecond)
    last = now
    if tokens < 1 { return false }
    tokens -= 1
    return true
  }
}
