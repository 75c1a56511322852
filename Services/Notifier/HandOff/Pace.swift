internal import Wire

/// How many messages a lane begins at most in a second (F20), so that the end of an outage or of a
/// pause is no storm: of the provider as a whole, and of single stores.
struct Pace: Sendable, Hashable {
  var all: SendRate?
  var stores: [String: SendRate] = [:]

  /// As fast as the provider goes.
  static let none = Pace()
  /// Where the file of providers says nothing of a server's: 100 a second.
  static let standard = Pace(all: SendRate(perSecond: 100))

  var isNone: Bool { all == nil && stores.isEmpty }
}

/// So many in a span.
struct SendRate: Sendable, Hashable {
  let perSecond: Double

  init(perSecond: Double) {
    precondition(perSecond > 0)
    self.perSecond = perSecond
  }

  /// Such as `100/s`, `30/m` or `1000/h`; nil for anything else.
  init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    let spans: [Substring: Double] = ["s": 1, "m": 60, "h": 3600]
    guard parts.count == 2, parts[0].utf8.count <= 7, let count = UInt32(parts[0]), count > 0,
      let span = spans[parts[1]]
    else { return nil }
    perSecond = Double(count) / span
  }

  /// At once after a rest: what a quarter of a second allows.
  var burst: Int { max(1, Int((perSecond / 4).rounded(.up))) }
}

/// A pace with what is left of it. Tokens are taken when permission is asked for, so that no grant
/// grows old while it waits for one, and go back for messages that do not go out.
struct PaceState: Sendable {
  private var all: RateTokens?
  private var stores: [String: RateTokens] = [:]
  /// Somebody wakes the lane already.
  private var isWakeSet = false

  /// Between two looks at a lane that has to wait, at least: so that a call asks for several.
  private static let waitMin = Duration.milliseconds(20)

  init(_ pace: Pace, now: MonotonicInstant) {
    all = pace.all.map { RateTokens($0, now: now) }
    stores = pace.stores.mapValues { RateTokens($0, now: now) }
  }

  var hasStores: Bool { !stores.isEmpty }

  /// How many of a store's messages may go on now.
  mutating func available(_ store: String, _ now: MonotonicInstant) -> Int {
    min(all?.available(now: now) ?? .max, stores[store]?.available(now: now) ?? .max)
  }

  mutating func take(_ count: Int, _ store: String) {
    all?.take(count)
    stores[store]?.take(count)
  }

  mutating func giveBack(_ count: Int, _ store: String) {
    all?.giveBack(count)
    stores[store]?.giveBack(count)
  }

  /// How long until one of these stores may go on; nil where nobody has to wake the lane.
  mutating func wake(for waiting: Set<String>, _ now: MonotonicInstant) -> Duration? {
    guard !isWakeSet, !waiting.isEmpty else { return nil }
    for store in waiting where available(store, now) > 0 { return nil }
    let ofStores = waiting.map { stores[$0]?.wait ?? .zero }.min() ?? .zero
    isWakeSet = true
    return max(all?.wait ?? .zero, ofStores, PaceState.waitMin)
  }

  mutating func woke() { isWakeSet = false }
}

/// What a rate has left. Other than the wire's `TokenBucket` it takes several, gives back, and says
/// how long the next ones take.
private struct RateTokens: Sendable {
  private let rate: SendRate
  private var tokens: Double
  private var last: MonotonicInstant

  init(_ rate: SendRate, now: MonotonicInstant) {
    self.rate = rate
    tokens = Double(rate.burst)
    last = now
  }

  mutating func available(now: MonotonicInstant) -> Int {
    let seconds = Double(max(0, now.nanoseconds - last.nanoseconds)) / 1e9
    tokens = min(Double(rate.burst), tokens + seconds * rate.perSecond)
    last = max(last, now)
    return Int(tokens)
  }

  /// - Parameter count: at most what `available` has told.
  mutating func take(_ count: Int) {
    precondition(count >= 0 && Double(count) <= tokens)
    tokens -= Double(count)
  }

  mutating func giveBack(_ count: Int) {
    precondition(count >= 0)
    tokens = min(Double(rate.burst), tokens + Double(count))
  }

  /// Until one is there; zero where it is.
  var wait: Duration {
    if tokens >= 1 { return .zero }
    return .nanoseconds(Int64(((1 - tokens) / rate.perSecond * 1e9).rounded(.up)))
  }
}
