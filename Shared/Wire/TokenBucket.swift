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

  /// The same for rates that are no whole number.
  package init(burst: Int, rate: Double, now: MonotonicInstant) {
    precondition(burst > 0 && rate > 0)
    self.burst = Double(burst)
    perSecond = rate
    tokens = Double(burst)
    last = now
  }

  /// Takes one; false where none is left.
  package mutating func take(now: MonotonicInstant) -> Bool {
    refill(now)
    if tokens < 1 { return false }
    tokens -= 1
    return true
  }

  /// How many may be taken.
  package mutating func available(now: MonotonicInstant) -> Int {
    refill(now)
    return Int(tokens)
  }

  /// Takes so many, as `available` has told.
  package mutating func take(_ count: Int) {
    precondition(count >= 0 && Double(count) <= tokens)
    tokens -= Double(count)
  }

  /// Puts back what was taken and not used.
  package mutating func giveBack(_ count: Int) {
    precondition(count >= 0)
    tokens = min(burst, tokens + Double(count))
  }

  /// How long until so many, at most the burst, are there; zero where they are.
  package func wait(for count: Int) -> Duration {
    let missing = min(Double(count), burst) - tokens
    if missing <= 0 { return .zero }
    guard perSecond > 0 else { return .seconds(Int64.max) }
    return .nanoseconds(Int64((missing / perSecond * 1e9).rounded(.up)))
  }

  private mutating func refill(_ now: MonotonicInstant) {
    let seconds = Double(max(0, now.nanoseconds - last.nanoseconds)) / 1e9
    tokens = min(burst, tokens + seconds * perSecond)
    last = now
  }
}
