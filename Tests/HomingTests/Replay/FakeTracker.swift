internal import Messages
internal import Synchronization
internal import Wire

@testable internal import Homing

/// The abandonment rule in its plainest form behind a replay's services: a cart is a set of items,
/// a purchase closes it, and a silence of the window is an episode.
///
/// It decides as the clock moves and never looks back, so that rows which are sent too early show
/// as `violations`.
final class FakeTracker: ReplayServices {
  struct State {
    var stores: [String: CartTrackerV1.Store] = [:]
    var now: Int64 = 0
    /// What was asked, in order.
    var journal: [String] = []
    var violations: [String] = []
    /// Answers that a test puts before the real ones, by method.
    var failures: [String: [RPCError]] = [:]
    /// Events with these ids are refused.
    var refusedIDs: Set<String> = []
    var eventIDs: Set<String> = []
    var events: [CartTrackerV1.Event] = []
    /// How often the next status still says that it is busy.
    var busy = 0
    /// What `busy` begins with after something was asked of it.
    var busyAtFirst = 1
    fileprivate var rule = AbandonmentRule()
    /// Recorded and not yet judged: calls in flight at once arrive in any order.
    fileprivate var waiting: [(event: CartTrackerV1.Event, store: String, window: Int64)] = []
  }

  let state = Mutex(State())
  /// None: flows have a test's own.
  let flows: (any FlowServices)?

  init(flows: (any FlowServices)? = nil) { self.flows = flows }

  func record(
    _ request: CartTrackerV1.RecordRequest
  ) async throws -> CartTrackerV1.RecordResponse {
    try state.withLock { state in
      state.journal.append("record")
      try state.fail("record")
      if request.events.contains(where: { state.refusedIDs.contains($0.id) }) {
        throw RPCError(.invalidArgument, "an event that a test refuses")
      }
      let window = state.stores[request.store]?.settings?.window
      guard let window else { throw RPCError(.notFound, "no store \(request.store)") }
      state.busy = state.busyAtFirst
      for event in request.events where state.eventIDs.insert(event.id).inserted {
        state.events.append(event)
        state.waiting.append((event, request.store, window.microsecondsMin))
      }
      return CartTrackerV1.RecordResponse(stored: UInt32(request.events.count))
    }
  }

  func store(_ id: String) async throws -> CartTrackerV1.Store? {
    state.withLock { $0.stores[id] }
  }

  func putStore(_ request: CartTrackerV1.PutStoreRequest) async throws -> CartTrackerV1.Store {
    try state.withLock { state in
      state.journal.append("put \(request.store)")
      try state.fail("put")
      let revision = state.stores[request.store]?.revision ?? 0
      guard revision == request.revision else { throw RPCError(.aborted, "another revision") }
      let store = CartTrackerV1.Store(
        id: request.store, settings: request.settings, revision: revision + 1)
      state.stores[request.store] = store
      return store
    }
  }

  func countCarts(_ store: String) async throws -> CartTrackerV1.CartCounts {
    state.withLock { state in
      state.judge()
      return state.rule.counts(store)
    }
  }

  func listEpisodes(
    _ request: CartTrackerV1.ListEpisodesRequest
  ) async throws -> CartTrackerV1.ListEpisodesResponse {
    state.withLock { state in
      state.judge()
      let all = state.rule.episodes(request.store)
      let start = Int(request.page?.after ?? "") ?? 0
      let end = min(all.count, start + Int(request.page?.limit ?? 100))
      return CartTrackerV1.ListEpisodesResponse(
        episodes: Array(all[start..<end]), next: end < all.count ? "\(end)" : "")
    }
  }

  func advance(to instant: Protobuf.Timestamp) async throws {
    try state.withLock { state in
      let to = instant.microseconds
      state.journal.append("advance")
      try state.fail("advance")
      guard to >= state.now else { throw RPCError(.failedPrecondition, "the clock cannot go back") }
      state.judge()
      state.now = to
      state.busy = state.busyAtFirst
      state.rule.decide(until: to)
    }
  }

  func statuses() async throws -> [ClockV1.StatusResponse] {
    try state.withLock { state in
      try state.fail("status")
      state.judge()
      let isIdle = state.busy == 0
      if !isIdle { state.busy -= 1 }
      return [
        ClockV1.StatusResponse(
          now: Protobuf.Timestamp(microseconds: state.now),
          nextDue: state.rule.nextDue.map { Protobuf.Timestamp(microseconds: $0) }, idle: isIdle)
      ]
    }
  }
}

extension FakeTracker.State {
  /// Applies what was recorded, in the order of the events.
  fileprivate mutating func judge() {
    waiting.sort { left, right in
      let (a, b) = (left.event.at?.microseconds ?? 0, right.event.at?.microseconds ?? 0)
      return (a, left.event.sourceOrder) < (b, right.event.sourceOrder)
    }
    for (event, store, window) in waiting {
      let person = event.contact.isEmpty ? event.guest : event.contact
      let at = event.at?.microseconds ?? 0
      if let due = rule.due(person, store), due <= at {
        violations.append("\(event.id) at \(at) came before the timer at \(due)")
      }
      rule.apply(event, person, store, at: at, window: window)
    }
    waiting = []
  }

  fileprivate mutating func fail(_ method: String) throws {
    guard failures[method]?.isEmpty == false, let error = failures[method]?.removeFirst() else {
      return
    }
    throw error
  }
}

/// See `FakeTracker`.
private struct AbandonmentRule {
  private struct Person: Hashable {
    let store: String
    let id: String
  }

  private struct Cart {
    var items: Set<String> = []
    var lastAt: Int64 = 0
    var episodes = 0
    /// Whether its silence has been decided.
    var isAbandoned = false
    var window: Int64 = 0
    var due: Int64 { lastAt + window }
  }

  private var open: [Person: Cart] = [:]
  private var timers = MinimumHeap()
  private var people: [Person] = []
  private var numbers: [Person: Int] = [:]
  private var totals: [String: CartTrackerV1.CartCounts] = [:]
  private var found: [String: [(at: Int64, person: String)]] = [:]

  func due(_ person: String, _ store: String) -> Int64? {
    guard let cart = open[Person(store: store, id: person)], !cart.isAbandoned else { return nil }
    return cart.due
  }

  var nextDue: Int64? {
    mutating get {
      while let (at, number) = timers.first {
        if let cart = open[people[number]], !cart.isAbandoned, cart.due == at { return at }
        timers.removeFirst()
      }
      return nil
    }
  }

  mutating func decide(until now: Int64) {
    while let due = nextDue, due <= now, let number = timers.first?.number {
      let person = people[number]
      timers.removeFirst()
      open[person]?.isAbandoned = true
      open[person]?.episodes += 1
      if open[person]?.episodes == 1 { totals[person.store, default: .init()].abandonedCarts += 1 }
      totals[person.store, default: .init()].episodes += 1
      found[person.store, default: []].append((due, person.id))
    }
  }

  mutating func apply(
    _ event: CartTrackerV1.Event, _ id: String, _ store: String, at: Int64, window: Int64
  ) {
    let person = Person(store: store, id: id)
    switch event.kind {
    case .itemAdded(let added):
      if open[person] == nil {
        open[person] = Cart()
        totals[store, default: .init()].carts += 1
      }
      open[person]?.items.insert(added.line?.sku ?? "")
      act(person, at, window)
    case .itemRemoved(let removed):
      guard open[person]?.items.remove(removed.line) != nil else {
        if open[person] != nil { act(person, at, window) }
        return
      }
      act(person, at, window)
      guard open[person]?.items.isEmpty == true else { return }
      open[person] = nil
      totals[store, default: .init()].emptied += 1
    case .purchase:
      guard let cart = open[person] else { return }
      act(person, at, window)
      open[person] = nil
      totals[store, default: .init()].purchased += 1
      if cart.episodes > 0 { totals[store, default: .init()].recovered += 1 }
    default: break
    }
  }

  private mutating func act(_ person: Person, _ at: Int64, _ window: Int64) {
    if open[person]?.isAbandoned == true { totals[person.store, default: .init()].reopened += 1 }
    open[person]?.isAbandoned = false
    open[person]?.lastAt = at
    open[person]?.window = window
    if numbers[person] == nil {
      numbers[person] = people.count
      people.append(person)
    }
    timers.insert(at + window, numbers[person] ?? 0)
  }

  func counts(_ store: String) -> CartTrackerV1.CartCounts {
    var counts = totals[store] ?? .init()
    counts.open = UInt64(open.keys.count { $0.store == store })
    return counts
  }

  func episodes(_ store: String) -> [CartTrackerV1.Episode] {
    (found[store] ?? []).map { at, person in
      CartTrackerV1.Episode(
        store: store, contact: person, state: .running,
        abandonedAt: Protobuf.Timestamp(microseconds: at))
    }
  }
}

/// Instants with a number each, the earliest first.
private struct MinimumHeap {
  private var entries: [(at: Int64, number: Int)] = []

  var first: (at: Int64, number: Int)? { entries.first }

  mutating func insert(_ at: Int64, _ number: Int) {
    entries.append((at, number))
    var child = entries.count - 1
    while child > 0, entries[child].at < entries[(child - 1) / 2].at {
      entries.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func removeFirst() {
    entries.swapAt(0, entries.count - 1)
    entries.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < entries.count && entries[child].at < entries[least].at { least = child }
      if least == parent { return }
      entries.swapAt(parent, least)
      parent = least
    }
  }
}
