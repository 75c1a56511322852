internal import Delivery
internal import Logging
internal import Messages
internal import ServiceKit
internal import Storage
internal import Wire

/// Takes texts that people send to a number or chat of ours (`TakeReply`, and events of kind
/// `received` in a provider's callback, M18).
///
/// A stop word opts the sender out with every controller that wrote to it through this provider; a
/// text that came through another provider than anything that was sent counts for all that wrote.
/// A word for help becomes a note in the staff's inbox, one for a number and day. Everything else,
/// start words too, is a reply to the last message.
struct ReplyDesk: Sendable {
  let database: NotifierDatabase
  let findings: FindingDesk
  let clock: any WallClock
  let threads: ThreadPool
  /// Of each provider, those whose texts people answer.
  let channels: [String: [CommonV1.Channel]]
  let log: Logger

  struct Text: Sendable {
    let provider: String
    let sender: String
    let text: String
    let id: String
    /// In microseconds.
    let at: Int64
  }

  func take(_ request: NotifierV1.TakeReplyRequest) async throws -> NotifierV1.InboundAnswer {
    guard channels[request.provider]?.isEmpty == false else {
      throw SuppressionDesk.refusal("provider", "is none that people answer")
    }
    return try await take(
      Text(
        provider: request.provider, sender: request.sender, text: request.text,
        id: request.providerID,
        at: min(request.at?.microseconds ?? .max, clock.now.microseconds)))
  }

  func take(_ text: Text) async throws -> NotifierV1.InboundAnswer {
    let digest = Inbound.digest(
      ["text", text.provider, text.id, text.sender].map { Array($0.utf8) })
    let meaning = StopWords.meaning(text.text)
    let (known, senders) = try await threads.run { try find(text, digest) }
    if let known { return known }
    var answer = NotifierV1.InboundAnswer(kind: meaning.contract)
    let meant = meaning == .stop ? senders : Array(senders.prefix(1))
    answer.messages = meant.map(\.key.text)
    if meant.isEmpty {
      log.notice(
        "an inbound text is from nobody we wrote to", metadata: ["kind": "\(answer.kind)"])
    }
    let evidence =
      "text \"\(Inbound.quoted(text.text))\" through \(text.provider), "
      + "\(Inbound.quoted(text.id)), words \(StopWords.version)"
    let found = meant.map { message in
      FindingDesk.Finding(
        message: message, kind: meaning == .stop ? .optedOut : .replied, at: text.at,
        evidence: evidence, discriminator: "text \(text.provider) \(text.id)")
    }
    let help = meaning == .help ? meant.first.map { Help($0, text) } : nil
    return try await findings.keep(
      answer, found, digest, clock, threads, also: help.map { [$0.bucket] } ?? []
    ) { try help?.put($0, $1) }
  }

  /// Who wrote to the sender of a text: the last message of each, the last one first.
  private func find(
    _ text: Text, _ digest: [UInt8]
  ) throws -> (NotifierV1.InboundAnswer?, [MessageRow]) {
    try database.read { session in
      if let known = try Inbound.known(digest, session) { return (known, []) }
      var rows: [(provider: String, message: MessageRow)] = []
      for channel in channels[text.provider] ?? [] {
        for address in ReplyDesk.forms(channel, text.sender) {
          let key = AddressKeys.anybody(channel, address)
          let found = try session.all(
            AddressStatements.senders, [key.bucketValue, key.value]
          ) { row in
            (
              try row.text(0),
              MessageKey(bucket: UInt8(truncatingIfNeeded: try row.integer(1)), id: try row.blob(2))
            )
          }
          for (provider, key) in found {
            guard let key, let message = try MessageRow.find(key, session) else { continue }
            rows.append((provider, message))
          }
        }
      }
      let own = rows.filter { $0.provider == text.provider }
      return (nil, (own.isEmpty ? rows : own).map(\.message))
    }
  }

  /// How the same number may be written: providers leave out the plus, or write two zeros.
  static func forms(_ channel: CommonV1.Channel, _ sender: String) -> [String] {
    let own = AddressForm.normal(channel, sender)
    let digits = own.filter { ("0"..."9").contains($0) }
    guard channel == .sms || own.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == "+") }) else {
      return [own]
    }
    var forms = [own]
    let bare = digits.hasPrefix("00") ? String(digits.dropFirst(2)) : digits
    for form in ["+" + bare, bare] where !bare.isEmpty && !forms.contains(form) {
      forms.append(form)
    }
    return forms
  }

  // MARK: - Help

  /// A note for the staff.
  private struct Help: Sendable {
    let id: [UInt8]
    let bucket: UInt8
    let store: String
    let text: String

    private static let day: Int64 = 86_400 * 1_000_000

    init(_ message: MessageRow, _ text: Text) {
      let channel = "\(message.order.channel)"
      let id = DerivedID.of(
        "help", text.provider, message.recipient, "\(text.at / Help.day)")
      self.id = UUIDText.bytes(id) ?? []
      bucket = message.key.bucket
      store = message.order.store
      self.text =
        "\(message.recipient) (contact \(message.order.contact)) asks for help on \(channel): "
        + "\"\(Inbound.quoted(text.text))\""
    }

    func put(_ now: Int64, _ session: any StorageSession) throws {
      try session.execute(
        MessageStatements.addNote,
        [
          .integer(bucket), .blob(id), .text(Recipient.everybody), .text(store), .integer(now),
          .text(text),
        ])
    }
  }
}

extension StopWords.Meaning {
  var contract: NotifierV1.InboundKind {
    switch self {
    case .stop: .stop
    case .help: .help
    case .other: .reply
    }
  }
}
