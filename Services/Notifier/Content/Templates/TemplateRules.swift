internal import Messages
internal import Texts

/// What a check of a template's parts found.
struct TemplateFindings: Sendable {
  /// In order of parts and lines, at most 100; empty where the template may be put.
  let problems: [NotifierV1.CheckTemplateResponse.Problem]
  /// Those that the parts use, in order of their names.
  let parameters: [String]
}

/// What a template must be before it is stored (M05).
enum TemplateRules {
  static let problemsMax = 100
  static let subjectSizeMax = 1024
  static let htmlSizeMax = 262_144
  static let textSizeMax = 65_536
  static let nameSizeMax = 64

  static func check(
    _ parts: NotifierV1.TemplateParts, channel: CommonV1.Channel
  ) -> TemplateFindings {
    var check = Check(parts: parts)
    check.run(channel)
    return TemplateFindings(
      problems: Array(check.problems.prefix(problemsMax)), parameters: check.parameters.sorted())
  }

  /// What is wrong with a template's name, nil for nothing: small letters, digits and hyphens, as
  /// flows and files write it.
  static func nameProblem(_ name: String) -> String? {
    let isName =
      !name.isEmpty && name.utf8.count <= nameSizeMax
      && name.utf8.allSatisfy {
        (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x5F
      }
    return isName
      ? nil : "a template's name has 1 to \(nameSizeMax) of a to z, 0 to 9, `-` and `_`"
  }

  /// What is wrong with a variant's locale, nil for nothing; empty is the one for everyone.
  static func localeProblem(_ locale: String) -> String? {
    let parts = locale.split(separator: "-", omittingEmptySubsequences: false)
    let isLocale =
      locale.isEmpty
      || locale.utf8.count <= 35 && (2...8).contains(parts[0].utf8.count)
        && parts.allSatisfy { part in
          (1...8).contains(part.utf8.count)
            && part.utf8.allSatisfy {
              (0x61...0x7A).contains($0 | 0x20) || (0x30...0x39).contains($0)
            }
        }
    return isLocale ? nil : "a locale is a BCP 47 tag such as `de` or `de-CH`"
  }
}

extension TemplateRules {
  private struct Check {
    let parts: NotifierV1.TemplateParts
    var problems: [NotifierV1.CheckTemplateResponse.Problem] = []
    var parameters: Set<String> = []

    mutating func note(_ part: String, _ line: Int, _ text: String) {
      problems.append(
        NotifierV1.CheckTemplateResponse.Problem(part: part, line: UInt32(line), problem: text))
    }

    mutating func run(_ channel: CommonV1.Channel) {
      switch channel {
      case .email: email()
      case .sms, .chat, .push, .internal:
        unused("subject", parts.subject, "has no subject")
        unused("html", parts.html, "has no HTML")
        _ = part("text", parts.text, .plain, textSizeMax)
      case .webhook:
        unused("subject", parts.subject, "is made from facts alone")
        unused("html", parts.html, "is made from facts alone")
        unused("text", parts.text, "is made from facts alone")
      default: note("", 0, "\(channel) has no templates here")
      }
      required()
    }

    private mutating func unused(_ name: String, _ text: String, _ why: String) {
      if !text.isEmpty { note(name, 0, "is not used: a message on this channel \(why)") }
    }

    private mutating func email() {
      if parts.subject.utf8.contains(where: { $0 == 0x0A || $0 == 0x0D }) {
        note("subject", 1, "a subject is a single line")
      }
      _ = part("subject", parts.subject, .line, subjectSizeMax)
      if let tags = part("html", parts.html, .html, htmlSizeMax) {
        identity("html", tags)
        let byPiece = Dictionary(tags.map { ($0.piece, $0) }) { first, _ in first }
        for problem in MarkupPlaces(TemplateScan(parts.html), byPiece).problems {
          note("html", problem.line, problem.text)
        }
      }
      if let tags = part("text", parts.text, .plain, textSizeMax) { identity("text", tags) }
    }

    /// Nil where the part is missing.
    private mutating func part(
      _ name: String, _ text: String, _ escape: TemplateProgram.Escape, _ sizeMax: Int
    ) -> [TemplateProgram.PlacedTag]? {
      guard text.utf8.contains(where: { $0 > 0x20 }) else {
        note(name, 0, "is missing")
        return nil
      }
      guard text.utf8.count <= sizeMax else {
        note(name, 0, "has \(text.utf8.count) bytes, the limit is \(sizeMax)")
        return nil
      }
      if let line = controlLine(text) { note(name, line, "holds a control character") }
      let (_, problems, tags) = TemplateProgram.compile(text, escape)
      for problem in problems.sorted(by: { $0.line < $1.line }) {
        note(name, problem.line, problem.text)
      }
      parameters.formUnion(tags.map(\.name))
      return tags
    }

    private func controlLine(_ text: String) -> Int? {
      var line = 1
      var before: UInt8 = 0
      for byte in text.utf8 {
        if before == 0x0D && byte != 0x0A { return line }
        if byte == 0x0A { line += 1 }
        if PlainText.isControl[Int(byte)] && byte != 0x0D { return line }
        before = byte
      }
      return before == 0x0D ? line : nil
    }

    /// Who writes, from where, and how to end it: in both alternatives, in every mail.
    private mutating func identity(_ part: String, _ tags: [TemplateProgram.PlacedTag]) {
      func isAlways(_ names: String...) -> Bool {
        tags.contains { tag in
          guard names.contains(tag.name), !tag.isSection else { return false }
          let own = Set(names + ["postal_lines"])
          return tag.sections.allSatisfy { own.contains($0) }
        }
      }
      if !isAlways("imprint", "legal_name") {
        note(part, 0, "the sender's identity is missing: use `imprint` or `legal_name`")
      }
      if !isAlways("imprint", "postal_address", "address_line") {
        note(part, 0, "the postal address is missing: use `imprint` or `postal_address`")
      }
      if !isAlways("unsubscribe_link") {
        note(part, 0, "the unsubscribe link is missing: use `unsubscribe_link`")
      }
    }

    private mutating func required() {
      for name in parts.required {
        let place =
          ParameterPlace(name, in: [.message]) ?? ParameterPlace(name, in: [.line])
        if place != nil { continue }
        let near = ParameterPlace.nearest(to: name, in: [.message, .line])
        note(
          "required", 0,
          "there is no parameter `\(name)`" + (near.map { ": did you mean `\($0)`?" } ?? ""))
      }
    }
  }
}
