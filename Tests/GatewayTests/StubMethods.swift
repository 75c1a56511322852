internal import Messages
internal import Transport
internal import Wire

/// Answers a method with what a closure makes of its request.
func serve<Request: Message, Answer: Message>(
  _ method: RPCMethod, _ table: inout MethodTable,
  _ body: @escaping @Sendable (Request) throws -> Answer
) {
  table.unary(method) { turn in
    let answer = try body(try Request.decode(turn.message, in: turn.arena))
    try turn.answer([:], [:]) { (arena, destination) throws(MessageError) in
      try answer.encode(in: arena, into: destination)
    }
  }
}
