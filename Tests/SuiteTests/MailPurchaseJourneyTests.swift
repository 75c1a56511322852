internal import Messages
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

/// Abandoned, a mail, a purchase: over all services as real processes.
@Suite(.serialized) struct MailPurchaseJourneyTests {
  private let t0 = TrackerProcess.morning

  @Test("F07 M01 an abandoned cart gets its mail a day later, and silence after the purchase")
  func mailThenPurchase() async throws {
    let suite = try ServiceSuite()
    try await suite.start()
    try await suite.openShop()
    try await suite.meet("ann", at: t0)
    try await suite.record([Make.event("e1", t0, contact: "ann", cart: "c1", Make.add("A"))])
    let abandoned = t0 + ServiceSuite.hour
    try await suite.run(to: abandoned)
    #expect(try await suite.enrolment(of: "ann").enrolment?.state == .running)
    try await suite.run(to: abandoned + ServiceSuite.day - 1)
    #expect(suite.smtp.mails.entries.isEmpty)

    try await suite.run(to: abandoned + ServiceSuite.day)
    let mail = try #require(suite.smtp.mails.entries.first)
    #expect(mail.to == ["ann@replay.invalid"])
    #expect(mail.from.hasSuffix("@replay.invalid"))
    let text = try MailText(mail)
    #expect(text.parts["text/html"]?.contains("Item A") == true)
    #expect(text.parts["text/plain"]?.contains("Item A") == true)
    #expect(mail.header("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click")
    let message = try #require(try await suite.sent(to: "ann").first)
    #expect(message.state == .handedOver)
    #expect(message.recipient == "ann@replay.invalid")
    #expect(message.grant != nil)

    let bought = abandoned + ServiceSuite.day + ServiceSuite.hour
    try await suite.run(to: bought)
    try await suite.record([
      Make.event("e2", bought, contact: "ann", cart: "c1", .purchase(.init(order: "o1")))
    ])
    try await suite.run(to: bought + 5 * ServiceSuite.day)
    let ended = try await suite.enrolment(of: "ann").enrolment
    #expect(ended?.state == .ended)
    #expect(ended?.reason == .purchased)
    #expect(suite.smtp.mails.entries.count == 1)
    #expect(suite.sms.requests.entries.isEmpty)
  }

  @Test("F07 who buys before the first mail never gets one")
  func purchaseBeforeMail() async throws {
    let suite = try ServiceSuite()
    try await suite.start()
    try await suite.openShop()
    try await suite.meet("ann", at: t0)
    try await suite.record([Make.event("e1", t0, contact: "ann", cart: "c1", Make.add("A"))])
    let due = t0 + ServiceSuite.hour + ServiceSuite.day
    try await suite.run(to: due - 1)
    try await suite.record([
      Make.event("e2", due - 1, contact: "ann", cart: "c1", .purchase(.init(order: "o1")))
    ])
    try await suite.run(to: due + 5 * ServiceSuite.day)
    #expect(suite.smtp.mails.entries.isEmpty)
    #expect(try await suite.sent(to: "ann").isEmpty)
    #expect(try await suite.enrolment(of: "ann").enrolment?.reason == .purchased)
  }
}
