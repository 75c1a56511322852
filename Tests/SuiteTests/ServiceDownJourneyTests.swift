internal import Messages
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

/// Each service away for a while, in turn: delay, and nothing else.
@Suite(.serialized) struct ServiceDownJourneyTests {
  private let t0 = TrackerProcess.morning
  private var abandoned: Int64 { t0 + ServiceSuite.hour }
  private var mailed: Int64 { abandoned + ServiceSuite.day }

  private func startedSuite() async throws -> ServiceSuite {
    let suite = try ServiceSuite()
    try await suite.start()
    try await suite.openShop()
    try await suite.meet("ann", at: t0)
    try await suite.record([Make.event("e1", t0, contact: "ann", cart: "c1", Make.add("A"))])
    try await suite.settle()
    return suite
  }

  /// One mail, one SMS, both handed over, the flow at its end.
  private func expectWholeFlow(_ suite: ServiceSuite) async throws {
    #expect(suite.smtp.mails.entries.count == 1)
    #expect(suite.sms.requests.entries.count == 1)
    let sent = try await suite.sent(to: "ann")
    #expect(sent.map(\.state) == [.handedOver, .handedOver])
    #expect(try await suite.enrolment(of: "ann").enrolment?.reason == .flowEnded)
  }

  @Test("scheduler away when a cart is abandoned: the episode arrives later, dated as it was")
  func schedulerDown() async throws {
    let suite = try await startedSuite()
    suite.scheduler.kill9()
    try await suite.move(to: abandoned + 600)
    while try await suite.tracker.countCarts(.init(store: "shop")).episodes == 0 {
      await Task.yield()
    }
    try await suite.restart(suite.scheduler)
    try await suite.settle()
    #expect(
      try await suite.enrolment(of: "ann").enrolment?.dueAt == .init(seconds: mailed))
    try await suite.run(to: mailed + 5 * ServiceSuite.day)
    try await expectWholeFlow(suite)
  }

  @Test("notifier away when a mail is due: it leaves when the notifier is back, once")
  func notifierDown() async throws {
    let suite = try await startedSuite()
    try await suite.run(to: mailed - 60)
    suite.notifier.kill9()
    try await suite.move(to: mailed + 600)
    while try await suite.enrolment(of: "ann").decisions.allSatisfy({ $0.verdict != .sent }) {
      await Task.yield()
    }
    #expect(suite.smtp.mails.entries.isEmpty)
    try await suite.restart(suite.notifier)
    try await suite.settle()
    #expect(suite.smtp.mails.entries.count == 1)
    try await suite.run(to: mailed + 5 * ServiceSuite.day)
    try await expectWholeFlow(suite)
  }

  @Test("T14 cart-tracker away when a mail is due: nothing is sent until it answers again")
  func trackerDown() async throws {
    let suite = try await startedSuite()
    try await suite.run(to: mailed - 60)
    suite.cartTracker.kill9()
    try await suite.move(to: mailed + 600)
    // The scheduler cannot know the facts, so it decides nothing; it says so in its log alone.
    for _ in 0..<50 {
      #expect(suite.smtp.mails.entries.isEmpty)
      _ = try await suite.scheduler.clock.status(.init())
    }
    try await suite.restart(suite.cartTracker)
    try await suite.settle()
    #expect(suite.smtp.mails.entries.count == 1)
    try await suite.run(to: mailed + 5 * ServiceSuite.day)
    try await expectWholeFlow(suite)
  }

  @Test("gateway away when somebody clicks: the click comes through when it is back")
  func gatewayDown() async throws {
    let suite = try await startedSuite()
    try await suite.run(to: mailed + 60)
    let mail = try MailText(try #require(suite.smtp.mails.entries.first))
    suite.gateway.kill9()
    await #expect(throws: HTTPExchange.Failure.self) {
      try await HTTPExchange.ask(port: suite.httpPort, "GET", mail.link("c"))
    }
    try await suite.restart(suite.gateway)
    let answer = try await HTTPExchange.ask(
      port: suite.httpPort, "GET", try mail.link("c"),
      headers: ["User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0"])
    #expect(answer.status == 302)
    try await suite.run(to: mailed + 5 * ServiceSuite.day)
    #expect(try await suite.sent(to: "ann").last?.order?.template == "cart-help")
  }
}
