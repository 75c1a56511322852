internal import Messages
internal import Wire

/// The server's side of a connection: opens calls, runs handlers, ends calls.
///
/// A unary method that answers at once costs neither a task nor an entry in `streams`.
final class ServerConnection: Connection {
  private let server: ServerCore
  private var caller: Caller?
  /// By method index: whether this peer may call it; with the generation of the grants it was made
  /// from.
  private var permitted: [Bool] = []
  private var grantsGeneration = -1

  private var lastStreamID: UInt32 = 0
  private var lastEntry: MethodEntry?
  /// Calls whose status has not been sent.
  private var streams: [UInt32: ServerStream] = [:]
  /// Handlers whose task has not ended, cancelled ones among them.
  private var runningCount = 0
  /// Handlers ever started as a task.
  private var streamCount = 0
  /// Answers that wait for the connection's credit, oldest first.
  private var waitingAnswers: [RpcV1.Frame] = []
  private var waitingBytes = 0
  /// Since when the peer's credit has let none of them go.
  private var waitingSince: MonotonicInstant
  /// Set once draining: streams above are not looked at.
  private var lastStreamTaken: UInt32?
  private var cancelBucket: TokenBucket

  init(
    descriptor: Int32, session: TLSSession, limits: Limits, core: LoopCore, server: ServerCore
  ) {
    self.server = server
    waitingSince = core.now
    cancelBucket = TokenBucket(
      burst: limits.cancelBurst, perSecond: limits.cancelsPerSecond, now: core.now)
    super.init(
      descriptor: descriptor, session: session, phase: .handshaking, limits: limits, core: core)
  }

  // MARK: - Life

  override var lastStreamLookedAt: UInt32 { lastStreamID }

  override var isBusy: Bool { !streams.isEmpty || runningCount > 0 || !waitingAnswers.isEmpty }

  override func opened() {
    refreshGrants()
    if let refusal = server.admit(self) { sayGoodbye(refusal) }
  }

  override func retire() { drain() }

  override func sweep(now: MonotonicInstant) {
    // The socket may take pings and their answers all the while.
    if !waitingAnswers.isEmpty && now - waitingSince > limits.outputTimeout {
      drop(RPCError(.unavailable, "the peer grants no credit"))
    }
    super.sweep(now: now)
  }

  override func ended(_ reason: RPCError) {
    for stream in streams.values { stream.abandon(reason) }
    waitingAnswers.removeAll()
    server.left(self, reason)
  }

  /// Takes no new calls; closes when those there are have ended.
  func drain() {
    guard lastStreamTaken == nil, phase == .open else { return }
    lastStreamTaken = lastStreamID
    send(
      RpcV1.Frame(
        goAway: RpcV1.GoAway(streamIDLast: lastStreamID, status: RpcV1.Status())))
    finishIfDrained()
  }

  private func finishIfDrained() {
    if lastStreamTaken != nil && !isBusy { finish(RPCError(.unavailable, "drained")) }
  }

  override func receivedGoAway(_ goAway: RpcV1.GoAway) throws(BrokenRule) { drain() }

  private func refreshGrants() {
    let (grants, generation) = server.grants
    guard generation != grantsGeneration, let peer else { return }
    grantsGeneration = generation
    let identity = grants.identity(peer.uri)
    permitted = server.methods.entries.map { identity.permits($0.method) }
    caller = Caller(identity, core.loop)
  }

  // MARK: - Frames

  override func receivedStreamFrame(_ frame: FrameView) throws(BrokenRule) {
    if frame.hasStatus || frame.hasTrailers { throw BrokenRule("status or trailers from a client") }
    if frame.hasMethod { try open(frame) } else { try proceed(frame) }
  }

  private func open(_ frame: FrameView) throws(BrokenRule) {
    let id = frame.streamID
    guard id > lastStreamID else {
      throw BrokenRule("method on stream \(id), which is not above the last, \(lastStreamID)")
    }
    if let lastStreamTaken, id > lastStreamTaken { return ignore(frame) }
    lastStreamID = id
    let call: ServerCall
    do throws(RPCError) {
      call = try judge(frame)
    } catch {
      ignore(frame)
      return end(id, error)
    }
    do throws(RPCError) {
      if server.hasInterceptors { try server.askInterceptors(call) }
      let streamsBefore = streamCount
      switch call.entry.handler {
      case .unary(let handler):
        try runUnary(handler, frame, call)
        if streamCount == streamsBefore { finished(call, nil) }
      case .streaming(let handler):
        try runStreaming(handler, frame, call)
      }
    } catch {
      end(id, error)
      finished(call, error)
    }
    // Credit may stand beside the method; for a call that is answered at once it means nothing.
    if frame.credit > 0, let stream = streams[id] { try stream.grant(frame.credit) }
  }

  /// Everything that is asked of a call before its handler sees it.
  private func judge(_ frame: FrameView) throws(RPCError) -> ServerCall {
    guard let entry = find(frame.method) else { throw unknownMethod(frame.method) }
    if server.grantsGeneration != grantsGeneration { refreshGrants() }
    guard let caller, permitted[entry.index] else {
      throw RPCError(
        .permissionDenied, "\(caller?.identity.uri ?? "nobody") may not call \(entry.method.name)")
    }
    var deadline: MonotonicInstant?
    var metadata: Metadata = [:]
    do {
      if frame.hasTimeout, let timeout = try frame.timeout()?.span {
        deadline = core.now + timeout
        if timeout <= .zero { throw RPCError(.deadlineExceeded, "the time was up on arrival") }
      }
      if frame.hasMetadata { metadata = Metadata(try frame.metadata()) }
      if let fault = metadata.fault(bytesMax: limits.metadataBytesMax) { throw fault }
    } catch {
      throw RPCError(thrown: error)
    }
    return ServerCall(
      entry: entry, caller: caller, metadata: metadata, deadline: deadline, began: core.now)
  }

  /// Callers mostly call what they called last.
  private func find(_ name: UnsafeRawBufferPointer) -> MethodEntry? {
    if let lastEntry, lastEntry.isNamed(name) { return lastEntry }
    let entry = server.methods.find(name)
    if let entry { lastEntry = entry }
    return entry
  }

  private func unknownMethod(_ name: UnsafeRawBufferPointer) -> RPCError {
    guard name.count <= Limits.methodBytesMax, let text = String(validating: name, as: UTF8.self)
    else { return RPCError(.invalidArgument, "a method name of \(name.count) bytes is not valid") }
    let service = text.prefix { $0 != "/" }
    return server.methods.entries.contains { $0.method.service == service }
      ? RPCError(.unimplemented, "\(service) has no method \(text.dropFirst(service.count + 1))")
      : RPCError(.unimplemented, "there is no service \(service) here")
  }

  private func runUnary(
    _ handler: (UnaryTurn) throws -> Void, _ frame: FrameView, _ call: ServerCall
  ) throws(RPCError) {
    guard frame.messageCount == 1, frame.halfClose else {
      ignore(frame)
      throw RPCError(
        .invalidArgument, "a unary call is one frame with one message and half_close")
    }
    let message = frame.message(at: 0)
    if !receiveCredit.receive(message.count, grace: connectionGrace) {
      consumed(message.count)
      throw overrun
    }
    defer { consumed(message.count) }
    do { try handler(UnaryTurn(self, frame.streamID, message, call)) } catch {
      throw server.explain(error, call)
    }
  }

  private func runStreaming(
    _ handler: @escaping @Sendable (LoopBound<ServerStream>, ServerCall) async throws -> Void,
    _ frame: FrameView, _ call: ServerCall
  ) throws(RPCError) {
    if call.method.kind.hasOneRequest && !(frame.messageCount == 1 && frame.halfClose) {
      ignore(frame)
      throw RPCError(.invalidArgument, "the call's first frame needs one message and half_close")
    }
    try run(frame.streamID, call, frame: frame) { stream in try await handler(stream, call) }
  }

  /// Frames of a call that is already open.
  private func proceed(_ frame: FrameView) throws(BrokenRule) {
    let id = frame.streamID
    guard id <= lastStreamID || lastStreamTaken != nil else {
      throw BrokenRule("stream \(id) was never opened")
    }
    if frame.hasTimeout || frame.hasMetadata {
      throw BrokenRule("timeout or metadata after the first frame of stream \(id)")
    }
    guard let stream = streams[id] else { return ignore(frame) }
    if frame.cancel {
      guard cancelBucket.take(now: core.now) else {
        throw BrokenRule("too many cancelled calls", code: .resourceExhausted)
      }
      ignore(frame)
      return stream.abandon(RPCError(.cancelled, "the caller cancelled the call"))
    }
    if frame.credit > 0 { try stream.grant(frame.credit) }
    take(frame, for: stream)
  }

  private func take(_ frame: FrameView, for stream: ServerStream) {
    if frame.messageCount > 0 {
      let hadEnded = stream.inboundEnd != nil
      if !stream.takeMessages(frame) {
        stream.finish(
          hadEnded ? RPCError(.invalidArgument, "messages after half_close") : overrun)
        return
      }
    }
    if frame.halfClose { stream.endInbound(.success(())) }
  }

  /// Messages of a frame that nobody takes count for the connection all the same.
  private func ignore(_ frame: FrameView) {
    let bytes = frame.messageBytes
    if bytes == 0 { return }
    _ = receiveCredit.receive(bytes)
    consumed(bytes)
  }

  private var overrun: RPCError {
    RPCError(.resourceExhausted, "a frame was begun without credit")
  }

  // MARK: - Handlers

  /// Starts a handler as a task on this loop; runs inline until it first suspends.
  func run(
    _ id: UInt32, _ call: ServerCall, frame: FrameView? = nil,
    _ handler: @escaping @Sendable (LoopBound<ServerStream>) async throws -> Void
  ) throws(RPCError) {
    guard runningCount < limits.streamsMax else {
      if let frame { ignore(frame) }
      throw RPCError(
        .resourceExhausted, "\(runningCount) calls are open on this connection, the most allowed",
        retryAfter: .milliseconds(100))
    }
    let stream = ServerStream(id: id, connection: self, call: call)
    streams[id] = stream
    runningCount += 1
    streamCount &+= 1
    if let frame { take(frame, for: stream) } else { stream.endInbound(.success(())) }
    if let deadline = call.deadline {
      stream.deadlineTimer = core.schedule(at: deadline) { [unowned stream] in
        stream.deadlineTimer = nil
        stream.finish(RPCError(.deadlineExceeded, "the handler did not answer in time"))
      }
    }
    let bound = LoopBound(stream, on: core.loop)
    let task = Task.immediate(executorPreference: core.loop) { [server] in
      do {
        try await handler(bound)
        bound.value.finish(nil)
      } catch {
        bound.value.finish(server.explain(error, call))
      }
      bound.value.handlerEnded()
    }
    if !stream.hasHandlerEnded { stream.task = task }
  }

  /// Tells the interceptors, once a call.
  func finished(_ call: ServerCall, _ error: RPCError?) {
    guard server.hasInterceptors else { return }
    for interceptor in server.interceptors { interceptor.didFinish(call, error) }
  }

  func handlerEnded() {
    runningCount -= 1
    finishIfDrained()
  }

  /// The call's status is out, or nobody wants it.
  func forget(_ stream: ServerStream) {
    streams[stream.id] = nil
    if let timer = exchange(&stream.deadlineTimer, with: nil) { core.cancel(timer) }
  }

  // MARK: - Answers

  /// The answer of a unary call that was made inline.
  func answer(
    _ id: UInt32, _ metadata: Metadata, _ trailers: Metadata, encode: MessageEncoding
  ) throws {
    if metadata.isEmpty && trailers.isEmpty && sendCredit.isOpen && waitingAnswers.isEmpty {
      _ = try send(streamID: id, tail: .success, encode)
      return
    }
    var bytes: [UInt8] = []
    core.outputArena.reset()
    try withoutActuallyEscaping(encode) { encode in
      bytes = try [UInt8](encoding: encode, in: core.outputArena)
    }
    if bytes.count + 1024 > peerLimits.frameBytesMax {
      throw RPCError(
        .resourceExhausted,
        "an answer of \(bytes.count) bytes, the peer takes frames of \(peerLimits.frameBytesMax)")
    }
    let frame = RpcV1.Frame(
      streamID: id, metadata: metadata.wire, messages: [bytes], status: RpcV1.Status(),
      trailers: trailers.wire)
    if sendCredit.isOpen && waitingAnswers.isEmpty {
      sendCredit.spend(bytes.count)
      return send(frame)
    }
    if waitingAnswers.isEmpty { waitingSince = core.now }
    waitingBytes += bytes.count
    waitingAnswers.append(frame)
    if waitingBytes > limits.outputBytesMax {
      drop(RPCError(.resourceExhausted, "\(waitingBytes) bytes wait for a peer's credit"))
    }
  }

  override func creditChanged() {
    while sendCredit.isOpen, let frame = waitingAnswers.first {
      waitingAnswers.removeFirst()
      let size = frame.messages[0].count
      waitingBytes -= size
      sendCredit.spend(size)
      send(frame)
      waitingSince = core.now
    }
    for stream in streams.values { stream.wakeWriters() }
    finishIfDrained()
  }

  override func streamWindowChanged(by difference: Int) throws(BrokenRule) {
    for stream in streams.values { try stream.adjustWindow(by: difference) }
    creditChanged()
  }

  override func outputDrained() {
    if streams.isEmpty && lastStreamTaken == nil { return }
    for stream in streams.values { stream.wakeWriters() }
    finishIfDrained()
  }

  /// Ends a call that has no stream.
  private func end(_ id: UInt32, _ error: RPCError) {
    sendStatus(id, error, metadata: [:], trailers: error.trailers)
  }

  func sendStatus(_ id: UInt32, _ error: RPCError?, metadata: Metadata, trailers: Metadata) {
    guard phase == .open else { return }
    let fits = trailers.fault(bytesMax: peerLimits.metadataBytesMax) == nil
    send(
      RpcV1.Frame(
        streamID: id, metadata: metadata.wire, status: error?.status ?? RpcV1.Status(),
        trailers: fits ? trailers.wire : []))
  }
}
