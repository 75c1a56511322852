internal import Messages
internal import Stubs
internal import Synchronization
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

/// A purchase, or the word of a linked identity, while a mail waits for its mail server.
@Suite(.serialized) struct QueuedMailJourneyTests {
  private let t0 = TrackerProcess.morning
  private var mailed: Int64 { t0 + ServiceSuite.hour + ServiceSuite.day }

  /// A mail server that takes nothing yet, until it is told to.
  private final class Gate: Sendable {
    let isOpen = Mutex(false)

    func answer(_ moment: SMTPSink.Moment) -> SMTPSink.Action {
      guard moment.stage == .recipient, !isOpen.withLock({ $0 }) else { return .accept }
      return .reply("451 4.3.0 not now")
    }
  }

  /// A suite in which ann's first mail waits for another attempt.
  private func queuedSuite(_ gate: Gate) async throws -> ServiceSuite {
    let suite = try ServiceSuite(retryFirst: "10m") { gate.answer($0) }
    try await suite.start()
    try await suite.openShop()
    try await suite.meet("ann", at: t0)
    try await suite.record([Make.event("e1", t0, contact: "ann", cart: "c1", Make.add("A"))])
    try await suite.run(to: mailed)
    let message = try #require(try await suite.sent(to: "ann").first)
    #expect(message.state == .waiting)
    #expect(message.attempts.first?.status == 451)
    return suite
  }

  @Test("F07 I3 a purchase while a mail is queued: the mail never leaves")
  func purchase() async throws {
    let gate = Gate()
    let suite = try await queuedSuite(gate)
    try await suite.move(to: mailed + 60)
    try await suite.record([
      Make.event("e2", mailed + 60, contact: "ann", cart: "c1", .purchase(.init(order: "o1")))
    ])
    gate.isOpen.withLock { $0 = true }
    try await suite.run(to: mailed + 5 * ServiceSuite.day)
    #expect(suite.smtp.mails.entries.isEmpty)
    let message = try #require(try await suite.sent(to: "ann").first)
    #expect([.withdrawn, .skipped].contains(message.state))
    #expect(message.reason == .purchased)
    #expect(try await suite.enrolment(of: "ann").enrolment?.reason == .purchased)
  }

  @Test("M01 without a purchase the queued mail leaves at its next attempt, once")
  func retried() async throws {
    let gate = Gate()
    let suite = try await queuedSuite(gate)
    gate.isOpen.withLock { $0 = true }
    try await suite.run(to: mailed + ServiceSuite.hour)
    #expect(suite.smtp.mails.entries.count == 1)
    let message = try #require(try await suite.sent(to: "ann").first)
    #expect(message.state == .handedOver)
    #expect(message.attempts.count == 2)
  }
}
