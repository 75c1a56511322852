internal import Messages
internal import Synchronization
public import Wire

/// Calls one target over a pool of connections, and tries again what is safe to try again.
public final class Client: Channel {
  private let pool: ClientPool
  private let group: EventLoopGroup
  private let retries: Mutex<RetryPolicy>
  private let interceptors: [any ClientInterceptor]

  private static let ownGroup = Result { try EventLoopGroup(count: 1, name: "client") }

  /// Nothing is connected before the first call.
  ///
  /// - Throws: `TLSError` where the certificate files cannot be used.
  public convenience init(
    _ target: Target, tls: TLSConfiguration, configuration: ClientConfiguration = .init()
  ) throws {
    try self.init(
      target, tls: tls, configuration: configuration, group: try Client.ownGroup.get())
  }

  /// The same on loops of the caller's.
  package convenience init(
    _ target: Target, tls: TLSConfiguration, configuration: ClientConfiguration = .init(),
    group: EventLoopGroup
  ) throws {
    let pool = try ClientPool(target, tls: tls, configuration: configuration, group: group)
    self.init(pool, configuration, group)
  }

  init(_ pool: ClientPool, _ configuration: ClientConfiguration, _ group: EventLoopGroup) {
    self.group = group
    self.pool = pool
    retries = Mutex(RetryPolicy(configuration))
    interceptors = configuration.interceptors
  }

  deinit { pool.close() }

  /// Takes no more calls; connections close when their calls have ended.
  public func close() { pool.close() }

  public func unary(
    _ method: RPCMethod, _ message: [UInt8], _ options: CallOptions
  ) async throws -> RawReply {
    try await tried(method, options) { options, deadline in
      try await self.attempt(method, message, options, deadline)
    }
  }

  public func open(_ method: RPCMethod, _ options: CallOptions) async throws -> any RawCall {
    try await tried(method, options) { options, deadline in
      let connection = try await self.pool.acquire(deadline: deadline)
      return try await connection.loop.run {
        try ClientCall(Client.openStream(method, options, deadline, connection.value))
      }
    }
  }

  private func attempt(
    _ method: RPCMethod, _ message: [UInt8], _ options: CallOptions, _ deadline: MonotonicInstant?
  ) async throws -> RawReply {
    let connection = try await pool.acquire(deadline: deadline)
    return try await connection.loop.run { [pool] in
      let connection = connection.value
      let stream = try Client.openStream(method, options, deadline, connection)
      do {
        let reply = try await Client.exchange(message, on: stream)
        pool.judged(connection, nil)
        return reply
      } catch {
        var outcome = RPCError(thrown: error)
        // Never written: no server can have looked at it.
        if !stream.wasSent { outcome.wasNotLookedAt = true }
        stream.cancel(outcome)
        pool.judged(connection, outcome)
        throw outcome
      }
    }
  }

  private static func openStream(
    _ method: RPCMethod, _ options: CallOptions, _ deadline: MonotonicInstant?,
    _ connection: ClientConnection
  ) throws -> ClientStream {
    do {
      let stream = try connection.open(method, options.metadata, deadline: deadline)
      if let deadline { stream.expire(at: deadline) }
      return stream
    } catch {
      connection.callRefused()
      throw error
    }
  }

  private static func exchange(
    _ message: [UInt8], on stream: ClientStream
  ) async throws -> RawReply {
    let bound = LoopBound(stream, on: stream.connection.core.loop)
    return try await withTaskCancellationHandler {
      let stream = bound.value
      try await stream.send(message, isLast: true)
      guard let reply = try await stream.next() else {
        throw RPCError(.internalError, "the call ended well and without its answer")
      }
      if try await stream.next() != nil {
        throw RPCError(.internalError, "the call has more than one answer")
      }
      return RawReply(
        message: reply, metadata: stream.metadata ?? [:], trailers: stream.trailers)
    } onCancel: {
      bound.loop.execute {
        bound.value.cancel(RPCError(.cancelled, "the call was cancelled"))
      }
    }
  }

  private func tried<R>(
    _ method: RPCMethod, _ given: CallOptions,
    _ attempt: @Sendable (CallOptions, MonotonicInstant?) async throws -> R
  ) async throws -> R {
    var options = given
    let began = MonotonicInstant.now
    do {
      for interceptor in interceptors { try interceptor.willSend(method, &options) }
    } catch {
      let outcome = RPCError(thrown: error)
      finished(method, outcome, 0, began)
      throw outcome
    }
    let metadata = options.metadata
    let deadline = options.timeout.map { began + $0 }
    var attempts = 1
    while true {
      do {
        if let deadline, deadline <= .now {
          throw RPCError(.deadlineExceeded, "the time was up before the call was sent")
        }
        let result = try await attempt(options, deadline)
        retries.withLock { $0.succeeded() }
        finished(method, nil, attempts, began)
        return result
      } catch {
        let outcome = RPCError(thrown: error)
        let pause = retries.withLock {
          $0.pause(after: outcome, of: method, attempts: attempts, left: deadline.map { $0 - .now })
        }
        guard let pause else {
          finished(method, outcome, attempts, began)
          throw outcome
        }
        if pause > .zero {
          do { try await group.loops[0].sleep(for: pause) } catch {
            let cancelled = RPCError(thrown: error)
            finished(method, cancelled, attempts, began)
            throw cancelled
          }
        }
        options.metadata = metadata
        options.metadata.append("homing-previous-attempts", "\(attempts)")
        attempts += 1
      }
    }
  }

  private func finished(
    _ method: RPCMethod, _ error: RPCError?, _ attempts: Int, _ began: MonotonicInstant
  ) {
    for interceptor in interceptors {
      interceptor.didFinish(method, error, attempts: attempts, elapsed: .now - began)
    }
  }
}

/// An open streaming call of a `Client`.
final class ClientCall: RawCall {
  private let stream: LoopBound<ClientStream>
  private let lastTrailers = Mutex(Metadata())

  init(_ stream: ClientStream) {
    self.stream = LoopBound(stream, on: stream.connection.core.loop)
  }

  deinit { cancel() }

  func send(_ message: [UInt8]) async throws {
    try await stream.loop.run { [stream] in
      try await stream.value.send(message, isLast: false)
    }
  }

  func halfClose() async throws {
    try await stream.loop.run { [stream] in try await stream.value.halfClose() }
  }

  func next() async throws -> [UInt8]? {
    try await stream.loop.run { [self] in
      let stream = stream.value
      stream.ensureOpened()
      if let message = try await stream.next() { return message }
      lastTrailers.withLock { $0 = stream.trailers }
      return nil
    }
  }

  func metadata() async throws -> Metadata {
    try await stream.loop.run { [stream] in
      let stream = stream.value
      stream.ensureOpened()
      try await stream.waitForMetadata()
      if let metadata = stream.metadata { return metadata }
      try stream.end?.get()
      return [:]
    }
  }

  var trailers: Metadata { lastTrailers.withLock { $0 } }

  func cancel() {
    stream.loop.execute { [stream] in
      stream.value.cancel(RPCError(.cancelled, "the call was cancelled"))
    }
  }
}
