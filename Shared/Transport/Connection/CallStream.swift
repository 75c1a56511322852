internal import Messages
internal import Wire

/// One call on one connection, as either side holds it: what has come and was not taken, who waits
/// for it, and who waits to send. Belongs to its loop's thread.
class CallStream {
  let id: UInt32
  /// Strong: a handler may run on after its connection is gone. The connection forgets the stream
  /// at its end.
  let connection: Connection
  /// Set once, when the call is over for this side: nothing more is sent, readers get it after what
  /// is there.
  private(set) var end: Result<Void, RPCError>?

  private var sendCredit: SendCredit
  private var receiveCredit: ReceiveCredit
  private var inbox: [[UInt8]] = []
  private var inboxHead = 0
  /// Set when the peer sends no more messages.
  private(set) var inboundEnd: Result<Void, RPCError>?
  private var reader: CheckedContinuation<[UInt8]?, any Error>?
  private var writers: [CheckedContinuation<Void, any Error>] = []

  init(id: UInt32, connection: Connection) {
    self.id = id
    self.connection = connection
    sendCredit = SendCredit(window: connection.peerLimits.streamWindow)
    receiveCredit = ReceiveCredit(window: connection.limits.streamWindow)
  }

  var isOver: Bool { end != nil }

  // MARK: - In

  /// Takes a frame's messages. False where the peer had no credit for them on this stream.
  func takeMessages(_ frame: FrameView) -> Bool {
    let bytes = frame.messageBytes
    let mayBegin = connection.receiveCredit.receive(bytes, grace: connection.connectionGrace)
    guard receiveCredit.receive(bytes, grace: connection.streamGrace), mayBegin, inboundEnd == nil
    else {
      connection.consumed(bytes)
      return false
    }
    for index in 0..<frame.messageCount { deliver([UInt8](frame.message(at: index))) }
    return true
  }

  private func deliver(_ message: [UInt8]) {
    if let reader = exchange(&reader, with: nil) {
      take(message.count)
      reader.resume(returning: message)
    } else {
      inbox.append(message)
    }
  }

  /// The peer sends no more: with success, or because the call failed.
  func endInbound(_ result: Result<Void, RPCError>) {
    if inboundEnd != nil { return }
    inboundEnd = result
    if let reader = exchange(&reader, with: nil) {
      switch result {
      case .success: reader.resume(returning: nil)
      case .failure(let error): reader.resume(throwing: error)
      }
    }
  }

  /// The next message; nil after the last.
  func next() async throws -> [UInt8]? {
    if let message = nextReady() { return message }
    if let inboundEnd {
      try inboundEnd.get()
      return nil
    }
    if reader != nil {
      throw RPCError(.failedPrecondition, "a stream is read by one task at a time")
    }
    let bound = LoopBound(self, on: connection.core.loop)
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        if Task.isCancelled { return continuation.resume(throwing: CancellationError()) }
        reader = continuation
      }
    } onCancel: {
      bound.loop.execute {
        exchange(&bound.value.reader, with: nil)?.resume(throwing: CancellationError())
      }
    }
  }

  /// The next message that has come, if there is one.
  func nextReady() -> [UInt8]? {
    guard inboxHead < inbox.count else { return nil }
    let message = exchange(&inbox[inboxHead], with: [])
    inboxHead += 1
    if inboxHead == inbox.count {
      inbox.removeAll(keepingCapacity: true)
      inboxHead = 0
    }
    take(message.count)
    return message
  }

  /// A message was consumed: credit goes back.
  private func take(_ bytes: Int) {
    connection.consumed(bytes)
    let credit = receiveCredit.consume(bytes)
    if credit > 0 && inboundEnd == nil && connection.phase == .open {
      connection.send(RpcV1.Frame(streamID: id, credit: UInt64(credit)))
    }
  }

  // MARK: - Out

  /// Whether a message may be sent now.
  var maySend: Bool {
    sendCredit.isOpen && connection.sendCredit.isOpen && !connection.isOutputFull
      && connection.phase == .open
  }

  /// Waits until a message may be sent.
  ///
  /// - Throws: how the call ended, where it is over; `CancellationError` where the task is
  ///   cancelled.
  func waitToSend() async throws {
    while true {
      if let end {
        try end.get()
        throw RPCError(.failedPrecondition, "the call is over; nothing more can be sent")
      }
      if maySend { return }
      try Task.checkCancellation()
      let bound = LoopBound(self, on: connection.core.loop)
      try await withTaskCancellationHandler {
        try await withCheckedThrowingContinuation { writers.append($0) }
      } onCancel: {
        // All are woken; those that are not cancelled wait again.
        bound.loop.execute { bound.value.wakeAllWriters() }
      }
    }
  }

  /// Sends one message; the caller has waited.
  func send<Payload: Message>(_ message: Payload) throws {
    spend(try connection.send(streamID: id, tail: .nothing, message.encode))
  }

  func spend(_ bytes: Int) { sendCredit.spend(bytes) }

  func grant(_ credit: UInt64) throws(BrokenRule) {
    try sendCredit.grant(credit)
    wakeWriters()
  }

  func adjustWindow(by difference: Int) throws(BrokenRule) {
    try sendCredit.adjust(by: difference)
  }

  func wakeWriters() {
    if writers.isEmpty || !(maySend || isOver) { return }
    wakeAllWriters()
  }

  private func wakeAllWriters() {
    for writer in exchange(&writers, with: []) { writer.resume() }
  }

  // MARK: - End

  /// The call is over for this side. What came and was not taken counts as consumed where the call
  /// failed.
  func conclude(_ result: Result<Void, RPCError>) {
    if isOver { return }
    end = result
    endInbound(result)
    if case .failure = result { while nextReady() != nil {} }
    wakeWriters()
  }
}
