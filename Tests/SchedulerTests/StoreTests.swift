internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import TestSupport
internal import Testing

@testable internal import Scheduler

@Suite struct StoreTests {
  @Test("Every statement keeps to the rules that all engines share")
  func rules() {
    #expect(
      StatementRules.findings(
        EnrolmentStatements.all + SchedulerStatements.all + BrakeStatements.all
          + OptOutStatements.all + ErasedStatements.all + RestoreStatements.all
          + LimitStatements.all + IncentiveStatements.all + DeliveryStatements.all
          + LeaseStatements.all) == [])
  }

  @Test("Every statement runs on the schema that the migrations make, on SQLite and PostgreSQL")
  func runs() throws {
    let statements =
      EnrolmentStatements.all + SchedulerStatements.all + BrakeStatements.all
      + OptOutStatements.all + ErasedStatements.all + RestoreStatements.all
      + LimitStatements.all + IncentiveStatements.all + LeaseStatements.all
    for engine in try Catalogue.engines(SchedulerMigrations.all) {
      #expect(Catalogue.failures(statements, on: engine) == [])
      engine.close()
    }
  }

  @Test("Every statement can be prepared and run on the schema", arguments: [true, false])
  func prepares(isFile: Bool) throws {
    let folder = try TemporaryFolder()
    let engine =
      isFile ? try SQLiteEngine.file(folder.file("s.db")) : try SQLiteEngine.inMemory()
    defer { engine.close() }
    #expect(try Migrator(SchedulerMigrations.all).migrate(engine) == [1, 2, 3, 4, 5, 6])
    #expect(try Migrator(SchedulerMigrations.all).migrate(engine) == [])
    for statement in EnrolmentStatements.all + SchedulerStatements.all + BrakeStatements.all
      + OptOutStatements.all + ErasedStatements.all + RestoreStatements.all
      + LimitStatements.all + IncentiveStatements.all
    where statement.sql.hasPrefix("SELECT") {
      let count = (1...9).last { statement.sql.contains("?\($0)") } ?? 0
      let values = [SQLValue](repeating: .integer(0 as Int64), count: count)
      let rows = try engine.read { try $0.all(statement, values) { _ in 1 } }
      #expect(rows.count <= 1, "\(statement)")
    }
  }

  @Test("A named CHECK refuses a row that is out of range")
  func checks() throws {
    let fixture = try SchedulerFixture()
    #expect(throws: StorageError.self) {
      try fixture.engine.write { session in
        try session.execute(
          SchedulerStatements.putMode, ["shop", "", 9, 1, .blob([])])
      }
    }
    do {
      try fixture.engine.write { session in
        _ = try session.execute(
          EnrolmentStatements.add,
          [1, 1, .blob([UInt8](repeating: 1, count: 16)), "s", "f", 1, "", 4, 0, 0, 7, .blob([1])])
      }
      Issue.record("a refused enrolment was due")
    } catch let error as StorageError {
      #expect(error.code == .constraint("enrolment_due_while_running"))
    }
  }

  @Test("Enrolments read back as they were written, whatever is in them", arguments: 0..<200)
  func roundTrip(seed: UInt64) throws {
    var chance = SplitMix64(seed: seed)
    let fixture = try SchedulerFixture()
    var enrolment = Samples.enrolment(&chance)
    try fixture.ledger.write(now: 5) { _ = try $0.add(enrolment) }
    let read = try #require(
      try fixture.ledger.write(now: 5) { try $0.enrolment(enrolment.id) })
    enrolment.place = read.enrolment.place
    #expect(read.enrolment == enrolment)
    #expect(read.revision == 1)
  }

  @Test("A damaged row is refused, never read as another", arguments: 0..<50)
  func damaged(seed: UInt64) throws {
    var chance = SplitMix64(seed: seed)
    let body = EnrolmentRow.body(Samples.enrolment(&chance))
    for size in 0..<body.count {
      var reader = RowReader(Array(body[..<size]), table: "enrolment")
      #expect(throws: StorageError.self) {
        while true { _ = try reader.text() }
      }
    }
    let fixture = try SchedulerFixture()
    try fixture.apply(TestFlows.simple)
    try fixture.take([fixture.episode()])
    let cut = Statement(
      name: "cut", sql: "UPDATE enrolment SET body = substr(body, 1, ?1)", scope: .allBuckets)
    try fixture.engine.write { _ = try $0.execute(cut, [.integer(Int64(seed % 30))]) }
    #expect(throws: StorageError.self) { try fixture.settle() }
  }

  @Test("Purchases read back as they were written")
  func purchases() throws {
    let some = PurchaseRow(
      CartTrackerV1.PurchaseSeen(
        carts: ["a", "ü"], order: "o", revenue: .init(currencyCode: "CHF", units: -3, nanos: -5),
        reversal: true))
    #expect(try PurchaseRow(some.bytes()) == some)
    let none = PurchaseRow(CartTrackerV1.PurchaseSeen())
    #expect(try PurchaseRow(none.bytes()) == none)
    #expect(throws: StorageError.self) { try PurchaseRow(Array(some.bytes().dropLast())) }
    #expect(throws: StorageError.self) { try PurchaseRow(some.bytes() + [0]) }
  }

  @Test("Ids follow from what they name, begin with the bucket, and never change")
  func identifiers() throws {
    let owner = OwnerKey.contact(store: "shop", contact: "ann")
    let id = Identifier.enrolment(owner: owner, flow: "f", start: "e")
    #expect(id.bucket == owner.bucket)
    #expect(Identifier(text: id.text) == id)
    #expect(try Identifier(bytes: id.bytes) == id)
    let (first, last) = Identifier.range(of: owner)
    #expect(first <= id && id <= last)
    let order = Identifier.order(of: id, step: "s", channel: 1)
    let decision = Identifier.decision(of: id, step: "s")
    #expect(order.bucket == id.bucket && decision.bucket == id.bucket)
    #expect(Set([id, order, decision, .order(of: id, step: "s", channel: 2)]).count == 4)
    #expect(id.text == Samples.goldenEnrolment)
    #expect(order.text == Samples.goldenOrder)
  }
}

/// Values with anything in them.
enum Samples {
  static let goldenEnrolment = "8df33c3a-c642-fa1c-6576-41d80f67a9aa"
  static let goldenOrder = "8d86f059-15ae-b1ee-37cf-7e072d40429a"

  static func enrolment(_ chance: inout SplitMix64) -> Enrolment {
    func number(_ range: ClosedRange<Int64>) -> Int64 { .random(in: range, using: &chance) }
    let text = String(repeating: "ü", count: Int(number(0...40)))
    let contact = "c\(number(0...9))"
    let owner = OwnerKey.contact(store: "shop", contact: contact)
    let isOver = Bool.random(using: &chance)
    var enrolment = Enrolment(
      place: .init(bucket: owner.bucket, number: 0),
      id: .enrolment(owner: owner, flow: "f", start: text), store: "shop", flow: "f",
      version: UInt32(number(1...500)), contact: contact, startedAt: number(0...1 << 50))
    enrolment.cart = text
    enrolment.episode = text
    enrolment.episodeRevision = UInt32(number(0...99))
    enrolment.cartKind = Int32(number(0...6))
    enrolment.anchor = AnchorOrder(
      at: number(-5...1 << 50), sourceOrder: chance.next(), event: text)
    (enrolment.happenedAt, enrolment.knownAt) = (number(0...1 << 50), number(0...1 << 50))
    enrolment.enrols = Bool.random(using: &chance)
    enrolment.phase = isOver ? .ended : .waiting
    enrolment.dueAt = isOver ? nil : number(0...1 << 50)
    enrolment.endedAt = isOver ? number(0...1 << 50) : nil
    enrolment.step = isOver ? nil : Int(number(0...499))
    enrolment.reachedAt = number(0...1 << 50)
    if Bool.random(using: &chance) { enrolment.failedSend = Int(number(0...499)) }
    if Bool.random(using: &chance) {
      enrolment.incentive = .init(version: 1, step: 2, at: number(0...9))
      if Bool.random(using: &chance) {
        enrolment.incentive?.gift = .init(high: chance.next(), low: chance.next())
      }
    }
    if Bool.random(using: &chance) {
      enrolment.other = .init(high: chance.next(), low: chance.next())
    }
    for _ in 0..<number(0...3) { enrolment.variants.append(.init(step: text, branch: "b")) }
    var at = enrolment.startedAt
    for step in 0..<number(0...12) {
      at += number(0...1 << 40)
      var visit = Visit(
        version: 1, step: Int(step), decidedAt: at, verdict: .init(rawValue: Int32(number(1...6))),
        reason: .init(rawValue: Int32(number(0...43))),
        channel: .init(rawValue: Int32(number(0...8))))
      if Bool.random(using: &chance) {
        var order = Visit.OrderState(id: .init(high: chance.next(), low: chance.next()))
        order.end = .init(rawValue: Int32(number(0...6)))
        order.reason = .init(rawValue: Int32(number(0...43)))
        order.cancelled = Bool.random(using: &chance)
        order.machineOpened = Bool.random(using: &chance)
        order.machineClicked = Bool.random(using: &chance)
        for kind in 7..<(7 + Int32(number(0...4))) {
          order.note(.init(rawValue: kind), at: at + number(-1000...1000))
        }
        visit.order = order
      }
      enrolment.visits.append(visit)
    }
    return enrolment
  }
}
