internal import Messages
internal import Synchronization
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Gateway

@Suite struct LetterLinkTests {
  private static let scan = "/l/" + StubDirectMail.token
  private static let objection = "/b/" + StubDirectMail.token
  private static let form = "Content-Type: application/x-www-form-urlencoded"

  @Test("D02 A scanned code is sent on to the cart and to nowhere else")
  func scanned() async throws {
    try await GatewayFixture.run { gateway in
      let reply = try await gateway.web.ask("GET", Self.scan + "?url=https://evil.example")
      #expect(reply.status == 302)
      #expect(reply.headers["location"] == "https://shop.example/cart/1")
      #expect(reply.headers["cache-control"] == "no-store")
      let request = try #require(gateway.letters.scans.entries.first)
      #expect(request.token == StubDirectMail.token)
      #expect(request.at?.seconds == 1_780_000_000)
      #expect(request.request.utf8.count == 64)
      #expect(!request.prefetch)
      #expect(gateway.stub.calls.entries.isEmpty)
    }
  }

  @Test(
    "D02 A look ahead is answered and not taken for a scan",
    arguments: [("HEAD", "Accept: */*"), ("GET", "Sec-Purpose: prefetch")])
  func ahead(method: String, header: String) async throws {
    try await GatewayFixture.run { gateway in
      let reply = try await gateway.web.ask(method, Self.scan, [header])
      #expect(reply.status == 302)
      #expect(gateway.letters.scans.entries.map(\.prefetch) == [true])
    }
  }

  @Test("D10 The page asks, and a look at it objects to nothing")
  func asks() async throws {
    try await GatewayFixture.run { gateway in
      for method in ["GET", "HEAD"] {
        let reply = try await gateway.web.ask(method, Self.objection, ["Accept-Language: de"])
        #expect(reply.status == 200)
        #expect(reply.headers["content-language"] == "de")
        #expect(reply.text.contains("keine Briefe mehr") == (method == "GET"))
      }
      #expect(gateway.letters.objections.entries.isEmpty)
    }
  }

  @Test("D10 The page's button objects, with the request as evidence; again changes nothing")
  func button() async throws {
    try await GatewayFixture.run { gateway in
      for _ in 1...2 {
        let reply = try await gateway.web.ask(
          "POST", Self.objection, [Self.form, "User-Agent: Phone/3"], body: Array("by=page".utf8))
        #expect(reply.status == 200)
        #expect(reply.text.contains("<h1>You will get no more letters</h1>"))
        #expect(!reply.text.contains("<form"))
      }
      #expect(gateway.letters.objections.entries.count == 2)
      let request = try #require(gateway.letters.objections.entries.first)
      #expect(request.token == StubDirectMail.token)
      #expect(request.at?.seconds == 1_780_000_000)
      #expect(request.evidence.hasPrefix("POST /b/ HTTP/1.1\nfrom: 127.0.0.1\n"))
      #expect(request.evidence.contains("user-agent: Phone/3"))
      #expect(!request.evidence.contains(StubDirectMail.token))
    }
  }

  @Test(
    "D10 The printed code can be typed as people type it",
    arguments: [
      "code=0A1B2C3D4E5F6G7H", "code=0A1B-2C3D-4E5F-6G7H", "by=x&code=+0A1B%202C3D+4E5F%096G7H+",
      "code=0A1B%E2%80%912C3D%E2%80%934E5F-6G7H",
    ])
  func typed(body: String) async throws {
    try await GatewayFixture.run { gateway in
      let page = try await gateway.web.ask("GET", "/b")
      #expect(page.status == 200)
      #expect(page.text.contains("name=\"code\""))
      let reply = try await gateway.web.ask("POST", "/b", [Self.form], body: Array(body.utf8))
      #expect(reply.status == 200)
      #expect(reply.text.contains("You will get no more letters"))
      #expect(gateway.letters.objections.entries.map(\.token) == [StubDirectMail.code])
      let evidence = gateway.letters.objections.entries.first?.evidence ?? ""
      #expect(evidence.contains("body: a typed code"))
      #expect(!evidence.contains(StubDirectMail.code))
    }
  }

  @Test(
    "D10 What is no code is asked for again, and nothing of it is shown",
    arguments: [
      ("", 0), ("code=", 0), ("code=%3Cscript%3E", 0), ("code=%FF%FE", 0), ("other=0A1B", 0),
      ("code=" + String(repeating: "A", count: 33), 0), ("code=ZZZZZZZZZZZZZZZZ", 1),
    ])
  func noCode(body: String, calls: Int) async throws {
    try await GatewayFixture.run { gateway in
      let reply = try await gateway.web.ask(
        "POST", "/b", [Self.form, "Accept-Language: nl"], body: Array(body.utf8))
      #expect(reply.status == 422)
      #expect(reply.text.contains("<h1>Deze code kennen wij niet</h1>"))
      #expect(reply.text.contains("name=\"code\""))
      #expect(!reply.text.contains("script") && !reply.text.contains("ZZZZ"))
      #expect(gateway.letters.objections.entries.count == calls)
    }
  }

  @Test("D10 A wrong link, a direct-mail that is away, and none at all are told apart")
  func trouble() async throws {
    try await GatewayFixture.run { gateway async throws -> Void in
      #expect(try await gateway.web.ask("GET", "/l/other").status == 404)
      #expect(try await gateway.web.ask("POST", "/b/other").status == 404)
      #expect(try await gateway.web.ask("GET", "/b/a.b").status == 404)
      #expect(try await gateway.web.ask("POST", Self.scan).status == 405)
      gateway.letters.failure.withLock { $0 = RPCError(.unavailable, "away") }
      for (method, path) in [("GET", Self.scan), ("POST", Self.objection)] {
        let reply = try await gateway.web.ask(method, path)
        #expect(reply.status == 503)
        #expect(reply.headers["retry-after"] == "5")
      }
      let lines = gateway.log.lines.entries
      #expect(lines.filter { $0.contains("direct-mail fails") }.count == 1)
      #expect(!lines.contains { $0.contains("the notifier fails") })
    }
    try await GatewayFixture.run {
      $0.hasLetters = false
    } _: { gateway async throws -> Void in
      for path in [Self.scan, Self.objection, "/b"] {
        #expect(try await gateway.web.ask("GET", path).status == 404)
      }
      #expect(try await gateway.web.ask("POST", "/b", body: Array("code=1".utf8)).status == 404)
      #expect(gateway.letters.objections.entries.isEmpty)
    }
  }

  @Test("The pages have their words in every language of the gateway")
  func languages() {
    for texts in PageTexts.all {
      let page = Page.letterCode(texts).answer(200)
      let text = String(decoding: page.body, as: UTF8.self)
      #expect(text.contains(Page.escaped(texts.letter.label)))
      #expect(page.headers["Content-Language"] == texts.language)
    }
    #expect(Set(PageTexts.all.map(\.letter.question)).count == PageTexts.all.count)
  }
}
