internal import Glibc
internal import ServiceKit
internal import Texts

/// One e-mail before it is bytes.
struct Mail: Sendable {
  let from: MailAddress
  /// Shown in place of the address; may be empty.
  let fromName: String
  let to: MailAddress
  let replyTo: MailAddress?
  let subject: String
  let date: Instant
  /// With its angle brackets.
  let messageID: String
  /// BCP 47, empty for none.
  let language: String
  /// Where RFC 8058's one-click request goes; nil for a copy.
  let unsubscribe: String?
  /// Whom complaint reports count for: store, flow, step.
  let feedback: [String]
  let text: [UInt8]
  let html: [UInt8]
}

/// Writes e-mails as RFC 5322 and MIME say: two alternatives in UTF-8, 7-bit, lines with CRLF.
enum MailWriter {
  /// Of the whole; more than most servers take.
  static let sizeMax = 4 << 20

  static func bytes(_ mail: Mail, boundary: String) throws(ContentError) -> [UInt8] {
    var header = HeaderWriter()
    try header.token("Date", DateText.mail(mail.date))
    try header.mailbox("From", mail.fromName, mail.from)
    try header.mailbox("To", "", mail.to)
    if let replyTo = mail.replyTo { try header.mailbox("Reply-To", "", replyTo) }
    guard !mail.subject.isEmpty else { throw ContentError("Subject", "is empty") }
    try header.text("Subject", mail.subject)
    try header.token("Message-ID", mail.messageID)
    if !mail.language.isEmpty { try header.token("Content-Language", mail.language) }
    // RFC 3834: nobody's out-of-office answers.
    try header.token("Auto-Submitted", "auto-generated")
    if let unsubscribe = mail.unsubscribe {
      try header.token("List-Unsubscribe", "<\(unsubscribe)>")
      try header.token("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
    }
    try header.token("Feedback-ID", feedback(mail.feedback))
    try header.token("MIME-Version", "1.0")
    try header.token("Content-Type", "multipart/alternative; boundary=\"\(boundary)\"")
    var bytes = header.bytes
    bytes.reserveCapacity(bytes.count + (mail.text.count + mail.html.count) * 5 / 4 + 1024)
    part("plain", mail.text, boundary, &bytes)
    part("html", mail.html, boundary, &bytes)
    bytes += "\r\n--\(boundary)--\r\n".utf8
    guard bytes.count <= sizeMax else {
      throw ContentError("message", "\(bytes.count) bytes, the limit is \(sizeMax)")
    }
    return bytes
  }

  /// Neither encoding has a line that begins with two hyphens, or is longer than 76 characters, but
  /// for 7-bit text, where `encoding` looks for both.
  private static func part(
    _ subtype: String, _ text: [UInt8], _ boundary: String, _ bytes: inout [UInt8]
  ) {
    let encoding = encoding(text)
    bytes += "\r\n--\(boundary)\r\nContent-Type: text/\(subtype); charset=utf-8\r\n".utf8
    bytes += "Content-Transfer-Encoding: \(encoding.rawValue)\r\n\r\n".utf8
    switch encoding {
    case .sevenBit: appendWithCRLF(text, &bytes)
    case .quotedPrintable: appendWithCRLF(MimeCodec.quotedPrintable(text), &bytes)
    case .base64:
      var lines: [UInt8] = []
      appendWithCRLF(text, &lines)
      appendWithCRLF(MimeCodec.base64(lines), &bytes)
    }
  }

  private enum Encoding: String {
    case sevenBit = "7bit"
    case quotedPrintable = "quoted-printable"
    case base64
  }

  /// The shortest that keeps every byte.
  private static func encoding(_ text: [UInt8]) -> Encoding {
    text.withUnsafeBufferPointer { text in
      if isBare(text) { return .sevenBit }
      var wide = 0
      for byte in text { wide += byte >= 0x80 || byte == 0x3D ? 1 : 0 }
      return wide > text.count / 6 ? .base64 : .quotedPrintable
    }
  }

  /// ASCII in lines of at most 78 characters that no relay changes: some cut white space at a
  /// line's end, and mark `From ` or a hyphen at its start.
  private static func isBare(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    var line = 0
    var before: UInt8 = 0x0A
    for byte in text {
      if byte >= 0x7F || line == 0 && (byte == 0x46 || byte == 0x2D) { return false }
      if byte == 0x0A && (before == 0x20 || before == 0x09) { return false }
      line = byte == 0x0A ? 0 : line + 1
      if line > 78 { return false }
      before = byte
    }
    return before != 0x20 && before != 0x09
  }

  /// What comes in has line feeds alone: the values, the template, and what GMime wrote.
  private static func appendWithCRLF(_ text: [UInt8], _ bytes: inout [UInt8]) {
    text.withUnsafeBytes { text in
      guard let first = text.baseAddress else { return }
      var start = 0
      while let found = memchr(first + start, 0x0A, text.count - start) {
        let end = UnsafeRawPointer(found) - first
        bytes.append(contentsOf: text[start..<end])
        bytes.append(0x0D)
        bytes.append(0x0A)
        start = end + 1
      }
      bytes.append(contentsOf: text[start...])
    }
    if bytes.last != 0x0A { bytes += [0x0D, 0x0A] }
  }

  /// `step:flow:store:homing`, each in letters that the field allows.
  private static func feedback(_ parts: [String]) -> String {
    let safe = parts.map { part in
      String(
        decoding: part.utf8.prefix(64).map { byte -> UInt8 in
          let isSafe = MailAddress.isAtomText[Int(byte)] || byte == 0x2E
          return isSafe ? byte : 0x2D
        }, as: UTF8.self)
    }
    return (safe + ["homing"]).joined(separator: ":")
  }
}
