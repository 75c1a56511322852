@testable internal import Delivery
internal import ServiceKit
internal import Storage
internal import Testing

@Suite struct OutboxTests {
  @Test("The catalogue keeps to the rules of statements")
  func statements() {
    #expect(StatementRules.findings(DeliveryStatements.all) == [])
    #expect(DeliveryStatements.all.count == 17)
    #expect(StatementRules.findings(PauseStatements.all) == [])
  }

  @Test(
    "Rows are numbered from 1 without gaps, for each bucket and target",
    arguments: EngineKind.allCases)
  func isDense(kind: EngineKind) throws {
    let fixture = try DeliveryFixture(kind)
    let other = Outbox(target: "direct-mail")
    let first = try fixture.engine.write { session in
      [
        try fixture.outbox.put(session, bucket: 7, [[1], [2]], now: 1),
        try fixture.outbox.put(session, bucket: 8, [[3]], now: 1),
        try other.put(session, bucket: 7, [[4]], now: 1),
        try fixture.outbox.put(session, bucket: 7, [], now: 1),
      ]
    }
    #expect(first == [1..<3, 1..<2, 1..<2, 0..<0])
    let second = try fixture.engine.write {
      try fixture.outbox.put($0, bucket: 7, [[5]], now: 2)
    }
    #expect(second == 3..<4)
    #expect(try fixture.rows() == ["7/1", "7/1", "7/2", "7/3", "8/1"])
  }

  @Test(
    "Numbers of a transaction that was rolled back are given again", arguments: EngineKind.allCases)
  func isRolledBack(kind: EngineKind) throws {
    struct Interruption: Error {}
    let fixture = try DeliveryFixture(kind)
    try fixture.put([1])
    #expect(throws: Interruption.self) {
      try fixture.engine.write { session in
        try fixture.outbox.put(session, bucket: 1, [[1]], now: 1)
        throw Interruption()
      }
    }
    try fixture.put([1])
    #expect(try fixture.rows() == ["1/1", "1/2"])
  }

  @Test(
    "A database keeps the name of its outbox, and another one has another",
    arguments: EngineKind.allCases)
  func isNamed(kind: EngineKind) throws {
    let fixture = try DeliveryFixture(kind)
    let again = DeliveryCounts()
    var chance = SplitMix64(seed: 2)
    try again.load(fixture.engine, now: fixture.clock.now, chance: &chance)
    #expect(again.outbox == fixture.counts.outbox)
    let other = DeliveryCounts()
    let second = try DeliveryFixture(kind)
    let empty = try SQLiteEngine.inMemory()
    try Migrator([Migration(number: 1, name: "delivery", statements: DeliveryStatements.create)])
      .migrate(empty)
    try other.load(empty, now: second.clock.now, chance: &chance)
    #expect(other.outbox != again.outbox)
  }
}
