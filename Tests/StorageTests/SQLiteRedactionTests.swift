internal import Foundation
internal import Storage
internal import TestSupport
internal import Testing

@Suite struct SQLiteRedactionTests {
  private static let mark = "marked-person@example.test"

  private enum Statements {
    static let redact = Statement(
      name: "redact", sql: "UPDATE kept SET word = '', bytes = NULL WHERE bucket = ?1 AND id < ?2")
    static let remove = Statement(
      name: "remove", sql: "DELETE FROM kept WHERE bucket = ?1 AND id >= ?2")
  }

  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func open(isExclusive: Bool) throws -> (SQLiteEngine, StoreConformance) {
    var options = SQLiteOptions()
    options.isExclusive = isExclusive
    options.busyTimeout = .milliseconds(20)
    let engine = try SQLiteEngine.file(folder.file("a.db"), options)
    return (engine, try StoreConformance(engine, isConcurrent: !isExclusive))
  }

  /// Rows within a page, and rows whose bytes fill pages of their own.
  private func fill(_ store: StoreConformance) throws {
    let long = Array(String(repeating: SQLiteRedactionTests.mark + " ", count: 1_000).utf8)
    for id in 0..<200 as Range<Int64> {
      let bytes = id % 10 == 0 ? long : Array(SQLiteRedactionTests.mark.utf8)
      try store.insert(id, [.null, .null, .text(SQLiteRedactionTests.mark), .blob(bytes)])
    }
  }

  /// Whether any file of the database holds the mark.
  private func isMarked() throws -> Bool {
    try ["a.db", "a.db-wal"].contains { name in
      let path = folder.file(name)
      guard FileManager.default.fileExists(atPath: path) else { return false }
      let data = try Data(contentsOf: URL(fileURLWithPath: path))
      return data.range(of: Data(SQLiteRedactionTests.mark.utf8)) != nil
    }
  }

  @Test(
    "P10 What was redacted or deleted stands in no file once the log is emptied",
    arguments: [false, true])
  func leavesNoTrace(isExclusive: Bool) throws {
    let (engine, store) = try open(isExclusive: isExclusive)
    defer { engine.close() }
    try fill(store)
    // So that the rows stand in the file itself, and the change of them in the log.
    try engine.emptyLog()
    let changed = try engine.write { session -> [Int] in
      [
        try session.execute(Statements.redact, [.integer(0), .integer(100)]),
        try session.execute(Statements.remove, [.integer(0), .integer(100)]),
      ]
    }
    #expect(changed == [100, 100])
    #expect(try isMarked())
    try engine.emptyLog()
    let isMarkedAfter = try isMarked()
    #expect(!isMarkedAfter)
    #expect(try store.count() == 100)
  }

  @Test("P10 A log that a reader holds is reported as in use, and emptied at the next call")
  func waitsForReaders() throws {
    let (engine, store) = try open(isExclusive: false)
    defer { engine.close() }
    try fill(store)
    try engine.read { session -> Void in
      _ = try session.first(StoreConformance.Statements.count) { try $0.integer(0) }
      let error = #expect(throws: StorageError.self) { try engine.emptyLog() }
      #expect(error?.code == .busy)
      #expect(error?.isRetrySafe == true)
    }
    try engine.emptyLog()
    let attributes = try FileManager.default.attributesOfItem(atPath: folder.file("a.db-wal"))
    #expect(attributes[.size] as? Int == 0)
  }

  @Test("P10 An engine in memory has no log to empty")
  func emptiesNothing() throws {
    let engine = try SQLiteEngine.inMemory()
    defer { engine.close() }
    let store = try StoreConformance(engine, isConcurrent: false)
    try store.insert(1)
    try engine.emptyLog()
    #expect(try store.count() == 1)
  }
}
