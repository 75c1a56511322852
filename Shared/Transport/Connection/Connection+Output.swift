internal import Messages
internal import Wire

/// Frames → bytes → the socket, all of a turn in one write.
extension Connection {
  /// Puts a frame into the output; it leaves at the end of the turn.
  func send(_ frame: RpcV1.Frame) {
    core.outputArena.reset()
    do {
      try FrameWriter.write(frame, to: &output, in: core.outputArena)
    } catch {
      // Only a frame larger than any peer may receive fills this arena; senders check sizes before.
      preconditionFailure("a frame of ours does not fit its arena: \(error)")
    }
    outputGrew()
  }

  /// Puts one message of a stream into the output.
  ///
  /// - Returns: the message's bytes, already taken from the connection's credit.
  func send(
    streamID: UInt32, tail: FrameWriter.Tail, _ encode: MessageEncoding
  ) throws(MessageError) -> Int {
    core.outputArena.reset()
    let size = try FrameWriter.write(
      streamID: streamID, tail: tail, frameBytesMax: peerLimits.frameBytesMax,
      to: &output, in: core.outputArena, encode)
    sendCredit.spend(size)
    outputGrew()
    return size
  }

  func send(
    _ message: [UInt8], streamID: UInt32, tail: FrameWriter.Tail
  ) throws(MessageError) {
    try FrameWriter.write(
      message, streamID: streamID, tail: tail, frameBytesMax: peerLimits.frameBytesMax,
      to: &output)
    sendCredit.spend(message.count)
    outputGrew()
  }

  /// Sees to it that the output leaves at the end of the turn: reads of all connections, then
  /// writes of all, cost less than a read and a write each in turn.
  func outputGrew() {
    if output.count > limits.outputBytesMax && phase == .open {
      drop(RPCError(.resourceExhausted, "\(output.count) bytes wait for a peer that does not read"))
    } else if !willFlush && phase != .closed {
      willFlush = true
      core.flushLater(self)
    }
  }

  /// Whether a writer of streams should wait before it adds more.
  var isOutputFull: Bool { output.count > limits.outputBytesMax / 16 }

  func flushOutput() {
    willFlush = false
    guard phase == .open || phase == .closing || phase == .handshaking else { return }
    let hadOutput = !output.isEmpty
    while !output.isEmpty {
      let size = session.write(output.waiting)
      if size > 0 {
        output.consume(size)
        blockedSince = nil
        continue
      }
      switch session.outcome(ofWrite: size) {
      case .done: preconditionFailure("a write that went is no failure")
      case .wantsWrite, .wantsRead:
        blockedSince = blockedSince ?? core.now
        watch(for: phase == .open && !isReadPaused ? [.read, .write] : .write)
        resumeReadingIfDrained()
        return
      case .closed: return drop(RPCError(.unavailable, "the peer closed the connection"))
      case .failed(let reason): return drop(RPCError(.unavailable, reason))
      }
    }
    if phase == .closing { return finishClosing() }
    if !hadOutput { return }
    watch(for: .read)
    resumeReadingIfDrained()
    outputDrained()
  }
}
