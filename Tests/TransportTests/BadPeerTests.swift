internal import Messages
internal import Stubs
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Transport

/// What the script of bad peers cannot reach: a bad server, and mistakes of our own side.
@Suite(.serialized, .bounded) struct BadPeerTests {
  /// A server that a test plays itself, and a client's call to it.
  private func play(
    _ script: @escaping @Sendable (RawPeer) async throws -> Void
  ) async throws -> RPCError {
    let authority = try TestAuthority()
    let listener = try RawListener()
    let offer = RawOffer(try authority.issue("server"))
    let client = try TestServer.client(port: listener.port, try authority.issue("client")) {
      $0.attemptsMax = 1
    }
    let played = Task {
      let peer = try await listener.accept(offer)
      _ = try await peer.receive { $0.streamID == 1 }
      try await script(peer)
      return try? await peer.receive { $0.goAway != nil }?.goAway
    }
    let error = try await rpcError { try await EchoV1.EchoClient(client).unary(.init()) }
    if error.code == .invalidArgument { #expect(error.isFromPeer == false) }
    _ = try await played.value
    return error
  }

  @Test(
    "A server that breaks a rule of the connection is left, with the rule as the reason",
    arguments: [
      (RpcV1.Frame(streamID: 1, method: "a.B/C"), "a client's fields from a server"),
      (RpcV1.Frame(streamID: 1, halfClose: true), "a client's fields from a server"),
      (RpcV1.Frame(streamID: 7, messages: [[]]), "stream 7 was never opened"),
      (RpcV1.Frame(messages: [[]]), "stream fields on stream 0"),
      (RpcV1.Frame(streamID: 1, ping: .init(id: 1)), "connection fields on stream 1"),
      (RpcV1.Frame(credit: .max), "credit passes 2^62 bytes"),
      (
        RpcV1.Frame(settings: .init(frameBytesMax: 1)),
        "setting frame_bytes_max is 1, allowed are 65536...67108864"
      ),
    ])
  func brokenRule(frame: RpcV1.Frame, reason: String) async throws {
    let error = try await play { try await $0.send(frame) }
    #expect(error.message == reason)
  }

  @Test("Settings that come twice are a broken rule")
  func settingsTwice() async throws {
    let error = try await play {
      try await $0.send(
        .init(settings: .init(streamsMax: 5)), .init(settings: .init(streamsMax: 5)))
    }
    #expect(error.message == "settings after the first frame")
  }

  @Test(
    "A length of 0, one over the limit, and bytes that are no frame end the connection",
    arguments: [
      ([0, 0, 0, 0], "a frame of length 0"),
      ([0xff, 0, 0, 0], "a frame of 4278190080 bytes, the limit is 4194304"),
      ([0, 0, 0, 2, 0xff, 0xff], "2 bytes are not a Frame"),
    ] as [([UInt8], String)])
  func badBytes(bytes: [UInt8], reason: String) async throws {
    let error = try await play { try await $0.send(bytes: bytes) }
    #expect(error.message == reason)
  }

  @Test("A server that is cut off in the middle of a frame ends its calls UNAVAILABLE")
  func cutOff() async throws {
    let error = try await play {
      try await $0.send(bytes: [0, 0, 0, 20, 0x0d])
      $0.close()
    }
    #expect(error.code == .unavailable)
  }

  @Test(
    "A call that ends well and without its answer, or with two, is the server's broken promise",
    arguments: [0, 2])
  func wrongAnswerCount(count: Int) async throws {
    let error = try await play {
      try await $0.send(
        .init(
          streamID: 1, messages: [[UInt8]](repeating: [], count: count), status: RpcV1.Status()))
      try await $0.send(.init(goAway: .init(streamIDLast: 1)))
    }
    #expect(error.code == .internalError)
  }

  @Test("A status code that nobody knows counts as UNKNOWN, with its message")
  func unknownCode() async throws {
    let error = try await play {
      try await $0.send(
        .init(streamID: 1, status: .init(code: .init(rawValue: 99), message: "odd")))
      try await $0.send(.init(goAway: .init(streamIDLast: 1)))
    }
    #expect(error == RPCError(.unknown, "odd"))
  }

  @Test("A request over the server's frame limit fails its call only, unary or streaming")
  func requestTooLarge() async throws {
    var limits = Limits()
    limits.frameBytesMax = 64 << 10
    let small = limits
    try await TestServer.run {
      $0.limits = small
    } _: { server in
      let client = try server.client()
      let echo = EchoV1.EchoClient(client)
      // The server's settings have come with this answer.
      _ = try await echo.empty(.init())
      let large = [UInt8](repeating: 0, count: 70 << 10)
      let unary = try await rpcError { try await echo.unary(.init(payload: large)) }
      #expect(unary.code == .resourceExhausted && !unary.isFromPeer)
      let call = try await echo.bidirectionalStream()
      let first = try await rpcError { try await call.send(.init(payload: large)) }
      #expect(first.code == .resourceExhausted)
      let other = try await echo.bidirectionalStream()
      try await other.send(.init(parts: [.init(payloadBytes: 1)]))
      let second = try await rpcError { try await other.send(.init(payload: large)) }
      #expect(second.code == .resourceExhausted)
      #expect(try await other.next()?.payload.count == 1)
      other.cancel()
      #expect(try await echo.empty(.init()) == .init())
      #expect(server.opened.count == 1)
      // The calls that failed are forgotten: the connection closes as soon as its client does.
      client.close()
      await server.events.wait {
        if case .closed = $0 { return true }
        return false
      }
    }
  }

  @Test("An answer over the client's frame limit fails its call only")
  func answerTooLarge() async throws {
    var limits = Limits()
    limits.frameBytesMax = 64 << 10
    let small = limits
    try await TestServer.run { server in
      let echo = try server.echo { $0.limits = small }
      let unary = try await rpcError { try await echo.unary(.init(responseBytes: 70 << 10)) }
      #expect(unary.code == .resourceExhausted && unary.isFromPeer)
      let delayed = EchoV1.UnaryRequest(responseBytes: 70 << 10, delay: .init(.milliseconds(1)))
      let later = try await rpcError { try await echo.unary(delayed) }
      #expect(later.code == .resourceExhausted)
      let call = try await echo.serverStream(.init(parts: [.init(payloadBytes: 70 << 10)]))
      let stream = try await rpcError { try await call.next() }
      #expect(stream.code == .resourceExhausted)
      #expect(try await echo.empty(.init()) == .init())
      #expect(server.opened.count == 1)
    }
  }

  @Test(
    "Metadata that the rules forbid is refused before it is sent",
    arguments: ["Upper", "", "sp ace", String(repeating: "k", count: 65)])
  func badKey(key: String) async throws {
    try await TestServer.run { server in
      let echo = try server.echo()
      var metadata = Metadata()
      metadata.append(key, "v")
      let options = CallOptions(metadata: metadata)
      let error = try await rpcError { try await echo.empty(.init(), options: options) }
      #expect(error.code == .invalidArgument && !error.isFromPeer)
      #expect(try await echo.empty(.init()) == .init())
    }
  }

  @Test("Metadata over the limit is refused before it is sent, and by a server that gets it")
  func metadataTooLarge() async throws {
    try await TestServer.run { server in
      let echo = try server.echo()
      var metadata = Metadata()
      metadata.append("big-bin", bytes: [UInt8](repeating: 0, count: 16 << 10))
      let options = CallOptions(metadata: metadata)
      let local = try await rpcError { try await echo.empty(.init(), options: options) }
      #expect(local.code == .resourceExhausted && !local.isFromPeer)
      let peer = try await server.rawPeer()
      try await peer.send(
        .init(
          streamID: 1, method: "homing.echo.v1.Echo/Empty", metadata: metadata.wire,
          messages: [[]], halfClose: true))
      #expect(try await peer.receive()?.status?.code == .resourceExhausted)
    }
  }

  @Test("A connection over the server's limit is told so and closed; one that leaves makes room")
  func tooManyConnections() async throws {
    try await TestServer.run {
      $0.connectionsMax = 1
    } _: { server in
      let first = try await server.rawPeer()
      try await first.send(.init(ping: .init(id: 1)))
      _ = try await first.receive()
      let second = try await server.rawPeer()
      #expect(try await second.receive()?.goAway?.status?.code == .resourceExhausted)
      first.close()
      await server.events.wait {
        if case .closed(peer: _?, let reason) = $0 { return reason.code == .unavailable }
        return false
      }
      let third = try await server.rawPeer()
      try await third.send(.init(ping: .init(id: 2)))
      #expect(try await third.receive()?.ping == .init(id: 2, answer: true))
    }
  }

  @Test("A method that is served twice is a mistake that ends the process at its start")
  func servedTwice() async {
    await #expect(processExitsWith: .failure) {
      var table = MethodTable()
      TestEcho().register(in: &table)
      TestEcho().register(in: &table)
    }
  }
}
