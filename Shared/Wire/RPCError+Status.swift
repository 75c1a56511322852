public import Messages

extension RPCError {
  static let messageBytesMax = 1024
  static let fieldViolationsMax = 32

  /// The form that travels: bounded, without the cause.
  package var status: RpcV1.Status {
    RpcV1.Status(
      code: RpcV1.Code(rawValue: code.rawValue),
      message: message.utf8Prefix(RPCError.messageBytesMax),
      retryAfter: retryAfter.map { Protobuf.Duration($0) },
      fieldViolations: fieldViolations.prefix(RPCError.fieldViolationsMax).map {
        RpcV1.FieldViolation(
          field: $0.field.utf8Prefix(RPCError.messageBytesMax),
          description: $0.detail.utf8Prefix(RPCError.messageBytesMax))
      })
  }

  /// What a peer sent; nil where that is success.
  package init?(_ status: RpcV1.Status, trailers: Metadata) {
    if status.code == .ok { return nil }
    let code = Code(rawValue: status.code.rawValue)
    self.init(
      code.isKnown ? code : .unknown, status.message,
      retryAfter: status.retryAfter?.span,
      fieldViolations: status.fieldViolations.map {
        FieldViolation(field: $0.field, detail: $0.description)
      },
      trailers: trailers)
    isFromPeer = true
  }

  /// What an error thrown by a handler says to the caller. Errors without a code tell nothing of
  /// themselves.
  package init(thrown error: any Error) {
    switch error {
    case let error as RPCError where error.code == .ok:
      self.init(.internalError, "the handler failed with success", cause: error)
    case let error as RPCError: self = error
    case let error as any RPCErrorConvertible: self = error.rpcError
    case is CancellationError: self.init(.cancelled, "the call was cancelled", cause: error)
    default: self.init(.internalError, "the handler failed", cause: error)
    }
  }
}

extension MessageError: RPCErrorConvertible {
  public var rpcError: RPCError {
    if code == .memory || code == .frame {
      return RPCError(.resourceExhausted, detail, cause: self)
    }
    return RPCError(
      .invalidArgument, "the request is not valid: \(description)",
      fieldViolations: [.init(field: path, detail: detail)], cause: self)
  }
}

extension String {
  /// The longest prefix of whole characters that takes at most `bytes` of UTF-8.
  func utf8Prefix(_ bytes: Int) -> String {
    if utf8.count <= bytes { return self }
    var end = utf8.index(startIndex, offsetBy: bytes)
    while end.samePosition(in: self) == nil { end = utf8.index(before: end) }
    return String(self[..<end])
  }
}
