internal import Synchronization
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Gateway

@Suite struct HTTPTests {
  private static let good = StubNotifier.token

  @Test("What is not there is 404, another method 405 with those that are taken")
  func routes() async throws {
    try await GatewayFixture.run { gateway in
      for path in ["/", "/c", "/c/", "/c/a/b", "/C/a", "/c/a%2e", "/..", "//c/a", "/c/a.b", "/x/a"]
      {
        #expect(try await gateway.web.ask("GET", path).status == 404, "\(path)")
      }
      for (method, path, allow) in [
        ("POST", "/c/a", "GET, HEAD"), ("PUT", "/u/a", "GET, HEAD, POST"),
        ("GET", "/hook/a", "POST"), ("DELETE", "/healthz", "GET, HEAD"),
        ("OPTIONS", "/o/a", "GET, HEAD"),
      ] {
        let reply = try await gateway.web.ask(method, path)
        #expect(reply.status == 405)
        #expect(reply.headers["allow"] == allow)
      }
      #expect(gateway.stub.calls.entries.isEmpty)
    }
  }

  @Test("Health is told")
  func health() async throws {
    try await GatewayFixture.run { gateway in
      let reply = try await gateway.web.ask("GET", "/healthz")
      #expect(reply.status == 200)
      #expect(reply.text == "serving\n")
    }
  }

  @Test("An address, a header and headers have limits")
  func sizes() async throws {
    try await GatewayFixture.run { gateway async throws -> Void in
      let long = String(repeating: "a", count: 4097)
      #expect(try await gateway.web.ask("GET", "/c/a?\(long)").status == 414)
      let wide = String(repeating: "a", count: 9000)
      #expect(try await gateway.web.ask("GET", "/healthz", ["A: \(wide)"]).status == 400)
      let many = (0..<200).map { "A\($0): b" }
      #expect(try await gateway.web.ask("GET", "/healthz", many).status == 400)
      let some = (0..<100).map { "A\($0): b" }
      #expect(try await gateway.web.ask("GET", "/healthz", some).status == 200)
      #expect(try await gateway.web.ask("POST", "/hook/a", some).status == 431)
      #expect(try await gateway.web.ask("GET", "/healthz", body: [1]).status == 413)
    }
  }

  @Test(
    "What is no request is refused, and the next one is served",
    arguments: [
      "\0\0\0\0\r\n\r\n", "GET\r\n\r\n", "GET /healthz HTTP/1.1\r\nA b\r\n\r\n",
      "GET /healthz HTTP/9.9\r\n\r\n", "\u{16}\u{3}\u{1}\u{0}\u{5}hello\r\n\r\n",
      "POST /u/a HTTP/1.1\r\nContent-Length: x\r\n\r\n",
      "POST /u/a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
        + "0\r\n\r\n",
    ])
  func garbage(text: String) async throws {
    try await GatewayFixture.run {
      $0.limits.idleTime = .seconds(1)
    } _: { gateway in
      let bytes = try await gateway.web.exchange(Array(text.utf8))
      let status = bytes.isEmpty ? nil : try WebReply(bytes).status
      #expect(status == nil || status == 400)
      #expect(try await gateway.web.ask("GET", "/healthz").status == 200)
      #expect(gateway.stub.calls.entries.isEmpty)
    }
  }

  @Test("A connection that says nothing, or too slowly, is closed")
  func silent() async throws {
    try await GatewayFixture.run {
      $0.limits.idleTime = .milliseconds(100)
    } _: { gateway async throws -> Void in
      #expect(try await gateway.web.exchange([]).isEmpty)
      #expect(try await gateway.web.exchange(Array("GET /healthz HTT".utf8)).isEmpty)
    }
  }

  @Test("Requests on one connection are answered in order")
  func pipelined() async throws {
    try await GatewayFixture.run { gateway in
      let one = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
      let last = "GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
      let bytes = try await gateway.web.exchange(Array((one + one + last).utf8))
      let text = String(decoding: bytes, as: UTF8.self)
      let statuses = text.matches(of: #/HTTP\/1\.1 (\d+)/#).map { String($0.1) }
      #expect(statuses == ["200", "200", "404"])
    }
  }

  @Test("An end that is asked for waits for running requests, though not for ever")
  func ending() async throws {
    try await GatewayFixture.run {
      $0.drainTime = .milliseconds(50)
      $0.limits.bodyTime = .seconds(600)
    } _: { gateway in
      let head = "POST /u/\(Self.good) HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"
      async let cut = gateway.web.exchange(Array(head.utf8))
      await gateway.waits.wait { $0 == .seconds(600) }
      await gateway.stop()
      let bytes = try await cut
      #expect(bytes.isEmpty)
      #expect(!gateway.stub.hasOptOut)
    }
  }

  @Test("T32 Neither a token nor an address is logged, and an outage once")
  func log() async throws {
    try await GatewayFixture.run { gateway in
      for failure in [nil, RPCError(.unavailable, "away"), RPCError(.unavailable, "away"), nil] {
        gateway.stub.state.withLock { $0.failure = failure }
        for path in ["/c/\(Self.good)", "/u/\(Self.good)", "/o/secret-token", "/x/secret-token"] {
          _ = try await gateway.web.ask("GET", path, ["X-Forwarded-For: 203.0.113.77"])
        }
      }
      _ = try await gateway.web.exchange(Array("GET /c/secret-token\r\n\r\n".utf8))
      let lines = gateway.log.lines.entries
      let text = lines.joined(separator: "\n")
      for secret in [Self.good, "secret-token", "203.0.113.77"] { #expect(!text.contains(secret)) }
      #expect(lines.filter { $0.contains("the notifier fails") }.count == 1)
      #expect(lines.filter { $0.contains("the notifier answers again") }.count == 1)
      #expect(text.contains("answered"))
    }
  }

  @Test("The body of an answer to HEAD is left out, its size told")
  func head() async throws {
    try await GatewayFixture.run { gateway in
      let reply = try await gateway.web.ask("HEAD", "/o/\(Self.good)")
      #expect(reply.status == 200)
      #expect(reply.headers["content-length"] == "43")
      #expect(reply.body.isEmpty)
    }
  }

  @Test("A body that is announced is asked for")
  func announced() async throws {
    try await GatewayFixture.run { gateway in
      let text =
        "POST /u/\(Self.good) HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 26\r\n"
        + "Connection: close\r\n\r\nList-Unsubscribe=One-Click"
      let bytes = try await gateway.web.exchange(Array(text.utf8))
      #expect(String(decoding: bytes, as: UTF8.self).hasPrefix("HTTP/1.1 100 Continue\r\n\r\n"))
      #expect(gateway.stub.hasOptOut)
    }
  }
}
