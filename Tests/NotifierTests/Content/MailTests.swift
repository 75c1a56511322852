internal import Foundation
internal import Messages
internal import ServiceKit
internal import Testing
internal import Texts

@testable internal import Notifier

/// A mail cut at its borders, without decoding.
struct RawMail {
  let headers: [String]
  let body: String

  init(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    let end = text.range(of: "\r\n\r\n")
    let head = end.map { text[..<$0.lowerBound] } ?? text[...]
    body = end.map { String(text[$0.upperBound...]) } ?? ""
    var headers: [String] = []
    for line in head.components(separatedBy: "\r\n") {
      if line.hasPrefix(" ") || line.hasPrefix("\t") {
        headers[headers.count - 1] += line
      } else {
        headers.append(line)
      }
    }
    self.headers = headers
  }

  subscript(name: String) -> String? {
    headers.first { $0.hasPrefix(name + ": ") }.map { String($0.dropFirst(name.count + 2)) }
  }

  var names: [String] { headers.map { String($0.prefix { $0 != ":" }) } }
}

@Suite struct MailTests {
  private static let html = """
    <html><body><p>{{greeting}}</p>{{#lines}}<img src="{{image_url}}"><a href="{{product_link}}">\
    {{product_name}}</a>{{/lines}}<a href="{{cart_link}}">x</a>{{imprint}}\
    <a href="{{unsubscribe_link}}">x</a></body></html>
    """
  private static let text = "{{greeting}}\n{{cart_link}}\n{{imprint}}\n{{unsubscribe_link}}\n"

  private func template(_ subject: String = "Hallo {{customer_name}}") -> StoredTemplate {
    ContentFixture.template(subject: subject, html: MailTests.html, text: MailTests.text)
  }

  @Test("A mail has the headers that it needs, and two alternatives in UTF-8")
  func headers() throws {
    let content = try ContentFixture().email(template())
    let mail = RawMail(content.bytes)
    #expect(
      mail.names == [
        "Date", "From", "To", "Reply-To", "Subject", "Message-ID", "Content-Language",
        "Auto-Submitted", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID",
        "MIME-Version", "Content-Type",
      ])
    #expect(mail["Date"] == "Wed, 23 Dec 2026 04:26:40 +0000")
    #expect(mail["To"] == "zoe@example.com")
    #expect(mail["Message-ID"] == "<\(ContentFixture.message)@moebel.example>")
    #expect(mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click")
    #expect(mail["List-Unsubscribe"]?.hasPrefix("<https://go.moebel.example/u/") == true)
    #expect(mail["Feedback-ID"] == "first-mail:cart-recovery:moebel:homing")
    #expect(mail.body.contains("Content-Type: text/plain; charset=utf-8\r\n"))
    #expect(mail.body.contains("Content-Type: text/html; charset=utf-8\r\n"))
    #expect(content.messageID == mail["Message-ID"])
    #expect(content.from == "hallo@moebel.example")
    #expect(content.to == "zoe@example.com")
  }

  @Test("T26 Lines end with CRLF, are short, and hold 7-bit characters only")
  func form() throws {
    for name in ContentFixture.shippedEmails {
      var fixture = ContentFixture()
      fixture.order.incentive = CommonV1.Incentive(kind: .percentage, basisPoints: 1000)
      fixture.cart.lines[0].name = String(repeating: "Donaudampfschifffahrt", count: 12)
      let bytes = try fixture.email(ContentFixture.shipped(name, "de")).bytes
      #expect(bytes.allSatisfy { $0 < 0x80 && $0 != 0 })
      var before: UInt8 = 0
      var size = 0
      for byte in bytes {
        if byte == 0x0A { #expect(before == 0x0D) } else { #expect(before != 0x0D) }
        size = byte == 0x0A ? 0 : size + 1
        #expect(size <= 200)
        before = byte
      }
    }
  }

  @Test(
    "T26 Hostile names, products and subjects add no header and no part",
    arguments: [
      "A\r\nBcc: x@evil.example", "A\nSubject: other\n\nbody", "A\u{0}B", "A\r\n\r\n--=_x",
      "=?utf-8?B?QmNjOiB4?=", "\u{2028}Bcc: x\u{85}", "<b>&\"'", "\"; x=\"", "{{imprint}}",
      "--=_018f4c3e7b2a7c1d9e5f0123456789ab", ".\r\n.", "From x", "\u{202E}evil\u{2066}",
      String(repeating: "ü", count: 64), String(repeating: "x", count: 128), " ", "漢字かな🙂",
      "שלום עולם", "a,b;c@d<e>f",
    ])
  func hostile(text: String) throws {
    var fixture = ContentFixture()
    fixture.profile.givenName = text
    fixture.profile.familyName = text
    fixture.profile.salutation = ""
    fixture.imprint.senderName = text
    fixture.cart.lines[0].name = text
    fixture.cart.lines[0].configuration = text
    fixture.imprint.legalText = text
    let expected = RawMail(try ContentFixture().email(template()).bytes)
    let mail = RawMail(
      try fixture.email(template("{{customer_name}} {{first_product}}x")).bytes)
    #expect(mail.names == expected.names)
    let boundary = "--=_" + ContentFixture.message.replacing("-", with: "")
    #expect(mail.body.components(separatedBy: "\(boundary)\r\n").count == 3)
    #expect(mail.body.components(separatedBy: "\(boundary)--\r\n").count == 2)
    #expect(!String(mail.headers.joined()).contains("evil.example,"))
  }

  @Test("T26 A header with a control character is refused with its name")
  func headerWriter() {
    for text in ["a\rb", "a\nb", "a\u{0}b", "a\u{7F}", "a\u{85}b", "a\u{2028}b"] {
      var writer = HeaderWriter()
      let error = #expect(throws: ContentError.self) { try writer.text("Subject", text) }
      #expect(error?.field == "Subject")
      #expect(throws: ContentError.self) { try writer.token("X-Token", text) }
      #expect(throws: ContentError.self) {
        try writer.mailbox("From", text, MailAddress("a@b.example", field: "from"))
      }
      #expect(writer.bytes.isEmpty)
    }
    var writer = HeaderWriter()
    let long = String(repeating: "x", count: HeaderWriter.valueSizeMax + 1)
    let error = #expect(throws: ContentError.self) { try writer.text("Subject", long) }
    #expect(error?.problem == "2049 bytes, the limit is 2048")
  }

  @Test("Values are folded at spaces, and encoded where they are not ASCII")
  func folding() throws {
    var writer = HeaderWriter()
    try writer.text("Subject", Array(repeating: "word", count: 40).joined(separator: " "))
    try writer.text("Subject", String(repeating: "Größe ", count: 30) + "x")
    try writer.mailbox("From", "A, B \"C\" \\", MailAddress("a@b.example", field: "from"))
    try writer.mailbox("From", "Müller", MailAddress("a@b.example", field: "from"))
    let lines = String(decoding: writer.bytes, as: UTF8.self).components(separatedBy: "\r\n")
    #expect(lines.allSatisfy { $0.utf8.count <= 76 })
    #expect(lines.contains(#"From: "A, B \"C\" \\" <a@b.example>"#))
    #expect(lines.contains("From: =?utf-8?B?TcO8bGxlcg==?= <a@b.example>"))
    #expect(lines.filter { $0.contains("=?utf-8?B?") }.count >= 6)
  }

  @Test("A picture for openings stands at the end of the body, and links are tracked")
  func tracking() throws {
    let fixture = ContentFixture()
    let request = try fixture.request(template())
    let content = try fixture.email(template())
    #expect(
      content.links == [
        TrackedLink(
          name: "cart_link", url: "https://www.moebel.example/cart/restore?id=81f3#top"),
        TrackedLink(name: "lines.1", url: "https://www.moebel.example/p/4711?a=1&b=2"),
      ])
    let maker = ContentRenderer().maker(request, try CompiledTemplate(request.template))
    let id = try #require(UUIDText.bytes(ContentFixture.message))
    let values = maker.builder(id, .tracked, isCopy: false)
    var html = Array("<body>x</body></html>".utf8)
    PixelMarkup.add(try #require(values.links.openPixel), to: &html)
    let text = String(decoding: html, as: UTF8.self)
    #expect(text.contains("x<img src=\"https://go.moebel.example/o/"))
    #expect(text.hasSuffix("border:0\"></body></html>"))
  }

  @Test("F16 M19 Without consent to tracking nothing tells of an opening or a click")
  func untracked() throws {
    var fixture = ContentFixture()
    fixture.isTracked = false
    let content = try fixture.email(ContentFixture.shipped("cart-reminder", "de"))
    #expect(content.links.isEmpty)
    let text = String(decoding: content.bytes, as: UTF8.self).replacing("=\r\n", with: "")
    #expect(text.contains("https://www.moebel.example/p/4711"))
    #expect(text.contains("https://www.moebel.example/cart/restore"))
    let tokens = text.matches(of: /go\.moebel\.example\/([a-z])\//).map { String($0.output.1) }
    #expect(Set(tokens) == ["u"], "only links to unsubscribe carry a token")
    #expect(text.contains("List-Unsubscribe: <https://go.moebel.example/u/"))
  }

  @Test("M04 A copy holds no tracking, cart or unsubscribe token")
  func copies() throws {
    var fixture = ContentFixture()
    fixture.order.copies = ["chef@moebel.example", "no address", "b@moebel.example"]
    let content = try fixture.email(ContentFixture.shipped("cart-reminder", "de"))
    #expect(content.copies.map(\.to) == ["chef@moebel.example", "b@moebel.example"])
    for (index, copy) in content.copies.enumerated() {
      let text = String(decoding: copy.bytes, as: UTF8.self).replacing("=\r\n", with: "")
      #expect(!text.contains("go.moebel.example"))
      #expect(!text.contains("restore"))
      #expect(!text.contains("List-Unsubscribe"))
      #expect(text.contains("https://www.moebel.example/p/4711"))
      #expect(text.contains("\(ContentFixture.message).copy\(index + 1)@moebel.example"))
    }
    let original = String(decoding: content.bytes, as: UTF8.self)
    #expect(!original.contains("chef@"))
  }

  @Test("M05 A message waits while a required value is missing")
  func held() throws {
    func missing(_ fixture: ContentFixture, _ required: [String] = []) throws -> [String] {
      let template = ContentFixture.template(
        html: MailTests.html, text: MailTests.text, required: required)
      let rendered = try ContentRenderer().render(fixture.request(template))
      guard case .held(let missing) = rendered else { return [] }
      return missing
    }
    #expect(try missing(ContentFixture()) == [])
    #expect(
      try missing(ContentFixture(), ["coupon", "flow.a", "image_url", "product_name"])
        == ["coupon", "flow.a", "image_url"])
    var fixture = ContentFixture()
    fixture.imprint = CartTrackerV1.Imprint()
    #expect(try missing(fixture) == ["imprint", "sender_email"])
    fixture = ContentFixture()
    fixture.imprint.address?.locality = ""
    #expect(try missing(fixture) == ["imprint"])
  }

  @Test("T26 What is no address is refused as a bad destination")
  func recipients() throws {
    for address in ["", "a", "a@b", "a b@c.example", "a@b.example\r\nBcc: x", "a@@b.example"] {
      var fixture = ContentFixture()
      fixture.recipient = address
      let error = #expect(throws: ContentError.self) {
        try ContentRenderer().render(fixture.request(template()))
      }
      #expect(error?.field == "recipient")
      #expect(error?.reason == .badDestination)
    }
    var fixture = ContentFixture()
    fixture.recipient = "zoe@bücher.example"
    #expect(try fixture.email(template()).to == "zoe@xn--bcher-kva.example")
  }

  @Test("A message that grows too large is refused with its part")
  func sizes() throws {
    let lines = String(repeating: "x", count: 60_000)
    var fixture = ContentFixture()
    fixture.cart.lines = Array(repeating: fixture.cart.lines[0], count: 50)
    let error = #expect(throws: ContentError.self) {
      try fixture.email(
        ContentFixture.template(
          html: "{{#lines}}\(lines){{/lines}}{{imprint}}{{unsubscribe_link}}",
          text: MailTests.text))
    }
    #expect(error?.field == "html")
    let sms = ContentFixture.template(
      text: String(repeating: "x", count: 1531), channel: .sms)
    let other = #expect(throws: ContentError.self) {
      try ContentRenderer().render(fixture.request(sms))
    }
    #expect(other?.field == "text")
  }

  @Test("Compiled templates are kept by version, and the unused go first")
  func cache() throws {
    let cache = TemplateCache(countMax: 2)
    func get(_ version: UInt32, _ text: String) throws -> Int {
      let stored = ContentFixture.template(text: text, channel: .sms, version: version)
      let program = try cache.template(stored).text
      return program?.parameters.count ?? -1
    }
    #expect(try get(1, "{{total}}") == 1)
    #expect(try get(1, "changed") == 1)
    #expect(try get(2, "{{total}}{{coupon}}") == 2)
    #expect(try get(1, "changed") == 1)
    #expect(try get(3, "x") == 0)
    #expect(cache.count == 2)
    #expect(try get(1, "changed") == 1)
    #expect(try get(2, "changed") == 0)
    #expect(try get(0, "{{total}}") == 1)
    #expect(try get(0, "x") == 0)
    #expect(throws: ContentError.self) { try get(9, "{{#lines}}") }
  }

  /// For `Tests/NotifierTests/mail_check.py`, which reads them with Python's `email`.
  @Test("T26 Mails with every kind of text are written for another parser to read")
  func write() throws {
    let texts = [
      "Plain", "Größe „L“", "漢字かな🙂", "שלום עולם", "A, \"B\" <c@d.example>", "=?utf-8?Q?x?=",
      "From x\r\nBcc: y@z.example", String(repeating: "Wort", count: 60),
      String(repeating: "ü", count: 60), "a\tb  c", ".", "=3D=", "--=_x",
    ]
    for (index, text) in texts.enumerated() {
      var fixture = ContentFixture()
      fixture.profile.familyName = text
      fixture.profile.givenName = ""
      fixture.profile.title = ""
      fixture.profile.salutation = ""
      fixture.imprint.senderName = String(text.prefix(60))
      fixture.cart.lines[0].name = text
      fixture.cart.lines[0].configuration = ".\nFrom here\n-- \ntrailing  \n" + text
      let template = ContentFixture.template(
        subject: "{{customer_name}}: {{store_name}}",
        html: "<p>{{#lines}}{{product_name}}{{configuration}}{{/lines}}</p>\n" + MailTests.html,
        text: "{{#lines}}{{product_name}}\n{{configuration}}{{/lines}}\n" + MailTests.text)
      let content = try fixture.email(template)
      #expect(!content.bytes.isEmpty)
      guard let folder = ProcessInfo.processInfo.environment["HOMING_MAILS"] else { continue }
      let request = try fixture.request(template)
      let compiled = try CompiledTemplate(template)
      let maker = ContentRenderer().maker(request, compiled)
      let id = try #require(UUIDText.bytes(ContentFixture.message))
      let values = maker.builder(id, .tracked, isCopy: false).values
      let expected: [String: String] = [
        "from_name": OneLine.text(fixture.imprint.senderName),
        "from": "hallo@moebel.example", "to": "zoe@example.com",
        "subject": OneLine.text(
          String(decoding: try maker.part("subject", compiled.subject, values), as: UTF8.self)),
        "text": String(decoding: try maker.part("text", compiled.text, values), as: UTF8.self),
        "html": String(decoding: try maker.part("html", compiled.html, values), as: UTF8.self),
      ]
      let base = URL(filePath: folder).appending(path: "\(index)")
      try Data(content.bytes).write(to: base.appendingPathExtension("eml"))
      try JSONEncoder().encode(expected).write(to: base.appendingPathExtension("json"))
    }
  }

  @Test(
    "M06 A deadline is shown until it has passed", arguments: [(1, true), (0, false), (-1, false)])
  func deadline(seconds: Int64, isShown: Bool) throws {
    var fixture = ContentFixture()
    fixture.cart.deadline = (ContentFixture.now + .seconds(seconds)).timestamp
    let request = try fixture.request(try ContentFixture.shipped("quote-reminder", "de"))
    let maker = ContentRenderer().maker(request, try CompiledTemplate(request.template))
    let id = try #require(UUIDText.bytes(ContentFixture.message))
    let values = maker.builder(id, .plain, isCopy: false).values
    #expect(values.isPresent("deadline") == isShown)
  }
}
