internal import Messages
internal import ServiceKit
internal import Storage
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

@testable internal import DirectMail

/// Batches over a cost limit wait for a second identity (F21).
@Suite struct ApprovalTests {
  private static func euros(_ units: Int64, _ cents: Int32 = 0) -> CommonV1.Money {
    .init(currencyCode: "EUR", units: units, nanos: cents * 10_000_000)
  }

  /// A live store whose batches are held over a limit; three letters of 0.85 EUR are ordered.
  private func held(
    over: CommonV1.Money, setBy other: Bool = true, expires: Duration = .seconds(30 * 86_400)
  ) async throws -> (DirectMailFixture, [CommonV1.SendOrder]) {
    let mail = try await DirectMailFixture.start(settings: ["HOMING_LETTER_COST": "0.85 EUR"])
    try await mail.putTemplate(store: "live")
    try await setLimit(mail, over, setBy: other)
    let orders = (1...3).map { number in
      mail.order(number, contact: "person-\(number)", store: "live") {
        $0.expiresAt = (mail.clock.now + expires).timestamp
      }
    }
    for (index, order) in orders.enumerated() {
      try await mail.send([order], from: UInt64(index + 1))
    }
    await mail.settle()
    try await mail.advanceToCutOff()
    return (mail, orders)
  }

  private func setLimit(
    _ mail: DirectMailFixture, _ over: CommonV1.Money, setBy other: Bool
  ) async throws {
    _ = try await mail.client.setBudget(
      .init(
        store: "live", idempotencyKey: "limit", currencyCode: "EUR", total: Self.euros(100),
        approvalOver: over))
    guard other else { return }
    let key = StoreKey("live")
    _ = try await mail.database.commit([key.bucket]) { session in
      try session.execute(
        Statement(
          name: "set by another",
          sql: "UPDATE budget SET approval_set_by = 'somebody' WHERE bucket = ?1"),
        [key.bucketValue])
    }
  }

  private func batch(_ mail: DirectMailFixture) async throws -> DirectMailV1.Batch {
    try #require(
      try await mail.client.listBatches(.init(store: "live")).batches.first)
  }

  private func decision(_ batch: DirectMailV1.Batch) -> DirectMailV1.DecideBatchRequest {
    .init(store: "live", idempotencyKey: "decide", batch: batch.id, note: "a note")
  }

  @Test("F21 A batch over the limit is held, and goes out once when somebody else approves it")
  func approved() async throws {
    let (mail, orders) = try await held(over: Self.euros(2))
    var batch = try await batch(mail)
    #expect(batch.state == .held && batch.heldAt != nil)
    #expect(batch.approvalOver == Self.euros(2))
    #expect((batch.pieces, batch.cost) == (3, [Self.euros(2, 55)]))
    #expect(TestFiles.names(mail.letters).isEmpty)
    #expect(orders.allSatisfy { mail.told($0).isEmpty })
    // Bought while it was held: left out, since permission is asked for now.
    mail.tracker.answers { subject in
      subject.contact == "person-2"
        ? ScriptedTracker.refuse(subject, .purchased, lasting: true)
        : ScriptedTracker.grant(subject)
    }
    batch = try await mail.client.approveBatch(decision(batch))
    #expect(batch.decidedAt != nil && batch.note == "a note")
    // The same call again answers the same, and nothing more happens.
    #expect(try await mail.client.approveBatch(decision(batch)).decidedBy == batch.decidedBy)
    await mail.settle()
    batch = try await self.batch(mail)
    #expect(batch.state == .submitted && batch.pieces == 2 && batch.approvalOver != nil)
    #expect(TestFiles.names(mail.letters).count == 1)
    #expect(
      orders.map { mail.told($0).last } == [
        "HANDED_OVER", "SKIPPED PURCHASED", "HANDED_OVER",
      ])
    await mail.stop()
  }

  @Test("F21 At the limit, and as a sample, nothing is held")
  func notHeld() async throws {
    let (mail, orders) = try await held(over: Self.euros(2, 55))
    #expect(try await batch(mail).state == .submitted)
    #expect(orders.allSatisfy { mail.told($0) == ["HANDED_OVER"] })
    await mail.stop()
  }

  @Test("F21 Who set the limit does not decide")
  func ownLimit() async throws {
    let (mail, _) = try await held(over: Self.euros(2), setBy: false)
    let batch = try await batch(mail)
    for call in [mail.client.approveBatch, mail.client.rejectBatch] {
      let error = await #expect(throws: RPCError.self) {
        _ = try await call(decision(batch), .init())
      }
      #expect(error?.code == .failedPrecondition)
    }
    #expect(try await self.batch(mail).state == .held)
    await mail.stop()
  }

  @Test("F21 A rejected batch ends its letters so that fallbacks are taken, and gives money back")
  func rejected() async throws {
    let (mail, orders) = try await held(over: Self.euros(2))
    #expect(try await mail.client.rejectBatch(decision(try await batch(mail))).state == .empty)
    await mail.settle()
    #expect(orders.allSatisfy { mail.told($0) == ["SKIPPED BUDGET"] })
    let budget = try #require(
      try await mail.client.listBudgets(.init(store: "live")).budgets.first)
    #expect(budget.spent == Self.euros(0))
    #expect(TestFiles.names(mail.letters).isEmpty)
    await mail.stop()
  }

  @Test("F21 A held batch is still held after a start, and withdrawn letters leave it")
  func restarts() async throws {
    let (first, orders) = try await held(over: Self.euros(2))
    await first.stop()
    let mail = try await DirectMailFixture.start(
      first.place, settings: ["HOMING_LETTER_COST": "0.85 EUR"])
    #expect(try await batch(mail).state == .held)
    _ = try await mail.client.withdrawMailPiece(
      .init(store: "live", idempotencyKey: "w", piece: orders[0].id))
    #expect(try await batch(mail).pieces == 2)
    _ = try await mail.client.approveBatch(decision(try await batch(mail)))
    await mail.settle()
    #expect(try await batch(mail).state == .submitted)
    #expect(mail.told(orders[0]).last?.hasPrefix("WITHDRAWN") == true)
    await mail.stop()
  }

  @Test("F21 F20 What nobody decides on is not printed when all of it has expired")
  func expires() async throws {
    let (mail, orders) = try await held(over: Self.euros(2), expires: .seconds(2 * 86_400))
    #expect(try await batch(mail).state == .held)
    try await mail.advance(by: .seconds(3 * 86_400))
    await mail.settle()
    #expect(try await batch(mail).state == .empty)
    #expect(orders.allSatisfy { mail.told($0) == ["SKIPPED STALE"] })
    #expect(TestFiles.names(mail.letters).isEmpty)
    await mail.stop()
  }

  @Test("F21 A batch that is closed early is held too, and not decided on by who closed it")
  func closedEarly() async throws {
    let mail = try await DirectMailFixture.start(settings: ["HOMING_LETTER_COST": "0.85 EUR"])
    try await mail.putTemplate(store: "live")
    try await setLimit(mail, Self.euros(0, 50), setBy: true)
    try await mail.send([mail.order(1, store: "live")])
    await mail.settle()
    let open = try await batch(mail)
    let closed = try await mail.client.closeBatch(
      .init(store: "live", idempotencyKey: "c", batch: open.id))
    #expect(closed.state == .held && !closed.closedBy.isEmpty)
    let error = await #expect(throws: RPCError.self) {
      _ = try await mail.client.approveBatch(decision(closed))
    }
    #expect(error?.code == .failedPrecondition)
    await mail.stop()
  }
}
