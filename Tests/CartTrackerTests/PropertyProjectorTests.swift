internal import Delivery
internal import Messages
internal import Storage
internal import Testing

@testable internal import CartTracker

/// The same histories through the real log, tables and projector, in memory, against the fold's
/// stand and the model.
@Suite(.enabled(if: ShopLog.isPresent, "the shop logs are not beside the project"))
struct PropertyProjectorTests {
  @Test("C14 C26 C27 the projector's tables hold the carts and episodes of the rule")
  func projector() throws {
    let seeds = PropertyFoldTests.seeds
    for seed in seeds.prefix(max(1, seeds.count / 6)) {
      let run = PropertyRun(seed: UInt64(seed), logs: PropertyFoldTests.logs)
      let tracker = try PropertyTracker(store: run.store())
      for batch in run.batches() {
        try tracker.pass(to: run.isPunctual ? batch.first : batch.now)
        try tracker.receive(batch.records, now: batch.now)
      }
      try tracker.pass(to: run.finished)
      let (found, expected) = (try tracker.found(), run.expected())
      #expect(found == expected, "\(run): \(PropertyRun.difference(found, expected))")
      if found != expected { break }
    }
  }
}

/// Log, tables and projector over engines in memory; everything happens in the caller.
struct PropertyTracker {
  private let journal: Journal
  private let projector: Projector
  private let carts: SQLiteEngine

  init(store: Tracked.Store) throws {
    let log = try SQLiteEngine.inMemory()
    carts = try SQLiteEngine.inMemory()
    _ = try Migrator(JournalMigrations.all).migrate(log)
    _ = try Migrator(CartsMigrations.all).migrate(carts)
    journal = Journal(engine: log, threadName: nil) { Issue.record($0) }
    let stores = StoreRegistry()
    try stores.put(store)
    let lease = try carts.write { try BucketLease.take($0, owner: "test") }
    projector = Projector(
      carts: carts, journal: journal, stores: stores, lease: lease, isVirtual: true)
    try projector.recover()
    try journal.recover(
      after: projector.projected.position, sequences: projector.projected.sequences)
  }

  func receive(_ records: [Tracked.LogRecord], now: Int64) throws {
    let entries = try records.map { record in
      JournalEntry(
        person: FoldShop.identity(record).key, body: try Stored.encode(record))
    }
    let command = CommandRow(
      bucket: 0, key: "\(now) \(journal.tail.lastPosition)", hash: [UInt8](repeating: 0, count: 32),
      answer: [], at: now)
    try journal.appendBlocking(entries, command: command)
    try pass(to: now)
  }

  func pass(to now: Int64) throws {
    var steps = 0
    while try projector.runOnce(now: now) == .again {
      steps += 1
      if steps > 100_000 {
        Issue.record("the projector works without end")
        return
      }
    }
  }

  // MARK: - What is compared

  private static let persons = Statement(
    name: "test-persons", sql: "SELECT person, state FROM person", scope: .allBuckets)
  private static let archived = Statement(
    name: "test-archived", sql: "SELECT person, archived FROM cart WHERE archived IS NOT NULL",
    scope: .allBuckets)
  private static let rows = Statement(
    name: "test-carts", sql: "SELECT person, cart FROM cart", scope: .allBuckets)
  private static let episodes = Statement(
    name: "test-episodes", sql: "SELECT person, body FROM episode", scope: .allBuckets)

  func found() throws -> [String] {
    try carts.read { session in
      var names: [[UInt8]: String] = [:]
      var carts: [[UInt8]: [Tracked.StoredCart]] = [:]
      for (key, state) in try session.all(Self.persons, [], { (try $0.blob(0), try $0.blob(1)) }) {
        let person = try Stored.decode(Tracked.StoredPerson.self, state, "person")
        names[key] = person.contact.isEmpty ? String(person.guest.dropFirst(2)) : person.contact
        carts[key] = person.carts
      }
      for (key, body) in try session.all(Self.archived, [], { (try $0.blob(0), try $0.blob(1)) }) {
        carts[key, default: []].append(try Stored.decode(Tracked.StoredCart.self, body, "cart"))
      }
      var episodes: [[UInt8]: [Tracked.StoredEpisode]] = [:]
      for (key, body) in try session.all(Self.episodes, [], { (try $0.blob(0), try $0.blob(1)) }) {
        let episode = try Stored.decode(Tracked.StoredEpisode.self, body, "episode")
        if episode.state != .withdrawn { episodes[key, default: []].append(episode) }
      }
      var rows: [[UInt8]: Set<String>] = [:]
      for (key, id) in try session.all(Self.rows, [], { (try $0.blob(0), try $0.text(1)) }) {
        rows[key, default: []].insert(id)
      }
      var found: [String] = []
      for (key, name) in names {
        var orphans = rows[key] ?? []
        for cart in carts[key] ?? [] {
          let own = (episodes[key] ?? []).filter { $0.cart == cart.id }
          let row = orphans.remove(cart.id) == nil ? " without a row" : ""
          found.append(PropertyRun.text(name, cart, own) + row)
        }
        // Rows of carts that there are not.
        found += orphans.map { "\(name) \($0)" }
      }
      return found.sorted()
    }
  }
}
