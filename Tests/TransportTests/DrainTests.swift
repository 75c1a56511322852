internal import Messages
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

@Suite(.serialized, .bounded) struct DrainTests {
  /// A unary handler that waits until it is let go.
  private struct Held: Sendable {
    let began = Journal<Int>()
    let mayEnd = Promise<Void>()

    var unary: @Sendable (EchoV1.UnaryRequest, ServerCall) -> Reply<EchoV1.UnaryResponse> {
      { request, _ in
        if request.payload == [2] { return .now(.init(payload: request.payload)) }
        return .later {
          began.add(1)
          await mayEnd.value
          return .now(.init(payload: request.payload))
        }
      }
    }
  }

  @Test("A draining server says go-away, finishes the calls it has, and drain returns")
  func finishesCalls() async throws {
    let held = Held()
    try await TestServer.run {
      $0.echo.onUnary = held.unary
    } _: { server in
      let peer = try await server.rawPeer()
      try await peer.send(
        .init(streamID: 3, method: "homing.echo.v1.Echo/Unary", messages: [[]], halfClose: true))
      await held.began.wait()
      async let drained: Void = server.drain()
      let goAway = try #require(try await peer.receive()?.goAway)
      #expect(goAway == RpcV1.GoAway(streamIDLast: 3, status: RpcV1.Status()))
      // A call after go-away is not looked at, and not answered.
      try await peer.send(
        .init(streamID: 4, method: "homing.echo.v1.Echo/Empty", messages: [[]], halfClose: true))
      held.mayEnd.fulfil()
      let answer = try #require(try await peer.receive())
      #expect(answer.streamID == 3 && answer.status == RpcV1.Status())
      #expect(try await peer.receive() == nil)
      await drained
      #expect(server.server.connectionCount == 0)
    }
  }

  @Test("While one server drains, its calls finish there and new ones go to its successor")
  func successor() async throws {
    let held = Held()
    let authority = try TestAuthority()
    let first = try await TestServer.start {
      $0.authority = authority
      $0.port = try RawListener.freePort()
      $0.echo.onUnary = held.unary
    }
    let client = try first.client()
    let echo = EchoV1.EchoClient(client)
    async let slow = echo.unary(.init(payload: [1]))
    await held.began.wait()
    let drained = Task { await first.drain() }
    let second = try await startAgain(on: first.port, authority)
    // Until the go-away has arrived, the first server may still take a call.
    repeat {
      let answer = try await echo.unary(.init(payload: [2]))
      #expect(answer.payload == [2])
    } while second.opened.isEmpty
    held.mayEnd.fulfil()
    #expect(try await slow.payload == [1])
    await drained.value
    await second.cut()
  }

  /// The listener of a draining server leaves its port in the next turn of its loop.
  private func startAgain(
    on port: Int, _ authority: TestAuthority, _ change: (inout TestServer.Setup) -> Void = { _ in }
  ) async throws -> TestServer {
    while true {
      do {
        return try await TestServer.start {
          $0.authority = authority
          $0.port = port
          change(&$0)
        }
      } catch let error as SystemError where error.call.hasPrefix("listen") {
        await Task.yield()
      }
    }
  }

  @Test("A drain that takes longer than its time cuts what is left")
  func cutsAfterTimeout() async throws {
    let held = Held()
    let server = try await TestServer.start { $0.echo.onUnary = held.unary }
    let echo = try server.echo { $0.attemptsMax = 1 }
    async let call = rpcError { try await echo.unary(.init()) }
    await held.began.wait()
    await server.server.drain(timeout: .milliseconds(20))
    #expect(server.server.connectionCount == 0)
    #expect(try await call.code == .unavailable)
    held.mayEnd.fulfil()
  }

  @Test("A call above the last that a go-away names is tried again, though it is not idempotent")
  func triedAgainElsewhere() async throws {
    let authority = try TestAuthority()
    let listener = try RawListener()
    let offer = RawOffer(try authority.issue("server"))
    let client = try TestServer.client(port: listener.port, try authority.issue("client"))
    #expect(!EchoV1.EchoMethods.publish.isIdempotent)
    let event = EchoV1.CartEvent(storeID: 1, cartID: "c")
    let call = Task { try await EchoV1.EchoClient(client).publish(event) }
    let first = try await listener.accept(offer)
    #expect(try await first.receive()?.streamID == 1)
    try await first.send(.init(goAway: .init(streamIDLast: 0)))
    let second = try await listener.accept(offer)
    let again = try #require(try await second.receive())
    #expect(again.method == "homing.echo.v1.Echo/Publish")
    #expect(again.metadata == [.init(key: "homing-previous-attempts", value: Array("1".utf8))])
    let answer = EchoV1.Ack(seq: 5)
    try await second.send(
      .init(streamID: again.streamID, messages: [try answer.encoded()], status: RpcV1.Status()))
    #expect(try await call.value == answer)
  }

  @Test("A call that the server may have looked at is not tried again when it is not idempotent")
  func notTriedAgain() async throws {
    let authority = try TestAuthority()
    let listener = try RawListener()
    let offer = RawOffer(try authority.issue("server"))
    let client = try TestServer.client(port: listener.port, try authority.issue("client"))
    let event = EchoV1.CartEvent(storeID: 1, cartID: "c")
    let call = Task { try await rpcError { try await EchoV1.EchoClient(client).publish(event) } }
    let first = try await listener.accept(offer)
    #expect(try await first.receive()?.streamID == 1)
    first.close()
    #expect(try await call.value.code == .unavailable)
  }

  @Test("A call that waited for credit when the connection broke was never seen, and is sent again")
  func neverWritten() async throws {
    let authority = try TestAuthority()
    let listener = try RawListener()
    let offer = RawOffer(try authority.issue("server"))
    let client = try TestServer.client(port: listener.port, try authority.issue("client"))
    let echo = EchoV1.EchoClient(client)
    // Overdraws the connection's 1 MiB, so that nothing else goes.
    let large = EchoV1.UnaryRequest(payload: [UInt8](repeating: 0, count: 2 << 20))
    let first = Task { try await echo.unary(large) }
    let peer = try await listener.accept(offer)
    #expect(try await peer.receive()?.streamID == 1)
    let second = Task { try await echo.publish(.init(storeID: 1, cartID: "c")) }
    peer.close()
    let next = try await listener.accept(offer)
    try await next.send(.init(credit: 8 << 20))
    for _ in 0..<2 {
      let frame = try #require(try await next.receive())
      try await next.send(
        .init(streamID: frame.streamID, messages: [[]], status: RpcV1.Status()))
    }
    #expect(try await first.value == .init())
    #expect(try await second.value == .init())
  }

  @Test("Servers restarted one after the other under load lose no idempotent call")
  func restartUnderLoad() async throws {
    let authority = try TestAuthority()
    var server = try await TestServer.start {
      $0.authority = authority
      $0.port = try RawListener.freePort()
    }
    let echo = try server.echo {
      $0.attemptsMax = 5
      $0.retryBudget = 1000
      $0.connectionsMax = 2
    }
    let isOver = Promise<Void>()
    let answered = Journal<Int>()
    let load = Task {
      try await withThrowingTaskGroup(of: Void.self) { group in
        for caller in 0..<8 {
          group.addTask {
            while isOver.now == nil {
              let answer = try await echo.unary(.init(payload: [UInt8(caller)]))
              #expect(answer.payload == [UInt8(caller)])
              answered.add(caller)
            }
          }
        }
        try await group.waitForAll()
      }
    }
    let port = server.port
    for round in 1...4 {
      await answered.wait(round * 100)
      let old = server
      let drained = Task { await old.drain() }
      server = try await startAgain(on: port, authority)
      await drained.value
    }
    await answered.wait(answered.entries.count + 100)
    isOver.fulfil()
    try await load.value
    await server.cut()
  }
}
