internal import Descriptors
internal import DynamicMessages
internal import Transport
internal import Wire

/// Makes one call of any kind with messages that became known at run time.
struct CallRunner: Sendable {
  /// What comes back, in the order in which it came.
  enum Event: Sendable {
    /// Only once, before the first answer; not for a call that fails before it.
    case metadata(Metadata)
    case answer(JSONValue)
    /// The call has ended well.
    case done(trailers: Metadata)
  }

  let channel: any Channel
  let method: DynamicMethod
  let options: CallOptions
  let jsonOptions: JSONOptions

  /// - Parameter receive: called for each event, one after the other.
  /// - Throws: `RPCError` with the status of the call, or `CommandError` for a request that cannot
  ///   be sent.
  func run(
    _ requests: RequestReader, receive: @escaping @Sendable (Event) -> Void
  ) async throws {
    if method.kind == .unary {
      let request = try await requests.only()
      let reply = try await channel.unary(method.rpc, request.encoded(), options)
      receive(.metadata(reply.metadata))
      receive(.answer(try json(reply.message)))
      receive(.done(trailers: reply.trailers))
      return
    }
    if method.kind.hasOneRequest {
      // Sent before anything is read: the request belongs into the call's first frame.
      let request = try await requests.only()
      let call = try await channel.open(method.rpc, options)
      try await call.send(request.encoded())
      try await call.halfClose()
      return try await collect(call, receive)
    }
    let call = try await channel.open(method.rpc, options)
    try await withThrowingTaskGroup(of: Side.self) { group in
      group.addTask {
        try await send(requests, call)
        return .sending
      }
      group.addTask {
        try await collect(call, receive)
        return .receiving
      }
      var failure: (any Error)?
      while let result = await group.nextResult() {
        switch result {
        case .success(.sending): continue
        // The server has said its last word; what is still to be sent no longer matters.
        case .success(.receiving): group.cancelAll()
        case .failure(let error):
          // A request that cannot be read ends the call too, and is then the error that matters.
          if failure == nil || error is CommandError { failure = error }
          group.cancelAll()
        }
      }
      if let failure { throw failure }
    }
  }

  private enum Side {
    case sending, receiving
  }

  private func send(_ requests: RequestReader, _ call: any RawCall) async throws {
    do {
      while let request = try await requests.next() { try await call.send(request.encoded()) }
      try await call.halfClose()
    } catch let error as CommandError {
      call.cancel()
      throw error
    } catch {
      // The call is over: the receiving side has the same error, or knows better.
    }
  }

  private func collect(_ call: any RawCall, _ receive: (Event) -> Void) async throws {
    if let metadata = try? await call.metadata() { receive(.metadata(metadata)) }
    var answerCount = 0
    while let answer = try await call.next() {
      answerCount += 1
      receive(.answer(try json(answer)))
    }
    if method.kind.hasOneResponse && answerCount != 1 {
      throw RPCError(
        .internalError, "the call ended well with \(answerCount) answers, not with one")
    }
    receive(.done(trailers: call.trailers))
  }

  private func json(_ bytes: [UInt8]) throws -> JSONValue {
    do {
      let message = try DynamicMessage(encoded: bytes, method.answer, method.schema)
      return try message.json(jsonOptions)
    } catch {
      throw RPCError(.internalError, "the answer is not a \(method.answer.fullName): \(error)")
    }
  }
}
