internal import Foundation
internal import Messages
internal import Testing

@testable internal import CartTracker

/// Slices of the real logs, arriving in any order, against the plain model of the rule.
@Suite(.enabled(if: ShopLog.isPresent, "the shop logs are not beside the project"))
struct PropertyFoldTests {
  /// `HOMING_PROPERTY_RUNS` seeds from `HOMING_PROPERTY_SEED` on.
  static let seeds: Range<Int> = {
    let environment = ProcessInfo.processInfo.environment
    let first = environment["HOMING_PROPERTY_SEED"].flatMap(Int.init) ?? 0
    return first..<(first + (environment["HOMING_PROPERTY_RUNS"].flatMap(Int.init) ?? 120))
  }()

  static let logs: [[ShopLog.Row]] = [
    "taobao-9days-300users", "taobao-2hours-58kusers", "rees46-cosmetics-2022_nov",
    "rees46-cosmetics-2022_oct",
  ].compactMap { try? ShopLog($0).rows }

  @Test("C14 C26 C27 any arrival of real events gives the carts and episodes of the rule")
  func arrivals() throws {
    #expect(Self.logs.count == 4)
    for seed in Self.seeds {
      let run = PropertyRun(seed: UInt64(seed), logs: Self.logs)
      var shop = try run.shop()
      run.play(&shop)
      let (found, expected) = (run.found(shop), run.expected())
      #expect(found == expected, "\(run): \(PropertyRun.difference(found, expected))")
      if run.isPunctual {
        let withdrawn = shop.rows.values.flatMap(\.values).filter { $0.state == .withdrawn }
        #expect(withdrawn.count == 0, "\(run)")
      }
      if found != expected { break }
    }
  }
}

/// One made-up history of a few persons, and how it arrives.
struct PropertyRun: CustomStringConvertible {
  private struct Arrival {
    let at: Int64
    let records: [Tracked.LogRecord]
  }

  let seed: UInt64
  private let window: ModelRule.Length
  private let zone: String
  private let lateness: Int64
  private let delay: Int64
  private let isGuest: Bool
  private var persons: [String: [ModelRule.Row]] = [:]
  private var arrivals: [Arrival] = []
  private let end: Int64
  private let chance: FoldChance

  var description: String {
    "seed \(seed): \(window) in \(zone), lateness \(lateness), delay \(delay), guests \(isGuest), "
      + "\(arrivals.count) arrivals"
  }

  /// Everything comes within the allowed lateness, so nothing is ever disproved.
  var isPunctual: Bool { delay <= lateness && !isGuest }

  init(seed: UInt64, logs: [[ShopLog.Row]]) {
    var chance = FoldChance(state: seed)
    self.seed = seed
    // Shortly before a change of the clocks in each zone.
    let (zone, base) = chance.pick(
      [
        ("UTC", 1_800_000_000), ("Europe/Berlin", 1_803_000_000),
        ("America/New_York", 1_802_000_000), ("Australia/Lord_Howe", 1_788_000_000),
      ] as [(String, Int64)])
    self.zone = zone
    let gmt = TimeZone(secondsFromGMT: 0) ?? .current
    window = chance.pick([
      .seconds(60), .seconds(300), .seconds(3600), .seconds(86_400),
      .months(1, TimeZone(identifier: zone) ?? gmt),
    ])
    let factor: Int64 = if case .months = window { chance.pick([30, 300]) } else { 1 }
    delay = chance.pick([0, 50, 1000, 20_000, 500_000]) * (factor > 1 ? 20 : 1)
    lateness = chance.pick([0, 0, delay / 2, delay])
    isGuest = chance.below(4) == 0
    let log = chance.pick(logs)
    let count = 30 + chance.below(300)
    let start = chance.below(max(1, log.count - count))
    let slice = Array(log[start..<min(log.count, start + count)])
    let people = 1 + chance.below(12)
    let isNamed = chance.below(3) == 0
    // Many carts that are closed, so that old ones leave their person's state.
    let isBuyer = chance.below(3) == 0
    let first = slice.first?.at ?? 0
    for (number, row) in slice.enumerated() where chance.below(20) > 0 {
      let person = "u\((row.user.utf8.reduce(0) { $0 &* 31 &+ Int($1) } & 0xFFFF) % people)"
      // Some instants fall together, so that the source's order decides.
      let at = base + (row.at - first) / (chance.below(8) == 0 ? 60 : 1) * factor
      let isBought = row.kind == .purchase || isBuyer && chance.below(3) == 0
      let isRemoved = row.kind == .remove || chance.below(5) == 0
      let kind: ModelRule.Row.Kind = isBought ? .purchase : isRemoved ? .remove : .add
      let item = "i\(row.item.utf8.reduce(0) { $0 &* 31 &+ Int($1) } & 3)"
      let cart = isNamed ? "c\(chance.below(isBuyer ? 40 : 3))-\(person)" : ""
      persons[person, default: []].append(
        ModelRule.Row(
          at: at, order: UInt64(number), id: "e\(number)", item: item, kind: kind, cart: cart))
    }
    end = (persons.values.flatMap { $0 }.map(\.at).max() ?? base) + 100 * 86_400
    self.chance = chance
    schedule()
  }

  private mutating func schedule() {
    var chance = chance
    for (person, rows) in persons.sorted(by: { $0.key < $1.key }) {
      for row in rows {
        let isOther = isGuest && chance.below(2) == 0
        let event = Self.event(row, person, isGuest: isOther)
        for _ in 0..<(1 + max(0, chance.below(6) - 3)) {
          let late = delay == 0 ? 0 : Int64(chance.below(Int(delay) + 1))
          arrivals.append(Arrival(at: row.at + late, records: FoldShop.records(event)))
        }
      }
      guard isGuest, let first = rows.map(\.at).min() else { continue }
      let identify = FoldFixture.body(
        .identify(.init(evidence: .login)), at: first - 1, "id-" + person, contact: person,
        guest: "g-" + person)
      let last = rows.map(\.at).max() ?? first
      arrivals.append(
        Arrival(
          at: first + Int64(chance.below(Int(last - first + delay) + 1)),
          records: FoldShop.records(identify)))
    }
    arrivals.shuffle(using: &chance)
    arrivals.sort { $0.at < $1.at }
  }

  private static func event(
    _ row: ModelRule.Row, _ person: String, isGuest: Bool
  ) -> Tracked.Event {
    let kind: Tracked.Event.Kind =
      switch row.kind {
      case .add: .itemAdded(.init(line: Tracked.CartLine(sku: row.item)))
      case .remove: .itemRemoved(.init(line: row.item))
      case .purchase: .purchase(.init())
      }
    return Tracked.Event(
      id: row.id, at: .init(seconds: row.at), sourceOrder: row.order,
      contact: isGuest ? "" : person, guest: isGuest ? "g-" + person : "", cart: row.cart,
      kind: kind)
  }

  // MARK: - The service's side

  func store() -> Tracked.Store {
    FoldFixture.store { settings in
      settings.timeZone = zone
      settings.allowedLateness = .init(seconds: lateness)
      settings.cartExpiry = .init(seconds: 1 << 40)
      switch window {
      case .seconds(let seconds): settings.window = .init(length: .span(.init(seconds: seconds)))
      case .months(let months, _): settings.window = .init(length: .months(UInt32(months)))
      }
    }
  }

  func shop() throws -> FoldShop { try FoldShop(store()) }

  struct Batch {
    let records: [Tracked.LogRecord]
    /// When the first and the last of it arrived, in microseconds.
    let first: Int64
    let now: Int64
  }

  func batches() -> [Batch] {
    var chance = chance
    var batches: [Batch] = []
    var next = 0
    while next < arrivals.count {
      let size = min(arrivals.count - next, 1 + chance.below(chance.pick([1, 4, 40])))
      let batch = arrivals[next..<(next + size)]
      next += size
      batches.append(
        Batch(
          records: batch.flatMap(\.records), first: (batch.first?.at ?? 0) * 1_000_000,
          now: (batch.last?.at ?? 0) * 1_000_000))
    }
    return batches
  }

  func play(_ shop: inout FoldShop) {
    var chance = chance
    for batch in batches() {
      // A batch may be folded before the timers that are due by then, or after.
      shop.pass(to: isPunctual || chance.below(2) == 0 ? batch.first : batch.now)
      shop.receive(batch.records, now: batch.now)
    }
    shop.pass(to: finished)
  }

  /// When every silence has been judged.
  var finished: Int64 { (end + lateness) * 1_000_000 }

  // MARK: - What is compared

  func expected() -> [String] {
    let rule = ModelRule(window: window, end: end)
    return persons.flatMap { person, rows in
      rule.carts(rows).map { cart in
        Self.text(person, cart.state, cart.items, cart.startedAt, cart.episodes)
      }
    }.sorted()
  }

  func found(_ shop: FoldShop) -> [String] {
    var found: [String] = []
    for identity in shop.persons.keys {
      let person = identity.kind == .guest ? String(identity.id.dropFirst(2)) : identity.id
      var orphans = shop.rows[identity].map { Array($0.values) } ?? []
      for cart in shop.carts(of: identity) {
        let own = orphans.filter { $0.cart == cart.id && $0.state != .withdrawn }
        orphans.removeAll { $0.cart == cart.id }
        found.append(Self.text(person, cart, own))
      }
      // An episode of a cart that there is not.
      found += orphans.filter { $0.state != .withdrawn }.map { "\(person) \($0.cart) \($0.state)" }
    }
    return found.sorted()
  }

  /// The first few lines that only one side has.
  static func difference(_ found: [String], _ expected: [String]) -> String {
    let (more, less) = (Set(found).subtracting(expected), Set(expected).subtracting(found))
    return "found \(more.sorted().prefix(2)), expected \(less.sorted().prefix(2))"
  }

  static func text(
    _ person: String, _ cart: Tracked.StoredCart, _ episodes: [Tracked.StoredEpisode]
  ) -> String {
    let states: [Tracked.CartState: String] = [
      .open: "open", .abandoned: "abandoned", .purchased: "purchased", .emptied: "emptied",
    ]
    let endings: [Tracked.EpisodeState: String] = [
      .running: "running", .reopened: "reopened", .recovered: "recovered", .closed: "closed",
    ]
    let episodes = episodes.map { episode in
      ModelRule.Episode(
        at: episode.abandonedAt / 1_000_000, anchor: episode.anchor?.event ?? "",
        isFollowed: episode.followed, ending: endings[episode.state] ?? "")
    }
    let count = cart.episodesAnnounced == UInt32(episodes.count) ? "" : " announced wrongly"
    return text(
      person, (states[cart.state] ?? "") + count, cart.lines.map(\.sku).sorted(),
      cart.startedAt / 1_000_000, episodes)
  }

  private static func text(
    _ person: String, _ state: String, _ items: [String], _ startedAt: Int64,
    _ episodes: [ModelRule.Episode]
  ) -> String {
    let parts = episodes.sorted().map { "\($0.at) \($0.anchor) \($0.ending) \($0.isFollowed)" }
    return "\(person) \(state) \(startedAt) \(items.joined(separator: " ")): "
      + parts.joined(separator: ", ")
  }
}
