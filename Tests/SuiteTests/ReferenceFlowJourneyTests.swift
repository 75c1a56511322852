internal import Messages
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

/// The reference flow on each of its branches, over all services as real processes.
@Suite(.serialized) struct ReferenceFlowJourneyTests {
  private let t0 = TrackerProcess.morning
  /// When the first mail leaves.
  private var mailed: Int64 { t0 + ServiceSuite.hour + ServiceSuite.day }
  private static let browser = [
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Accept": "text/html,application/xhtml+xml", "Accept-Language": "de",
  ]

  /// A suite in which ann has got the first mail.
  private func mailedSuite() async throws -> ServiceSuite {
    let suite = try ServiceSuite()
    try await suite.start()
    try await suite.openShop()
    try await suite.meet("ann", at: t0)
    try await suite.record([Make.event("e1", t0, contact: "ann", cart: "c1", Make.add("A"))])
    try await suite.run(to: mailed)
    #expect(suite.smtp.mails.entries.count == 1)
    return suite
  }

  private func firstMail(_ suite: ServiceSuite) throws -> MailText {
    try MailText(try #require(suite.smtp.mails.entries.first))
  }

  private func steps(_ suite: ServiceSuite) async throws -> [String] {
    try await suite.enrolment(of: "ann").decisions.map { decision in
      decision.branch.isEmpty ? decision.step : "\(decision.step)=\(decision.branch)"
    }
  }

  @Test("F09 nobody opened the mail: an SMS a day later")
  func noAction() async throws {
    let suite = try await mailedSuite()
    try await suite.run(to: mailed + ServiceSuite.day - 1)
    #expect(suite.sms.requests.entries.isEmpty)
    try await suite.run(to: mailed + 5 * ServiceSuite.day)
    #expect(suite.sms.requests.entries.count == 1)
    #expect(suite.smtp.mails.entries.count == 1)
    #expect(try await steps(suite).contains { $0.hasSuffix("no action") })
    let sms = try #require(try await suite.sent(to: "ann").last)
    #expect(sms.order?.channel == .sms)
    #expect(sms.state == .handedOver)
    #expect(try await suite.enrolment(of: "ann").enrolment?.reason == .flowEnded)
  }

  @Test("F09 M19 who opened the mail gets a day more, and then the SMS")
  func opened() async throws {
    let suite = try await mailedSuite()
    try await suite.run(to: mailed + ServiceSuite.hour)
    let path = try firstMail(suite).link("o")
    let picture = try await HTTPExchange.ask(
      port: suite.httpPort, "GET", path, headers: Self.browser)
    #expect(picture.status == 200)
    #expect(picture.headers["content-type"] == "image/gif")
    try await suite.run(to: mailed + 2 * ServiceSuite.day - 1)
    #expect(suite.sms.requests.entries.isEmpty)
    try await suite.run(to: mailed + 6 * ServiceSuite.day)
    #expect(suite.sms.requests.entries.count == 1)
    #expect(try await steps(suite).contains { $0.hasSuffix("opened") })
  }

  @Test("F09 M07 a click leads to the cart, and a day later help is offered by mail")
  func clicked() async throws {
    let suite = try await mailedSuite()
    let at = mailed + ServiceSuite.hour
    try await suite.run(to: at)
    let path = try firstMail(suite).link("c")
    let answer = try await HTTPExchange.ask(
      port: suite.httpPort, "GET", path, headers: Self.browser)
    #expect(answer.status == 302)
    #expect(answer.headers["location"]?.hasPrefix("https://shop.invalid/") == true)
    try await suite.run(to: at + ServiceSuite.day - 1)
    #expect(suite.smtp.mails.entries.count == 1)
    try await suite.run(to: at + 6 * ServiceSuite.day)
    #expect(suite.smtp.mails.entries.count == 2)
    #expect(suite.sms.requests.entries.isEmpty)
    #expect(try await suite.sent(to: "ann").last?.order?.template == "cart-help")
    #expect(try await steps(suite).contains { $0.hasSuffix("clicked") })
  }

  @Test("F07 a click and then a purchase: no offer of help")
  func clickedAndBought() async throws {
    let suite = try await mailedSuite()
    let at = mailed + ServiceSuite.hour
    try await suite.run(to: at)
    _ = try await HTTPExchange.ask(
      port: suite.httpPort, "GET", try firstMail(suite).link("c"), headers: Self.browser)
    try await suite.run(to: at + ServiceSuite.hour)
    try await suite.record([
      Make.event(
        "e2", at + ServiceSuite.hour, contact: "ann", cart: "c1", .purchase(.init(order: "o1")))
    ])
    try await suite.run(to: at + 6 * ServiceSuite.day)
    #expect(suite.smtp.mails.entries.count == 1)
    #expect(try await suite.enrolment(of: "ann").enrolment?.reason == .purchased)
    let report = try await suite.flows.report(.init(store: "shop"))
    let whole = try #require(report.rows.first { $0.flow == "cart-recovery" && $0.step.isEmpty })
    #expect(whole.entered == 1)
    #expect(whole.clicked == 1)
    #expect(whole.purchased == 1)
    #expect(whole.purchasedByClick == 1)
  }

  @Test("M19 a scanner that fetches every link is no click")
  func scanner() async throws {
    let suite = try await mailedSuite()
    let mail = try firstMail(suite)
    for kind in ["c", "o"] {
      _ = try await HTTPExchange.ask(
        port: suite.httpPort, "HEAD", try mail.link(kind),
        headers: ["User-Agent": "Barracuda Sentinel (EE)"])
    }
    try await suite.run(to: mailed + 5 * ServiceSuite.day)
    #expect(try await steps(suite).contains { $0.hasSuffix("no action") })
    #expect(suite.sms.requests.entries.count == 1)
  }
}
