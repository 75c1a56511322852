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

  @Test("Every statement runs on the schema that the migrations make, on SQLite and PostgreSQL")
  func runs() throws {
    for engine in try Catalogue.engines(DirectMailMigrations.all) {
      #expect(Catalogue.failures(DirectMailStatementsTests.all, on: engine) == [])
      engine.close()
    }
  }
}
