internal import Messages
internal import ServiceKit
internal import Stubs
internal import TestSupport
internal import Testing

@testable internal import Notifier

/// A notifier that has handed over one mail and one text to anna.
struct InboundFixture {
  let notifier: NotifierFixture
  let provider: ScriptedProvider
  let mail: CommonV1.SendOrder
  let text: CommonV1.SendOrder

  private static let providers = """
    [scripted]
    kind = folder
    channels = sms
    path = /nowhere
    hook-secret-file = SECRET
    [other]
    kind = folder
    channels = chat
    path = /nowhere
    """

  static let template = NotifierV1.TemplateParts(
    subject: "Your cart", html: "<p>Hello</p>{{imprint}} <a href=\"{{unsubscribe_link}}\">no</a>",
    text: "Hello {{imprint}} {{unsubscribe_link}}")

  static func start() async throws -> InboundFixture {
    let folder = try TemporaryFolder()
    try folder.write(Array("geheim".utf8), to: "secret")
    let providers = providers.replacing("SECRET", with: folder.file("secret"))
    try folder.write(Array(providers.utf8), to: "providers")
    let provider = ScriptedProvider()
    let notifier = try await NotifierFixture.start(
      lanes: [provider.lane], settings: ["HOMING_PROVIDERS": folder.file("providers")])
    try await notifier.allowTests(["@shop.test", "@test", "+999*"])
    try await notifier.putTemplate()
    try await notifier.putTemplate("mail", channel: .email, template)
    let mail = notifier.order(1, channel: .email) { $0.template = "mail" }
    let text = notifier.order(2)
    try await notifier.send([mail, text])
    await notifier.settle()
    return InboundFixture(notifier: notifier, provider: provider, mail: mail, text: text)
  }

  func take(_ mail: String, recipient: String = "") async throws -> NotifierV1.InboundAnswer {
    try await notifier.client.takeMail(
      .init(
        mail: Array(mail.utf8), recipient: recipient, receivedAt: notifier.clock.now.timestamp))
  }

  func reply(
    _ text: String, id: String, from sender: String = "+99912345", provider: String = "scripted"
  ) async throws -> NotifierV1.InboundAnswer {
    try await notifier.client.takeReply(
      .init(
        provider: provider, sender: sender, text: text, providerID: id,
        at: notifier.clock.now.timestamp))
  }

  /// A callback of the provider, signed.
  func report(_ events: String) async throws -> NotifierV1.TakeReportResponse {
    let body = Array("{\"events\": [\(events)]}".utf8)
    let stamp = "\(notifier.clock.now.seconds)"
    let signature = HMAC.hexadecimal(
      HMAC.sha256(Array("geheim".utf8), Array(stamp.utf8) + [0x2E] + body))
    return try await notifier.client.takeReport(
      .init(
        provider: "scripted",
        headers: [
          .init(name: "Homing-Timestamp", value: stamp),
          .init(name: "Homing-Signature", value: "v1=" + signature),
        ], body: body, receivedAt: notifier.clock.now.timestamp))
  }

  func suppressions() async throws -> [NotifierV1.Suppression] {
    try await notifier.client.listSuppressions(.init(store: "other")).suppressions
  }

  /// As a mail server writes it.
  static func bounce(
    of order: CommonV1.SendOrder, action: String = "failed", status: String = "5.1.1",
    diagnostic: String = "", reported: String = ""
  ) -> String {
    """
    Return-Path: <>
    From: Mail Delivery System <MAILER-DAEMON@mx.test>
    To: hello@shop.test
    Subject: Undelivered Mail Returned to Sender
    Auto-Submitted: auto-replied
    MIME-Version: 1.0
    Content-Type: multipart/report; report-type=delivery-status;
     boundary="AB=_1"

    This is a MIME-encapsulated message.

    --AB=_1
    Content-Type: text/plain; charset=us-ascii

    I'm sorry to have to inform you. \(reported)

    --AB=_1
    Content-Type: message/delivery-status

    Reporting-MTA: dns; mx.test
    Arrival-Date: Mon, 2 Mar 2026 10:00:00 +0100

    Final-Recipient: rfc822; anna@shop.test
    Action: \(action)
    Status: \(status)
    Diagnostic-Code: smtp; \(diagnostic)

    --AB=_1
    Content-Type: message/rfc822

    From: Shop <hello@shop.test>
    To: anna@shop.test
    Message-ID: <\(order.id)@shop.test>
    Subject: Your cart

    Hello
    --AB=_1--
    """
  }

  static func feedback(of order: CommonV1.SendOrder, type: String = "abuse") -> String {
    """
    From: <fbl@isp.test>
    To: <abuse@shop.test>
    MIME-Version: 1.0
    Content-Type: multipart/report; report-type=feedback-report; boundary=x

    --x
    Content-Type: text/plain

    A complaint.
    --x
    Content-Type: message/feedback-report

    Feedback-Type: \(type)
    User-Agent: Reporter/1.0
    Version: 1
    --x
    Content-Type: text/rfc822-headers

    From: hello@shop.test
    Message-ID:
     <\(order.id)@shop.test>
    --x--
    """
  }

  static func reply(
    to order: CommonV1.SendOrder, _ text: String, fields: String = "X-Mailer: m"
  ) -> String {
    """
    From: Anna <anna@shop.test>
    To: hello@shop.test
    Subject: Re: Your cart
    In-Reply-To: <\(order.id)@shop.test>
    References: <a@b.test> <\(order.id)@shop.test>
    Content-Type: text/plain; charset=utf-8
    \(fields)

    \(text)

    > Hello
    """
  }
}
