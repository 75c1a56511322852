internal import Delivery
internal import Storage
internal import TestSupport
internal import Testing

@testable internal import DirectMail

@Suite struct DirectMailStatementsTests {
  private static let all =
    PieceStatements.all + BatchStatements.all + ObjectionStatements.all + ReferenceStatements.all
    + OptOutStatements.all + EraserStatements.all + ErasedStatements.all + RestoreStatements.all

  @Test("Every statement keeps to the rules")
  func rules() {
    #expect(StatementRules.findings(DirectMailStatementsTests.all) == [])
  }

  @Test("Every statement runs on the schema that the migrations make")
  func runs() throws {
    let engine = try SQLiteEngine.inMemory()
    try Migrator(DirectMailMigrations.all).migrate(engine)
    for statement in DirectMailStatementsTests.all {
      let count = Set(statement.sql.matches(of: /\?\d+/).map { String($0.output) }).count
      let values = [SQLValue](repeating: .integer(1 as Int64), count: count)
      do {
        try engine.write { session in try session.rows(statement, values) { _ in true } }
      } catch let error as StorageError {
        // What is no id is refused by the tables' own rules, and by nothing else.
        if case .constraint = error.code { continue }
        Issue.record("\(statement): \(error)")
      }
    }
  }
}
