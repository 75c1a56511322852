@testable internal import Delivery
internal import Messages
internal import Storage
internal import TestSupport
internal import Testing

@testable internal import CartTracker

/// Log, tables, projector and outbox over engines in memory; everything happens in the caller.
final class ChangeFixture {
  let log: SQLiteEngine
  let carts: ScriptedEngine
  private let stores = StoreRegistry()
  private(set) var journal: CartTracker.Journal
  private(set) var projector: Projector
  private let tellsChanges: Bool
  /// Buckets told of after commits.
  let told = TestSupport.Journal<Set<UInt8>>()
  private var seen: [Int64: Int64] = [:]
  private(set) var clock: Int64 = 0

  init(
    window: Int64 = 3600, tellsChanges: Bool = true,
    _ change: (inout Tracked.StoreSettings) -> Void = { _ in }
  ) throws {
    log = try SQLiteEngine.inMemory()
    let tables = try SQLiteEngine.inMemory()
    _ = try Migrator(JournalMigrations.all).migrate(log)
    _ = try Migrator(CartsMigrations.all).migrate(tables)
    carts = ScriptedEngine(tables)
    self.tellsChanges = tellsChanges
    try stores.put(FoldFixture.store(window: window, change))
    journal = CartTracker.Journal(engine: log, threadName: nil) { Issue.record($0) }
    projector = try ChangeFixture.projector(carts, journal, stores, nil)
    try restart()
  }

  private static func projector(
    _ carts: ScriptedEngine, _ journal: CartTracker.Journal, _ stores: StoreRegistry,
    _ outbox: ChangeOutbox?
  ) throws -> Projector {
    let lease = try carts.write { try BucketLease.take($0, owner: "test") }
    return Projector(
      carts: carts, journal: journal, stores: stores, lease: lease, isVirtual: true,
      changeOutbox: outbox)
  }

  /// As after the end of the process: what was not committed is gone.
  func restart() throws {
    journal = CartTracker.Journal(engine: log, threadName: nil) { Issue.record($0) }
    let outbox = ChangeOutbox(outbox: Outbox(target: "scheduler")) { [told] buckets in
      told.add(buckets)
    }
    projector = try ChangeFixture.projector(carts, journal, stores, tellsChanges ? outbox : nil)
    try projector.recover()
    try journal.recover(
      after: projector.projected.position, sequences: projector.projected.sequences)
  }

  /// Other settings from now on.
  func change(_ change: (inout Tracked.StoreSettings) -> Void) throws {
    guard var store = stores["shop"]?.store else { return }
    var settings = store.settings ?? Tracked.StoreSettings()
    change(&settings)
    store.settings = settings
    store.revision += 1
    try stores.put(store)
    projector.resettle()
    try pass(to: clock / 1_000_000)
  }

  /// Appends events as they are recorded at `now`, in seconds, and projects them.
  func receive(_ events: [Tracked.Event], now: Int64, tooLate: Bool = false) throws {
    try append(events, now: now, tooLate: tooLate)
    try pass(to: now)
  }

  func append(_ events: [Tracked.Event], now: Int64, tooLate: Bool = false) throws {
    var records: [Tracked.LogRecord] = []
    for event in events {
      var record = Tracked.LogRecord(
        store: "shop", contact: event.contact, guest: event.contact.isEmpty ? event.guest : "",
        receivedAt: now * 1_000_000, tooLate: tooLate, kind: .event(event))
      records.append(record)
      guard case .identify = event.kind else { continue }
      record.contact = ""
      record.guest = event.guest
      record.kind = .link(
        Tracked.LinkRecord(
          id: event.id, at: event.at?.microseconds ?? 0, contact: event.contact,
          byIdentify: true))
      records.append(record)
    }
    try append(records, now: now)
  }

  /// A link of two contacts, or its end, stands in the logs of both.
  func link(_ one: String, _ other: String, unlinked: Bool = false, now: Int64) throws {
    let records = [(one, other), (other, one)].map { mine, theirs in
      Tracked.LogRecord(
        store: "shop", contact: mine, receivedAt: now * 1_000_000,
        kind: .link(
          Tracked.LinkRecord(
            id: "link-\(now)", at: now * 1_000_000, contact: theirs, unlinked: unlinked)))
    }
    try append(records, now: now)
    try pass(to: now)
  }

  private func append(_ records: [Tracked.LogRecord], now: Int64) throws {
    let entries = try records.map { record in
      JournalEntry(person: FoldShop.identity(record).key, body: try Stored.encode(record))
    }
    let command = CommandRow(
      bucket: 0, key: "\(now) \(journal.tail.lastPosition)", hash: [UInt8](repeating: 0, count: 32),
      answer: [], at: now)
    try journal.appendBlocking(entries, command: command)
  }

  /// Projects what waits and decides what is due, each at its own due time.
  func pass(to now: Int64) throws {
    clock = max(clock, now * 1_000_000)
    while try projector.runOnce(now: clock) == .again {}
  }

  /// The changes put since this was last asked, in order of their buckets and numbers.
  func changes() throws -> [Tracked.Change] {
    let statement = Statement(
      name: "test-outbox", sql: "SELECT bucket, seq, body FROM outbox ORDER BY bucket, seq",
      scope: .allBuckets)
    let rows = try carts.read { session in
      try session.all(statement) { row in
        (try row.integer(0), try row.integer(1), try row.blob(2))
      }
    }
    var changes: [Tracked.Change] = []
    for (bucket, seq, body) in rows where seq > seen[bucket] ?? 0 {
      #expect(seq == (seen[bucket] ?? 0) + 1)
      seen[bucket] = seq
      // As it is sent: with its position.
      let request = try SchedulerV1.TakeChangesRequest(
        encoded: IntakeClient.request(
          "o", [OutboxRow(bucket: UInt8(bucket), seq: UInt64(seq), createdAt: 0, body: body)]))
      changes += request.changes
    }
    return changes
  }

  /// In a few words each, in the order in which a bucket has them.
  func words() throws -> [String] { try changes().map(ChangeFixture.words) }

  static func words(_ change: Tracked.Change) -> String {
    let who = change.contact + (change.guest.isEmpty ? "" : "~\(change.guest)")
    let at = "\(change.anchor?.at?.seconds ?? 0)/\(change.anchor?.event ?? "")"
    switch change.kind {
    case .episode(let episode):
      let state = "\(episode.state)".replacing("EPISODE_STATE_", with: "")
      return "\(who) \(at) episode \(episode.cart) \(state) \(episode.revision)"
    case .purchase(let seen):
      let money = seen.revenue.map { "\($0.units)\($0.currencyCode)" } ?? "-"
      let kind = seen.reversal ? "reversal" : "purchase"
      return "\(who) \(at) \(kind) \(seen.order) \(seen.carts) \(seen.episodes.count) \(money)"
        + (seen.codes.isEmpty ? "" : " \(seen.codes)")
    case .identity(let identity):
      return "\(who) \(at) \(identity.unlinked ? "unlinked" : "linked") \(identity.other)"
    case .tags(let tags): return "\(who) \(at) tags +\(tags.added) -\(tags.removed)"
    case .profile(let profile): return "\(who) \(at) profile \(profile.fields)"
    case .signal(let signal): return "\(who) \(at) signal \(signal.name)"
    case .erased(let order):
      return "\(who) \(at) erased \(order.destinations.map(\.address))"
    case nil: return "nothing"
    }
  }
}
