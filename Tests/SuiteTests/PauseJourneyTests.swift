internal import Messages
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

/// What an operator holds back stays, over restarts, and goes out once or not at all (F22).
@Suite(.serialized) struct PauseJourneyTests {
  private let t0 = TrackerProcess.morning

  private static let oneMail = """
    flow: one-mail
    start: cart abandoned
    steps:
      - send e-mail: { template: cart-reminder, expires: 1 day }
        name: mail
    """

  private func abandon(_ contact: String, at second: Int64, _ suite: ServiceSuite) async throws {
    try await suite.meet(contact, at: second)
    try await suite.record([
      Make.event("cart-\(contact)", second, contact: contact, cart: "of-\(contact)", Make.add("A"))
    ])
  }

  @Test("F22 Paused, nothing is handed off; resumed, it goes out once, or not at all if too late")
  func pause() async throws {
    let suite = try ServiceSuite()
    try await suite.start()
    try await suite.openShop(flow: Self.oneMail)
    try await abandon("ann", at: t0, suite)
    let paused = try await suite.flows.pause(
      .init(idempotencyKey: "p1", store: "shop", channel: .email, note: "wrong price"))
    #expect(paused.holds)
    let due = t0 + ServiceSuite.hour
    try await suite.run(to: due + ServiceSuite.hour)
    #expect(suite.smtp.mails.entries.isEmpty)
    #expect(try await suite.sent(to: "ann").map(\.reason) == [.paused])

    // Killed and started anew, both still know.
    suite.notifier.kill9()
    suite.scheduler.kill9()
    try await suite.restart(suite.scheduler)
    try await suite.restart(suite.notifier)
    try await suite.run(to: due + 2 * ServiceSuite.hour)
    #expect(suite.smtp.mails.entries.isEmpty)
    #expect(try await suite.flows.listPauses(.init(store: "shop")).pauses == [paused])

    let resumed = try await suite.flows.resume(
      .init(idempotencyKey: "r1", store: "shop", channel: .email))
    #expect(!resumed.holds && resumed.id == paused.id)
    try await suite.settle()
    #expect(suite.smtp.mails.entries.count == 1)
    #expect(try await suite.sent(to: "ann").map(\.state) == [.handedOver])

    // Held back for longer than the mail is of use.
    let second = due + 3 * ServiceSuite.hour
    try await suite.run(to: second)
    try await abandon("bob", at: second, suite)
    _ = try await suite.flows.pause(.init(idempotencyKey: "p2", store: "shop", flow: "one-mail"))
    try await suite.run(to: second + 2 * ServiceSuite.day)
    _ = try await suite.flows.resume(.init(idempotencyKey: "r2", store: "shop", flow: "one-mail"))
    try await suite.run(to: second + 3 * ServiceSuite.day)
    let late = try #require(try await suite.sent(to: "bob").first)
    #expect((late.state, late.reason) == (.skipped, .stale))
    #expect(suite.smtp.mails.entries.count == 1)
    let audit = try await suite.flows.listAudit(.init(store: "shop")).entries
    #expect(audit.map(\.act).prefix(4) == [.resumed, .paused, .resumed, .paused])
  }
}
