internal import Wire

/// Whether and when a call is tried again (`proto/README.md` §4). Pure: time is not read, chance is
/// seeded.
struct RetryPolicy {
  private let attemptsMax: Int
  private let backOff: Duration
  private let backOffMax: Duration
  private let budgetMax: Double
  private var budget: Double
  private var chance: SplitMix64

  init(_ configuration: ClientConfiguration) {
    attemptsMax = min(max(configuration.attemptsMax, 1), 5)
    backOff = configuration.backOff
    backOffMax = configuration.backOffMax
    budgetMax = Double(max(configuration.retryBudget, 0))
    budget = budgetMax
    chance = SplitMix64(
      seed: configuration.seed ?? UInt64(bitPattern: MonotonicInstant.now.nanoseconds))
  }

  /// A call has ended well: a fifth of an attempt is saved.
  mutating func succeeded() { budget = min(budgetMax, budget + 0.2) }

  /// How long to wait before the next attempt; nil where there is none.
  ///
  /// - Parameters:
  ///   - attempts: made so far.
  ///   - left: until the call's deadline; nil: no deadline.
  mutating func pause(
    after error: RPCError, of method: RPCMethod, attempts: Int, left: Duration?
  ) -> Duration? {
    guard attempts < attemptsMax, isRetryable(error, method), budget >= 1 else { return nil }
    // Half to one and a half times the exponential step.
    let step = min(backOff * (1 << (attempts - 1)), backOffMax)
    var pause = step / 1000 * (500 + Int(chance.next() % 1001))
    if error.wasNotLookedAt && attempts == 1 && error.retryAfter == nil && error.cause is RPCError {
      // The server is leaving: another connection may take the call at once.
      pause = .zero
    }
    if let retryAfter = error.retryAfter { pause = max(pause, retryAfter) }
    if let left, pause >= left { return nil }
    budget -= 1
    return pause
  }

  private func isRetryable(_ error: RPCError, _ method: RPCMethod) -> Bool {
    if error.wasNotLookedAt { return error.code == .unavailable || error.retryAfter != nil }
    guard method.isIdempotent else { return false }
    return error.code == .unavailable
      || (error.code == .resourceExhausted && error.retryAfter != nil)
  }
}

/// A small seeded generator, for jitter.
struct SplitMix64 {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
