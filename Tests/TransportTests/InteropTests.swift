internal import Messages
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

/// The scenarios of gRPC's interop description that do not belong to HTTP or to Google's accounts.
@Suite(.serialized, .bounded) struct InteropTests {
  private typealias Part = EchoV1.ResponsePart

  private static let requestSizes = [27182, 8, 1828, 45904]
  private static let answerSizes: [UInt32] = [31415, 9, 2653, 58979]

  @Test("empty_unary: an empty request is answered with an empty answer")
  func emptyUnary() async throws {
    try await TestServer.run { server in
      let answer = try await server.echo().empty(EchoV1.EmptyRequest())
      #expect(answer == EchoV1.EmptyResponse())
    }
  }

  @Test("large_unary: a request of 271,828 bytes is answered with 314,159")
  func largeUnary() async throws {
    try await TestServer.run { server in
      let request = EchoV1.UnaryRequest(
        payload: [UInt8](repeating: 1, count: 271_828), responseBytes: 314_159)
      let answer = try await server.echo().unary(request)
      #expect(answer.payload == [UInt8](repeating: 0, count: 314_159))
    }
  }

  @Test("client_streaming: the sum of four requests is answered")
  func clientStreaming() async throws {
    try await TestServer.run { server in
      let call = try await server.echo().clientStream()
      for size in Self.requestSizes {
        try await call.send(.init(payload: [UInt8](repeating: 0, count: size)))
      }
      let answer = try await call.finish()
      #expect(answer == EchoV1.ClientStreamResponse(payloadBytes: 74922, messages: 4))
    }
  }

  @Test("server_streaming: four answers of the sizes asked for come in order")
  func serverStreaming() async throws {
    try await TestServer.run { server in
      let parts = Self.answerSizes.map { Part(payloadBytes: $0) }
      let call = try await server.echo().serverStream(.init(parts: parts))
      #expect(try await sizes(of: call) == [31415, 9, 2653, 58979])
    }
  }

  @Test("ping_pong: each request of a stream is answered before the next is sent")
  func pingPong() async throws {
    try await TestServer.run { server in
      let call = try await server.echo().bidirectionalStream()
      for (request, answer) in zip(Self.requestSizes, Self.answerSizes) {
        let payload = [UInt8](repeating: 0, count: request)
        try await call.send(.init(parts: [Part(payloadBytes: answer)], payload: payload))
        #expect(try await call.next()?.payload.count == Int(answer))
      }
      try await call.halfClose()
      #expect(try await call.next() == nil)
    }
  }

  @Test("A bidirectional stream's answers come also when all requests were sent before")
  func bidirectional() async throws {
    try await TestServer.run { server in
      let call = try await server.echo().bidirectionalStream()
      for number in UInt8(1)...50 {
        try await call.send(.init(parts: [Part(), Part()], payload: [number]))
      }
      try await call.halfClose()
      var received: [UInt8] = []
      while let answer = try await call.next() { received += answer.payload }
      #expect(received == (UInt8(1)...50).flatMap { [$0, $0] })
    }
  }

  @Test("empty_stream: a stream without messages ends well")
  func emptyStream() async throws {
    try await TestServer.run { server in
      let call = try await server.echo().bidirectionalStream()
      try await call.halfClose()
      #expect(try await call.next() == nil)
    }
  }

  @Test("cancel_after_begin: a call cancelled before its first message ends CANCELLED")
  func cancelAfterBegin() async throws {
    try await TestServer.run { server in
      let call = try await server.echo().clientStream()
      call.cancel()
      let error = try await rpcError { try await call.finish() }
      #expect(error.code == .cancelled)
    }
  }

  @Test("cancel_after_first_response: a call cancelled after an answer ends CANCELLED")
  func cancelAfterFirstResponse() async throws {
    try await TestServer.run { server in
      let call = try await server.echo().bidirectionalStream()
      try await call.send(.init(parts: [Part(payloadBytes: 31415)]))
      #expect(try await call.next()?.payload.count == 31415)
      call.cancel()
      let error = try await rpcError { try await call.next() }
      #expect(error.code == .cancelled)
    }
  }

  @Test("timeout_on_sleeping_server: a call whose time is up ends DEADLINE_EXCEEDED")
  func timeoutOnSleepingServer() async throws {
    try await TestServer.run { server in
      let echo = try server.echo()
      let hour = Protobuf.Duration(.seconds(3600))
      let error = try await rpcError {
        let call = try await echo.bidirectionalStream(
          options: CallOptions(timeout: .milliseconds(300)))
        try await call.send(.init(parts: [Part(delay: hour)]))
        return try await call.next()
      }
      #expect(error.code == .deadlineExceeded)
    }
  }

  @Test("custom_metadata: metadata comes back first and trailers last, of a unary call")
  func customMetadataUnary() async throws {
    try await TestServer.run { server in
      let request = try EchoV1.UnaryRequest(payload: [1]).encoded()
      let reply = try await server.client().unary(
        EchoV1.EchoMethods.unary, request, CallOptions(metadata: Self.metadata))
      #expect(reply.metadata.text("echo-initial") == "test_initial_metadata_value")
      #expect(reply.trailers.bytes("echo-trailing-bin") == [0xab, 0, 0xff])
      #expect(reply.metadata.count == 1 && reply.trailers.count == 1)
    }
  }

  @Test("custom_metadata: metadata comes back first and trailers last, of a stream")
  func customMetadataStream() async throws {
    try await TestServer.run { server in
      let call = try await server.echo().bidirectionalStream(
        options: CallOptions(metadata: Self.metadata))
      try await call.send(.init(parts: [Part(payloadBytes: 9)]))
      #expect(try await call.metadata().text("echo-initial") == "test_initial_metadata_value")
      #expect(try await call.next()?.payload.count == 9)
      try await call.halfClose()
      #expect(try await call.next() == nil)
      #expect(call.trailers.bytes("echo-trailing-bin") == [0xab, 0, 0xff])
    }
  }

  @Test("Metadata comes back although the server has given credit before it answered")
  func metadataAfterCredit() async throws {
    try await TestServer.run { server in
      let call = try await server.echo().clientStream(options: CallOptions(metadata: Self.metadata))
      for _ in 0..<40 { try await call.send(.init(payload: [UInt8](repeating: 0, count: 32_768))) }
      let answer = try await call.finish()
      #expect(answer.messages == 40)
      #expect(try await call.metadata().text("echo-initial") == "test_initial_metadata_value")
      #expect(call.trailers.bytes("echo-trailing-bin") == [0xab, 0, 0xff])
    }
  }

  private static var metadata: Metadata {
    var metadata: Metadata = ["echo-initial": "test_initial_metadata_value"]
    metadata.append("echo-trailing-bin", bytes: [0xab, 0, 0xff])
    return metadata
  }

  @Test("status_code_and_message: a status travels as it is, from a unary call and from a stream")
  func statusCodeAndMessage() async throws {
    try await TestServer.run { server in
      let status = RpcV1.Status(code: .unknown, message: "test status message")
      let echo = try server.echo()
      let unary = try await rpcError { try await echo.unary(.init(responseStatus: status)) }
      #expect(unary == RPCError(.unknown, "test status message"))
      #expect(unary.isFromPeer)
      let call = try await echo.bidirectionalStream()
      try await call.send(.init(responseStatus: status))
      let stream = try await rpcError { try await call.next() }
      #expect(stream == RPCError(.unknown, "test status message"))
    }
  }

  @Test("A status travels with its retry-after, its field violations and its trailers")
  func statusDetails() async throws {
    try await TestServer.run { server in
      let status = RpcV1.Status(
        code: .invalidArgument, message: "mend it", retryAfter: .init(.milliseconds(1500)),
        fieldViolations: [.init(field: "lines[3].sku", description: "too long")])
      let echo = try server.echo()
      let error = try await rpcError {
        try await echo.unary(
          .init(responseStatus: status), options: CallOptions(metadata: Self.metadata))
      }
      #expect(error.retryAfter == .milliseconds(1500))
      #expect(error.fieldViolations == [.init(field: "lines[3].sku", detail: "too long")])
      #expect(error.trailers.bytes("echo-trailing-bin") == [0xab, 0, 0xff])
    }
  }

  @Test("special_status_message: white space, control characters and Unicode are kept")
  func specialStatusMessage() async throws {
    let message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n \u{0}\u{7f}"
    try await TestServer.run { server in
      let echo = try server.echo()
      let status = RpcV1.Status(code: .unknown, message: message)
      let error = try await rpcError { try await echo.unary(.init(responseStatus: status)) }
      #expect(error == RPCError(.unknown, message))
    }
  }

  @Test("unimplemented_method: a method that a service does not have ends UNIMPLEMENTED")
  func unimplementedMethod() async throws {
    try await TestServer.run { server in
      let client = try server.client()
      let declared = try await rpcError {
        try await EchoV1.EchoClient(client).unimplemented(EchoV1.EmptyRequest())
      }
      #expect(declared.code == .unimplemented)
      let method = RPCMethod("homing.echo.v1.Echo/Absent", .unary, isIdempotent: true, roles: [])
      let absent = try await rpcError { try await client.unary(method, [], CallOptions()) }
      #expect(absent == RPCError(.unimplemented, "homing.echo.v1.Echo has no method Absent"))
    }
  }

  @Test("unimplemented_service: a method of a service that is not there ends UNIMPLEMENTED")
  func unimplementedService() async throws {
    try await TestServer.run { server in
      let client = try server.client()
      for kind in [RPCMethod.Kind.unary, .bidirectional] {
        let method = RPCMethod("homing.absent.v1.Absent/Call", kind, isIdempotent: true, roles: [])
        let error = try await rpcError {
          if kind == .unary { return _ = try await client.unary(method, [], CallOptions()) }
          _ = try await client.open(method, CallOptions()).next()
        }
        #expect(
          error == RPCError(.unimplemented, "there is no service homing.absent.v1.Absent here"))
      }
    }
  }

  private func sizes(
    of call: StreamingCall<EchoV1.ServerStreamRequest, EchoV1.ServerStreamResponse>
  ) async throws -> [Int] {
    var sizes: [Int] = []
    while let answer = try await call.next() { sizes.append(answer.payload.count) }
    return sizes
  }
}
