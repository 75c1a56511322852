internal import Messages
internal import Testing

@testable internal import Wire

@Suite struct RPCErrorTests {
  private static let codes: [RPCError.Code] = [
    .ok, .cancelled, .unknown, .invalidArgument, .deadlineExceeded, .notFound, .alreadyExists,
    .permissionDenied, .resourceExhausted, .failedPrecondition, .aborted, .outOfRange,
    .unimplemented, .internalError, .unavailable, .dataLoss, .unauthenticated,
  ]

  @Test("The codes have gRPC's numbers and the names of the contract")
  func numbers() {
    #expect(RPCErrorTests.codes.map(\.rawValue) == Array(0...16))
    for code in RPCErrorTests.codes {
      #expect(code.description == RpcV1.Code(rawValue: code.rawValue).description)
      #expect(RPCError.Code(name: code.description) == code)
    }
    #expect(RPCError.Code(name: "ok") == nil)
    #expect(RPCError.Code(rawValue: 17).description == "17")
    #expect(RPCError.Code(rawValue: -1).description == "-1")
  }

  @Test("Errors are equal by code and message alone")
  func equality() {
    let plain = RPCError(.aborted, "lost")
    let rich = RPCError(
      .aborted, "lost", retryAfter: .seconds(1), fieldViolations: [.init(field: "a", detail: "b")],
      trailers: ["k": "v"], cause: CancellationError())
    #expect(plain == rich)
    #expect(plain.hashValue == rich.hashValue)
    #expect(plain != RPCError(.aborted, "Lost"))
    #expect(plain != RPCError(.unavailable, "lost"))
  }

  @Test("What goes out as a status comes in as the same error, and says that the peer sent it")
  func roundTrip() throws {
    for code in RPCErrorTests.codes.dropFirst() {
      let error = RPCError(
        code, "why", retryAfter: .milliseconds(1500),
        fieldViolations: [.init(field: "lines[3].sku", detail: "is required")])
      let status = try RpcV1.Status(encoded: error.status.encoded())
      let received = try #require(RPCError(status, trailers: ["k": "v"]))
      #expect(received == error)
      #expect(received.retryAfter == .milliseconds(1500))
      #expect(received.fieldViolations == error.fieldViolations)
      #expect(received.trailers == ["k": "v"])
      #expect(received.isFromPeer)
      #expect(!error.isFromPeer)
    }
  }

  @Test("OK is no error")
  func success() {
    #expect(RPCError(RpcV1.Status(message: "fine"), trailers: [:]) == nil)
  }

  @Test("A code outside the table counts as unknown", arguments: [17, 99, -1, Int32.min, .max])
  func unknownCode(number: Int32) {
    let status = RpcV1.Status(code: RpcV1.Code(rawValue: number), message: "m")
    #expect(RPCError(status, trailers: [:]) == RPCError(.unknown, "m"))
  }

  @Test("A message of 1,024 bytes travels whole, a longer one is cut at a character")
  func messageIsCut() {
    let edge = String(repeating: "a", count: 1024)
    #expect(RPCError(.unknown, edge).status.message == edge)
    #expect(RPCError(.unknown, edge + "b").status.message == edge)
    let wide = String(repeating: "€", count: 400)
    #expect(RPCError(.unknown, wide).status.message == String(repeating: "€", count: 341))
    let accents = String(repeating: "e\u{301}", count: 400)
    #expect(RPCError(.unknown, accents).status.message.utf8.count == 1023)
    let family = "👨‍👩‍👧"
    let families = "x" + String(repeating: family, count: 100)
    let cut = RPCError(.unknown, families).status.message
    #expect(families.hasPrefix(cut))
    #expect(cut.utf8.count == 1 + (1023 / family.utf8.count) * family.utf8.count)
    let one = "e" + String(repeating: "\u{301}", count: 1000)
    #expect(RPCError(.unknown, one).status.message == "")
  }

  @Test("At most 32 violations travel, each of bounded size")
  func violationsAreCut() {
    let long = String(repeating: "f", count: 2000)
    let error = RPCError(
      .invalidArgument, "", fieldViolations: (0..<40).map { .init(field: "\($0)", detail: long) })
    let status = error.status
    #expect(status.fieldViolations.map(\.field) == (0..<32).map { "\($0)" })
    #expect(status.fieldViolations.allSatisfy { $0.description.utf8.count == 1024 })
    let field = RPCError(.unknown, "", fieldViolations: [.init(field: long, detail: "")])
    #expect(field.status.fieldViolations.first?.field.utf8.count == 1024)
  }

  @Test("A wait longer than a message can carry is cut to its range")
  func retryAfterIsCut() throws {
    let status = RPCError(.unavailable, "", retryAfter: .seconds(Int64.max)).status
    #expect(try RpcV1.Status(encoded: status.encoded()) == status)
    #expect(status.retryAfter?.seconds == Protobuf.Duration.secondsRange.upperBound)
    #expect(RPCError(.unavailable, "").status.retryAfter == nil)
  }

  private struct Full: RPCErrorConvertible {
    var rpcError: RPCError { RPCError(.resourceExhausted, "full", retryAfter: .seconds(1)) }
  }
  private struct Secret: Error {}

  @Test("A thrown error keeps its code where it knows one, and tells nothing of itself else")
  func thrown() {
    let own = RPCError(.notFound, "no cart", trailers: ["k": "v"])
    #expect(RPCError(thrown: own) == own)
    #expect(RPCError(thrown: own).trailers == ["k": "v"])
    #expect(RPCError(thrown: Full()) == RPCError(.resourceExhausted, "full"))
    #expect(RPCError(thrown: Full()).retryAfter == .seconds(1))
    #expect(RPCError(thrown: CancellationError()).code == .cancelled)
    let hidden = RPCError(thrown: Secret())
    #expect(hidden == RPCError(.internalError, "the handler failed"))
    #expect(hidden.cause is Secret)
    #expect(!"\(hidden.status)".contains("Secret"))
  }

  @Test("A message that is not valid becomes INVALID_ARGUMENT with the field's path")
  func messageError() {
    let codes: [MessageError.Code] = [
      .malformed, .invalidText, .missing, .tooLong, .tooMany, .outOfRange,
    ]
    for code in codes {
      let error = RPCError(thrown: MessageError(code, path: "lines[3].sku", detail: "is wrong"))
      #expect(error.code == .invalidArgument)
      #expect(error.message.contains("lines[3].sku: is wrong"))
      #expect(error.fieldViolations == [.init(field: "lines[3].sku", detail: "is wrong")])
    }
    for code in [MessageError.Code.memory, .frame] {
      let error = RPCError(thrown: MessageError(code, detail: "too large"))
      #expect(error == RPCError(.resourceExhausted, "too large"))
      #expect(error.fieldViolations.isEmpty)
    }
  }

  @Test("The path of a decoding error reaches the caller")
  func decodingError() throws {
    // A violation whose description is not UTF-8, as the second of a status.
    let bytes: [UInt8] = [0x22, 0, 0x22, 3, 0x12, 1, 0xff]
    let error = #expect(throws: MessageError.self) { try RpcV1.Status(encoded: bytes) }
    let violation = try #require(error.map { RPCError(thrown: $0) }?.fieldViolations.first)
    #expect(violation.field == "field_violations[1].description")
  }

  @Test("An error is described with its code, message and fields")
  func description() {
    let plain = RPCError(.notFound, "no cart")
    #expect("\(plain)" == "NOT_FOUND: no cart")
    let rich = RPCError(
      .invalidArgument, "no",
      fieldViolations: [.init(field: "a", detail: "b"), .init(field: "c", detail: "d")])
    #expect("\(rich)" == "INVALID_ARGUMENT: no (a: b; c: d)")
  }
}
