internal import Messages
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

/// Notes what it is told, and does what a test asks.
private struct ServerWitness: ServerInterceptor {
  let seen = Journal<String>()
  var refuse: @Sendable (ServerCall) throws -> Void = { _ in }

  func willHandle(_ call: ServerCall) throws {
    seen.add("will \(call.method.name)")
    try refuse(call)
  }

  func didFinish(_ call: ServerCall, _ error: RPCError?) {
    seen.add("did \(call.method.name) \(error?.code.description ?? "OK")")
  }
}

private struct ClientWitness: ClientInterceptor {
  let seen = Journal<String>()
  var change: @Sendable (RPCMethod, inout CallOptions) throws -> Void = { _, _ in }

  func willSend(_ method: RPCMethod, _ options: inout CallOptions) throws {
    seen.add("will \(method.name)")
    try change(method, &options)
  }

  func didFinish(_ method: RPCMethod, _ error: RPCError?, attempts: Int, elapsed: Duration) {
    seen.add("did \(method.name) \(error?.code.description ?? "OK") \(attempts)")
    if elapsed < .zero { seen.add("time ran backwards") }
  }
}

@Suite(.serialized, .bounded) struct InterceptorTests {
  private static let echo = "homing.echo.v1.Echo"

  @Test("A server's interceptor sees each call once, with its outcome, of every kind")
  func server() async throws {
    let witness = ServerWitness()
    try await TestServer.run {
      $0.interceptors = [witness]
    } _: { server in
      let echo = try server.echo()
      _ = try await echo.empty(.init())
      let status = RpcV1.Status(code: .notFound)
      _ = try await rpcError { try await echo.unary(.init(responseStatus: status)) }
      _ = try await echo.unary(.init(delay: .init(.milliseconds(1))))
      let sum = try await echo.clientStream()
      _ = try await sum.finish()
      let failing = try await echo.serverStream(.init(responseStatus: status))
      _ = try await rpcError { try await failing.next() }
      let left = try await echo.bidirectionalStream()
      try await left.send(.init(parts: [.init()]))
      _ = try await left.next()
      left.cancel()
      await witness.seen.wait { $0 == "did \(Self.echo)/BidirectionalStream CANCELLED" }
    }
    #expect(
      witness.seen.entries == [
        "will \(Self.echo)/Empty", "did \(Self.echo)/Empty OK", "will \(Self.echo)/Unary",
        "did \(Self.echo)/Unary NOT_FOUND", "will \(Self.echo)/Unary",
        "did \(Self.echo)/Unary OK", "will \(Self.echo)/ClientStream",
        "did \(Self.echo)/ClientStream OK", "will \(Self.echo)/ServerStream",
        "did \(Self.echo)/ServerStream NOT_FOUND", "will \(Self.echo)/BidirectionalStream",
        "did \(Self.echo)/BidirectionalStream CANCELLED",
      ])
  }

  @Test("A server's interceptor can refuse a call; its handler does not run")
  func serverRefuses() async throws {
    var witness = ServerWitness()
    witness.refuse = { call in
      if call.metadata.text("echo-initial") == nil {
        throw RPCError(.failedPrecondition, "not without a word")
      }
    }
    let strict = witness
    try await TestServer.run {
      $0.interceptors = [strict]
      $0.echo.onEmpty = { call in
        if call.metadata.isEmpty { Issue.record("the handler ran") }
        return .now(.init())
      }
    } _: { server in
      let echo = try server.echo()
      let error = try await rpcError { try await echo.empty(.init()) }
      #expect(error == RPCError(.failedPrecondition, "not without a word"))
      let stream = try await echo.bidirectionalStream()
      try await stream.halfClose()
      let error1 = try await rpcError { try await stream.next() }
      #expect(error1.code == .failedPrecondition)
      let options = CallOptions(metadata: ["echo-initial": "x"])
      #expect(try await echo.empty(.init(), options: options) == .init())
    }
    #expect(strict.seen.entries.filter { $0.hasPrefix("did") }.count == 3)
  }

  @Test("An error that a handler throws tells nothing of itself, and the server's observer all")
  func handlerFails() async throws {
    struct Secret: Error {}
    try await TestServer.run {
      $0.echo.onEmpty = { _ in throw Secret() }
    } _: { server in
      let echo = try server.echo()
      let error = try await rpcError { try await echo.empty(.init()) }
      #expect(error == RPCError(.internalError, "the handler failed"))
      let event = await server.events.wait {
        if case .handlerFailed = $0 { return true }
        return false
      }
      guard case .handlerFailed(let method, let cause) = event else { return }
      #expect(method == "homing.echo.v1.Echo/Empty" && cause is Secret)
    }
  }

  @Test("A client's interceptor sees each call once, with its outcome")
  func client() async throws {
    let witness = ClientWitness()
    try await TestServer.run { server in
      let echo = try server.echo { $0.interceptors = [witness] }
      _ = try await echo.empty(.init())
      let status = RpcV1.Status(code: .notFound)
      _ = try await rpcError { try await echo.unary(.init(responseStatus: status)) }
      let stream = try await echo.bidirectionalStream()
      try await stream.halfClose()
      #expect(try await stream.next() == nil)
    }
    #expect(
      witness.seen.entries == [
        "will \(Self.echo)/Empty", "did \(Self.echo)/Empty OK 1", "will \(Self.echo)/Unary",
        "did \(Self.echo)/Unary NOT_FOUND 1", "will \(Self.echo)/BidirectionalStream",
        "did \(Self.echo)/BidirectionalStream OK 1",
      ])
  }

  @Test("A client's interceptor can add metadata, which every attempt carries")
  func clientAddsMetadata() async throws {
    var witness = ClientWitness()
    witness.change = { _, options in options.metadata.append("traceparent", "00-a-b-01") }
    let adding = witness
    let seen = Journal<[String?]>()
    try await TestServer.run {
      $0.echo.onUnary = { _, call in
        let attempt = call.metadata.text("homing-previous-attempts")
        seen.add([call.metadata.text("traceparent"), call.metadata.text("own"), attempt])
        if attempt == nil { throw RPCError(.unavailable, "not now") }
        return .now(.init())
      }
    } _: { server in
      let echo = try server.echo {
        $0.interceptors = [adding]
        $0.backOff = .milliseconds(1)
      }
      _ = try await echo.unary(.init(), options: CallOptions(metadata: ["own": "1"]))
    }
    #expect(seen.entries == [["00-a-b-01", "1", nil], ["00-a-b-01", "1", "1"]])
    #expect(adding.seen.entries.last == "did \(Self.echo)/Unary OK 2")
  }

  @Test("An error that a client's interceptor throws is the call's outcome, told once")
  func clientRefuses() async throws {
    var witness = ClientWitness()
    witness.change = { _, _ in throw RPCError(.permissionDenied, "not from here") }
    let strict = witness
    try await TestServer.run { server in
      let echo = try server.echo { $0.interceptors = [strict] }
      let error = try await rpcError { try await echo.empty(.init()) }
      #expect(error == RPCError(.permissionDenied, "not from here"))
      #expect(server.opened.isEmpty)
    }
    #expect(
      strict.seen.entries == [
        "will \(Self.echo)/Empty", "did \(Self.echo)/Empty PERMISSION_DENIED 0",
      ])
  }

  @Test("A call cancelled while it waits to be tried again is told once, as cancelled")
  func cancelledInPause() async throws {
    let witness = ClientWitness()
    let refused = Promise<Void>()
    try await TestServer.run {
      $0.echo.onUnary = { _, _ in
        refused.fulfil()
        throw RPCError(.unavailable, "not now", retryAfter: .seconds(3600))
      }
    } _: { server in
      let echo = try server.echo { $0.interceptors = [witness] }
      let task = Task { try await rpcError { try await echo.unary(.init()) } }
      await refused.value
      task.cancel()
      #expect(try await task.value.code == .cancelled)
    }
    #expect(
      witness.seen.entries == ["will \(Self.echo)/Unary", "did \(Self.echo)/Unary CANCELLED 1"])
  }
}
