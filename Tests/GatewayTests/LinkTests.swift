internal import Messages
internal import Synchronization
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Gateway

@Suite struct LinkTests {
  private static let good = StubNotifier.token

  @Test("M18 A click is sent on to the notifier's answer and to nowhere else")
  func click() async throws {
    try await GatewayFixture.run { gateway in
      let reply = try await gateway.web.ask(
        "GET", "/c/\(Self.good)?url=https://evil.example&next=//evil.example",
        ["User-Agent: Browser/1", "Referer: https://mail.example/"])
      #expect(reply.status == 302)
      #expect(reply.headers["location"] == "https://shop.example/cart/1?code=SAVE10")
      #expect(reply.headers["cache-control"] == "no-store")
      #expect(reply.headers["referrer-policy"] == "no-referrer")
      #expect(reply.headers["x-robots-tag"] == "noindex, nofollow, noarchive")
      #expect(reply.body.isEmpty)
      guard case .click(let request) = gateway.stub.calls.entries.first else {
        Issue.record("no click came")
        return
      }
      #expect(request.token == Self.good)
      #expect(request.userAgent == "Browser/1")
      #expect(request.address == "127.0.0.1")
      #expect(request.at?.seconds == 1_780_000_000)
      #expect(request.request.utf8.count == 64)
    }
  }

  @Test("M19 The same request has the same mark, another browser's another")
  func marks() async throws {
    try await GatewayFixture.run { gateway in
      for agent in ["A", "A", "B"] {
        _ = try await gateway.web.ask("GET", "/c/\(Self.good)", ["User-Agent: \(agent)"])
      }
      let marks = gateway.stub.calls.entries.map { call in
        if case .click(let request) = call { request.request } else { "" }
      }
      #expect(marks.count == 3)
      #expect(marks[0] == marks[1])
      #expect(marks[1] != marks[2])
    }
  }

  @Test(
    "M19 The notifier is told of who only looks ahead",
    arguments: [
      ("HEAD", "Accept: */*", true), ("GET", "Sec-Purpose: prefetch;prerender", true),
      ("GET", "Purpose: preview", true), ("GET", "Accept: */*", false),
    ])
  func ahead(method: String, header: String, isAhead: Bool) async throws {
    try await GatewayFixture.run { gateway in
      let reply = try await gateway.web.ask(
        method, "/c/\(Self.good)", ["User-Agent: Mozilla", header])
      #expect(reply.status == 302)
      guard case .click(let request) = gateway.stub.calls.entries.first else {
        Issue.record("no click came")
        return
      }
      #expect(request.userAgent == "Mozilla")
      #expect(request.prefetch == isAhead)
    }
  }

  @Test(
    "A link that the notifier does not know is a page in the browser's language",
    arguments: [
      ("de-AT,en;q=0.5", "Dieser Link gilt nicht mehr", "de"),
      ("xx, fr;q=0.8, en;q=0.9", "This link no longer works", "en"),
      ("", "This link no longer works", "en"),
    ])
  func unknown(language: String, title: String, code: String) async throws {
    try await GatewayFixture.run { gateway in
      let reply = try await gateway.web.ask("GET", "/c/other", ["Accept-Language: \(language)"])
      #expect(reply.status == 404)
      #expect(reply.headers["content-language"] == code)
      #expect(reply.text.contains("<h1>\(title)</h1>"))
      #expect(reply.text.contains("other") == false)
    }
  }

  @Test(
    "An answer that is no web address sends nobody anywhere",
    arguments: [
      "javascript:alert(1)", "//evil.example", "/cart", "https://", "https:///cart",
      "https://shop.example/\r\nSet-Cookie: a=b", "",
    ])
  func noAddress(url: String) async throws {
    try await GatewayFixture.run { gateway in
      gateway.stub.state.withLock { $0.url = url }
      let reply = try await gateway.web.ask("GET", "/c/\(Self.good)")
      #expect(reply.status == 503)
      #expect(reply.headers["location"] == nil)
      #expect(reply.headers["set-cookie"] == nil)
    }
  }

  @Test("What may not stand in a header is encoded in the address")
  func encoded() async throws {
    try await GatewayFixture.run { gateway in
      gateway.stub.state.withLock { $0.url = "https://shop.example/Tür?a=\"b c\"&d=%20" }
      let reply = try await gateway.web.ask("GET", "/c/\(Self.good)")
      #expect(
        reply.headers["location"] == "https://shop.example/T%C3%BCr?a=%22b%20c%22&d=%20")
    }
  }

  @Test(
    "M19 The picture comes whatever the token is",
    arguments: [StubNotifier.token, "other", "a/b", "", String(repeating: "x", count: 2000)])
  func picture(token: String) async throws {
    try await GatewayFixture.run { gateway in
      let reply = try await gateway.web.ask("GET", "/o/\(token)")
      guard !token.contains("/") else {
        #expect(reply.status == 404)
        return
      }
      #expect(reply.status == 200)
      #expect(reply.headers["content-type"] == "image/gif")
      #expect(reply.body == Edge.picture)
      #expect(reply.body.count == 43)
      #expect(reply.headers["cross-origin-resource-policy"] == "cross-origin")
      #expect(gateway.stub.calls.entries.count == (token.isEmpty || token.count > 512 ? 0 : 1))
    }
  }

  @Test("Without the notifier a click is told to come again, and a picture is a picture")
  func away() async throws {
    try await GatewayFixture.run {
      $0.isAlone = true
      $0.limits.callTime = .milliseconds(200)
      $0.limits.openTime = .milliseconds(200)
    } _: { gateway in
      let click = try await gateway.web.ask("GET", "/c/\(Self.good)", ["Accept-Language: de"])
      #expect(click.status == 503)
      #expect(click.headers["retry-after"] == "5")
      #expect(click.text.contains("Gerade nicht möglich"))
      let open = try await gateway.web.ask("GET", "/o/\(Self.good)")
      #expect(open.status == 200)
      #expect(open.body == Edge.picture)
    }
  }

  @Test("The address is the connection's, unless a trusted proxy names another")
  func addresses() async throws {
    let forwarded = "X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.1.2.3"
    for (proxies, expected) in [
      ([], "127.0.0.1"), (["127.0.0.1", "10.0.0.0/8"], "203.0.113.9"),
      (["127.0.0.1"], "10.1.2.3"), (["192.0.2.0/24"], "127.0.0.1"),
    ] {
      try await GatewayFixture.run {
        $0.proxies = proxies
      } _: { gateway in
        _ = try await gateway.web.ask("GET", "/c/\(Self.good)", [forwarded])
        guard case .click(let request) = gateway.stub.calls.entries.first else {
          Issue.record("no click came")
          return
        }
        #expect(request.address == expected)
      }
    }
  }
}
