internal import Storage
internal import Testing

@Suite struct MigratorTests {
  private let first = Migration(
    number: 1, name: "first", statements: ["CREATE TABLE a(id INTEGER PRIMARY KEY)"])
  private let second = Migration(
    number: 2, name: "second",
    statements: ["CREATE TABLE b(id INTEGER PRIMARY KEY)", "INSERT INTO b(id) VALUES(1)"])
  private let engine: SQLiteEngine

  init() throws { engine = try SQLiteEngine.inMemory() }

  private func code(_ migrations: [Migration]) -> StorageError.Code? {
    do {
      try Migrator(migrations).migrate(engine)
      return nil
    } catch { return (error as? StorageError)?.code }
  }

  @Test("Only what is missing is applied, in order")
  func applies() throws {
    #expect(try Migrator([first]).migrate(engine) == [1])
    #expect(try Migrator([first, second]).migrate(engine) == [2])
    #expect(try Migrator([first, second]).migrate(engine) == [])
  }

  @Test("A database that is newer than the code is refused")
  func refusesNewer() throws {
    try Migrator([first, second]).migrate(engine)
    #expect(code([first]) == .newer)
  }

  @Test("A migration that was edited after it was applied is refused, by text or by name")
  func refusesEdited() throws {
    try Migrator([first]).migrate(engine)
    #expect(code([Migration(number: 1, name: "first", statements: ["SELECT 1"])]) == .differs)
    #expect(
      code([Migration(number: 1, name: "other", statements: first.statements)]) == .differs)
    #expect(code([first]) == nil)
  }

  @Test("A migration that fails leaves nothing of itself and is tried again the next time")
  func failsWhole() throws {
    let broken = Migration(
      number: 2, name: "second", statements: [second.statements[0], "INSERT INTO none VALUES(1)"])
    #expect(code([first, broken]) == .statement)
    #expect(try Migrator([first, second]).migrate(engine) == [2])
  }
}
