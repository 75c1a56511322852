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
  private var all: TokenBucket?
  private var stores: [String: TokenBucket] = [:]
  /// Somebody wakes the lane already.
  private var isWakeSet = false

  /// Between two looks at a lane that has to wait, at least: so that a call asks for several.
  private static let waitMin = Duration.milliseconds(20)

  init(_ pace: Pace, now: MonotonicInstant) {
    func bucket(_ rate: SendRate) -> TokenBucket {
      TokenBucket(burst: rate.burst, rate: rate.perSecond, now: now)
    }
    all = pace.all.map(bucket)
    stores = pace.stores.mapValues(bucket)
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
    let ofStores = waiting.map { stores[$0]?.wait(for: 1) ?? .zero }.min() ?? .zero
    isWakeSet = true
    return max(all?.wait(for: 1) ?? .zero, ofStores, PaceState.waitMin)
  }

  mutating func woke() { isWakeSet = false }
}
