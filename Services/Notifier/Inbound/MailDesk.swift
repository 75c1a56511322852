internal import Delivery
internal import Logging
internal import Messages
internal import ServiceKit
internal import Storage
internal import Wire

/// Takes mails that came to the address of bounces and replies (`TakeMail`, M18): delivery status
/// notifications (RFC 3464), feedback reports (RFC 5965), automatic replies (RFC 3834) and what
/// people write.
///
/// A report finds its message by the sealed return path, else by the Message-ID of the mail that it
/// returns; a reply by In-Reply-To and References. A mail that finds none is counted and answered
/// like the others: refusing it would make a mail server send it for days.
struct MailDesk: Sendable {
  let database: NotifierDatabase
  let findings: FindingDesk
  let links: LinkMaker
  let clock: any WallClock
  let threads: ThreadPool
  let log: Logger

  func take(_ request: NotifierV1.TakeMailRequest) async throws -> NotifierV1.InboundAnswer {
    let digest = Inbound.digest([
      Array("mail".utf8), request.mail, Array(request.recipient.utf8),
    ])
    let (known, mail, message) = try await threads.run { try find(request, digest) }
    if let known { return known }
    let at = min(request.receivedAt?.microseconds ?? .max, clock.now.microseconds)
    var answer = NotifierV1.InboundAnswer(kind: mail?.kind.contract ?? .unreadable)
    var found: [FindingDesk.Finding] = []
    if let mail, let message {
      answer.messages = [message.key.text]
      found = MailDesk.findings(mail, message, at, digest)
    } else {
      log.notice(
        "an inbound mail is about no message of ours", metadata: ["kind": "\(answer.kind)"])
    }
    return try await findings.keep(answer, found, digest, clock, threads)
  }

  private func find(
    _ request: NotifierV1.TakeMailRequest, _ digest: [UInt8]
  ) throws -> (NotifierV1.InboundAnswer?, InboundMail?, MessageRow?) {
    try database.read { session in
      if let known = try Inbound.known(digest, session) { return (known, nil, nil) }
      let mail: InboundMail
      do {
        mail = try InboundMail(try MailReader.mail(request.mail))
      } catch let refusal as MailReader.Refusal {
        log.notice("an inbound mail is not read", metadata: ["problem": "\(refusal.problem)"])
        return (nil, nil, nil)
      }
      let message = try message(mail, recipient: request.recipient, session)
      if let message, message.state == .sending {
        // Its result is not written yet: the mail server is to bring this one again.
        throw RPCError(
          .unavailable, "the message is still being handed over", retryAfter: .seconds(5))
      }
      return (nil, mail, message.flatMap { $0.endedAt == nil ? nil : $0 })
    }
  }

  private func message(
    _ mail: InboundMail, recipient: String, _ session: any StorageSession
  ) throws -> MessageRow? {
    for token in [ReturnPath.token(recipient)].compactMap({ $0 }) + mail.tokens {
      if let claims = links.verify(token, purpose: .bounce, now: clock.now),
        let key = MessageKey(bucket: claims.bucket, id: claims.message),
        let found = try MessageRow.find(key, session)
      {
        return found
      }
    }
    for id in mail.candidates {
      if let found = try MessageRow.find(id, session), found.order.channel == .email {
        return found
      }
    }
    return nil
  }

  private static func findings(
    _ mail: InboundMail, _ message: MessageRow, _ at: Int64, _ digest: [UInt8]
  ) -> [FindingDesk.Finding] {
    func finding(
      _ kind: CommonV1.OutcomeKind, _ evidence: String, _ fault: StatusCode.Fault? = nil
    ) -> FindingDesk.Finding {
      FindingDesk.Finding(
        message: message, kind: kind, at: at, fault: fault,
        evidence: "\(evidence), mail \(HexText.text(digest))",
        discriminator: "mail \(HexText.text(digest))")
    }
    switch mail.kind {
    case .delivery: return [finding(.delivered, "delivery notice")]
    case .bounce(let fault, let code):
      let text = code.map { "\($0.kind).\($0.subject).\($0.detail)" } ?? "no code"
      return [finding(.bounced, "bounce \(text)", fault)]
    case .complaint: return [finding(.complained, "feedback report")]
    case .reply: return [finding(.replied, "reply")]
    case .stop: return [finding(.optedOut, "reply \"\(Inbound.quoted(mail.words))\"")]
    case .notice, .autoReply: return []
    }
  }
}

extension InboundMail.Kind {
  var contract: NotifierV1.InboundKind {
    switch self {
    case .delivery: .delivery
    case .bounce: .bounce
    case .notice: .notice
    case .complaint: .complaint
    case .autoReply: .autoReply
    case .reply: .reply
    case .stop: .stop
    }
  }
}
