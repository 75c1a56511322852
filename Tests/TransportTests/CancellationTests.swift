internal import Messages
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

@Suite(.serialized, .bounded) struct CancellationTests {
  /// A handler that says when it has begun and when it was cancelled, and never answers by itself.
  private struct Waiting: Sendable {
    let began = Promise<Void>()
    let wasCancelled = Promise<Void>()

    func callAsFunction() async throws {
      began.fulfil()
      await withTaskCancellationHandler {
        await wasCancelled.value
      } onCancel: {
        wasCancelled.fulfil()
      }
      throw CancellationError()
    }

    var unary: @Sendable (EchoV1.UnaryRequest, ServerCall) -> Reply<EchoV1.UnaryResponse> {
      { _, _ in
        .later {
          try await self()
          return .now(.init())
        }
      }
    }
  }

  @Test("A handler is cancelled when the caller's task is, and the call ends CANCELLED")
  func taskOfUnary() async throws {
    let handler = Waiting()
    try await TestServer.run {
      $0.echo.onUnary = handler.unary
    } _: { server in
      let echo = try server.echo()
      let task = Task { try await rpcError { try await echo.unary(.init()) } }
      await handler.began.value
      task.cancel()
      #expect(try await task.value.code == .cancelled)
      await handler.wasCancelled.value
    }
  }

  @Test("A handler is cancelled when the caller cancels the stream")
  func callerCancels() async throws {
    let handler = Waiting()
    try await TestServer.run {
      $0.echo.onBidirectional = { _, _, _ in try await handler() }
    } _: { server in
      let call = try await server.echo().bidirectionalStream()
      try await call.send(.init())
      await handler.began.value
      call.cancel()
      await handler.wasCancelled.value
      let error1 = try await rpcError { try await call.next() }
      #expect(error1.code == .cancelled)
    }
  }

  @Test("A handler is cancelled when the caller drops the stream")
  func callerDrops() async throws {
    let handler = Waiting()
    try await TestServer.run {
      $0.echo.onBidirectional = { _, _, _ in try await handler() }
    } _: { server in
      let client = try server.client()
      try await openAndDrop(client, handler.began)
      await handler.wasCancelled.value
      // The connection lives on.
      #expect(try await EchoV1.EchoClient(client).empty(.init()) == .init())
    }
  }

  private func openAndDrop(_ client: Client, _ began: Promise<Void>) async throws {
    let call = try await client.open(EchoV1.EchoMethods.bidirectionalStream, CallOptions())
    try await call.send([])
    await began.value
  }

  @Test("A handler is cancelled when the connection is cut")
  func connectionCut() async throws {
    let handler = Waiting()
    try await TestServer.run {
      $0.echo.onUnary = handler.unary
    } _: { server in
      let peer = try await server.rawPeer()
      try await peer.send(
        .init(
          streamID: 1, method: "homing.echo.v1.Echo/Unary", messages: [[]], halfClose: true))
      await handler.began.value
      peer.close()
      await handler.wasCancelled.value
      // The server lives on.
      #expect(try await EchoV1.EchoClient(server.client()).empty(.init()) == .init())
    }
  }

  @Test("A handler that reads is told that the caller has gone")
  func readerIsTold() async throws {
    let outcome = Promise<RPCError?>()
    try await TestServer.run {
      $0.echo.onBidirectional = { requests, _, _ in
        do {
          while try await requests.next() != nil {}
          outcome.fulfil(nil)
        } catch {
          outcome.fulfil(RPCError(thrown: error))
        }
      }
    } _: { server in
      let call = try await server.echo().bidirectionalStream()
      try await call.send(.init())
      call.cancel()
      #expect(await outcome.value?.code == .cancelled)
    }
  }

  @Test("A reader whose task is cancelled stops waiting")
  func readerOfStream() async throws {
    let handler = Waiting()
    try await TestServer.run {
      $0.echo.onBidirectional = { _, _, _ in try await handler() }
    } _: { server in
      let call = try await server.echo().bidirectionalStream()
      try await call.send(.init())
      await handler.began.value
      let task = Task { try await rpcError { try await call.next() } }
      task.cancel()
      #expect(try await task.value.code == .cancelled)
      call.cancel()
    }
  }

  @Test("A sender that waits for credit stops waiting when its task is cancelled")
  func senderOfStream() async throws {
    let handler = Waiting()
    let sent = Journal<Int>()
    try await TestServer.run {
      $0.echo.onBidirectional = { _, _, _ in try await handler() }
    } _: { server in
      let call = try await server.echo().bidirectionalStream()
      let payload = [UInt8](repeating: 0, count: 64 << 10)
      let task = Task {
        try await rpcError {
          while true {
            try await call.send(.init(payload: payload))
            sent.add(payload.count)
          }
        }
      }
      // A window of 256 KiB takes four messages, and the wait is before the fifth.
      await sent.wait(4)
      task.cancel()
      #expect(try await task.value.code == .cancelled)
      call.cancel()
      await handler.wasCancelled.value
    }
  }

  @Test("Who waits for metadata stops waiting when its task is cancelled")
  func metadataReader() async throws {
    let handler = Waiting()
    try await TestServer.run {
      $0.echo.onBidirectional = { _, _, _ in try await handler() }
    } _: { server in
      let call = try await server.echo().bidirectionalStream()
      try await call.send(.init())
      await handler.began.value
      let task = Task { try await rpcError { try await call.metadata() } }
      task.cancel()
      #expect(try await task.value.code == .cancelled)
      call.cancel()
    }
  }

  @Test("A caller cancelled while there is no connection yet stops waiting")
  func waitingForConnection() async throws {
    let authority = try TestAuthority()
    // Nobody accepts: the handshake never comes.
    let listener = try RawListener()
    let client = try TestServer.client(port: listener.port, try authority.issue("client"))
    let task = Task {
      try await rpcError { try await EchoV1.EchoClient(client).empty(.init()) }
    }
    task.cancel()
    #expect(try await task.value.code == .cancelled)
  }
}
