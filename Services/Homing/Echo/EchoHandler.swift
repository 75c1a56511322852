internal import Messages
internal import Stubs
internal import Synchronization
internal import Transport
internal import Wire

/// Serves `homing.echo.v1.Echo`: every kind of call and every outcome, for tests and measurements.
final class EchoHandler: EchoV1.EchoService {
  /// Room for the frame around a payload.
  private static let payloadBytesMax = (4 << 20) - 1024

  private let published = Atomic<UInt64>(0)

  func empty(
    _ request: EchoV1.EmptyRequest, _ call: ServerCall
  ) throws -> Reply<EchoV1.EmptyResponse> {
    .now(EchoV1.EmptyResponse())
  }

  func unary(
    _ request: EchoV1.UnaryRequest, _ call: ServerCall
  ) throws -> Reply<EchoV1.UnaryResponse> {
    guard let delay = request.delay?.span, delay > .zero else {
      return try EchoHandler.answer(request, call)
    }
    return .later {
      try await call.sleep(for: delay)
      return try EchoHandler.answer(request, call)
    }
  }

  private static func answer(
    _ request: EchoV1.UnaryRequest, _ call: ServerCall
  ) throws -> Reply<EchoV1.UnaryResponse> {
    if let error = outcome(request.responseStatus, call) { throw error }
    let payload =
      request.responseBytes > 0
      ? try zeros(request.responseBytes, "response_bytes") : request.payload
    return .now(
      EchoV1.UnaryResponse(payload: payload), metadata: echoed("echo-initial", call),
      trailers: echoed("echo-trailing-bin", call))
  }

  func clientStream(
    _ requests: RequestStream<EchoV1.ClientStreamRequest>, _ call: ServerCall
  ) async throws -> Reply<EchoV1.ClientStreamResponse> {
    var response = EchoV1.ClientStreamResponse()
    for try await request in requests {
      response.payloadBytes += UInt64(request.payload.count)
      response.messages += 1
    }
    return .now(
      response, metadata: EchoHandler.echoed("echo-initial", call),
      trailers: EchoHandler.echoed("echo-trailing-bin", call))
  }

  func serverStream(
    _ request: EchoV1.ServerStreamRequest,
    _ responses: ResponseWriter<EchoV1.ServerStreamResponse>, _ call: ServerCall
  ) async throws {
    await EchoHandler.setMetadata(responses, call)
    try await EchoHandler.sendParts(request, responses, call)
  }

  func bidirectionalStream(
    _ requests: RequestStream<EchoV1.ServerStreamRequest>,
    _ responses: ResponseWriter<EchoV1.ServerStreamResponse>, _ call: ServerCall
  ) async throws {
    await EchoHandler.setMetadata(responses, call)
    for try await request in requests {
      try await EchoHandler.sendParts(request, responses, call)
    }
  }

  private static func sendParts(
    _ request: EchoV1.ServerStreamRequest,
    _ responses: ResponseWriter<EchoV1.ServerStreamResponse>, _ call: ServerCall
  ) async throws {
    for (index, part) in request.parts.enumerated() {
      if let delay = part.delay?.span, delay > .zero { try await call.sleep(for: delay) }
      let payload =
        part.payloadBytes > 0
        ? try zeros(part.payloadBytes, "parts[\(index)].payload_bytes") : request.payload
      try await responses.send(EchoV1.ServerStreamResponse(payload: payload))
    }
    if let error = outcome(request.responseStatus, call) { throw error }
  }

  func publish(_ request: EchoV1.CartEvent, _ call: ServerCall) throws -> Reply<EchoV1.Ack> {
    .now(acknowledge(request))
  }

  func publishAsync(_ request: EchoV1.CartEvent, _ call: ServerCall) throws -> Reply<EchoV1.Ack> {
    .later { .now(self.acknowledge(request)) }
  }

  private func acknowledge(_ event: EchoV1.CartEvent) -> EchoV1.Ack {
    let number = published.wrappingAdd(1, ordering: .relaxed).newValue
    return EchoV1.Ack(seq: number, tsMs: event.tsMs, status: 200)
  }

  func whoami(
    _ request: EchoV1.WhoamiRequest, _ call: ServerCall
  ) throws -> Reply<EchoV1.WhoamiResponse> {
    .now(EchoV1.WhoamiResponse(identity: call.identity.uri, roles: call.identity.roles))
  }

  func mirror(
    _ request: EchoV1.Everything, _ call: ServerCall
  ) throws -> Reply<EchoV1.Everything> {
    .now(request)
  }

  func unimplemented(
    _ request: EchoV1.EmptyRequest, _ call: ServerCall
  ) throws -> Reply<EchoV1.EmptyResponse> {
    throw RPCError(.unimplemented, "declared, so that a caller can meet this status")
  }

  // MARK: - As the request asks

  private static func outcome(_ status: RpcV1.Status?, _ call: ServerCall) -> RPCError? {
    status.flatMap { RPCError($0, trailers: echoed("echo-trailing-bin", call)) }
  }

  private static func zeros(_ count: UInt32, _ field: String) throws -> [UInt8] {
    if count > payloadBytesMax {
      throw RPCError(
        .invalidArgument, "\(field) is \(count), the most is \(payloadBytesMax)",
        fieldViolations: [.init(field: field, detail: "the most is \(payloadBytesMax)")])
    }
    return [UInt8](repeating: 0, count: Int(count))
  }

  private static func echoed(_ key: String, _ call: ServerCall) -> Metadata {
    var metadata = Metadata()
    if let value = call.metadata.bytes(key) { metadata.append(key, bytes: value) }
    return metadata
  }

  private static func setMetadata(
    _ responses: ResponseWriter<EchoV1.ServerStreamResponse>, _ call: ServerCall
  ) async {
    let initial = echoed("echo-initial", call)
    let trailing = echoed("echo-trailing-bin", call)
    if !initial.isEmpty { await responses.setMetadata(initial) }
    if !trailing.isEmpty { await responses.setTrailers(trailing) }
  }
}
