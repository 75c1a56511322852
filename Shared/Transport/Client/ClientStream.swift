internal import Messages
internal import Wire

/// A call as the client holds it. Belongs to its connection's loop.
///
/// The first frame waits for the first message or the half-close, so that a call with one request
/// is one frame.
final class ClientStream: CallStream {
  /// The first frame without messages; nil once it has gone.
  private var opening: RpcV1.Frame?
  private let deadline: MonotonicInstant?
  private var deadlineTimer: TimerHeap.Timer?
  private(set) var metadata: Metadata?
  private(set) var trailers: Metadata = [:]
  private var metadataWaiters: [CheckedContinuation<Void, Never>] = []
  private var hasHalfClosed = false
  private let hasOneRequest: Bool

  init(
    id: UInt32, connection: Connection, method: RPCMethod, metadata: Metadata,
    deadline: MonotonicInstant?
  ) {
    self.deadline = deadline
    hasOneRequest = method.kind.hasOneRequest
    opening = RpcV1.Frame(streamID: id, method: method.name, metadata: metadata.wire)
    super.init(id: id, connection: connection)
  }

  private var client: ClientConnection {
    guard let client = connection as? ClientConnection else {
      preconditionFailure("a client's stream on a server's connection")
    }
    return client
  }

  /// Gives the call up when the deadline passes, whether or not the server has answered.
  func expire(at deadline: MonotonicInstant) {
    deadlineTimer = connection.core.schedule(at: deadline) { [unowned self] in
      deadlineTimer = nil
      cancel(RPCError(.deadlineExceeded, "the server did not answer in time"))
    }
  }

  // MARK: - Out

  /// Whether the server may have seen anything of this call.
  var wasSent: Bool { opening == nil }

  /// Sends one message, and `half_close` with it where it is the last.
  func send(_ message: [UInt8], isLast: Bool) async throws {
    if opening != nil && hasOneRequest && !isLast {
      // Kept back: the message and the half-close of such a call share the first frame.
      if onlyRequest != nil { throw RPCError(.failedPrecondition, "the call takes one request") }
      onlyRequest = message
      return
    }
    if hasHalfClosed { throw RPCError(.failedPrecondition, "the call is half-closed") }
    try await waitToSend()
    hasHalfClosed = isLast
    guard var frame = takeOpening() else {
      try connection.send(message, streamID: id, tail: isLast ? .halfClose : .nothing)
      return spend(message.count)
    }
    if message.count + 1024 + frame.method.utf8.count > connection.peerLimits.frameBytesMax {
      let error = RPCError(
        .resourceExhausted,
        "a request of \(message.count) bytes does not fit the server's frames of "
          + "\(connection.peerLimits.frameBytesMax)")
      finish(error)
      throw error
    }
    frame.messages = [message]
    frame.halfClose = isLast
    connection.sendCredit.spend(message.count)
    spend(message.count)
    connection.send(frame)
  }

  private var onlyRequest: [UInt8]?

  func halfClose() async throws {
    if let request = exchange(&onlyRequest, with: nil) {
      return try await send(request, isLast: true)
    }
    if hasHalfClosed || isOver { return }
    hasHalfClosed = true
    var frame = takeOpening() ?? RpcV1.Frame(streamID: id)
    frame.halfClose = true
    connection.send(frame)
  }

  /// The first frame with the time that is left now.
  private func takeOpening() -> RpcV1.Frame? {
    guard var frame = exchange(&opening, with: nil) else { return nil }
    if let deadline {
      frame.timeout = Protobuf.Duration(deadline - .now)
    }
    return frame
  }

  /// Makes sure the server has seen the call, for a reader that waits before anything was sent.
  func ensureOpened() {
    // A call with one request opens with it.
    if hasOneRequest { return }
    if let frame = takeOpening() { connection.send(frame) }
  }

  // MARK: - In

  /// Takes a frame of the server.
  func receive(_ frame: FrameView) throws {
    // Credit may come before the server has anything to say.
    if metadata == nil && (frame.hasMetadata || frame.messageCount > 0 || frame.hasStatus) {
      metadata = Metadata(try frame.metadata())
      wakeMetadataWaiters()
    }
    if frame.credit > 0 { try grant(frame.credit) }
    if frame.messageCount > 0 {
      if !takeMessages(frame) {
        cancel(RPCError(.resourceExhausted, "the server sent without credit"))
        return
      }
    }
    if let status = try frame.status() {
      trailers = Metadata(try frame.trailers())
      finish(RPCError(status, trailers: trailers))
    }
  }

  /// - Throws: `CancellationError` where the task is cancelled.
  func waitForMetadata() async throws {
    let bound = LoopBound(self, on: connection.core.loop)
    while metadata == nil && !isOver {
      try Task.checkCancellation()
      await withTaskCancellationHandler {
        await withCheckedContinuation { metadataWaiters.append($0) }
      } onCancel: {
        bound.loop.execute { bound.value.wakeMetadataWaiters() }
      }
    }
  }

  private func wakeMetadataWaiters() {
    for waiter in exchange(&metadataWaiters, with: []) { waiter.resume() }
  }

  /// The call is over: by the server's status, or for want of a connection.
  func finish(_ error: RPCError?) {
    if isOver { return }
    if let timer = exchange(&deadlineTimer, with: nil) { connection.core.cancel(timer) }
    client.forget(self)
    if let error {
      conclude(.failure(error))
    } else {
      // What has come is still read; `next` gives nil after it.
      conclude(.success(()))
    }
    wakeMetadataWaiters()
  }

  /// This side gives the call up.
  func cancel(_ error: RPCError) {
    if isOver { return }
    if wasSent && connection.phase == .open {
      connection.send(RpcV1.Frame(streamID: id, cancel: true))
    }
    finish(error)
  }
}
