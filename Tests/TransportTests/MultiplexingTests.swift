internal import Messages
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

@Suite(.serialized, .bounded) struct MultiplexingTests {
  @Test("1,000 calls at once on one connection are answered out of order, each its own answer")
  func thousandCalls() async throws {
    // The last call to come releases the one before it, and so on to the first.
    let gates = (0...1000).map { _ in Promise<Void>() }
    let answered = Journal<Int>()
    try await TestServer.run {
      $0.echo.onUnary = { request, _ in
        let number = Int(request.payload[0]) << 8 | Int(request.payload[1])
        return .later {
          if number == 999 { gates[1000].fulfil() }
          await gates[number + 1].value
          answered.add(number)
          gates[number].fulfil()
          return .now(.init(payload: request.payload))
        }
      }
    } _: { server in
      let echo = try server.echo()
      _ = try await echo.empty(.init())
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<1000 {
          group.addTask {
            let payload = [UInt8(number >> 8), UInt8(number & 0xff)]
            let answer = try await echo.unary(.init(payload: payload))
            #expect(answer.payload == payload)
          }
        }
        try await group.waitForAll()
      }
      #expect(server.opened.count == 1)
    }
    #expect(answered.entries == (0..<1000).reversed())
  }

  @Test("The answers to what came in one read leave in few records, not one each")
  func coalescedAnswers() async throws {
    try await TestServer.run { server in
      let peer = try await server.rawPeer()
      let body = try RpcV1.Frame(
        streamID: 0, method: "homing.echo.v1.Echo/Empty", messages: [[]], halfClose: true
      ).encoded()
      var bytes: [UInt8] = []
      for id in UInt32(1)...200 {
        let frame = try RpcV1.Frame(
          streamID: id, method: "homing.echo.v1.Echo/Empty", messages: [[]], halfClose: true
        ).encoded()
        bytes += [0, 0, 0, UInt8(frame.count)] + frame
      }
      #expect(bytes.count < 16 << 10 && body.count < 100)
      try await peer.send(bytes: bytes)
      for id in UInt32(1)...200 { #expect(try await peer.receive()?.streamID == id) }
      // They came as one record; they are answered in one turn. Slack for a socket that splits.
      #expect(peer.recordCount <= 3)
    }
  }

  @Test("The requests of one turn leave in few records, not one each")
  func coalescedRequests() async throws {
    let authority = try TestAuthority()
    let listener = try RawListener()
    let offer = RawOffer(try authority.issue("server"))
    let client = try TestServer.client(port: listener.port, try authority.issue("client"))
    let echo = EchoV1.EchoClient(client)
    let calls = Task {
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<100 {
          group.addTask(executorPreference: TestLoops.group.loops[0]) {
            _ = try await echo.empty(.init())
          }
        }
        try await group.waitForAll()
      }
    }
    let peer = try await listener.accept(offer)
    var ids: Set<UInt32> = []
    while ids.count < 100, let frame = try await peer.receive() { ids.insert(frame.streamID) }
    #expect(peer.recordCount <= 50)
    for id in ids {
      try await peer.send(.init(streamID: id, messages: [[]], status: RpcV1.Status()))
    }
    try await calls.value
  }

  @Test("More calls than the connection takes are refused with a time to come again")
  func tooManyCalls() async throws {
    var limits = Limits()
    limits.streamsMax = 4
    let few = limits
    let began = Journal<Int>()
    let mayEnd = Promise<Void>()
    try await TestServer.run {
      $0.limits = few
      $0.echo.onUnary = { _, _ in
        .later {
          began.add(1)
          await mayEnd.value
          return .now(.init())
        }
      }
    } _: { server in
      let peer = try await server.rawPeer()
      for id in UInt32(1)...5 {
        try await peer.send(
          .init(
            streamID: id, method: "homing.echo.v1.Echo/Unary", messages: [[]], halfClose: true))
      }
      let refused = try await peer.receive { $0.streamID != 0 }
      #expect(refused?.streamID == 5)
      #expect(refused?.status?.code == .resourceExhausted)
      #expect(refused?.status?.retryAfter != nil)
      mayEnd.fulfil()
      var ended: Set<UInt32> = []
      while ended.count < 4, let frame = try await peer.receive() { ended.insert(frame.streamID) }
      #expect(ended == [1, 2, 3, 4])
    }
  }
}
