internal import Messages
internal import Wire

/// A call whose handler runs as a task.
final class ServerStream: CallStream {
  let call: ServerCall
  var answerMetadata: Metadata = [:]
  var answerTrailers: Metadata = [:]
  var task: Task<Void, Never>?
  var deadlineTimer: TimerHeap.Timer?
  /// Whether a frame has gone out, and with it the metadata.
  private var hasAnswered = false
  private(set) var hasHandlerEnded = false

  init(id: UInt32, connection: Connection, call: ServerCall) {
    self.call = call
    super.init(id: id, connection: connection)
  }

  private var server: ServerConnection {
    guard let server = connection as? ServerConnection else {
      preconditionFailure("a server's stream on a client's connection")
    }
    return server
  }

  /// One message of a streaming answer; the caller has waited.
  func sendAnswer<Answer: Message>(_ answer: Answer) throws {
    sendMetadataIfFirst()
    try send(answer)
  }

  /// The only answer, with success.
  func answer<Answer: Message>(
    _ reply: (answer: Answer, metadata: Metadata, trailers: Metadata)
  ) async throws {
    answerMetadata = reply.metadata
    answerTrailers = reply.trailers
    try await waitToSend()
    if !answerMetadata.isEmpty || !answerTrailers.isEmpty {
      try sendAnswer(reply.answer)
      return finish(nil)
    }
    spend(try connection.send(streamID: id, tail: .success, reply.answer.encode))
    leave(.success(()))
  }

  /// Sends the status and forgets the call. Nil is success.
  func finish(_ error: RPCError?) {
    if isOver { return }
    var trailers = answerTrailers
    for (key, value) in error?.trailers ?? [:] { trailers.append(key, bytes: value) }
    server.sendStatus(
      id, error, metadata: hasAnswered ? [:] : answerMetadata, trailers: trailers)
    leave(error.map { .failure($0) } ?? .success(()))
  }

  /// Ends the call without a word: the client has left it.
  func abandon(_ reason: RPCError) {
    if isOver { return }
    leave(.failure(reason))
  }

  /// The handler's task is at its end.
  func handlerEnded() {
    hasHandlerEnded = true
    task = nil
    server.handlerEnded()
  }

  private func leave(_ result: Result<Void, RPCError>) {
    server.forget(self)
    conclude(result)
    switch result {
    case .success: server.finished(call, nil)
    case .failure(let error):
      task?.cancel()
      server.finished(call, error)
    }
  }

  private func sendMetadataIfFirst() {
    if hasAnswered { return }
    hasAnswered = true
    if !answerMetadata.isEmpty {
      connection.send(RpcV1.Frame(streamID: id, metadata: answerMetadata.wire))
    }
  }
}
