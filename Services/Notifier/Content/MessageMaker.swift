internal import Messages
internal import ServiceKit
internal import Texts

/// Makes one message.
struct MessageMaker {
  /// In bytes: ten joined parts of an SMS in GSM's alphabet.
  static let smsSizeMax = 1530

  let request: RenderRequest
  let template: CompiledTemplate
  let zone: TimeZoneRules

  func make() throws(ContentError) -> Rendered {
    guard let id = UUIDText.bytes(request.order.id) else {
      throw ContentError("order", "its id is no UUID")
    }
    let original = builder(id, linkKind, isCopy: false)
    let missing = missing(original.values)
    if !missing.isEmpty { return .held(missing: missing) }
    switch request.template.channel {
    case .email: return .email(try email(id, original))
    case .webhook: return .webhook(WebhookContent(body: WebhookBody.bytes(request)))
    case .sms, .chat, .push, .internal:
      return .text(
        TextContent(text: try text(original.values), links: original.links.tracked))
    default: throw ContentError("channel", "\(request.template.channel) has no messages")
    }
  }

  var linkKind: LinkKind {
    switch request.template.channel {
    case .internal, .webhook: .plain
    default: request.isTracked ? .tracked : .untracked
    }
  }

  /// Of a message of one text.
  func text(_ values: MessageValues) throws(ContentError) -> String {
    var text = try part("text", template.text, values)
    // Files end with a line break; a message of one text does not.
    while let last = text.last, last == 0x0A || last == 0x20 { text.removeLast() }
    if text.isEmpty { throw ContentError("text", "is empty with its values in") }
    if request.template.channel == .sms, text.count > MessageMaker.smsSizeMax {
      throw ContentError(
        "text", "\(text.count) bytes, the limit of an SMS is \(MessageMaker.smsSizeMax)")
    }
    return String(decoding: text, as: UTF8.self)
  }

  var locale: String {
    TemplateLocales.writing(
      recipient: request.locale, template: request.template.locale,
      store: request.store.settings?.locale ?? "")
  }

  func builder(_ id: [UInt8], _ kind: LinkKind, isCopy: Bool) -> ValueBuilder<MessageLinks> {
    var builder = ValueBuilder(
      request.source, locale: locale, zone: zone, isCopy: isCopy,
      links: MessageLinks(
        request.links, message: id, bucket: request.bucket, now: request.now, kind: kind))
    builder.build(named: template.usesNamed)
    return builder
  }

  /// What the template requires, and what the law requires of e-mail (M05).
  func missing(_ values: MessageValues) -> [String] {
    var names = template.required
    if request.template.channel == .email {
      names += ["imprint", "unsubscribe_link"].filter { !names.contains($0) }
      if request.store.settings?.imprint?.senderEmail.isEmpty ?? true {
        names.append("sender_email")
      }
    }
    return names.filter { !values.isPresent($0) }.sorted()
  }

  func part(
    _ name: String, _ program: TemplateProgram?, _ values: MessageValues
  ) throws(ContentError) -> [UInt8] {
    guard let program else { return [] }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(24 << 10)
    do {
      try program.render(values, into: &bytes, sizeMax: ContentRenderer.renderedBytesMax)
    } catch {
      throw ContentError(
        name, "is longer than \(ContentRenderer.renderedBytesMax) bytes with its values in")
    }
    return bytes
  }

  func email(_ id: [UInt8], _ original: ValueBuilder<MessageLinks>) throws(ContentError)
    -> EmailContent
  {
    let to = try MailAddress(request.recipient, field: "recipient", reason: .badDestination)
    let sender = try sender()
    let bytes = try mail(id, original, to, sender, copy: 0)
    var copies: [EmailCopy] = []
    if !request.order.copies.isEmpty {
      let builder = builder(id, .plain, isCopy: true)
      for address in request.order.copies {
        guard let to = try? MailAddress(address, field: "copies") else { continue }
        let bytes = try mail(id, builder, to, sender, copy: copies.count + 1)
        copies.append(EmailCopy(to: to.text, bytes: bytes))
      }
    }
    return EmailContent(
      bytes: bytes, from: sender.text, to: to.text, messageID: messageID(sender, copy: 0),
      returnToken: request.links.returnToken(message: id, bucket: request.bucket),
      links: original.links.tracked, copies: copies)
  }

  private func sender() throws(ContentError) -> MailAddress {
    try MailAddress(request.store.settings?.imprint?.senderEmail ?? "", field: "sender_email")
  }

  private func messageID(_ sender: MailAddress, copy: Int) -> String {
    "<\(request.order.id.lowercased())\(copy == 0 ? "" : ".copy\(copy)")@\(sender.domain)>"
  }

  private func mail(
    _ id: [UInt8], _ builder: ValueBuilder<MessageLinks>, _ to: MailAddress, _ sender: MailAddress,
    copy: Int
  ) throws(ContentError) -> [UInt8] {
    let values = builder.values
    let subject = try part("subject", template.subject, values)
    var html = try part("html", template.html, values)
    if !template.placesPixel, let pixel = builder.links.openPixel {
      PixelMarkup.add(pixel, to: &html)
    }
    let imprint = request.store.settings?.imprint ?? CartTrackerV1.Imprint()
    let name = imprint.senderName.isEmpty ? request.store.settings?.name ?? "" : imprint.senderName
    let support = imprint.supportEmail == imprint.senderEmail ? "" : imprint.supportEmail
    let mail = Mail(
      from: sender, fromName: OneLine.text(name), to: to,
      replyTo: support.isEmpty ? nil : try MailAddress(support, field: "support_email"),
      subject: OneLine.text(String(decoding: subject, as: UTF8.self)), date: request.now,
      messageID: messageID(sender, copy: copy), language: language,
      unsubscribe: builder.links.unsubscribe,
      feedback: [request.order.step, request.order.flow, request.order.store],
      text: try part("text", template.text, values), html: html)
    return try MailWriter.bytes(mail, boundary: "=_" + HexText.text(id))
  }

  /// Only what the header may hold: a locale is the shop's text.
  private var language: String {
    let isTag = locale.utf8.allSatisfy {
      $0 == 0x2D || ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A
        || (0x30...0x39).contains($0)
    }
    return isTag ? locale : ""
  }
}

/// The picture that tells of an opening.
enum PixelMarkup {
  private static let bodyEnd = Array("</body>".utf8)

  /// Before the body's end, else at the end of all.
  static func add(_ address: String, to html: inout [UInt8]) {
    let markup =
      "<img src=\"\(address)\" width=\"1\" height=\"1\" alt=\"\" "
      + "style=\"display:block;width:1px;height:1px;border:0\">"
    var at = html.count - bodyEnd.count
    let first = max(0, html.count - 512)
    while at >= first, !html[at..<(at + bodyEnd.count)].elementsEqual(bodyEnd) { at -= 1 }
    html.insert(contentsOf: markup.utf8, at: at >= first ? at : html.count)
  }
}

/// Bytes in small hexadecimal digits.
enum HexText {
  static func text(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
