internal import DequeModule
internal import Messages
internal import Synchronization
internal import Wire

/// Messages on their way to one provider: in memory, bounded, and every one of them still in the
/// table. States decide, `HandOff` performs.
///
/// How far ahead of the provider permission is asked follows its pace, since whoever buys after the
/// grant is written to: the window grows while messages start soon after it, shrinks once they do
/// not, and halves where a grant has died and is asked for again.
struct LaneState: Sendable {
  /// Messages read ahead of those asked for.
  static let queueMax = 1024
  static let windowMax = 768
  /// Between these ages of the oldest grant that starts, the window stays as it is: calls have many
  /// subjects, and the provider does not run dry.
  static let soon = Duration.milliseconds(75)
  static let late = Duration.milliseconds(150)
  /// Messages looked through for those of one store.
  private static let lookAheadMax = 512

  let slots: Int
  private(set) var queue = Deque<DueMessage>()
  private(set) var asking = 0
  private(set) var ready = Deque<ReadyMessage>()
  /// Messages that have a slot: from before the intent until after the result.
  private(set) var busy = 0
  private var window: Int
  private var pace: PaceState

  init(slots: Int, pace: Pace = .none, now: MonotonicInstant) {
    precondition(slots > 0)
    self.slots = slots
    self.pace = PaceState(pace, now: now)
    window = min(2 * slots, LaneState.windowMax)
  }

  var isEmpty: Bool { queue.isEmpty && asking == 0 && ready.isEmpty && busy == 0 }

  /// Messages that may be read.
  var room: Int { max(0, LaneState.queueMax - queue.count) }

  mutating func enqueue(_ messages: [DueMessage]) { queue.append(contentsOf: messages) }

  /// Messages of one store to ask for, as many as the pace allows; empty where there is nothing to
  /// ask now.
  mutating func takeToAsk(atMost batchMax: Int, _ now: MonotonicInstant) -> [DueMessage] {
    let free = window - asking - ready.count
    // Half a window at once, so that calls have many subjects and the provider does not run dry.
    guard free > 0, free >= min(window / 2, queue.count) || ready.isEmpty && asking == 0,
      let store = storeToAsk(now)
    else { return [] }
    let room = min(free, pace.available(store, now))
    if room == 0 { return [] }
    // Those of other stores keep their order.
    var taken: [DueMessage] = []
    var others: [DueMessage] = []
    while let next = queue.first, taken.count < min(room, batchMax),
      taken.count + others.count < LaneState.lookAheadMax
    {
      if next.order.store == store { taken.append(next) } else { others.append(next) }
      queue.removeFirst()
    }
    for message in others.reversed() { queue.prepend(message) }
    asking += taken.count
    pace.take(taken.count, store)
    return taken
  }

  /// Whose messages come next: the first one's, unless its store has to wait and another has not.
  private mutating func storeToAsk(_ now: MonotonicInstant) -> String? {
    guard let first = queue.first?.order.store else { return nil }
    guard pace.hasStores, pace.available(first, now) == 0 else { return first }
    var seen: Set = [first]
    for message in queue.prefix(LaneState.lookAheadMax)
    where seen.insert(message.order.store).inserted {
      if pace.available(message.order.store, now) > 0 { return message.order.store }
    }
    return first
  }

  /// Messages of one store that were asked for were decided; those that are not ready do not count
  /// for its pace.
  mutating func answered(_ count: Int, ready messages: [ReadyMessage], store: String = "") {
    asking -= count
    ready.append(contentsOf: messages)
    pace.giveBack(count - messages.count, store)
    assert(asking >= 0)
  }

  /// When the lane is to be looked at again because its pace holds messages back; nil where nobody
  /// has to.
  mutating func takeWake(_ now: MonotonicInstant) -> Duration? {
    if queue.isEmpty { return nil }
    return pace.wake(
      for: Set(queue.prefix(LaneState.lookAheadMax).map(\.order.store)), now)
  }

  mutating func woke() { pace.woke() }

  /// As many ready messages as slots are free; they have the slots from now on.
  mutating func takeToStart(_ now: MonotonicInstant) -> [ReadyMessage] {
    var taken: [ReadyMessage] = []
    var stale: [DueMessage] = []
    while busy < slots, let next = ready.popFirst() {
      if next.isFresh(now) {
        taken.append(next)
        busy += 1
      } else {
        stale.append(next.due)
        pace.giveBack(1, next.due.order.store)
      }
    }
    for message in stale.reversed() { queue.prepend(message) }
    adapt(oldest: taken.map { now - $0.asked }.max() ?? .zero, taken.count, stale.count)
    return taken
  }

  private mutating func adapt(oldest age: Duration, _ started: Int, _ stale: Int) {
    if stale > 0 {
      window = max(window / 2, slots)
    } else if age < LaneState.soon {
      window = min(window + started, LaneState.windowMax)
    } else if age > LaneState.late {
      window = max(window - started, slots)
    }
  }

  /// A slot is free again.
  mutating func released(_ count: Int = 1) {
    busy -= count
    assert(busy >= 0)
  }
}
