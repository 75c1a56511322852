@testable internal import CartTracker
internal import Storage
internal import Synchronization
internal import TestSupport

/// A journal over a file of its own.
struct JournalFixture: Sendable {
  let folder: TemporaryFolder
  let engine: ScriptedEngine
  let journal: CartTracker.Journal
  let faults = TestSupport.Journal<StorageError>()

  init(
    _ folder: TemporaryFolder? = nil, limits: Tail.Limits = .init(), projected: UInt64 = 0,
    sequences: [UInt64] = [UInt64](repeating: 0, count: 256), isInline: Bool = false
  ) throws {
    self.folder = try folder ?? TemporaryFolder()
    let file = try SQLiteEngine.file(self.folder.file("journal.db"))
    try Migrator(JournalMigrations.all).migrate(file)
    engine = ScriptedEngine(file)
    let faults = faults
    journal = CartTracker.Journal(
      engine: engine, limits: limits, threadName: isInline ? nil : "journal",
      fatal: { faults.add($0) })
    try journal.recover(after: projected, sequences: sequences)
    engine.writes.withLock { $0 = 0 }
  }

  static func entry(_ person: Int, _ text: String = "event") -> JournalEntry {
    JournalEntry(person: JournalTailTests.person(person), body: Array(text.utf8))
  }

  static func command(_ key: String, at: Int64 = 0) -> CommandRow {
    CommandRow(
      bucket: 5, key: key, hash: [UInt8](repeating: 9, count: 32), answer: Array(key.utf8), at: at)
  }

  /// Every row of the log, from the file.
  func rows() throws -> [(position: Int64, bucket: Int64, seq: Int64, text: String)] {
    try engine.read { session in
      try session.all(JournalStatements.rowsAfter, [0, 1_000_000]) { row in
        (
          try row.integer(0), try row.integer(1), try row.integer(2),
          String(decoding: try row.blob(4), as: UTF8.self)
        )
      }
    }
  }

  func close() {
    journal.close()
    engine.close()
  }
}

/// An engine whose writes can be held back, counted and made to fail.
final class ScriptedEngine: StorageEngine {
  let engine: any StorageEngine
  let writes = Mutex(0)
  private let gate = Monitor(true)
  private let fault = Mutex<StorageError?>(nil)
  let began = TestSupport.Journal<Int>()

  init(_ engine: any StorageEngine) { self.engine = engine }

  func hold() { gate.withLock { $0 = false } }

  func release() {
    gate.withLock { $0 = true }
    gate.wakeAll()
  }

  /// The next commits throw it, after their rows were written.
  func fail(_ error: StorageError?) { fault.withLock { $0 = error } }

  func write<R>(_ body: (any StorageSession) throws -> R) throws -> R {
    let number = writes.withLock { writes in
      writes += 1
      return writes
    }
    began.add(number)
    gate.wait { $0 ? () : nil }
    return try engine.write { session in
      let result = try body(session)
      if let fault = fault.withLock({ $0 }) { throw fault }
      return result
    }
  }

  func read<R>(_ body: (any StorageSession) throws -> R) throws -> R { try engine.read(body) }
  func emptyLog() throws { try engine.emptyLog() }

  func close() { engine.close() }
}
