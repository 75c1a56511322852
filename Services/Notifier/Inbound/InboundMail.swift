internal import Messages
internal import ServiceKit

/// What a mail from outside is, and which of our messages it may be about.
struct InboundMail: Sendable {
  enum Kind: Hashable, Sendable {
    case delivery
    case bounce(StatusCode.Fault, StatusCode?)
    /// Nothing final: delayed, relayed, read, a report of another kind.
    case notice
    case complaint
    case autoReply
    case reply
    case stop
  }

  let kind: Kind
  /// Ids of messages, the likeliest first; each may be none of ours.
  let candidates: [[UInt8]]
  /// Tokens of return paths that it may have come to.
  let tokens: [String]
  /// The first line that a person wrote; empty for what machines write.
  let words: String

  private static let candidatesMax = 32

  init(_ mail: MailReader.Part) throws(MailReader.Refusal) {
    let inner = try InboundMail.original(mail)
    var references = inner
    let isReport = mail.type == "multipart/report"
    let all = mail.all
    if isReport, let status = all.first(where: { $0.type == "message/delivery-status" }) {
      kind = try InboundMail.delivery(status)
      words = ""
    } else if isReport, let part = all.first(where: { $0.type == "message/feedback-report" }) {
      kind = try InboundMail.feedback(part)
      words = ""
    } else if isReport {
      kind = .notice
      words = ""
    } else {
      let isMachine = InboundMail.isAutomatic(mail)
      words = isMachine ? "" : InboundMail.firstLine(all)
      kind =
        isMachine ? .autoReply : StopWords.meaning(words) == .stop ? .stop : .reply
      references = ["in-reply-to", "references"].flatMap { name in
        InboundMail.ids(mail.field(name) ?? "").reversed()
      }
    }
    candidates = Array(references.prefix(InboundMail.candidatesMax))
    tokens = ["delivered-to", "x-original-to", "envelope-to", "to"].compactMap { name in
      mail.field(name).flatMap { ReturnPath.token(InboundMail.address($0)) }
    }
  }

  // MARK: - Reports

  /// Message ids of the mail that a report returns.
  private static func original(
    _ mail: MailReader.Part
  ) throws(MailReader.Refusal) -> [[UInt8]] {
    let types: Set = [
      "message/rfc822", "text/rfc822-headers", "message/rfc822-headers",
      "message/global", "message/global-headers",
    ]
    var found: [[UInt8]] = []
    for part in mail.all where types.contains(part.type) {
      let (fields, _) = try MailReader.fields(part.body[...])
      for field in fields where field.name == "message-id" { found += ids(field.value) }
    }
    return found
  }

  /// RFC 3464: the first recipient that failed, else the first one.
  private static func delivery(_ part: MailReader.Part) throws(MailReader.Refusal) -> Kind {
    var rest = part.body[...]
    var kinds: [Kind] = []
    while !rest.isEmpty && kinds.count < MailReader.Limits.partsMax {
      let (fields, next) = try MailReader.fields(rest)
      rest = next
      func value(_ name: String) -> String? { fields.first { $0.name == name }?.value }
      guard let action = value("action") else { continue }
      let own = value("status").flatMap { StatusCode(in: $0) }
      let told = value("diagnostic-code").flatMap { StatusCode(in: $0) }
      // The reply of the other side says more than a bare 5.0.0.
      let code = own.map { $0.isBare ? told ?? $0 : $0 } ?? told
      switch action.lowercased().filter(\.isLetter) {
      case "failed": kinds.append(.bounce(code?.fault ?? .temporary, code))
      case "delivered": kinds.append(.delivery)
      default: kinds.append(.notice)
      }
    }
    let failed = kinds.first { if case .bounce = $0 { true } else { false } }
    return failed ?? kinds.first ?? .notice
  }

  /// RFC 5965: whoever pressed the button wants no more. Reports of authentication (RFC 6591), of
  /// viruses and that a mail is no spam say nothing of the sort.
  private static func feedback(_ part: MailReader.Part) throws(MailReader.Refusal) -> Kind {
    let (fields, _) = try MailReader.fields(part.body[...])
    let type = fields.first { $0.name == "feedback-type" }?.value.lowercased() ?? ""
    let complaints: Set = ["abuse", "fraud", "other", "opt-out", "opt-out-list"]
    return complaints.contains(type.filter { $0.isLetter || $0 == "-" }) ? .complaint : .notice
  }

  // MARK: - Replies

  /// Written by a machine (RFC 3834, and what came before it).
  private static func isAutomatic(_ mail: MailReader.Part) -> Bool {
    func value(_ name: String) -> String { mail.field(name)?.lowercased() ?? "" }
    let submitted = value("auto-submitted").prefix { $0.isLetter || $0 == "-" }
    if !submitted.isEmpty && submitted != "no" { return true }
    if mail.field("return-path")?.filter({ !$0.isWhitespace }) == "<>" { return true }
    let precedence = value("precedence").filter(\.isLetter)
    if ["bulk", "junk", "list", "autoreply"].contains(precedence) { return true }
    let marks = ["list-id", "x-autoreply", "x-autorespond", "x-auto-reply", "x-failed-recipients"]
    if marks.contains(where: { mail.field($0) != nil }) { return true }
    let local = address(value("from")).prefix { $0 != "@" }
    return ["mailer-daemon", "postmaster"].contains(local)
  }

  /// The first line with words of the first part that is text: plain, else HTML without its marks.
  private static func firstLine(_ parts: [MailReader.Part]) -> String {
    let plain = parts.first { $0.type == "text/plain" }
    guard let part = plain ?? parts.first(where: { $0.type == "text/html" }) else { return "" }
    var text = MailReader.text(part.body.prefix(64 << 10))
    if plain == nil { text = withoutMarks(text) }
    for line in text.split(whereSeparator: \.isNewline).prefix(200) {
      let line = line.drop { $0.isWhitespace || $0 == "\u{FEFF}" }
      if line.isEmpty { continue }
      return line.first == ">" ? "" : String(line.prefix(200))
    }
    return ""
  }

  /// Blocks and line breaks become lines; a style's or script's content goes with it.
  private static func withoutMarks(_ html: String) -> String {
    var text = ""
    var hidden = ""
    var rest = html[...]
    while let open = rest.firstIndex(of: "<") {
      if hidden.isEmpty { text += rest[..<open] }
      guard let close = rest[open...].firstIndex(of: ">") else { return text }
      let mark = rest[rest.index(after: open)..<close].lowercased()
      let name = String(mark.prefix { $0.isLetter || $0.isNumber || $0 == "/" })
      if hidden.isEmpty, ["style", "script", "head", "title"].contains(name) {
        hidden = "/" + name
      } else if name == hidden {
        hidden = ""
      }
      if !["b", "/b", "i", "/i", "span", "/span", "a", "/a", "font", "/font"].contains(name) {
        text += "\n"
      }
      rest = rest[rest.index(after: close)...]
    }
    return text + rest
  }

  // MARK: - Fields

  /// Ids of ours among message ids: `<UUID@domain>`. Those of copies are none.
  static func ids(_ field: String) -> [[UInt8]] {
    field.prefix(MailReader.Limits.fieldSizeMax).split(separator: "<").compactMap { word in
      guard let at = word.firstIndex(of: "@") else { return nil }
      return UUIDText.bytes(String(word[..<at]))
    }
  }

  /// What stands in angle brackets, else all of it.
  private static func address(_ field: String) -> String {
    let field = field.prefix(MailReader.Limits.fieldSizeMax)
    guard let open = field.lastIndex(of: "<") else { return field.filter { !$0.isWhitespace } }
    return String(field[field.index(after: open)...].prefix { $0 != ">" })
  }
}
