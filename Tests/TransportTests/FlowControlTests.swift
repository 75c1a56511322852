internal import Messages
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

@Suite(.serialized, .bounded) struct FlowControlTests {
  private static let bigPart = EchoV1.ResponsePart(payloadBytes: 64 << 10)

  @Test("A slow reader of one stream stalls that stream alone")
  func slowStreamStallsAlone() async throws {
    let sent = Journal<Int>()
    try await TestServer.run {
      $0.echo.onServerStream = { _, responses, _ in
        for number in 1...20 {
          try await responses.send(.init(payload: [UInt8](repeating: 0, count: 64 << 10)))
          sent.add(number)
        }
      }
    } _: { server in
      let echo = try server.echo()
      let call = try await echo.serverStream(.init())
      // 256 KiB of credit: four messages of 64 KiB and some bytes each, so no fifth begins.
      await sent.wait(4)
      for _ in 0..<50 { #expect(try await echo.empty(.init()) == .init()) }
      #expect(sent.entries.count == 4)
      var count = 0
      while try await call.next() != nil { count += 1 }
      #expect(count == 20)
      #expect(server.opened.count == 1)
    }
  }

  @Test("Messages larger than both windows pass both ways at once without deadlock")
  func largerThanWindow() async throws {
    try await TestServer.run {
      $0.echo.onBidirectional = { requests, responses, _ in
        for try await request in requests {
          try await responses.send(.init(payload: request.payload))
        }
      }
    } _: { server in
      let call = try await server.echo().bidirectionalStream()
      let payload = [UInt8](repeating: 7, count: 3 << 20)
      async let received = Self.sizes(call)
      for _ in 0..<6 { try await call.send(.init(payload: payload)) }
      try await call.halfClose()
      #expect(try await received == [Int](repeating: 3 << 20, count: 6))
    }
  }

  private static func sizes(
    _ call: StreamingCall<EchoV1.ServerStreamRequest, EchoV1.ServerStreamResponse>
  ) async throws -> [Int] {
    var sizes: [Int] = []
    while let answer = try await call.next() { sizes.append(answer.payload.count) }
    return sizes
  }

  @Test("Small windows that each side sets for itself hold, and everything passes")
  func smallWindows() async throws {
    var limits = Limits()
    limits.streamWindow = 1024
    limits.connectionWindow = 4096
    let small = limits
    try await TestServer.run {
      $0.limits = small
    } _: { server in
      let echo = try server.echo { $0.limits = small }
      let call = try await echo.bidirectionalStream()
      async let received = Self.sizes(call)
      for _ in 0..<200 {
        try await call.send(
          .init(
            parts: [EchoV1.ResponsePart(), EchoV1.ResponsePart()],
            payload: [UInt8](repeating: 1, count: 700)))
      }
      try await call.halfClose()
      #expect(try await received == [Int](repeating: 700, count: 400))
    }
  }

  @Test("A writer stops at the window of a reader that never reads, and the credit comes back")
  func writerStopsAtWindow() async throws {
    let mayRead = Promise<Void>()
    try await TestServer.run {
      $0.echo.onClientStream = { requests, _ in
        await mayRead.value
        var answer = EchoV1.ClientStreamResponse()
        for try await request in requests {
          answer.messages += 1
          answer.payloadBytes += UInt64(request.payload.count)
        }
        return .now(answer)
      }
    } _: { server in
      let echo = try server.echo()
      let call = try await echo.clientStream()
      let sent = Journal<Int>()
      let writer = Task {
        for number in 1...64 {
          try await call.send(.init(payload: [UInt8](repeating: 0, count: 16 << 10)))
          sent.add(number)
        }
        return try await call.finish()
      }
      // 256 KiB hold 16 messages; each has a few bytes more than its payload, so no 17th begins.
      await sent.wait(16)
      for _ in 0..<20 { _ = try await echo.empty(.init()) }
      #expect(sent.entries.count == 16)
      mayRead.fulfil()
      let answer = try await writer.value
      #expect(answer == .init(payloadBytes: 64 << 14, messages: 64))
    }
  }

  @Test("A stream for a peer that grants credit and never reads takes a bounded amount of memory")
  func outputIsBounded() async throws {
    var limits = Limits()
    limits.outputTimeout = .seconds(1)
    let short = limits
    let sent = Journal<Int>()
    try await TestServer.run {
      $0.limits = short
      $0.echo.onServerStream = { _, responses, _ in
        while true {
          try await responses.send(.init(payload: [UInt8](repeating: 0, count: 64 << 10)))
          sent.add(64 << 10)
        }
      }
    } _: { server in
      let peer = try await server.rawPeer()
      try await peer.send(
        .init(
          streamID: 1, method: "homing.echo.v1.Echo/ServerStream", messages: [[]],
          halfClose: true, credit: 1 << 40), .init(credit: 1 << 40))
      let event = await server.events.wait {
        if case .closed(peer: _?, _) = $0 { return true }
        return false
      }
      guard case .closed(_, let reason) = event else { return }
      #expect(reason == RPCError(.unavailable, "the peer does not read"))
      // Ours is 1 MiB; the rest is what the system's socket buffers take.
      #expect(sent.entries.reduce(0, +) < 24 << 20)
    }
  }

  @Test("A peer that sends without credit has that call ended, and the connection goes on")
  func overrun() async throws {
    let mayRead = Promise<Void>()
    try await TestServer.run {
      $0.echo.onClientStream = { requests, _ in
        await mayRead.value
        while try await requests.next() != nil {}
        return .now(.init())
      }
    } _: { server in
      let peer = try await server.rawPeer()
      let message = try EchoV1.ClientStreamRequest(payload: [UInt8](repeating: 0, count: 256 << 10))
        .encoded()
      try await peer.send(
        .init(streamID: 1, method: "homing.echo.v1.Echo/ClientStream", messages: [message]),
        .init(streamID: 1, messages: [[1, 2, 3]]))
      let end = try await peer.receive { $0.streamID == 1 && $0.status != nil }
      #expect(end?.status?.code == .resourceExhausted)
      mayRead.fulfil()
      try await peer.send(
        .init(streamID: 2, method: "homing.echo.v1.Echo/Empty", messages: [[]], halfClose: true))
      let answer = try await peer.receive { $0.streamID == 2 }
      #expect(answer?.status == RpcV1.Status())
    }
  }

  @Test("Answers wait for a peer that grants no credit, and come when it does")
  func answersWaitForCredit() async throws {
    try await TestServer.run { server in
      let peer = try await server.rawPeer()
      let request = try EchoV1.UnaryRequest(responseBytes: 512 << 10).encoded()
      for id in UInt32(1)...4 {
        try await peer.send(
          .init(
            streamID: id, method: "homing.echo.v1.Echo/Unary", messages: [request],
            halfClose: true))
      }
      // Two overdraw the connection's 1 MiB; a ping overtakes the others.
      try await peer.send(.init(ping: .init(id: 9)))
      var answered: [UInt32] = []
      while let frame = try await peer.receive(), frame.ping == nil {
        answered.append(frame.streamID)
      }
      #expect(answered == [1, 2])
      try await peer.send(.init(credit: 2 << 20))
      #expect(try await peer.receive()?.streamID == 3)
      #expect(try await peer.receive()?.streamID == 4)
    }
  }

  @Test("A peer that lets answers wait for its credit is left after the output's time-out")
  func creditNeverComes() async throws {
    var limits = Limits()
    limits.outputTimeout = .seconds(2)
    let short = limits
    try await TestServer.run {
      $0.limits = short
    } _: { server in
      let peer = try await server.rawPeer()
      let request = try EchoV1.UnaryRequest(responseBytes: 600 << 10).encoded()
      for id in UInt32(1)...3 {
        try await peer.send(
          .init(
            streamID: id, method: "homing.echo.v1.Echo/Unary", messages: [request],
            halfClose: true))
      }
      // It reads what it has credit for and is otherwise well.
      #expect(try await peer.receive()?.streamID == 1)
      #expect(try await peer.receive()?.streamID == 2)
      try await peer.send(.init(ping: .init(id: 5)))
      #expect(try await peer.receive()?.ping?.id == 5)
      let event = await server.events.wait {
        if case .closed(peer: _?, _) = $0 { return true }
        return false
      }
      guard case .closed(_, let reason) = event else { return }
      #expect(reason == RPCError(.unavailable, "the peer grants no credit"))
    }
  }

  @Test("Answers for a peer that neither reads nor grants credit are bounded, then it is left")
  func answersAreBounded() async throws {
    var limits = Limits()
    limits.outputBytesMax = 2 << 20
    let small = limits
    try await TestServer.run {
      $0.limits = small
    } _: { server in
      let peer = try await server.rawPeer()
      let request = try EchoV1.UnaryRequest(responseBytes: 1 << 20).encoded()
      for id in UInt32(1)...6 {
        // The last may find the connection closed.
        try? await peer.send(
          .init(
            streamID: id, method: "homing.echo.v1.Echo/Unary", messages: [request],
            halfClose: true))
      }
      let event = await server.events.wait {
        if case .closed(peer: _?, _) = $0 { return true }
        return false
      }
      guard case .closed(_, let reason) = event else { return }
      #expect(reason.code == .resourceExhausted)
    }
  }
}
