@testable internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Testing

@testable internal import Scheduler

/// Forgetting a person in the scheduler (P10).
@Suite struct ErasureTests {
  private static let id = "018f4c3e-7b2a-7c1d-9e5f-0123456789ab"

  private static func order(_ contact: String, at now: Int64) -> CommonV1.ErasePerson {
    CommonV1.ErasePerson(
      erasure: id, store: SchedulerFixture.store, contact: contact, at: Micros.timestamp(now),
      identities: 1, contacts: 1,
      destinations: [.init(channel: .email, address: "\(contact)@example.test")])
  }

  private static func erase(_ contact: String, in fixture: SchedulerFixture) throws {
    let change = fixture.change(.erased(order(contact, at: fixture.now)), contact: contact)
    #expect(try fixture.take([change]).map(\.verdict) == [.stored])
  }

  private static func rows(
    for target: String, _ fixture: SchedulerFixture
  ) throws -> [CommonV1.SendOrders.Row] {
    let statement = Statement(
      name: "rows", sql: "SELECT body FROM outbox WHERE target = '\(target)' ORDER BY bucket, seq",
      scope: .allBuckets)
    return try fixture.ledger.engine.read { session in
      try session.all(statement, []) { row in
        // As it is sent: with its position.
        let request = try CommonV1.SendOrders(
          encoded: IntakeClient.request(
            "o", [OutboxRow(bucket: 0, seq: 1, createdAt: 0, body: try row.blob(0))]))
        return request.rows[0]
      }
    }
  }

  private static func kind(_ row: CommonV1.SendOrders.Row) -> String {
    switch row.action {
    case .send: "send"
    case .cancel(let cancel): "cancel \(cancel.reason)"
    case .erase(let order): "erase \(order.contact) \(order.destinations.map(\.address))"
    case nil: "nothing"
    }
  }

  @Test("P10 An erasure ends what runs, cancels what waits, and goes behind all that was ordered")
  func ends() throws {
    let fixture = try SchedulerFixture()
    try fixture.apply(TestFlows.reference)
    try fixture.take([fixture.episode("ann"), fixture.episode("ben")])
    try fixture.advance(by: SchedulerFixture.day)
    #expect(try fixture.orders.count == 2)
    try Self.erase("ann", in: fixture)
    let enrolments = try fixture.enrolments
    #expect(enrolments.first { $0.contact == "ann" }?.reason == .erased)
    #expect(enrolments.first { $0.contact == "ben" }?.phase == .waiting)
    #expect(
      try Self.rows(for: "notifier", fixture).map(Self.kind).filter { $0 != "send" } == [
        "cancel REASON_CODE_ERASED", "erase ann [\"ann@example.test\"]",
      ])
    // A second time nothing is put.
    let count = try Self.rows(for: "notifier", fixture).count
    try Self.erase("ann", in: fixture)
    #expect(try Self.rows(for: "notifier", fixture).count == count)
  }

  @Test("P10 Who was erased enters nothing more, and that is recorded")
  func refuses() throws {
    let fixture = try SchedulerFixture()
    try fixture.apply(TestFlows.reference)
    try Self.erase("ann", in: fixture)
    try fixture.take([fixture.episode("ann", cart: "c2")])
    try fixture.advance(by: 3 * SchedulerFixture.day)
    let enrolment = try #require(try fixture.enrolments.first)
    #expect(enrolment.phase == .refused && enrolment.reason == .erased)
    #expect(try fixture.orders.isEmpty)
  }

  @Test("P10 The receipt says what was redacted; its row has no address")
  func receipt() throws {
    let fixture = try SchedulerFixture()
    try fixture.apply(TestFlows.reference)
    try fixture.take([fixture.episode("ann")])
    try fixture.advance(by: SchedulerFixture.day)
    try Self.erase("ann", in: fixture)
    try fixture.ledger.engine.read { session in
      let book = ErasedBook(Stored.self, service: PersonEraser.service, session)
      let owner = OwnerKey.contact(store: SchedulerFixture.store, contact: "ann")
      #expect(try book.isErased(owner))
      #expect(try book.orders(of: owner.bucket).map(\.hasAddresses) == [false])
      let receipt = try #require(try book.receipt(of: Self.id, store: SchedulerFixture.store))
      #expect(receipt.service == "scheduler" && receipt.done == 1 && receipt.identities == 1)
      #expect(try book.receipt(of: Self.id, store: SchedulerFixture.otherStore) == nil)
    }
  }

  /// Steps ordered of a message with a fallback behind the flow's end, once it was withdrawn.
  private static func ordered(afterWithdrawal reason: CommonV1.ReasonCode) throws -> [String] {
    let fixture = try SchedulerFixture()
    try fixture.apply(
      """
      flow: f
      start: cart abandoned
      steps:
        - send sms:
            template: cart-sms
            expires: 7 days
            if not sent:
              - go to: instead
          name: text
        - exit
        - send e-mail: { template: cart-help, expires: 2 days }
          name: instead
      """)
    try fixture.take([fixture.episode("ann")])
    try fixture.settle()
    let text = try #require(try fixture.orders.first)
    try fixture.tell(.withdrawn, of: text, reason: reason)
    try fixture.settle()
    return try fixture.orders.map(\.step)
  }

  @Test("F16 A message whose address is closed while it waits takes its fallback")
  func closedWhileWaiting() throws {
    #expect(try Self.ordered(afterWithdrawal: .suppressed) == ["text", "instead"])
  }

  @Test("F16 A message that our staff withdraws takes no fallback")
  func withdrawnByStaff() throws {
    #expect(try Self.ordered(afterWithdrawal: .endedByStaff) == ["text"])
  }
}
