internal import Wire

/// Whether and when a call is tried again (`proto/README.md` §4). Pure: time is not read, chance is
/// seeded.
struct RetryPolicy {
  private let attemptsMax: Int
  private let backOff: Duration
  private let backOffMax: Duration
  private let budgetMax: Double
  private var budget: Double
  /// The state of a xorshift generator; never 0.
  private var chance: UInt64

  init(_ configuration: ClientConfiguration) {
    attemptsMax = min(max(configuration.attemptsMax, 1), 5)
    backOff = configuration.backOff
    backOffMax = configuration.backOffMax
    budgetMax = Double(max(configuration.retryBudget, 0))
    budget = budgetMax
    chance = (configuration.seed ?? UInt64(bitPattern: MonotonicInstant.now.nanoseconds)) | 1
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
    var pause = step / 1000 * (500 + Int(random() % 1001))
    if error.wasNotLookedAt && attempts == 1 && error.retryAfter == nil && error.cause is RPCError {
      // The server is leaving: another connection may take the call at once.
      pause = .zero
    }
    if let retryAfter = error.retryAfter { pause = max(pause, retryAfter) }
    if let left, pause >= left { return nil }
    budget -= 1
    return pause
  }

  private mutating func random() -> UInt64 {
    chance ^= chance << 13
    chance ^= chance >> 7
    chance ^= chance << 17
    return chance
  }

  private func isRetryable(_ error: RPCError, _ method: RPCMethod) -> Bool {
    if error.wasNotLookedAt { return error.code == .unavailable || error.retryAfter != nil }
    guard method.isIdempotent else { return false }
    return error.code == .unavailable
      || (error.code == .resourceExhausted && error.retryAfter != nil)
  }
}
