internal import Delivery
internal import Storage
internal import TestSupport
internal import Testing

@testable internal import CartTracker

@Suite struct TrackerStatementsTests {
  @Test("Every statement runs on the schema that the migrations make, on SQLite and PostgreSQL")
  func runs() throws {
    for engine in try Catalogue.engines(JournalMigrations.all) {
      let statements = JournalStatements.all + LogErasureStatements.all + OptOutStatements.all
      #expect(Catalogue.failures(statements, on: engine) == [])
      engine.close()
    }
    for engine in try Catalogue.engines(CartsMigrations.all) {
      let statements = ProjectionStatements.all + CartStatements.all + RestoreStatements.all
      #expect(Catalogue.failures(statements, on: engine) == [])
      engine.close()
    }
  }
}
