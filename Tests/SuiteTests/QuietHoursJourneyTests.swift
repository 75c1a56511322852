internal import Messages
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport

/// Messages that become due while their recipients sleep, over all services as real processes.
@Suite(.serialized) struct QuietHoursJourneyTests {
  /// 2026-03-28T10:00:00Z, a Saturday: in the night that follows, Berlin's clocks skip an hour.
  private let t0: Int64 = 1_774_692_000
  /// 08:00 on Sunday in Berlin, and in New York.
  private var morning: Int64 { t0 + 20 * ServiceSuite.hour }
  private var american: Int64 { t0 + 26 * ServiceSuite.hour }

  private static let flow = """
    flow: night
    start: cart abandoned
    steps:
      - pause: 12 hours
      - send sms: { template: cart-sms, expires: 1 day }
        name: text
    """

  /// A suite in which three carts have been left, whose messages are due at midnight in Berlin.
  private func nightSuite() async throws -> ServiceSuite {
    let suite = try ServiceSuite()
    try await suite.start(at: t0)
    try await suite.openShop(flow: Self.flow)
    for (contact, zone) in [("ann", ""), ("bob", ""), ("carl", "America/New_York")] {
      try await suite.meet(contact, zone: zone, at: t0)
      try await suite.record([
        Make.event("e-\(contact)", t0, contact: contact, cart: "c-\(contact)", Make.add("A"))
      ])
    }
    try await suite.run(to: t0 + 13 * ServiceSuite.hour)
    return suite
  }

  @Test("F15 F20 at midnight nobody's telephone rings: it waits for each one's own morning")
  func night() async throws {
    let suite = try await nightSuite()
    // 19:00 in New York, midnight in Berlin.
    #expect(try await suite.sent(to: "carl").map(\.state) == [.handedOver])
    #expect(suite.sms.requests.entries.count == 1)
    let waiting = try await suite.sent(to: "ann")
    #expect(waiting.map(\.state) == [.waiting])
    #expect(waiting.map(\.reason) == [.quietHours])
    #expect(waiting.first?.nextAt?.seconds == morning)

    try await suite.move(to: t0 + 15 * ServiceSuite.hour)
    try await suite.record([
      Make.event(
        "bought", t0 + 15 * ServiceSuite.hour, contact: "bob", cart: "c-bob",
        .purchase(.init(order: "o1")))
    ])
    try await suite.run(to: morning - 1)
    #expect(suite.sms.requests.entries.count == 1)
    try await suite.run(to: morning)
    #expect(try await suite.sent(to: "ann").map(\.state) == [.handedOver])
    #expect(suite.sms.requests.entries.count == 2)

    // Who bought in the night is left alone.
    try await suite.run(to: morning + ServiceSuite.day)
    #expect(suite.sms.requests.entries.count == 2)
    #expect(try await suite.sent(to: "bob").map(\.reason) == [.purchased])
  }

  @Test("F15 what waits for the morning survives a kill of the notifier, and goes out once")
  func killed() async throws {
    let suite = try await nightSuite()
    suite.notifier.kill9()
    try await suite.restart(suite.notifier)
    try await suite.run(to: morning - 1)
    #expect(suite.sms.requests.entries.count == 1)
    try await suite.run(to: american)
    #expect(suite.sms.requests.entries.count == 3)
    for contact in ["ann", "bob", "carl"] {
      #expect(try await suite.sent(to: contact).map(\.state) == [.handedOver])
    }
  }
}
