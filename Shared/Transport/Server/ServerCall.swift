package import Messages
package import Wire

/// What a handler knows of the call it answers, beside the request.
package struct ServerCall: Sendable {
  let entry: MethodEntry
  let caller: Caller
  package let metadata: Metadata
  /// When the caller stops waiting; nil: never.
  package let deadline: MonotonicInstant?
  /// When its first frame was handled.
  package let began: MonotonicInstant

  package var method: RPCMethod { entry.method }
  package var identity: PeerIdentity { caller.identity }
  var loop: EventLoop { caller.loop }

  /// Time left; nil: no deadline. Not below zero.
  package var remaining: Duration? { deadline.map { max(.zero, $0 - .now) } }

  /// Options for calls made on behalf of this one: what is left, less a margin for the way back.
  ///
  /// - Parameter margin: kept back, so that the inner call's error is told instead of a bare
  ///   time-out.
  package func onward(margin: Duration = .milliseconds(20)) -> CallOptions {
    var options = CallOptions(timeout: remaining.map { $0 - margin })
    for key in ["traceparent", "tracestate"] {
      if let value = metadata.text(key) { options.metadata.append(key, value) }
    }
    return options
  }

  /// - Throws: PERMISSION_DENIED where the caller does not hold one of the method's roles for this
  ///   store.
  package func authorize(store: String) throws(RPCError) {
    if !identity.permits(method, store: store) {
      throw RPCError(
        .permissionDenied, "\(identity.uri) may not call \(method.name) for this store")
    }
  }

  /// Suspends the handler; ends early with `CancellationError` when the call is cancelled or its
  /// deadline passes.
  package func sleep(for span: Duration) async throws { try await loop.sleep(for: span) }
}

/// What all calls of a connection share, as one reference.
final class Caller: Sendable {
  let identity: PeerIdentity
  let loop: EventLoop

  init(_ identity: PeerIdentity, _ loop: EventLoop) {
    self.identity = identity
    self.loop = loop
  }
}

/// Sees every call that a server's own rules let through: for metrics, traces, further refusals.
///
/// Called on the connection's loop, so it must not block.
package protocol ServerInterceptor: Sendable {
  /// Before the handler; a thrown error is the call's outcome.
  func willHandle(_ call: ServerCall) throws
  /// Once, when the call's outcome is known; nil is success.
  func didFinish(_ call: ServerCall, _ error: RPCError?)
}

/// What a handler of a unary method answers.
package enum Reply<Answer: Message>: Sendable {
  /// The answer is there: no task is started for the call.
  case now(Answer, metadata: Metadata = [:], trailers: Metadata = [:])
  /// The answer takes time: runs as a task on the connection's loop, cancelled with the call.
  case later(@Sendable () async throws -> Reply<Answer>)
}

/// The messages of a client's stream, each taken once.
package struct RequestStream<Request: Message>: AsyncSequence, Sendable {
  let stream: LoopBound<ServerStream>
  let check: (@Sendable (Request) throws -> Void)?

  /// The next message; nil after the client's last.
  ///
  /// - Throws: how the call ended, where it did not end well; INVALID_ARGUMENT for a message that
  ///   is not valid.
  package func next() async throws -> Request? {
    try await stream.loop.run {
      let stream = stream.value
      guard let bytes = try await stream.next() else { return nil }
      let request: Request = try stream.connection.core.decode(bytes)
      try check?(request)
      return request
    }
  }

  package struct AsyncIterator: AsyncIteratorProtocol {
    let requests: RequestStream
    package func next() async throws -> Request? { try await requests.next() }
  }

  package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(requests: self) }
}

/// Where a handler sends a stream's answers.
package struct ResponseWriter<Answer: Message>: Sendable {
  let stream: LoopBound<ServerStream>

  /// Sends one message, after waiting until the client and the connection take more.
  ///
  /// - Throws: how the call ended, where it is over; RESOURCE_EXHAUSTED for a message over the
  ///   peer's frame limit.
  package func send(_ message: Answer) async throws {
    try await stream.loop.run {
      let stream = stream.value
      try await stream.waitToSend()
      try stream.sendAnswer(message)
    }
  }

  /// Metadata that goes with the first message, or with the status where there is none.
  package func setMetadata(_ metadata: Metadata) async {
    await stream.loop.run { stream.value.answerMetadata = metadata }
  }

  /// Metadata that goes with the status.
  package func setTrailers(_ trailers: Metadata) async {
    await stream.loop.run { stream.value.answerTrailers = trailers }
  }
}

extension EventLoop {
  /// Runs `body` on this loop: inline where the caller is on it already.
  func run<R: Sendable>(_ body: @Sendable () async throws -> R) async rethrows -> R {
    if isCurrent { return try await body() }
    return try await withTaskExecutorPreference(self) { try await body() }
  }
}

extension LoopCore {
  /// Decodes a message that was kept as bytes. Its arena serves encoding too; on a loop the two
  /// never overlap.
  func decode<M: Message>(_ bytes: [UInt8]) throws(MessageError) -> M {
    outputArena.reset()
    let result = bytes.withUnsafeBytes { raw in
      Result { () throws(MessageError) -> M in try M.decode(raw, in: outputArena) }
    }
    return try result.get()
  }
}
