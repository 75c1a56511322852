@testable internal import CartTracker
internal import Delivery
internal import Messages
internal import Storage
internal import Synchronization
internal import TestSupport
internal import Testing

@Suite struct JournalRecoveryTests {
  private func filled(_ count: Int) async throws -> TemporaryFolder {
    let fixture = try JournalFixture()
    for number in 1...count {
      try await fixture.journal.append([JournalFixture.entry(number % 3, "\(number)")])
    }
    try await onThread { fixture.close() }
    return fixture.folder
  }

  private func breaking(_ folder: TemporaryFolder, _ sql: String) throws -> StorageError.Code? {
    let engine = try SQLiteEngine.file(folder.file("journal.db"))
    _ = try engine.write { session in
      try session.execute(Statement(name: "break", sql: sql, scope: .maintenance))
    }
    engine.close()
    do {
      _ = try JournalFixture(folder)
      return nil
    } catch { return (error as? StorageError)?.code }
  }

  @Test("A start finds what was not projected, and numbering goes on")
  func refills() async throws {
    let folder = try await filled(10)
    var sequences = [UInt64](repeating: 0, count: 256)
    for number in 1...4 { sequences[Int(JournalTailTests.person(number % 3).bucket)] += 1 }
    let fixture = try JournalFixture(folder, projected: 4, sequences: sequences)
    let texts = fixture.journal.tail.take(99).map { String(decoding: $0.body, as: UTF8.self) }
    #expect(texts == (5...10).map(String.init))
    #expect(fixture.journal.tail.lastPosition == 10)
    let ofPerson = fixture.journal.tail.rows(of: JournalTailTests.person(0)).map(\.position)
    #expect(ofPerson == [6, 9])
    try await fixture.journal.append([JournalFixture.entry(0)])
    #expect(try fixture.rows().last?.position == 11)
    #expect(try fixture.rows().last?.seq == 4)
    try await onThread { fixture.close() }
  }

  @Test("A start after everything was projected has an empty tail and goes on")
  func goesOn() async throws {
    let folder = try await filled(3)
    var sequences = [UInt64](repeating: 0, count: 256)
    for number in 1...3 { sequences[Int(JournalTailTests.person(number % 3).bucket)] += 1 }
    let fixture = try JournalFixture(folder, projected: 3, sequences: sequences)
    #expect(fixture.journal.tail.isEmpty)
    #expect(fixture.journal.tail.lastPosition == 3)
    try await fixture.journal.append([JournalFixture.entry(9)])
    #expect(fixture.journal.tail.take(9).map(\.position) == [4])
    try await onThread { fixture.close() }
  }

  @Test(
    "A log with a gap, or a row in another bucket, is corrupt",
    arguments: [
      "DELETE FROM log WHERE position = 2", "UPDATE log SET seq = 9 WHERE position = 2",
      "UPDATE log SET bucket = (bucket + 1) % 256 WHERE position = 2",
    ])
  func refusesGaps(sql: String) async throws {
    #expect(try breaking(try await filled(3), sql) == .corrupt)
  }

  @Test("A log that ends before the tables do is corrupt")
  func refusesShort() async throws {
    let folder = try await filled(3)
    let error = try #require(throws: StorageError.self) {
      try JournalFixture(folder, projected: 4)
    }
    #expect(error.code == .corrupt)
  }

  @Test(
    "Named CHECKs refuse rows that break a promise",
    arguments: [
      ("INSERT INTO log VALUES(1, 256, 1, zeroblob(16), x'01')", "log_bucket_range"),
      ("INSERT INTO log VALUES(1, 0, 0, zeroblob(16), x'01')", "log_seq_positive"),
      ("INSERT INTO log VALUES(1, 0, 1, zeroblob(15), x'01')", "log_person_size"),
      ("INSERT INTO log VALUES(1, 0, 1, zeroblob(16), x'')", "log_body_filled"),
      ("INSERT INTO log VALUES(0, 0, 1, zeroblob(16), x'01')", "log_position_positive"),
      ("INSERT INTO command VALUES(0, 'a', x'01', x'', 0, NULL)", "command_hash_size"),
      ("INSERT INTO store VALUES('a', 0, x'')", "store_revision_positive"),
    ])
  func checks(sql: String, name: String) throws {
    let engine = try SQLiteEngine.inMemory()
    try Migrator(JournalMigrations.all).migrate(engine)
    let error = try #require(throws: StorageError.self) {
      try engine.write { session in
        _ = try session.execute(Statement(name: "break", sql: sql, scope: .maintenance))
      }
    }
    #expect(error.code == .constraint(name))
  }
}

@Suite struct JournalCommandTests {
  @Test("A command commits with its entries, and its answer is found again under its key only")
  func isKept() async throws {
    let fixture = try JournalFixture()
    try await onThread {
      try fixture.journal.appendBlocking(
        [JournalFixture.entry(1)], command: JournalFixture.command("a"))
    }
    let known = try fixture.journal.lookupCommand(bucket: 5, key: "a")
    #expect(known?.answer == Array("a".utf8))
    #expect(known?.hash == [UInt8](repeating: 9, count: 32))
    #expect(try fixture.journal.lookupCommand(bucket: 6, key: "a") == nil)
    #expect(try fixture.journal.lookupCommand(bucket: 5, key: "b") == nil)
    #expect(fixture.engine.writes.withLock { $0 } == 1)
    try await onThread { fixture.close() }
  }

  @Test("A key that is there already is refused, and its entries with it")
  func refusesDoubles() async throws {
    let fixture = try JournalFixture()
    try await onThread {
      let command = JournalFixture.command("a")
      try fixture.journal.appendBlocking([JournalFixture.entry(1)], command: command)
      let error = try #require(throws: StorageError.self) {
        try fixture.journal.appendBlocking([JournalFixture.entry(2)], command: command)
      }
      #expect(error.code == .constraint("command.bucket, command.key"))
    }
    #expect(try fixture.rows().count == 1)
    #expect(fixture.journal.tail.count == 1)
    try await onThread { fixture.close() }
  }

  @Test("A key is forgotten after seven days")
  func forgets() async throws {
    let fixture = try JournalFixture()
    try await onThread {
      for (key, at) in [("a", 0), ("b", Commands.keptFor), ("c", Commands.keptFor + 1)] {
        let known = try fixture.journal.lookupCommand(bucket: 5, key: "a")
        #expect((known != nil) == (key != "a"))
        try fixture.journal.appendBlocking([], command: JournalFixture.command(key, at: at))
      }
      #expect(try fixture.journal.lookupCommand(bucket: 5, key: "a") == nil)
      #expect(try fixture.journal.lookupCommand(bucket: 5, key: "b") != nil)
    }
    try await onThread { fixture.close() }
  }

  @Test("Stores and heartbeats are there after a start; a heartbeat never goes back")
  func loadsStores() async throws {
    let fixture = try JournalFixture()
    var store = CartTrackerV1.Store(id: "shop")
    store.revision = 1
    store.settings = CartTrackerV1.StoreSettings(
      name: "Shop", controller: "Holz", timeZone: "Europe/Berlin", locale: "de-DE",
      countryCode: "DE",
      window: CartTrackerV1.Window(length: .span(Protobuf.Duration(seconds: 3600))))
    let (first, second) = (store, JournalRecoveryStore.next(store))
    try await onThread {
      try fixture.journal.putStore(first, command: JournalFixture.command("1"))
      try fixture.journal.putStore(second, command: JournalFixture.command("2"))
    }
    try await fixture.journal.heartbeat(store: "shop", source: "till", until: 20)
    try await fixture.journal.heartbeat(store: "shop", source: "till", until: 10)
    try await fixture.journal.heartbeat(store: "shop", source: "web", until: 30)
    try await onThread { fixture.close() }
    let again = try JournalFixture(fixture.folder)
    let registry = StoreRegistry()
    try again.journal.load(into: registry)
    #expect(registry["shop"]?.store == second)
    #expect(registry["shop"]?.heartbeats == ["till": 20, "web": 30])
    #expect(try again.journal.lookupCommand(bucket: 5, key: "2") != nil)
    try await onThread { again.close() }
  }
}

/// A store as it is after one more change.
enum JournalRecoveryStore {
  static func next(_ store: CartTrackerV1.Store) -> CartTrackerV1.Store {
    var store = store
    store.revision += 1
    return store
  }
}
