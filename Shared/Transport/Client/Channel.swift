public import Messages
public import Wire

/// What a caller may say about one call.
public struct CallOptions: Sendable {
  /// Time for the whole call, attempts and waiting for a connection included. Nil: no deadline.
  public var timeout: Duration?
  public var metadata: Metadata

  public init(timeout: Duration? = nil, metadata: Metadata = [:]) {
    self.timeout = timeout
    self.metadata = metadata
  }
}

/// The answer of a unary call, as bytes.
public struct RawReply: Sendable {
  public var message: [UInt8]
  public var metadata: Metadata
  public var trailers: Metadata

  public init(message: [UInt8], metadata: Metadata = [:], trailers: Metadata = [:]) {
    self.message = message
    self.metadata = metadata
    self.trailers = trailers
  }
}

/// Where calls go: a pool of connections, one connection, or a server in this process.
public protocol Channel: Sendable {
  /// - Throws: `RPCError`; what the binding could try again safely, it has.
  func unary(_ method: RPCMethod, _ message: [UInt8], _ options: CallOptions) async throws
    -> RawReply

  /// Opens a streaming call. Never tried again by itself once opened.
  func open(_ method: RPCMethod, _ options: CallOptions) async throws -> any RawCall
}

/// An open streaming call, as bytes. One task reads, one sends. Dropped: cancelled.
public protocol RawCall: AnyObject, Sendable {
  /// Waits until the server takes more.
  func send(_ message: [UInt8]) async throws
  func halfClose() async throws
  /// The next message; nil when the call has ended well.
  ///
  /// - Throws: `RPCError` when it has ended otherwise.
  func next() async throws -> [UInt8]?
  /// What the server said first; waits for its first frame.
  func metadata() async throws -> Metadata
  /// What the server said last; empty before `next` gave nil.
  var trailers: Metadata { get }
  func cancel()
}

/// A streaming call with its messages as values.
public struct StreamingCall<Request: Message, Response: Message>: Sendable {
  private let raw: any RawCall

  public init(_ raw: any RawCall) { self.raw = raw }

  /// Waits until the server takes more.
  public func send(_ request: Request) async throws { try await raw.send(request.encoded()) }

  public func halfClose() async throws { try await raw.halfClose() }

  /// The next message; nil when the call has ended well.
  public func next() async throws -> Response? {
    try await raw.next().map { try Response(encoded: $0) }
  }

  public func metadata() async throws -> Metadata { try await raw.metadata() }

  public var trailers: Metadata { raw.trailers }

  public func cancel() { raw.cancel() }

  /// Half-closes and waits for the one answer of a client-streaming call.
  public func finish() async throws -> Response {
    try await raw.halfClose()
    guard let response = try await next() else {
      throw RPCError(.internalError, "the call ended well and without its answer")
    }
    // The status comes after the answer.
    if try await raw.next() != nil {
      throw RPCError(.internalError, "the call has more than one answer")
    }
    return response
  }
}

extension Channel {
  public func call<Request: Message, Response: Message>(
    _ method: RPCMethod, _ request: Request, _ options: CallOptions,
    returning: Response.Type = Response.self
  ) async throws -> Response {
    try Response(encoded: try await unary(method, request.encoded(), options).message)
  }

  public func stream<Request: Message, Response: Message>(
    _ method: RPCMethod, _ options: CallOptions, _: Request.Type, _: Response.Type
  ) async throws -> StreamingCall<Request, Response> {
    StreamingCall(try await open(method, options))
  }

  /// A server-streaming call: sends the one request and half-closes.
  public func stream<Request: Message, Response: Message>(
    _ method: RPCMethod, _ request: Request, _ options: CallOptions, _: Response.Type
  ) async throws -> StreamingCall<Request, Response> {
    let call = StreamingCall<Request, Response>(try await open(method, options))
    try await call.send(request)
    try await call.halfClose()
    return call
  }
}
