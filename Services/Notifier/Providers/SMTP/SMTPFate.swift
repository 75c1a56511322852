internal import Messages

/// What was said while a mail was handed over, and what came of it. Pure.
struct SMTPExchange: Sendable {
  struct Reply: Sendable, Hashable {
    let status: Int
    let text: String
  }

  /// libcurl has read the end of the body.
  var hasBodyEnd = false
  /// The first reply after that.
  var replyAfterBody: Reply?
  /// The last one of all.
  var lastReply: Reply?
  /// The last one that said no; what follows it may be the answer to a farewell.
  var lastRefusal: Reply?

  /// Takes a line that the server said; lines before the last of a reply have a `-` after the
  /// status.
  mutating func hear(_ line: [UInt8]) {
    let digits = line.prefix { (0x30...0x39).contains($0) }
    guard digits.count == 3, line.count == 3 || line[3] != UInt8(ascii: "-") else { return }
    let text = line.prefix(512).filter { $0 != 0x0D && $0 != 0x0A }
    let reply = Reply(
      status: digits.reduce(0) { $0 * 10 + Int($1 - 0x30) },
      text: String(decoding: text, as: UTF8.self))
    lastReply = reply
    if reply.status >= 400 { lastRefusal = reply }
    if hasBodyEnd && replyAfterBody == nil { replyAfterBody = reply }
  }

  /// How the hand-off ended.
  ///
  /// Once the end of the body was read, only the reply to it tells: without one the server may or
  /// may not have the mail. Everything before is a known failure.
  func fate(_ fault: TransferFault, _ problem: String) -> ProviderResult {
    if hasBodyEnd {
      guard let reply = replyAfterBody else { return ProviderResult(.unsure, answer: problem) }
      return answered(reply)
    }
    guard let reply = lastRefusal ?? lastReply else {
      return ProviderResult(
        .later(fault == .tls ? .tlsRequired : .providerUnreachable, after: nil), answer: problem)
    }
    switch fault {
    case .refusedCommand where reply.status >= 400: return answered(reply)
    case .tls: return later(.tlsRequired, reply, problem, counts: false)
    case .refusedEntry: return later(.providerRefused, reply, reply.text, counts: true)
    default: return later(.providerUnreachable, reply, problem, counts: false)
    }
  }

  private func answered(_ reply: Reply) -> ProviderResult {
    let fate: ProviderResult.Fate =
      switch reply.status {
      case 200..<300: .taken
      case 400..<500: .later(.providerRefused, after: nil)
      case 500..<600: .refused
      default: .unsure
      }
    return ProviderResult(
      fate, status: UInt32(reply.status), answer: reply.text, providerID: "")
  }

  private func later(
    _ reason: CommonV1.ReasonCode, _ reply: Reply, _ answer: String, counts: Bool
  ) -> ProviderResult {
    ProviderResult(
      .later(reason, after: nil), status: counts ? UInt32(reply.status) : 0, answer: answer)
  }
}
