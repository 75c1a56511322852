internal import Messages
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

@Suite(.serialized, .bounded) struct RetryTests {
  /// A server whose unary methods refuse so many calls with an error, then answer.
  private func run(
    refusing count: Int, with error: RPCError,
    _ body: @Sendable (TestServer, Journal<String?>) async throws -> Void
  ) async throws {
    let attempts = Journal<String?>()
    try await TestServer.run {
      $0.echo.onUnary = { _, call in
        attempts.add(call.metadata.text("homing-previous-attempts"))
        if attempts.entries.count <= count { throw error }
        return .now(.init())
      }
      $0.echo.onBidirectional = { _, _, call in
        attempts.add(call.metadata.text("homing-previous-attempts"))
        throw error
      }
    } _: { server in
      try await body(server, attempts)
    }
  }

  @Test("An idempotent method is tried again, and says how many attempts came before")
  func triesAgain() async throws {
    try await run(refusing: 2, with: RPCError(.unavailable, "not now")) { server, attempts in
      let echo = try server.echo { $0.backOff = .milliseconds(1) }
      _ = try await echo.unary(.init())
      #expect(attempts.entries == [nil, "1", "2"])
    }
  }

  @Test("After the last attempt the caller gets the server's error")
  func givesUp() async throws {
    try await run(refusing: 9, with: RPCError(.unavailable, "not now")) { server, attempts in
      let echo = try server.echo { $0.backOff = .milliseconds(1) }
      let error = try await rpcError { try await echo.unary(.init()) }
      #expect(error == RPCError(.unavailable, "not now") && error.isFromPeer)
      #expect(attempts.entries == [nil, "1", "2"])
    }
  }

  @Test(
    "Other codes are not tried again", arguments: [RPCError.Code.aborted, .internalError, .unknown])
  func otherCodes(code: RPCError.Code) async throws {
    try await run(refusing: 1, with: RPCError(code, "no")) { server, attempts in
      let echo = try server.echo { $0.backOff = .milliseconds(1) }
      let error = try await rpcError { try await echo.unary(.init()) }
      #expect(error == RPCError(code, "no"))
      #expect(attempts.entries.count == 1)
    }
  }

  @Test("A full server that says when to come again is asked again then")
  func resourceExhausted() async throws {
    let full = RPCError(.resourceExhausted, "full", retryAfter: .milliseconds(5))
    try await run(refusing: 1, with: full) { server, attempts in
      _ = try await server.echo().unary(.init())
      #expect(attempts.entries == [nil, "1"])
    }
  }

  @Test("A stream that has begun is not tried again")
  func streams() async throws {
    try await run(refusing: 9, with: RPCError(.unavailable, "not now")) { server, attempts in
      let call = try await server.echo().bidirectionalStream()
      try await call.halfClose()
      let error = try await rpcError { try await call.next() }
      #expect(error.code == .unavailable)
      #expect(attempts.entries == [nil])
    }
  }

  @Test("The budget limits retries however many calls fail")
  func budget() async throws {
    try await run(refusing: .max, with: RPCError(.unavailable, "not now")) { server, attempts in
      let echo = try server.echo {
        $0.backOff = .milliseconds(1)
        $0.retryBudget = 4
      }
      for _ in 0..<20 { _ = try await rpcError { try await echo.unary(.init()) } }
      #expect(attempts.entries.count == 24)
    }
  }

  @Test("Metadata of the caller goes with every attempt, and the count is not doubled")
  func metadata() async throws {
    let seen = Journal<Metadata>()
    try await TestServer.run {
      $0.echo.onUnary = { _, call in
        seen.add(call.metadata)
        if seen.entries.count < 3 { throw RPCError(.unavailable, "not now") }
        return .now(.init())
      }
    } _: { server in
      let echo = try server.echo { $0.backOff = .milliseconds(1) }
      _ = try await echo.unary(.init(), options: CallOptions(metadata: ["k": "v"]))
    }
    #expect(
      seen.entries == [
        ["k": "v"], ["k": "v", "homing-previous-attempts": "1"],
        ["k": "v", "homing-previous-attempts": "2"],
      ])
  }
}
