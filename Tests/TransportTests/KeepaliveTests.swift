internal import Messages
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

@Suite(.serialized, .bounded) struct KeepaliveTests {
  private func limits(_ change: (inout Limits) -> Void) -> Limits {
    var limits = Limits()
    change(&limits)
    return limits
  }

  /// Why the server's one connection ended.
  private func reason(_ server: TestServer) async -> RPCError? {
    let event = await server.events.wait {
      if case .closed(peer: _?, _) = $0 { return true }
      return false
    }
    if case .closed(_, let reason) = event { return reason }
    return nil
  }

  @Test("A ping is answered with its number, before anything else that waits")
  func pingIsAnswered() async throws {
    try await TestServer.run { server in
      let peer = try await server.rawPeer()
      try await peer.send(.init(ping: .init(id: .max)))
      #expect(try await peer.receive() == RpcV1.Frame(ping: .init(id: .max, answer: true)))
    }
  }

  @Test("A peer that does not answer a ping is left")
  func silentPeer() async throws {
    let short = limits {
      $0.keepaliveInterval = .milliseconds(50)
      $0.keepaliveTimeout = .milliseconds(50)
    }
    try await TestServer.run {
      $0.limits = short
    } _: { server in
      let peer = try await server.rawPeer()
      let ping = try #require(try await peer.receive()?.ping)
      #expect(!ping.answer)
      #expect(await reason(server) == RPCError(.unavailable, "the peer does not answer pings"))
    }
  }

  @Test("A peer that answers pings stays, however little it says")
  func answeringPeer() async throws {
    let short = limits {
      $0.keepaliveInterval = .milliseconds(50)
      $0.keepaliveTimeout = .seconds(3)
    }
    try await TestServer.run {
      $0.limits = short
    } _: { server in
      let client = try server.client()
      #expect(try await EchoV1.EchoClient(client).empty(.init()) == .init())
      let peer = try await server.rawPeer()
      // Three rounds of the other connection's keepalive: time enough to lose the quiet client.
      for _ in 0..<3 {
        let ping = try #require(try await peer.receive()?.ping)
        try await peer.send(.init(ping: .init(id: ping.id, answer: true)))
      }
      #expect(try await EchoV1.EchoClient(client).empty(.init()) == .init())
      #expect(server.opened.count == 2)
    }
  }

  @Test("A client pings a silent server and leaves it; its call ends UNAVAILABLE")
  func silentServer() async throws {
    let short = limits {
      $0.keepaliveInterval = .seconds(2)
      $0.keepaliveTimeout = .milliseconds(500)
    }
    let authority = try TestAuthority()
    let listener = try RawListener()
    let offer = RawOffer(try authority.issue("server"))
    let client = try TestServer.client(port: listener.port, try authority.issue("client")) {
      $0.limits = short
      $0.attemptsMax = 1
    }
    async let accepted = listener.accept(offer)
    let error = try await rpcError { try await EchoV1.EchoClient(client).empty(.init()) }
    #expect(error == RPCError(.unavailable, "the peer does not answer pings"))
    let peer = try await accepted
    let frames = [try await peer.receive(), try await peer.receive()]
    #expect(frames.map { $0?.method } == ["homing.echo.v1.Echo/Empty", ""])
    #expect(frames[1]?.ping != nil)
  }

  @Test("A connection without calls is retired by a go-away")
  func idle() async throws {
    let short = limits { $0.idleTimeout = .milliseconds(50) }
    try await TestServer.run {
      $0.limits = short
    } _: { server in
      let peer = try await server.rawPeer()
      #expect(try await peer.receive()?.goAway == RpcV1.GoAway(status: RpcV1.Status()))
      #expect(try await peer.receive() == nil)
    }
  }

  @Test("A connection with a call that runs is not idle")
  func notIdle() async throws {
    let short = limits { $0.idleTimeout = .seconds(2) }
    try await TestServer.run {
      $0.limits = short
    } _: { server in
      let peer = try await server.rawPeer()
      let request = try EchoV1.UnaryRequest(delay: .init(.seconds(3))).encoded()
      try await peer.send(
        .init(
          streamID: 1, method: "homing.echo.v1.Echo/Unary", messages: [request], halfClose: true))
      let answer = try #require(try await peer.receive())
      #expect(answer.streamID == 1 && answer.status == RpcV1.Status())
      #expect(try await peer.receive()?.goAway?.streamIDLast == 1)
    }
  }

  @Test("A connection of the age limit is drained: its call ends well, then it closes")
  func age() async throws {
    let short = limits { $0.ageMax = .seconds(2) }
    let mayEnd = Promise<Void>()
    try await TestServer.run {
      $0.limits = short
      $0.echo.onUnary = { _, _ in
        .later {
          await mayEnd.value
          return .now(.init())
        }
      }
    } _: { server in
      let peer = try await server.rawPeer()
      try await peer.send(
        .init(streamID: 1, method: "homing.echo.v1.Echo/Unary", messages: [[]], halfClose: true))
      let goAway = try await peer.receive()?.goAway
      #expect(goAway == RpcV1.GoAway(streamIDLast: 1, status: RpcV1.Status()))
      mayEnd.fulfil()
      #expect(try await peer.receive()?.status == RpcV1.Status())
      #expect(try await peer.receive() == nil)
    }
  }

  @Test("A client whose connection was retired makes another for its next call")
  func clientAfterRetirement() async throws {
    let short = limits { $0.idleTimeout = .milliseconds(50) }
    try await TestServer.run {
      $0.limits = short
    } _: { server in
      let echo = try server.echo()
      for count in 1...3 {
        #expect(try await echo.empty(.init()) == .init())
        await server.events.wait(count) {
          if case .closed = $0 { return true }
          return false
        }
      }
      #expect(server.opened.count == 3)
    }
  }

  @Test("A frame begun and not finished in its time ends the connection")
  func unfinishedFrame() async throws {
    let short = limits { $0.frameTimeout = .milliseconds(50) }
    try await TestServer.run {
      $0.limits = short
    } _: { server in
      let peer = try await server.rawPeer()
      try await peer.send(bytes: [0, 0, 0, 20, 0x0d])
      #expect(try await peer.receive()?.goAway?.status?.code == .deadlineExceeded)
      #expect(try await peer.receive() == nil)
    }
  }

  @Test("A peer that does not read is left after the output's time-out")
  func peerDoesNotRead() async throws {
    let short = limits { $0.outputTimeout = .milliseconds(300) }
    try await TestServer.run {
      $0.limits = short
    } _: { server in
      let peer = try await server.rawPeer()
      try await peer.send(.init(credit: 1 << 40))
      let request = try EchoV1.UnaryRequest(responseBytes: 3 << 20).encoded()
      for id in UInt32(1)...4 {
        try await peer.send(
          .init(
            streamID: id, method: "homing.echo.v1.Echo/Unary", messages: [request],
            halfClose: true))
      }
      #expect(await reason(server) == RPCError(.unavailable, "the peer does not read"))
    }
  }
}
