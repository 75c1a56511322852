package import Messages
internal import Stubs
package import Transport
internal import Wire

/// Serves `homing.echo.v1.Echo` as its contract says, or as a test says instead.
package struct TestEcho: EchoV1.EchoService {
  package typealias Parts = EchoV1.ServerStreamRequest
  package typealias Writer = ResponseWriter<EchoV1.ServerStreamResponse>

  package var onEmpty: @Sendable (ServerCall) throws -> Reply<EchoV1.EmptyResponse> = { _ in
    .now(EchoV1.EmptyResponse())
  }
  package var onUnary:
    @Sendable (EchoV1.UnaryRequest, ServerCall) throws -> Reply<EchoV1.UnaryResponse> = {
      try TestEcho.reply($0, $1)
    }
  package var onClientStream:
    @Sendable (RequestStream<EchoV1.ClientStreamRequest>, ServerCall) async throws -> Reply<
      EchoV1.ClientStreamResponse
    > = { try await TestEcho.sum($0, $1) }
  package var onServerStream: @Sendable (Parts, Writer, ServerCall) async throws -> Void = {
    try await TestEcho.send($0, $1, $2)
  }
  package var onBidirectional:
    @Sendable (RequestStream<Parts>, Writer, ServerCall) async throws -> Void = {
      await TestEcho.setMetadata($1, $2)
      for try await request in $0 { try await TestEcho.sendParts(request, $1, $2) }
    }

  package init() {}

  // MARK: - The contract

  package static func reply(
    _ request: EchoV1.UnaryRequest, _ call: ServerCall
  ) throws -> Reply<EchoV1.UnaryResponse> {
    guard let delay = request.delay?.span, delay > .zero else {
      return try answer(request, call)
    }
    return .later {
      try await call.sleep(for: delay)
      return try answer(request, call)
    }
  }

  private static func answer(
    _ request: EchoV1.UnaryRequest, _ call: ServerCall
  ) throws -> Reply<EchoV1.UnaryResponse> {
    if let status = request.responseStatus,
      let error = RPCError(status, trailers: echoed("echo-trailing-bin", call))
    {
      throw error
    }
    let payload =
      request.responseBytes > 0
      ? [UInt8](repeating: 0, count: Int(request.responseBytes)) : request.payload
    return .now(
      EchoV1.UnaryResponse(payload: payload), metadata: echoed("echo-initial", call),
      trailers: echoed("echo-trailing-bin", call))
  }

  private static func sum(
    _ requests: RequestStream<EchoV1.ClientStreamRequest>, _ call: ServerCall
  ) async throws -> Reply<EchoV1.ClientStreamResponse> {
    var response = EchoV1.ClientStreamResponse()
    for try await request in requests {
      response.payloadBytes += UInt64(request.payload.count)
      response.messages += 1
    }
    return .now(
      response, metadata: echoed("echo-initial", call),
      trailers: echoed("echo-trailing-bin", call))
  }

  private static func send(
    _ request: Parts, _ responses: Writer, _ call: ServerCall
  ) async throws {
    await setMetadata(responses, call)
    try await sendParts(request, responses, call)
  }

  private static func sendParts(
    _ request: Parts, _ responses: Writer, _ call: ServerCall
  ) async throws {
    for part in request.parts {
      if let delay = part.delay?.span, delay > .zero { try await call.sleep(for: delay) }
      let payload =
        part.payloadBytes > 0
        ? [UInt8](repeating: 0, count: Int(part.payloadBytes)) : request.payload
      try await responses.send(EchoV1.ServerStreamResponse(payload: payload))
    }
    if let error = request.responseStatus.flatMap({ RPCError($0, trailers: [:]) }) { throw error }
  }

  private static func echoed(_ key: String, _ call: ServerCall) -> Metadata {
    var metadata = Metadata()
    if let value = call.metadata.bytes(key) { metadata.append(key, bytes: value) }
    return metadata
  }

  private static func setMetadata(_ responses: Writer, _ call: ServerCall) async {
    await responses.setMetadata(echoed("echo-initial", call))
    await responses.setTrailers(echoed("echo-trailing-bin", call))
  }

  // MARK: - The methods

  package func empty(
    _ request: EchoV1.EmptyRequest, _ call: ServerCall
  ) throws -> Reply<EchoV1.EmptyResponse> { try onEmpty(call) }

  package func unary(
    _ request: EchoV1.UnaryRequest, _ call: ServerCall
  ) throws -> Reply<EchoV1.UnaryResponse> { try onUnary(request, call) }

  package func clientStream(
    _ requests: RequestStream<EchoV1.ClientStreamRequest>, _ call: ServerCall
  ) async throws -> Reply<EchoV1.ClientStreamResponse> { try await onClientStream(requests, call) }

  package func serverStream(
    _ request: Parts, _ responses: Writer, _ call: ServerCall
  ) async throws { try await onServerStream(request, responses, call) }

  package func bidirectionalStream(
    _ requests: RequestStream<Parts>, _ responses: Writer, _ call: ServerCall
  ) async throws { try await onBidirectional(requests, responses, call) }

  package func publish(
    _ request: EchoV1.CartEvent, _ call: ServerCall
  ) throws -> Reply<EchoV1.Ack> { .now(EchoV1.Ack(status: 200)) }

  package func publishAsync(
    _ request: EchoV1.CartEvent, _ call: ServerCall
  ) throws -> Reply<EchoV1.Ack> { .later { .now(EchoV1.Ack(status: 200)) } }

  package func whoami(
    _ request: EchoV1.WhoamiRequest, _ call: ServerCall
  ) throws -> Reply<EchoV1.WhoamiResponse> {
    .now(EchoV1.WhoamiResponse(identity: call.identity.uri, roles: call.identity.roles))
  }

  package func mirror(
    _ request: EchoV1.Everything, _ call: ServerCall
  ) throws -> Reply<EchoV1.Everything> { .now(request) }

  package func unimplemented(
    _ request: EchoV1.EmptyRequest, _ call: ServerCall
  ) throws -> Reply<EchoV1.EmptyResponse> {
    throw RPCError(.unimplemented, "declared and never served")
  }
}
