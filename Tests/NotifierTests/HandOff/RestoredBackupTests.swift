@testable internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Stubs
internal import TestSupport
internal import Testing

@testable internal import Notifier

/// A database from yesterday, put back, sends nothing that may have left since (T31, I2).
@Suite struct RestoredBackupTests {
  private func start(
    _ provider: ScriptedProvider, _ old: NotifierFixture
  ) async throws -> NotifierFixture {
    try await NotifierFixture.start(
      lanes: [provider.lane], folder: old.folder, tracker: old.tracker, outcomes: old.outcomes)
  }

  private func putBack(_ copy: [UInt8], _ fixture: NotifierFixture) throws {
    try fixture.folder.write(copy, to: "notifier.db")
    for file in ["notifier.db-wal", "notifier.db-shm"] { try fixture.folder.write([], to: file) }
  }

  private func order(
    _ number: Int, _ fixture: NotifierFixture, after seconds: Int64
  ) -> CommonV1.SendOrder {
    fixture.order(number, contact: "person-\(number)") {
      $0.dueAt = (fixture.clock.now + .seconds(seconds)).timestamp
    }
  }

  @Test("T31 I2 What was due before the restored start is listed as RESTORED and not sent again")
  func restored() async throws {
    let provider = ScriptedProvider()
    let first = try await NotifierFixture.start(lanes: [provider.lane])
    try await first.allowTests()
    try await first.putTemplate()
    // Taken before the backup, due after it; and one that is due much later.
    let (soon, later) = (order(1, first, after: 60), order(2, first, after: 6000))
    try await first.send([soon])
    try await first.send([later])
    await first.stop()
    let copy = try SmallFile.read(first.folder.file("notifier.db"), bytesMax: 64 << 20)

    let second = try await start(provider, first)
    // Ordered and sent after the backup, which so knows nothing of it.
    let unknown = order(3, second, after: 61)
    try await second.send([unknown])
    try await second.advance(by: .seconds(60))
    try await second.advance(by: .seconds(1))
    try await second.advance(by: .seconds(30))
    #expect(provider.parcels.entries.count == 2)
    await second.stop()

    try putBack(copy, first)
    let third = try await start(provider, first)
    #expect(try await third.message(soon).state == .unknown)
    #expect(try await third.message(soon).reason == .restored)
    #expect(third.told(soon).last == "UNKNOWN RESTORED")
    // The scheduler's row comes again, since its receipt is gone with the database.
    try await third.send([unknown], from: 7)
    await third.settle()
    #expect(try await third.message(unknown).reason == .restored)
    #expect(provider.parcels.entries.count == 2)
    // What was not due by then goes its way, also after one more start.
    await third.stop()
    let fourth = try await start(provider, first)
    try await fourth.advance(by: .seconds(7000))
    #expect(provider.parcels.entries.count == 3)
    #expect(try await fourth.message(later).state == .handedOver)
    #expect(fourth.told(soon).filter { $0 == "UNKNOWN RESTORED" }.count == 1)
    await fourth.stop()
  }

  @Test("T31 A start after a crash is none after a restore")
  func crash() async throws {
    let provider = ScriptedProvider()
    let first = try await NotifierFixture.start(lanes: [provider.lane])
    try await first.allowTests()
    try await first.putTemplate()
    for number in 1...3 {
      try await first.send([order(number, first, after: 0)])
      try await first.advance(by: .seconds(2))
    }
    let later = order(9, first, after: 60)
    try await first.send([later])
    await first.stop()
    // As if it had ended between the file and the commit.
    let beat = RestoreBeat(path: first.folder.file("notifier.beat"))
    first.database.engine.close()
    let engine = try SQLiteEngine.file(first.folder.file("notifier.db"))
    struct Cut: Error {}
    #expect(throws: Cut.self) {
      try engine.write { session in
        try beat.note(session, at: 1)
        throw Cut()
      }
    }
    engine.close()
    let second = try await start(provider, first)
    try await second.advance(by: .seconds(60))
    #expect(try await second.message(later).state == .handedOver)
    await second.stop()
  }

  @Test("T31 A damaged beat stops the start, and a lost one says nothing")
  func damaged() async throws {
    let folder = try TemporaryFolder()
    let engine = try SQLiteEngine.inMemory()
    _ = try Migrator(NotifierMigrations.all).migrate(engine)
    let beat = RestoreBeat(path: folder.file("beat"))
    #expect(try engine.read { try beat.ahead(of: $0) } == nil)
    for second in 1...5 as ClosedRange<Int64> {
      try engine.write { try beat.note($0, at: second * 1_000_000) }
    }
    #expect(try engine.read { try beat.ahead(of: $0) } == nil)
    let empty = try SQLiteEngine.inMemory()
    _ = try Migrator(NotifierMigrations.all).migrate(empty)
    let mark = try empty.read { try beat.ahead(of: $0) }
    #expect(mark == RestoreBeat.Mark(number: 5, isSettled: false, at: 5_000_000))
    try folder.write(Array("6 6000000 0123456789abcdef".utf8), to: "beat")
    #expect(throws: StorageError.self) { try empty.read { try beat.ahead(of: $0) } }
  }
}
