internal import Foundation
internal import Storage
internal import TestSupport
internal import Testing

@Suite struct SQLiteEngineTests {
  enum Kind: CaseIterable, CustomTestStringConvertible {
    case file, exclusive, memory

    var testDescription: String { "\(self)" }

    func open(_ folder: TemporaryFolder) throws -> StoreConformance {
      var options = SQLiteOptions()
      options.isExclusive = self == .exclusive
      let engine =
        self == .memory
        ? try SQLiteEngine.inMemory() : try SQLiteEngine.file(folder.file("a.db"), options)
      return try StoreConformance(engine, isConcurrent: self == .file)
    }
  }

  typealias Conformance = @Sendable (StoreConformance) throws -> Void

  static let rules: [(String, Conformance)] = [
    ("values come back", { try $0.valuesComeBack() }),
    ("null is not empty", { try $0.nullIsNotEmpty() }),
    ("other types are corrupt", { try $0.otherTypesAreCorrupt() }),
    ("throwing rolls back", { try $0.throwingRollsBack() }),
    ("changes are counted", { try $0.changesAreCounted() }),
    ("constraints refuse", { try $0.constraintsRefuse() }),
    ("statement errors name the statement", { try $0.statementErrorsNameTheStatement() }),
    ("reads cannot write", { try $0.readsCannotWrite() }),
    ("cursors merge", { try $0.cursorsMerge() }),
    ("text is compared", { try $0.textIsCompared() }),
    ("texts are bounded", { try $0.textsAreBounded() }),
    ("stale owners are fenced", { try $0.staleOwnersAreFenced() }),
    ("closed is closed", { try $0.closedIsClosed() }),
  ]

  @Test("Every engine does what the conformance suite asks", arguments: Kind.allCases)
  func conforms(kind: Kind) throws {
    for (name, rule) in SQLiteEngineTests.rules {
      let folder = try TemporaryFolder()
      let store = try kind.open(folder)
      defer { store.engine.close() }
      #expect(throws: Never.self, "\(name)") { try rule(store) }
    }
  }

  @Test("A read sees one state from its first statement on", arguments: Kind.allCases)
  func snapshots(kind: Kind) async throws {
    let folder = try TemporaryFolder()
    let store = try kind.open(folder)
    try await store.readsAreSnapshots()
    #expect(try store.count() == 2)
    store.engine.close()
  }

  @Test("What was committed is there after closing and opening again")
  func reopens() throws {
    let folder = try TemporaryFolder()
    let first = try Kind.file.open(folder)
    try first.insert(1)
    first.engine.close()
    let second = try Kind.file.open(folder)
    #expect(try second.count() == 1)
  }

  @Test("What was committed is in the files before the engine is closed")
  func isDurable() throws {
    let folder = try TemporaryFolder()
    let store = try Kind.file.open(folder)
    try store.insert(1)
    let copy = try TemporaryFolder()
    for name in ["a.db", "a.db-wal"] {
      try FileManager.default.copyItem(atPath: folder.file(name), toPath: copy.file(name))
    }
    let other = try Kind.file.open(copy)
    #expect(try other.count() == 1)
    store.engine.close()
  }

  @Test("A file of another program is refused and left alone")
  func refusesForeign() throws {
    let folder = try TemporaryFolder()
    var foreign = SQLiteOptions()
    foreign.applicationID = 7
    let path = folder.file("a.db")
    try SQLiteEngine.file(path, foreign).close()
    let error = try #require(throws: StorageError.self) { try SQLiteEngine.file(path) }
    #expect(error.code == .corrupt)
    #expect(throws: Never.self) { try SQLiteEngine.file(path, foreign).close() }
  }

  @Test("A file that is no database is refused")
  func refusesGarbage() throws {
    let folder = try TemporaryFolder()
    try folder.write(Array(repeating: 65, count: 10_000), to: "a.db")
    let error = try #require(throws: StorageError.self) {
      try SQLiteEngine.file(folder.file("a.db"))
    }
    #expect(error.code == .corrupt)
  }

  @Test("A folder that does not exist makes the file unavailable")
  func refusesNoFolder() throws {
    let error = try #require(throws: StorageError.self) {
      try SQLiteEngine.file("/tmp/homing-none/a.db")
    }
    #expect(error.code == .unavailable)
  }

  @Test("The write-ahead log stays bounded under a steady writer")
  func boundsLog() throws {
    let folder = try TemporaryFolder()
    var options = SQLiteOptions()
    options.checkpointPages = 32
    let store = try StoreConformance(
      try SQLiteEngine.file(folder.file("a.db"), options), isConcurrent: true)
    for id in 0..<300 {
      try store.insert(Int64(id), [.null, .null, .null, .blob(Array(repeating: 1, count: 8000))])
    }
    let attributes = try FileManager.default.attributesOfItem(atPath: folder.file("a.db-wal"))
    let size = try #require(attributes[.size] as? Int)
    #expect(size <= 64 * 8192)
    #expect(try store.count() == 300)
    store.engine.close()
  }

  @Test("As many reads run at once as there are readers; the next one waits its turn")
  func readersAreShared() async throws {
    let folder = try TemporaryFolder()
    let store = try Kind.file.open(folder)
    let engine = store.engine
    let sum = try await withThrowingTaskGroup(of: Int64.self) { group in
      for _ in 0..<20 {
        group.addTask {
          try await onThread {
            try engine.read { session in
              try session.first(StoreConformance.Statements.count) { try $0.integer(0) } ?? -1
            }
          }
        }
      }
      return try await group.reduce(0, +)
    }
    #expect(sum == 0)
    store.engine.close()
  }

  @Test("A full disk's refusal before the commit leaves the engine usable")
  func fullBeforeCommit() throws {
    let folder = try TemporaryFolder()
    let store = try Kind.file.open(folder)
    let limit = Statement(name: "limit", sql: "PRAGMA max_page_count = 20", scope: .engine)
    let free = Statement(name: "free", sql: "PRAGMA max_page_count = 1000", scope: .engine)
    try store.engine.write { _ = try $0.first(limit) { try $0.integer(0) } }
    let error = try #require(throws: StorageError.self) {
      try store.insert(1, [.null, .null, .null, .blob(Array(repeating: 1, count: 1_000_000))])
    }
    #expect(error.code == .full)
    #expect(error.isRetrySafe)
    try store.engine.write { _ = try $0.first(free) { try $0.integer(0) } }
    try store.insert(1, [.null, .null, .null, .blob(Array(repeating: 1, count: 1_000_000))])
    #expect(try store.count() == 1)
  }
}
