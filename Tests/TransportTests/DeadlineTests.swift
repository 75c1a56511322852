internal import Messages
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

@Suite(.serialized, .bounded) struct DeadlineTests {
  private static let hour = Protobuf.Duration(.seconds(3600))

  @Test("The handler sees the time that is left")
  func travels() async throws {
    let seen = Promise<Duration?>()
    try await TestServer.run {
      $0.echo.onEmpty = { call in
        seen.fulfil(call.remaining)
        return .now(EchoV1.EmptyResponse())
      }
    } _: { server in
      _ = try await server.echo().empty(.init(), options: CallOptions(timeout: .seconds(500)))
    }
    let left = try #require(await seen.value)
    #expect(left <= .seconds(500) && left > .seconds(400))
  }

  @Test("A call without a deadline has none at the handler")
  func noDeadline() async throws {
    let seen = Promise<Duration?>()
    try await TestServer.run {
      $0.echo.onEmpty = { call in
        seen.fulfil(call.remaining)
        return .now(EchoV1.EmptyResponse())
      }
    } _: { server in
      _ = try await server.echo().empty(.init())
    }
    #expect(await seen.value == nil)
  }

  @Test("The server answers at the deadline though the handler ignores it, and cancels the handler")
  func firesAtServer() async throws {
    let wasCancelled = Promise<Void>()
    try await TestServer.run {
      $0.echo.onUnary = { _, _ in
        .later {
          await withTaskCancellationHandler {
            await wasCancelled.value
          } onCancel: {
            wasCancelled.fulfil()
          }
          return .now(EchoV1.UnaryResponse())
        }
      }
    } _: { server in
      let peer = try await server.rawPeer()
      try await peer.send(
        .init(
          streamID: 1, method: "homing.echo.v1.Echo/Unary", timeout: .init(.milliseconds(30)),
          messages: [[]], halfClose: true))
      let answer = try await peer.receive()
      #expect(answer?.status?.code == .deadlineExceeded)
      await wasCancelled.value
    }
  }

  @Test("The client gives up at the deadline though the server is silent, and says so")
  func firesAtClient() async throws {
    let authority = try TestAuthority()
    let listener = try RawListener()
    let offer = RawOffer(try authority.issue("server"))
    let client = try TestServer.client(port: listener.port, try authority.issue("client"))
    let echo = EchoV1.EchoClient(client)
    async let connected = echo.empty(.init())
    let peer = try await listener.accept(offer)
    #expect(try await peer.receive()?.streamID == 1)
    try await peer.send(.init(streamID: 1, messages: [[]], status: RpcV1.Status()))
    _ = try await connected
    let error = try await rpcError {
      try await echo.empty(.init(), options: CallOptions(timeout: .seconds(2)))
    }
    #expect(error == RPCError(.deadlineExceeded, "the server did not answer in time"))
    #expect(!error.isFromPeer)
    let opening = try #require(try await peer.receive())
    let timeout = try #require(opening.timeout?.span)
    #expect(timeout > .zero && timeout <= .seconds(2))
    #expect(try await peer.receive() == RpcV1.Frame(streamID: 2, cancel: true))
  }

  @Test("A call that finds no connection in its time ends DEADLINE_EXCEEDED")
  func noConnectionInTime() async throws {
    let authority = try TestAuthority()
    // Nobody accepts: the handshake never comes.
    let listener = try RawListener()
    let client = try TestServer.client(port: listener.port, try authority.issue("client"))
    let error = try await rpcError {
      try await EchoV1.EchoClient(client).empty(
        .init(), options: CallOptions(timeout: .milliseconds(50)))
    }
    #expect(error.code == .deadlineExceeded)
    #expect(error.message.hasPrefix("no connection to 127.0.0.1:"))
  }

  @Test("What a handler passes on is the time that is left, less a margin, with the trace")
  func onward() async throws {
    let seen = Promise<(CallOptions, Duration?)>()
    try await TestServer.run {
      $0.echo.onEmpty = { call in
        seen.fulfil((call.onward(margin: .seconds(20)), call.remaining))
        return .now(EchoV1.EmptyResponse())
      }
    } _: { server in
      let options = CallOptions(
        timeout: .seconds(100), metadata: ["traceparent": "00-1-2-01", "echo-initial": "x"])
      _ = try await server.echo().empty(.init(), options: options)
    }
    let (options, remaining) = await seen.value
    let timeout = try #require(options.timeout)
    #expect(timeout <= .seconds(80) && timeout > .seconds(20))
    #expect(try #require(remaining) < timeout + .seconds(20))
    #expect(options.metadata == ["traceparent": "00-1-2-01"])
  }

  @Test("A call with no time left is not sent", arguments: [Duration.zero, .seconds(-1)])
  func zeroAtClient(timeout: Duration) async throws {
    try await TestServer.run {
      $0.echo.onEmpty = { _ in
        Issue.record("the call was sent")
        return .now(EchoV1.EmptyResponse())
      }
    } _: { server in
      let echo = try server.echo()
      let error = try await rpcError {
        try await echo.empty(.init(), options: CallOptions(timeout: timeout))
      }
      #expect(error == RPCError(.deadlineExceeded, "the time was up before the call was sent"))
    }
  }

  @Test("A call that arrives with no time left is over at once", arguments: [0, -5])
  func zeroAtServer(milliseconds: Int) async throws {
    try await TestServer.run {
      $0.echo.onEmpty = { _ in
        Issue.record("the handler ran")
        return .now(EchoV1.EmptyResponse())
      }
    } _: { server in
      let peer = try await server.rawPeer()
      try await peer.send(
        .init(
          streamID: 1, method: "homing.echo.v1.Echo/Empty",
          timeout: .init(.milliseconds(milliseconds)), messages: [[]], halfClose: true))
      #expect(try await peer.receive()?.status?.code == .deadlineExceeded)
    }
  }

  @Test("A deadline of any length a peer may write is legal")
  func longest() async throws {
    try await TestServer.run { server in
      let echo = try server.echo()
      let answer = try await echo.empty(
        .init(), options: CallOptions(timeout: .seconds(Int64.max)))
      #expect(answer == EchoV1.EmptyResponse())
    }
  }
}
