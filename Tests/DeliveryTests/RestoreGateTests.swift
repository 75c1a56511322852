internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import TestSupport
internal import Testing

/// A database that came from a backup is found, listed and released (T31).
@Suite struct RestoreGateTests {
  private let folder: TemporaryFolder
  private let path: String

  init() throws {
    folder = try TemporaryFolder()
    path = folder.file("beat")
  }

  private func engine() throws -> SQLiteEngine {
    let engine = try SQLiteEngine.inMemory()
    let statements =
      DeliveryStatements.create + RestoreStatements.create + RestoreStatements.createReleases
    try Migrator([Migration(number: 1, name: "test", statements: statements)]).migrate(engine)
    return engine
  }

  private func find(_ engine: SQLiteEngine, waits: Bool = true) throws -> (RestoreGate, Int64?) {
    let gate = RestoreGate(beat: RestoreBeat(path: path), waits: waits)
    var chance = SplitMix64(seed: 1)
    let until = try gate.find(in: engine, now: Instant(microseconds: 50), chance: &chance)
    return (gate, until)
  }

  @Test("T31 After an orderly end one thing done since the backup is enough to find the restore")
  func settled() throws {
    let (backup, today) = (try engine(), try engine())
    let beat = RestoreBeat(path: path)
    try today.write { try beat.note($0, at: 1) }
    try today.read { try beat.settle($0) }
    #expect(try find(today).1 == nil)
    #expect(try find(backup).1 == 50)
    // Found once.
    #expect(try find(backup).1 == nil)
    #expect(try find(backup).0.isHeld)
  }

  @Test("T31 After a crash the one number that the database may lack is no restore")
  func crashed() throws {
    let (backup, today) = (try engine(), try engine())
    try today.write { try RestoreBeat(path: path).note($0, at: 1) }
    #expect(try find(backup).1 == nil)
    try today.write { try RestoreBeat(path: path).note($0, at: 2) }
    #expect(try find(backup).1 == 50)
  }

  @Test("T31 What is done seldom counts also within a second")
  func always() throws {
    let (backup, today) = (try engine(), try engine())
    let beat = RestoreBeat(path: path)
    try today.write { try beat.note($0, at: 1) }
    try today.write { try beat.note($0, at: 2) }
    #expect(try find(backup).1 == nil)
    try today.write { try beat.note($0, at: 3, always: true) }
    #expect(try find(backup).1 == 50)
  }

  @Test("T31 A release says who; a second one changes nothing, one of another instant finds none")
  func release() throws {
    let (backup, today) = (try engine(), try engine())
    for at in 1...3 as ClosedRange<Int64> {
      try today.write { try RestoreBeat(path: path).note($0, at: at) }
    }
    let (gate, _) = try find(backup)
    #expect(gate.isHeld && gate.covers(50) && !gate.covers(51))
    let found = try #require(try backup.read { try gate.list($0) }.first)
    var request = CommonV1.ReleaseRestoreRequest(foundAt: Instant(microseconds: 49).timestamp)
    #expect(try gate.release(request, by: "you", now: 60, in: backup) == nil)
    #expect(gate.isHeld)
    request.foundAt = found.foundAt
    let released = try gate.release(request, by: "you", now: 60, in: backup)
    #expect(released?.releasedBy == "you" && !gate.isHeld && gate.covers(50))
    request.decidesSteps = true
    #expect(try gate.release(request, by: "me", now: 70, in: backup) == released)
    #expect(gate.covers(50))
  }

  @Test("T31 A service that waits for nobody holds nothing, and still knows what is in doubt")
  func waitsForNobody() throws {
    let (backup, today) = (try engine(), try engine())
    for at in 1...3 as ClosedRange<Int64> {
      try today.write { try RestoreBeat(path: path).note($0, at: at) }
    }
    let (gate, until) = try find(backup, waits: false)
    #expect(until == 50 && !gate.isHeld && gate.covers(50))
    #expect(try backup.read { try gate.list($0) }.map(\.releasedBy) == [""])
  }
}
