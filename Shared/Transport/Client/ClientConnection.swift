internal import Messages
internal import Wire

/// The client's side of a connection.
final class ClientConnection: Connection {
  private let pool: ClientPool
  let address: SocketAddress
  private var lastID: UInt32 = 0
  private var streams: [UInt32: ClientStream] = [:]
  /// Set by a go-away, or by age: no new calls.
  private(set) var isLeaving = false

  init(
    descriptor: Int32, session: TLSSession, address: SocketAddress, limits: Limits,
    core: LoopCore, pool: ClientPool
  ) {
    self.pool = pool
    self.address = address
    super.init(
      descriptor: descriptor, session: session, phase: .connecting, limits: limits, core: core)
  }

  override var isBusy: Bool { !streams.isEmpty }

  override func opened() { pool.opened(self) }

  override func ended(_ reason: RPCError) {
    // What the server said last tells more than that it closed.
    let reason = goAwayReason?.isFromPeer == true ? goAwayReason! : reason
    endReason = reason
    for stream in streams.values {
      let error = RPCError(ClientConnection.code(of: reason), reason.message, cause: reason)
      stream.finish(stream.wasSent ? error : error.notLookedAt)
    }
    pool.ended(self, reason)
  }

  override func retire() { leave() }

  /// Takes no more calls and closes when those there are have ended.
  func leave() {
    if !isLeaving {
      isLeaving = true
      pool.leaving(self)
    }
    if streams.isEmpty { finish(RPCError(.unavailable, "the client left the connection")) }
  }

  /// - Throws: where this connection takes no more calls; the call was not looked at.
  func open(
    _ method: RPCMethod, _ metadata: Metadata, deadline: MonotonicInstant?
  ) throws(RPCError) -> ClientStream {
    guard phase == .open, !isLeaving, lastID < .max else {
      let reason = endReason ?? goAwayReason
      throw RPCError(
        .unavailable, reason?.message ?? "the connection is being left", cause: reason
      ).notLookedAt
    }
    guard streams.count < peerLimits.streamsMax else {
      throw RPCError(
        .resourceExhausted, "\(streams.count) calls are open on the connection",
        retryAfter: .milliseconds(10)
      ).notLookedAt
    }
    if let fault = metadata.fault(bytesMax: peerLimits.metadataBytesMax) { throw fault }
    lastID += 1
    let stream = ClientStream(
      id: lastID, connection: self, method: method, metadata: metadata, deadline: deadline)
    streams[lastID] = stream
    lastCall = core.now
    return stream
  }

  /// A call that was given this connection could not be opened on it.
  func callRefused() { pool.callEnded(self) }

  func forget(_ stream: ClientStream) {
    streams[stream.id] = nil
    pool.callEnded(self)
    if isLeaving && streams.isEmpty { leave() }
  }

  // MARK: - Frames

  override func receivedStreamFrame(_ frame: FrameView) throws(BrokenRule) {
    if frame.hasMethod || frame.halfClose || frame.cancel || frame.hasTimeout {
      throw BrokenRule("a client's fields from a server")
    }
    guard let stream = streams[frame.streamID] else {
      if frame.streamID > lastID {
        throw BrokenRule("stream \(frame.streamID) was never opened")
      }
      let bytes = frame.messageBytes
      _ = receiveCredit.receive(bytes)
      consumed(bytes)
      return
    }
    do {
      try stream.receive(frame)
    } catch let rule as BrokenRule {
      throw rule
    } catch {
      throw BrokenRule("stream \(frame.streamID): \(error)")
    }
  }

  override func receivedGoAway(_ goAway: RpcV1.GoAway) throws(BrokenRule) {
    let reason =
      RPCError(goAway.status ?? RpcV1.Status(), trailers: [:])
      ?? RPCError(.unavailable, "the server is leaving")
    for stream in streams.values where stream.id > goAway.streamIDLast {
      let error = RPCError(ClientConnection.code(of: reason), reason.message, cause: reason)
      // One that was offended has looked at nothing that it says it has not.
      stream.finish(error.notLookedAt)
    }
    goAwayReason = reason
    leave()
  }

  /// A server that does not accept who we are will not the next time either; anything else is
  /// UNAVAILABLE.
  private static func code(of reason: RPCError) -> RPCError.Code {
    reason.code == .unauthenticated ? .unauthenticated : .unavailable
  }

  /// Why the connection is gone.
  private var endReason: RPCError?
  /// Why the server left, where it said so.
  private(set) var goAwayReason: RPCError?

  override func creditChanged() {
    for stream in streams.values { stream.wakeWriters() }
  }

  override func streamWindowChanged(by difference: Int) throws(BrokenRule) {
    for stream in streams.values { try stream.adjustWindow(by: difference) }
    creditChanged()
  }

  override func outputDrained() {
    for stream in streams.values { stream.wakeWriters() }
  }
}
