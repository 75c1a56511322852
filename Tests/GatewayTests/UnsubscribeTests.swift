internal import Messages
internal import Synchronization
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Gateway

@Suite struct UnsubscribeTests {
  private static let path = "/u/" + StubNotifier.token
  private static let form = "Content-Type: application/x-www-form-urlencoded"

  private static func optOuts(_ gateway: GatewayFixture) -> [NotifierV1.UnsubscribeRequest] {
    gateway.stub.calls.entries.compactMap { call in
      if case .unsubscribe(let request) = call { request } else { nil }
    }
  }

  @Test("M18 The page asks in the recipient's language and changes nothing")
  func page() async throws {
    try await GatewayFixture.run { gateway in
      for method in ["GET", "HEAD", "GET"] {
        let reply = try await gateway.web.ask(
          method, Self.path, ["Accept-Language: fr", "Sec-Purpose: prefetch"])
        #expect(reply.status == 200)
        #expect(reply.headers["content-type"] == "text/html; charset=utf-8")
        #expect(reply.headers["content-language"] == "de")
        #expect(reply.body.isEmpty == (method == "HEAD"))
        #expect(reply.headers["content-length"] != "0")
      }
      let reply = try await gateway.web.ask("GET", Self.path)
      #expect(reply.text.contains("<html lang=\"de\">"))
      #expect(reply.text.contains("Möchten Sie keine E\u{2011}Mails mehr erhalten?"))
      #expect(reply.text.contains("Werkzeughaus &lt;Süd&gt;"))
      #expect(reply.text.contains("a…@example.com"))
      #expect(reply.text.contains("<form method=\"post\">"))
      #expect(!reply.text.contains("<script"))
      #expect(Self.optOuts(gateway).isEmpty)
      #expect(!gateway.stub.hasOptOut)
    }
  }

  @Test("The page lets nothing load, run, frame or send elsewhere")
  func policy() async throws {
    try await GatewayFixture.run { gateway in
      let reply = try await gateway.web.ask("GET", Self.path)
      let policy = reply.headers["content-security-policy"] ?? ""
      #expect(policy.hasPrefix("default-src 'none'; style-src 'sha256-"))
      #expect(policy.contains("form-action 'self'; base-uri 'none'; frame-ancestors 'none'"))
      #expect(reply.headers["x-frame-options"] == "DENY")
      #expect(reply.headers["x-content-type-options"] == "nosniff")
      #expect(reply.headers["referrer-policy"] == "no-referrer")
      #expect(reply.headers["cache-control"] == "no-store")
      #expect(reply.headers["date"] == "Thu, 28 May 2026 20:26:40 GMT")
    }
  }

  @Test(
    "M18 A mail program opts out with one POST (RFC 8058)",
    arguments: [
      ("application/x-www-form-urlencoded", "List-Unsubscribe=One-Click"),
      ("application/x-www-form-urlencoded; charset=utf-8", "List%2DUnsubscribe=One%2dClick"),
      ("text/plain", "list-unsubscribe=one-click\r\n"),
      (
        "multipart/form-data; boundary=\"b1\"",
        "--b1\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\n"
          + "One-Click\r\n--b1--"
      ),
    ])
  func oneClick(type: String, body: String) async throws {
    try await GatewayFixture.run { gateway in
      let reply = try await gateway.web.ask(
        "POST", Self.path, ["Content-Type: \(type)", "User-Agent: Mail/2"],
        body: Array(body.utf8))
      #expect(reply.status == 200)
      #expect(reply.body.isEmpty)
      #expect(reply.headers["set-cookie"] == nil)
      let request = try #require(Self.optOuts(gateway).first)
      #expect(request.oneClick)
      #expect(request.token == StubNotifier.token)
      #expect(request.evidence.hasPrefix("POST /u/ HTTP/1.1\nfrom: 127.0.0.1\n"))
      #expect(request.evidence.contains("body: List-Unsubscribe=One-Click"))
      #expect(request.evidence.contains("user-agent: Mail/2"))
      #expect(!request.evidence.contains(StubNotifier.token))
    }
  }

  @Test("M18 The page's button opts out and leads to a page that says so")
  func button() async throws {
    try await GatewayFixture.run { gateway in
      let reply = try await gateway.web.ask(
        "POST", Self.path, [Self.form], body: Array("by=page".utf8))
      #expect(reply.status == 303)
      #expect(reply.headers["location"] == Self.path)
      let request = try #require(Self.optOuts(gateway).first)
      #expect(!request.oneClick)
      let page = try await gateway.web.ask("GET", Self.path)
      #expect(page.text.contains("<h1>Sie sind abgemeldet</h1>"))
      #expect(!page.text.contains("<form"))
    }
  }

  @Test("Whoever sends another POST is opted out too")
  func bare() async throws {
    try await GatewayFixture.run { gateway async throws -> Void in
      #expect(try await gateway.web.ask("POST", Self.path).status == 303)
      #expect(gateway.stub.hasOptOut)
    }
  }

  @Test("A wrong link, and a notifier that is away, are told apart")
  func trouble() async throws {
    try await GatewayFixture.run { gateway in
      let wrong = try await gateway.web.ask("POST", "/u/other", body: Array("by=page".utf8))
      #expect(wrong.status == 404)
      gateway.stub.state.withLock { $0.failure = RPCError(.unavailable, "away") }
      for method in ["GET", "POST"] {
        let away = try await gateway.web.ask(method, Self.path)
        #expect(away.status == 503)
        #expect(away.headers["retry-after"] == "5")
      }
      #expect(!gateway.stub.hasOptOut)
    }
  }

  @Test("Each language has a page of its own with every word filled in")
  func languages() {
    for texts in PageTexts.all {
      for channel in [CommonV1.Channel.email, .sms, .chat, .push] {
        for done in [false, true] {
          let known = NotifierV1.DescribeUnsubscribeResponse(
            storeName: "S", channel: channel, address: "a", locale: texts.language, done: done)
          let answer = Page.unsubscribe(known).answer(200)
          let html = String(decoding: answer.body, as: UTF8.self)
          #expect(html.contains("<html lang=\"\(texts.language)\">"))
          #expect(!html.contains("{what}") && !html.contains("{store}"))
          #expect(html.contains(PageTexts.of([texts.language]).what(channel)) || done)
        }
      }
    }
    #expect(Set(PageTexts.all.map(\.language)).count == PageTexts.all.count)
  }

  @Test("A name that looks like a placeholder or like HTML stays a name")
  func names() {
    let known = NotifierV1.DescribeUnsubscribeResponse(
      storeName: "{address}<b>", channel: .email, address: "{store}\"", locale: "en")
    let html = String(decoding: Page.unsubscribe(known).answer(200).body, as: UTF8.self)
    #expect(html.contains("&#123;address&#125;&lt;b&gt;"))
    #expect(html.contains("&#123;store&#125;&quot;"))
  }
}
