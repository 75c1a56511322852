internal import Messages
internal import Wire

/// Bytes → frames → the side that this is.
extension Connection {
  /// Reads all there is, up to a bound; what stays inside OpenSSL after that is continued in the
  /// next turn, since epoll cannot see it.
  func readTurn() {
    var budget = LoopCore.readBytes
    repeat {
      guard phase == .open, !isReadPaused else { break }
      if budget <= 0 {
        continueSoon()
        break
      }
      let size = readOnce()
      if size <= 0 { break }
      budget -= size
      // After half a record this stays true, so a read that wants more ends the loop, not this.
    } while session.hasPending
  }

  func continueReading() {
    willContinue = false
    if phase == .open && !isReadPaused { readTurn() }
  }

  private func continueSoon() {
    if willContinue { return }
    willContinue = true
    core.continueLater(self)
  }

  /// One `SSL_read` and the frames it completes. 0 or less: nothing more to read now.
  private func readOnce() -> Int {
    let size: Int
    if input.isEmpty {
      size = session.read(into: core.readBuffer)
      if size > 0 {
        heard()
        let bytes = UnsafeRawBufferPointer(rebasing: core.readBuffer[0..<size])
        let used = handle(bytes)
        if phase == .open && used < size {
          input.append(UnsafeRawBufferPointer(rebasing: bytes[used...]))
          frameBegan = core.now
        }
        return size
      }
    } else {
      size = session.read(into: input.free(roomWanted))
      if size > 0 {
        heard()
        input.commit(size)
        handleInput()
        return size
      }
    }
    switch session.outcome(ofRead: size) {
    case .wantsRead, .wantsWrite, .done: break
    case .closed:
      session.close()
      drop(RPCError(.unavailable, "the peer closed the connection"))
    case .failed(let reason): drop(RPCError(.unavailable, reason))
    }
    return size
  }

  /// Handles the frames that `input` holds whole.
  private func handleInput() {
    // The queue is moved out while handlers run: they may close the connection, which clears it.
    var queue = ByteQueue()
    swap(&queue, &input)
    let used = handle(queue.waiting)
    guard phase == .open else { return }
    queue.consume(used)
    swap(&queue, &input)
    // The clock of a frame runs from its first byte, however its bytes trickle in.
    if used > 0 || input.isEmpty { frameBegan = input.isEmpty ? nil : core.now }
  }

  /// Room for the rest of the frame that has begun, but no more than twice what has come: a length
  /// alone makes nobody allocate.
  private var roomWanted: Int {
    let parsed = try? FramePrefix.parse(input.waiting, frameBytesMax: limits.frameBytesMax)
    guard case .incomplete(let total?) = parsed else { return 16 << 10 }
    return min(max(total - input.count, 1), max(16 << 10, input.count))
  }

  private func heard() {
    lastHeard = core.now
    isQuiet = false
    pingSent = nil
  }

  /// Handles whole frames; returns how many bytes they took.
  private func handle(_ bytes: UnsafeRawBufferPointer) -> Int {
    var at = 0
    do throws(BrokenRule) {
      while phase == .open && !isReadPaused {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[at...])
        guard
          case .frame(let size) = try FramePrefix.parse(rest, frameBytesMax: limits.frameBytesMax)
        else { break }
        let body = FramePrefix.size..<FramePrefix.size + size
        try handleFrame(UnsafeRawBufferPointer(rebasing: rest[body]))
        at += body.upperBound
        if output.count > pauseAbove { pauseReading() }
      }
    } catch {
      sayGoodbye(RPCError(error.code, error.message))
    }
    return at
  }

  private func handleFrame(_ body: UnsafeRawBufferPointer) throws(BrokenRule) {
    let arena = core.frameArena(limit: Limits.arenaFactor * limits.frameBytesMax)
    arena.reset()
    let frame: FrameView
    do {
      frame = try FrameView(body, in: arena)
    } catch {
      throw BrokenRule(error.detail, code: error.rpcError.code)
    }
    if frame.streamID == 0 {
      if frame.speaksOfStream { throw BrokenRule("stream fields on stream 0") }
      try handleConnectionFrame(frame)
    } else {
      if frame.speaksOfConnection {
        throw BrokenRule("connection fields on stream \(frame.streamID)")
      }
      lastCall = core.now
      try receivedStreamFrame(frame)
    }
    hasReceivedFrame = true
  }

  private func handleConnectionFrame(_ frame: FrameView) throws(BrokenRule) {
    do {
      if let settings = try frame.settings() { try apply(settings) }
      if frame.credit > 0 {
        try sendCredit.grant(frame.credit)
        creditChanged()
      }
      if let ping = try frame.ping(), !ping.answer { try answer(ping) }
      if let goAway = try frame.goAway() { try receivedGoAway(goAway) }
    } catch let rule as BrokenRule {
      throw rule
    } catch {
      throw BrokenRule("\(error)")
    }
  }

  private func apply(_ settings: RpcV1.Settings) throws(BrokenRule) {
    if hasReceivedFrame { throw BrokenRule("settings after the first frame") }
    let before = peerLimits
    try peerLimits.apply(settings)
    try sendCredit.adjust(by: peerLimits.connectionWindow - before.connectionWindow)
    try streamWindowChanged(by: peerLimits.streamWindow - before.streamWindow)
  }

  private func answer(_ ping: RpcV1.Ping) throws(BrokenRule) {
    guard pingBucket.take(now: core.now) else {
      throw BrokenRule("too many pings", code: .resourceExhausted)
    }
    send(RpcV1.Frame(ping: RpcV1.Ping(id: ping.id, answer: true)))
  }

  // MARK: - Back-pressure

  /// Answers waiting above this stop the reading of more requests.
  private var pauseAbove: Int { limits.outputBytesMax / 16 }

  private func pauseReading() {
    flushOutput()
    if phase != .open || output.count <= pauseAbove { return }
    isReadPaused = true
    watch(for: .write)
  }

  /// Output has drained to half of the mark: read on, first what is already here.
  func resumeReadingIfDrained() {
    guard isReadPaused, phase == .open, output.count <= pauseAbove / 2 else { return }
    isReadPaused = false
    watch(for: output.isEmpty ? .read : [.read, .write])
    if !input.isEmpty { handleInput() }
    if phase == .open { continueSoon() }
  }

  /// Counts bytes of messages as consumed, and tells the peer when enough has gathered.
  func consumed(_ bytes: Int) {
    let credit = receiveCredit.consume(bytes)
    if credit > 0 && phase == .open { send(RpcV1.Frame(credit: UInt64(credit))) }
  }
}
