internal import Messages
internal import ServiceKit
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport

@testable internal import Notifier

/// E-mails through libcurl to a server that answers by script.
@Suite struct SMTPProviderTests {
  static let parts = NotifierV1.TemplateParts(
    subject: "Hello {{customer_name}}",
    html: """
      <html><body><p>Hello {{customer_name}}</p><p>.</p><p><a href="{{cart_link}}">cart</a></p>
      <p>{{imprint}}</p><p><a href="{{unsubscribe_link}}">no more</a></p></body></html>
      """,
    text: "Hello {{customer_name}}\n.\n{{cart_link}}\n{{imprint}}\n{{unsubscribe_link}}\n")

  static func lane(
    _ port: Int, slots: Int = 2, _ change: (inout SMTPSettings) -> Void = { _ in }
  ) throws -> HandOff.Lane {
    var settings = SMTPSettings(server: Target(host: "127.0.0.1", port: port))
    settings.tls = .off
    change(&settings)
    return HandOff.Lane(
      try SMTPProvider(name: "mail", slots: slots, retries: RetryRule(), settings), [.email])
  }

  private func start(
    _ sink: MailSink, slots: Int = 2, _ change: (inout SMTPSettings) -> Void = { _ in }
  ) async throws -> NotifierFixture {
    let notifier = try await NotifierFixture.start(
      lanes: [try SMTPProviderTests.lane(sink.port, slots: slots, change)])
    try await notifier.allowTests()
    try await notifier.putTemplate(channel: .email, SMTPProviderTests.parts)
    return notifier
  }

  private func email(_ notifier: NotifierFixture, _ number: Int) -> CommonV1.SendOrder {
    notifier.order(number, contact: "anna-\(number)", channel: .email)
  }

  @Test("Mails arrive whole, over connections that are used again")
  func arrives() async throws {
    let sink = try MailSink()
    let notifier = try await start(sink)
    let orders = (1...20).map { email(notifier, $0) }
    try await notifier.send(orders)
    await notifier.settle()
    for order in orders { #expect(notifier.told(order) == ["HANDED_OVER"]) }
    let mails = sink.mails.entries
    #expect(Set(mails.flatMap(\.to)) == Set((1...20).map { "anna-\($0)@shop.test" }))
    #expect(mails.count == 20)
    #expect(Set(mails.map(\.connection)).count <= 2)
    let mail = try #require(mails.first)
    #expect(mail.from == "hello@shop.test")
    #expect(mail.text.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"))
    let id = try #require(orders.first { mail.to == ["\($0.contact)@shop.test"] }?.id)
    #expect(mail.text.contains("Message-ID: <\(id)@shop.test>"))
    let shown = try await notifier.client.getMessage(
      .init(store: "shop", message: id, withContent: true))
    let content = String(decoding: shown.content, as: UTF8.self)
    #expect(content.replacing("\r\n", with: "\n") == mail.text + "\n")
    #expect(shown.message?.attempts.first?.status == 250)
    await notifier.stop()
  }

  @Test(
    "A known answer decides: 4xx is tried again, 5xx about the message ends it",
    arguments: [
      ("MAIL", "450 busy", "WAITING"), ("RCPT", "451 later", "WAITING"),
      ("DATA", "421 closing", "WAITING"), ("body", "452 full", "WAITING"),
      ("greeting", "554 no service", "WAITING"), ("EHLO", "500 what", "WAITING"),
      ("MAIL", "553 sender", "FAILED"), ("RCPT", "550 no such user", "FAILED"),
      ("DATA", "554 no", "FAILED"), ("body", "550 spam", "FAILED"),
      ("body", "250 fine", "HANDED_OVER"),
    ])
  func answers(step: String, reply: String, state: String) async throws {
    let sink = try MailSink { at, _ in at == step ? .reply(reply) : nil }
    let notifier = try await start(sink, slots: 1)
    let order = email(notifier, 1)
    try await notifier.send([order])
    await notifier.settle()
    let message = try await notifier.message(order)
    #expect("\(message.state)" == "MESSAGE_STATE_\(state)")
    let status = try #require(UInt32(reply.prefix(3)))
    // `HELO` follows a refused `EHLO`.
    #expect(
      step == "EHLO" || message.attempts.map(\.status) == [status], "\(message.attempts)")
    if state == "FAILED" { #expect(notifier.told(order) == ["FAILED PROVIDER_REFUSED"]) }
    guard state == "WAITING" else { return await notifier.stop() }
    sink.answers { _, _ in nil }
    try await notifier.advance(by: .seconds(10))
    #expect(notifier.told(order).last == "HANDED_OVER")
    #expect(sink.mails.entries.count == 1)
    await notifier.stop()
  }

  @Test(
    "A connection cut before the end of the body is a known failure and tried again",
    arguments: ["greeting", "EHLO", "MAIL", "RCPT", "DATA"])
  func cutEarly(step: String) async throws {
    let sink = try MailSink { at, connection in at == step && connection == 1 ? .cut : nil }
    let notifier = try await start(sink, slots: 1)
    let order = email(notifier, 1)
    try await notifier.send([order])
    await notifier.settle()
    #expect(notifier.told(order) == ["DEFERRED PROVIDER_UNREACHABLE"])
    try await notifier.advance(by: .seconds(10))
    #expect(notifier.told(order).last == "HANDED_OVER")
    #expect(sink.mails.entries.count == 1)
    await notifier.stop()
  }

  @Test("A connection cut after the end of the body leaves the fate unknown, and nothing is resent")
  func cutLate() async throws {
    let sink = try MailSink { at, _ in at == "body" ? .cut : nil }
    let notifier = try await start(sink, slots: 1)
    let order = email(notifier, 1)
    try await notifier.send([order])
    await notifier.settle()
    #expect(notifier.told(order) == ["UNKNOWN"])
    #expect(notifier.outcomes.entries.first?.grant != nil)
    try await notifier.advance(by: .seconds(3600))
    #expect(sink.mails.entries.count == 1)
    #expect(try await notifier.message(order).state == .unknown)
    await notifier.stop()
  }

  @Test("A server that says nothing after the body is given up after the time for a reply")
  func silent() async throws {
    let sink = try MailSink { at, _ in at == "body" ? .silence : nil }
    let notifier = try await start(sink, slots: 1) { $0.replyTimeout = .seconds(1) }
    let order = email(notifier, 1)
    try await notifier.send([order])
    await notifier.settle()
    #expect(notifier.told(order) == ["UNKNOWN"])
    await notifier.stop()
  }

  @Test("A slow server keeps its own mails waiting and no others")
  func slowBesideOthers() async throws {
    let sink = try MailSink { at, _ in at == "greeting" ? .silence : nil }
    let sms = ScriptedProvider()
    let notifier = try await NotifierFixture.start(
      lanes: [try SMTPProviderTests.lane(sink.port), HandOff.Lane(sms, [.sms])])
    try await notifier.allowTests()
    try await notifier.putTemplate("mail", channel: .email, SMTPProviderTests.parts)
    try await notifier.putTemplate()
    try await notifier.send(
      (1...50).map { number in
        notifier.order(number, contact: "anna-\(number)", channel: .email) { $0.template = "mail" }
      })
    try await notifier.send((51...150).map { notifier.order($0, contact: "ben-\($0)") })
    await sms.parcels.wait(100)
    #expect(sms.parcels.entries.count == 100)
    #expect(sink.mails.entries.isEmpty)
    await notifier.stop()
  }

  @Test("Where TLS is required and not offered the mail waits, and nothing goes out in clear")
  func noTLS() async throws {
    let sink = try MailSink()
    let notifier = try await start(sink, slots: 1) { $0.tls = .required }
    let order = email(notifier, 1)
    try await notifier.send([order])
    await notifier.settle()
    #expect(notifier.told(order) == ["DEFERRED TLS_REQUIRED"])
    #expect(try await notifier.message(order).state == .waiting)
    try await notifier.advance(by: .seconds(3600))
    #expect(sink.mails.entries.isEmpty)
    #expect(!sink.steps.entries.contains("MAIL"))
    try await notifier.advance(by: .seconds(86_400))
    #expect(notifier.told(order) == ["DEFERRED TLS_REQUIRED", "SKIPPED STALE"])
    await notifier.stop()
  }

  @Test("Where STARTTLS is offered and refused under required TLS the mail waits")
  func refusedTLS() async throws {
    let sink = try MailSink(extensions: ["STARTTLS", "8BITMIME"]) { at, _ in
      at == "STAR" ? .reply("454 not now") : nil
    }
    let notifier = try await start(sink, slots: 1) { $0.tls = .required }
    let order = email(notifier, 1)
    try await notifier.send([order])
    await notifier.settle()
    #expect(notifier.told(order) == ["DEFERRED TLS_REQUIRED"])
    #expect(!sink.steps.entries.contains("MAIL"))
    await notifier.stop()
  }

  @Test("Copies go to their addresses as mails of their own, after the message")
  func copies() async throws {
    let sink = try MailSink()
    let notifier = try await start(sink)
    var order = email(notifier, 1)
    order.copies = ["boss@shop.test", "archive@shop.test"]
    try await notifier.send([order])
    await notifier.settle()
    #expect(
      sink.mails.entries.map(\.to) == [
        ["anna-1@shop.test"], ["boss@shop.test"], ["archive@shop.test"],
      ])
    #expect(notifier.told(order) == ["HANDED_OVER"])
    await notifier.stop()
  }
}
