internal import Messages
internal import Synchronization
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Gateway

@Suite struct ReportTests {
  private static let signed = ["X-Signature: right", "Content-Type: application/json"]

  private static func reports(_ gateway: GatewayFixture) -> [NotifierV1.TakeReportRequest] {
    gateway.stub.calls.entries.compactMap { call in
      if case .report(let request) = call { request } else { nil }
    }
  }

  @Test("A provider's report reaches the notifier as it came")
  func taken() async throws {
    try await GatewayFixture.run { gateway in
      let body = (0..<4096).map { UInt8(truncatingIfNeeded: $0) }
      let reply = try await gateway.web.ask("POST", "/hook/post.1", Self.signed, body: body)
      #expect(reply.status == 200)
      let request = try #require(Self.reports(gateway).first)
      #expect(request.provider == "post.1")
      #expect(request.body == body)
      #expect(request.receivedAt?.seconds == 1_780_000_000)
      let headers = request.headers.map { "\($0.name): \($0.value)" }
      #expect(headers.contains("x-signature: right"))
      #expect(headers.contains("host: links.example"))
      #expect(headers.contains("content-type: application/json"))
    }
  }

  @Test("A wrong signature, a provider nobody knows and a report nobody can read are refused")
  func refused() async throws {
    try await GatewayFixture.run { gateway in
      let wrong = try await gateway.web.ask("POST", "/hook/post.1", body: [1])
      #expect(wrong.status == 401)
      #expect(try await gateway.web.ask("POST", "/hook/other", Self.signed).status == 404)
      gateway.stub.state.withLock {
        $0.failure = RPCError(.invalidArgument, "no JSON: token=secret")
      }
      let unread = try await gateway.web.ask("POST", "/hook/post.1", Self.signed)
      #expect(unread.status == 400)
      #expect(!unread.text.contains("secret"))
      for path in [
        "/hook/", "/hook/a/b", "/hook/a%20b", "/hook/" + String(repeating: "a", count: 65),
      ] {
        #expect(try await gateway.web.ask("POST", path, Self.signed).status == 404)
      }
    }
  }

  @Test(
    "A provider sends again what the notifier could not take",
    arguments: [
      (RPCError(.unavailable, "away"), "5"), (RPCError(.internalError, "broken"), "5"),
      (RPCError(.resourceExhausted, "full", retryAfter: .seconds(30)), "30"),
      (RPCError(.permissionDenied, "no role"), "5"), (RPCError(.deadlineExceeded, "slow"), "5"),
    ])
  func later(error: RPCError, after: String) async throws {
    try await GatewayFixture.run { gateway in
      gateway.stub.state.withLock { $0.failure = error }
      let reply = try await gateway.web.ask("POST", "/hook/post.1", Self.signed, body: [1])
      #expect(reply.status == 503)
      #expect(reply.headers["retry-after"] == after)
    }
  }

  @Test("A body may have 1 MiB and not a byte more, whether its size is told or not")
  func large() async throws {
    try await GatewayFixture.run { gateway in
      let most = [UInt8](repeating: 65, count: 1 << 20)
      #expect(
        try await gateway.web.ask("POST", "/hook/post.1", Self.signed, body: most).status == 200)
      let told = try await gateway.web.ask("POST", "/hook/post.1", Self.signed, body: most + [65])
      #expect(told.status == 413)
      #expect(told.text.contains("1048576"))
      let head =
        "POST /hook/post.1 HTTP/1.1\r\nHost: a\r\nX-Signature: right\r\n"
        + "Transfer-Encoding: chunked\r\n\r\n100001\r\n"
      let chunked = try WebReply(
        try await gateway.web.exchange(
          Array(head.utf8) + most + Array("A\r\n0\r\n\r\n".utf8)))
      #expect(chunked.status == 413)
      #expect(Self.reports(gateway).count == 1)
    }
  }

  @Test("A body that breaks off reaches nobody")
  func cut() async throws {
    try await GatewayFixture.run {
      $0.limits.bodyTime = .milliseconds(100)
    } _: { gateway in
      let head =
        "POST /hook/post.1 HTTP/1.1\r\nHost: a\r\nX-Signature: right\r\nContent-Length: 10\r\n\r\n"
        + "abc"
      // The client waits: its time is up.
      let slow = try WebReply(try await gateway.web.exchange(Array(head.utf8)))
      #expect(slow.status == 408)
      #expect(Self.reports(gateway).isEmpty)
    }
  }

  @Test("More bodies than there is memory for are told to come again")
  func crowded() async throws {
    try await GatewayFixture.run {
      $0.limits.bodyBytesMax = 1000
    } _: { gateway in
      let body = [UInt8](repeating: 65, count: 1001)
      let reply = try await gateway.web.ask("POST", "/hook/post.1", Self.signed, body: body)
      #expect(reply.status == 503)
      #expect(reply.headers["retry-after"] == "1")
      #expect(
        try await gateway.web.ask("POST", "/hook/post.1", Self.signed, body: [1]).status == 200)
    }
  }
}
