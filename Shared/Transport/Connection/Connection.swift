internal import CLinux
internal import Glibc
internal import Messages
internal import Wire

/// One TLS connection, either side: does the I/O that the rules of `proto/README.md` ask for.
///
/// The order of life of what comes in: handshake → bytes → frames → `receivedStreamFrame` of the
/// side that this is. Belongs to its loop's thread.
class Connection: Pollable {
  enum Phase: Equatable {
    /// TCP is not there yet; to `handshaking` or `closed`.
    case connecting
    /// TLS is not there yet; to `open`, `closing` (identity not accepted) or `closed`.
    case handshaking
    /// Frames flow; to `closing` or `closed`.
    case open
    /// A last word is being written, nothing is read any more; to `lingering` or `closed`.
    case closing
    /// Everything is said; what the peer still sends is thrown away until it ends too, so that the
    /// last word is not lost to a reset. To `closed`.
    case lingering
    /// The descriptor is gone. For good.
    case closed
  }

  static let lingerTime = Duration.seconds(1)
  /// After so long without input a connection gives its buffers back.
  static let quietTime = Duration.seconds(1)

  let core: LoopCore
  let limits: Limits
  private(set) var phase: Phase
  private(set) var peer: PeerName?
  private(set) var wasResumed = false
  var peerLimits = PeerLimits()
  var sendCredit = SendCredit(window: Limits().connectionWindow)
  var receiveCredit: ReceiveCredit

  /// Whether the buffers were given back since the last input.
  var isQuiet = false

  /// How much more the peer may believe to have, before it has seen that our windows are smaller
  /// than the defaults.
  let connectionGrace: Int
  let streamGrace: Int

  let descriptor: Int32
  let session: TLSSession
  private var slot = -1
  private var interest: Interest = []
  /// When the present phase began.
  private var phaseBegan: MonotonicInstant

  // Input: see Connection+Input.swift.
  /// The beginning of a frame whose rest has not come.
  var input = ByteQueue()
  var frameBegan: MonotonicInstant?
  var isReadPaused = false
  var willContinue = false
  var hasReceivedFrame = false
  var lastHeard: MonotonicInstant
  var lastCall: MonotonicInstant

  // Output: see Connection+Output.swift.
  var output = ByteQueue()
  var willFlush = false
  /// Since when the socket has taken nothing of what waits.
  var blockedSince: MonotonicInstant?
  var pingSent: MonotonicInstant?
  var pingBucket: TokenBucket

  init(
    descriptor: Int32, session: TLSSession, phase: Phase, limits: Limits, core: LoopCore
  ) {
    let now = core.now
    self.core = core
    self.limits = limits
    let standard = Limits()
    connectionGrace = max(0, standard.connectionWindow - limits.connectionWindow)
    streamGrace = max(0, standard.streamWindow - limits.streamWindow)
    self.descriptor = descriptor
    self.session = session
    self.phase = phase
    phaseBegan = now
    lastHeard = now
    lastCall = now
    receiveCredit = ReceiveCredit(window: limits.connectionWindow)
    pingBucket = TokenBucket(burst: limits.pingBurst, perSecond: limits.pingsPerSecond, now: now)
  }

  // MARK: - What a side adds

  /// Handshake done, peer accepted. Settings go out after this.
  func opened() {}
  /// A frame of a stream. Its memory is dead after the call.
  func receivedStreamFrame(_ frame: FrameView) throws(BrokenRule) {}
  func receivedGoAway(_ goAway: RpcV1.GoAway) throws(BrokenRule) {}
  /// The connection has credit again.
  func creditChanged() {}
  /// The peer's settings changed the windows of the streams that are open.
  func streamWindowChanged(by difference: Int) throws(BrokenRule) {}
  /// Output has drained: writers may go on.
  func outputDrained() {}
  /// The highest stream that this side has looked at: what a go-away says.
  var lastStreamLookedAt: UInt32 { 0 }
  /// Whether calls are open.
  var isBusy: Bool { false }
  /// The age limit is reached, or nothing has happened for long.
  func retire() {}
  /// The descriptor is gone. Once.
  func ended(_ reason: RPCError) {}

  // MARK: - Life

  /// Starts watching the descriptor.
  func start() throws(SystemError) {
    interest = phase == .connecting ? .write : .read
    slot = try core.watch(self, descriptor, interest)
  }

  override func ready(_ ready: Interest) {
    switch phase {
    case .connecting: finishConnecting()
    case .handshaking: continueHandshake()
    case .open:
      if ready.contains(.write) && !output.isEmpty { flushOutput() }
      if ready.contains(.read) && phase == .open { readTurn() }
    case .closing: flushOutput()
    case .lingering: discardInput()
    case .closed: break
    }
  }

  private func finishConnecting() {
    let error = homing_socket_error(descriptor)
    if error != 0 {
      return drop(RPCError(.unavailable, "connect: \(String(cString: strerror(error)))"))
    }
    enter(.handshaking)
    continueHandshake()
  }

  private func continueHandshake() {
    switch session.handshake() {
    case .done: finishHandshake()
    case .wantsRead: watch(for: .read)
    case .wantsWrite: watch(for: .write)
    case .closed: drop(RPCError(.unavailable, "the peer left during the handshake"))
    case .failed(let reason): drop(RPCError(.unavailable, reason))
    }
  }

  private func finishHandshake() {
    do {
      peer = try session.peerName()
      wasResumed = session.isResumed
    } catch {
      sayGoodbye(RPCError(.unauthenticated, error.description))
      return
    }
    enter(.open)
    lastHeard = core.now
    watch(for: .read)
    if let settings = limits.settings { send(RpcV1.Frame(settings: settings)) }
    opened()
    // OpenSSL may already hold the client's first frames.
    if phase == .open { readTurn() }
  }

  /// Sends a go-away with the reason, then closes. For a peer that broke a rule or a limit.
  func sayGoodbye(_ reason: RPCError) {
    guard phase == .open || phase == .handshaking else { return }
    send(
      RpcV1.Frame(
        goAway: RpcV1.GoAway(streamIDLast: lastStreamLookedAt, status: reason.status)))
    finish(reason)
  }

  /// Writes what is waiting, then closes. Calls still open end with `reason`.
  func finish(_ reason: RPCError) {
    guard phase == .open || phase == .handshaking else { return }
    enter(.closing)
    ended(reason)
    input = ByteQueue()
    flushOutput()
  }

  /// Closes at once. Calls still open end with `reason`.
  func drop(_ reason: RPCError) {
    if phase == .closed { return }
    let wasTold = phase == .closing || phase == .lingering
    enter(.closed)
    if slot >= 0 { core.unwatch(descriptor, slot: slot) }
    close(descriptor)
    input = ByteQueue()
    output = ByteQueue()
    if !wasTold { ended(reason) }
  }

  /// Output is written: say so to the peer and wait for it to end.
  func finishClosing() {
    session.close()
    shutdown(descriptor, Int32(SHUT_WR))
    enter(.lingering)
    watch(for: .read)
  }

  private func discardInput() {
    let size = recv(descriptor, core.readBuffer.baseAddress, core.readBuffer.count, 0)
    if size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR)) { return }
    drop(RPCError(.unavailable, "closed"))
  }

  private func enter(_ next: Phase) {
    phase = next
    phaseBegan = core.now
  }

  func watch(for wanted: Interest) {
    if wanted == interest || phase == .closed { return }
    interest = wanted
    core.setInterest(wanted, descriptor, slot: slot)
  }

  override func flush() { flushOutput() }

  override func resume() { continueReading() }

  // MARK: - Time

  override func sweep(now: MonotonicInstant) {
    switch phase {
    case .connecting, .handshaking:
      if now - phaseBegan > limits.handshakeTimeout {
        drop(
          RPCError(
            .unavailable,
            phase == .connecting ? "connect: no answer in time" : "handshake: not done in time"))
      }
    case .open: sweepOpen(now: now)
    case .closing:
      if now - phaseBegan > limits.outputTimeout {
        drop(RPCError(.unavailable, "the peer does not read"))
      }
    case .lingering:
      if now - phaseBegan > Connection.lingerTime { drop(RPCError(.unavailable, "closed")) }
    case .closed: break
    }
  }

  private func sweepOpen(now: MonotonicInstant) {
    if now - lastHeard > Connection.quietTime && !isQuiet { becomeQuiet() }
    if let began = frameBegan, now - began > limits.frameTimeout, !isReadPaused {
      sayGoodbye(RPCError(.deadlineExceeded, "a frame was begun and not finished in time"))
    } else if let blockedSince, now - blockedSince > limits.outputTimeout {
      drop(RPCError(.unavailable, "the peer does not read"))
    } else if let pingSent, now - pingSent > limits.keepaliveTimeout, !isReadPaused {
      drop(RPCError(.unavailable, "the peer does not answer pings"))
    } else if pingSent == nil && now - lastHeard > limits.keepaliveInterval {
      pingSent = now
      send(RpcV1.Frame(ping: RpcV1.Ping(id: UInt64(bitPattern: now.nanoseconds))))
    } else if now - phaseBegan > ageMax
      || (!isBusy && now - lastCall > limits.idleTimeout)
    {
      retire()
    }
  }

  /// An idle connection holds no buffers, here or in OpenSSL.
  private func becomeQuiet() {
    isQuiet = true
    input.release()
    output.release()
    session.releaseBuffers()
  }

  private var ageMax: Duration {
    min(limits.ageMax, .seconds(peer?.secondsLeft ?? 0))
  }
}
