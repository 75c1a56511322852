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

  @Test("Every statement runs on the schema that the migrations make, on SQLite and PostgreSQL")
  func runs() throws {
    for engine in try Catalogue.engines(NotifierMigrations.all) {
      #expect(Catalogue.failures(NotifierStatementsTests.all, on: engine) == [])
      engine.close()
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
