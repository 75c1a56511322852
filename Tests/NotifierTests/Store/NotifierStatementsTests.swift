internal import Delivery
internal import Messages
internal import Storage
internal import TestSupport
internal import Testing

@testable internal import Notifier

@Suite struct NotifierStatementsTests {
  private static let all =
    MessageStatements.all + AddressStatements.all + ReferenceStatements.all
    + OptOutStatements.all + EraserStatements.all + ErasedStatements.all
    + RestoreStatements.all

  @Test("Every statement keeps to the rules")
  func rules() {
    #expect(StatementRules.findings(NotifierStatementsTests.all) == [])
  }

  @Test("Every statement runs on the schema that the migrations make")
  func runs() throws {
    let engine = try SQLiteEngine.inMemory()
    try Migrator(NotifierMigrations.all).migrate(engine)
    for statement in NotifierStatementsTests.all {
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

  @Test("Where links lead is read as it was written, and a cut row is found out")
  func links() throws {
    let links = [
      TrackedLink(name: "cart_link", url: "https://shop.test/ü?x=1"),
      TrackedLink(name: "", url: ""),
    ]
    let bytes = LinkTargets.encode(links)
    #expect(try LinkTargets.decode(bytes) == links)
    #expect(try LinkTargets.decode([]) == [])
    let first = LinkTargets.encode(Array(links[..<1])).count
    for count in 1..<bytes.count where count != first {
      #expect(throws: StorageError.self) { try LinkTargets.decode(Array(bytes[..<count])) }
    }
  }
}
