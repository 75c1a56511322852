/// Where in HTML each value stands, and what must not be in a mail.
///
/// Escaping makes a value harmless in a text and within an attribute's quotes. Anywhere else, in
/// styles and scripts, and at the start of an address, it does not: such templates are refused.
package struct MarkupPlaces {
  private enum State: Equatable {
    case text
    /// In `<…`, before, between and in attributes.
    case tag
    case attribute(quote: UInt8)
    case comment
    /// In `<style>` or `<script>`, until its end.
    case raw(String)
  }

  package private(set) var problems: [TemplateScan.Problem] = []
  private var state = State.text
  private var element = ""
  private var attribute = ""
  private var valueSize = 0
  private var line = 1
  /// Where each open section began.
  private var sections: [State] = []

  /// - Parameter tags: by the scan's piece.
  package init(_ scan: TemplateScan, _ tags: [Int: TemplateProgram.PlacedTag]) {
    for (index, piece) in scan.pieces.enumerated() {
      switch piece {
      case .literal(let range): take(scan.bytes, range)
      case .tag(let tag):
        line = max(line, tag.line)
        switch tag.kind {
        case .value: if let placed = tags[index] { check(placed) }
        case .section, .inverted: sections.append(state)
        case .close: close(tag)
        case .unescaped, .comment: break
        }
      }
    }
  }

  /// A section that opened a tag or a quote and left it open would move what stands behind it to
  /// another kind of place, depending on values.
  private mutating func close(_ tag: TemplateScan.Tag) {
    guard let before = sections.popLast(), before != state else { return }
    note(
      tag.line, "`{{/\(tag.name)}}` ends within a tag or quotes that its section did not begin in")
  }

  private mutating func note(_ line: Int, _ text: String) {
    problems.append(TemplateScan.Problem(line: line, text: text))
  }

  private mutating func check(_ tag: TemplateProgram.PlacedTag) {
    switch state {
    case .text, .comment: break
    case .raw(let element):
      note(tag.line, "`\(tag.name)` stands in <\(element)>, where no value can be made harmless")
    case .tag:
      note(tag.line, "`\(tag.name)` stands in a tag without quotes: write name=\"{{\(tag.name)}}\"")
    case .attribute:
      if attribute == "style" || attribute.hasPrefix("on") {
        note(tag.line, "`\(tag.name)` stands in \(attribute)=, where it cannot be made harmless")
      } else if MarkupPlaces.addresses.contains(attribute), valueSize == 0, tag.kind != .link {
        note(
          tag.line,
          "`\(tag.name)` begins \(attribute)=, where only a link may: cart_link, product_link, …")
      }
    }
    valueSize += 1
  }

  private static let addresses: Set = [
    "href", "src", "srcset", "action", "formaction", "background", "poster", "data", "cite",
    "xlink:href",
  ]

  private static let refused: [String: String] = [
    "script": "mail programs run no scripts, and drop mails that hold one",
    "iframe": "mail programs show no <iframe>", "object": "mail programs show no <object>",
    "embed": "mail programs show no <embed>", "form": "mail programs drop forms: use a link",
    "base": "<base> changes where links lead",
  ]

  private mutating func take(_ bytes: [UInt8], _ range: Range<Int>) {
    var at = range.lowerBound
    while at < range.upperBound {
      at = step(bytes, at, range.upperBound)
    }
  }

  private mutating func step(_ bytes: [UInt8], _ at: Int, _ end: Int) -> Int {
    let byte = bytes[at]
    if byte == 0x0A { line += 1 }
    switch state {
    case .text:
      if byte == 0x3C { return openTag(bytes, at, end) }
    case .comment:
      if byte == 0x2D, MarkupPlaces.has("-->", bytes, at, end) {
        state = .text
        return at + 3
      }
    case .raw(let element):
      if byte == 0x3C, MarkupPlaces.has("</" + element, bytes, at, end) {
        state = .tag
        self.element = ""
        return at + 2 + element.utf8.count
      }
    case .tag: return inTag(byte, at)
    case .attribute(let quote):
      if byte == quote {
        state = .tag
        attribute = ""
      } else {
        valueSize += 1
      }
    }
    return at + 1
  }

  private mutating func openTag(_ bytes: [UInt8], _ at: Int, _ end: Int) -> Int {
    if MarkupPlaces.has("<!--", bytes, at, end) {
      state = .comment
      return at + 4
    }
    var next = at + 1
    while next < end, MarkupPlaces.isName(bytes[next]) { next += 1 }
    let name = String(decoding: bytes[(at + 1)..<next], as: UTF8.self).lowercased()
    if name.isEmpty {
      // An end tag, a declaration, or a lone sign.
      let isTag = at + 1 < end && [0x2F, 0x21, 0x3F].contains(bytes[at + 1])
      if isTag {
        state = .tag
        element = ""
      }
      return at + 1
    }
    if let problem = MarkupPlaces.refused[name] { note(line, "<\(name)>: \(problem)") }
    element = name
    state = .tag
    attribute = ""
    return next
  }

  private mutating func inTag(_ byte: UInt8, _ at: Int) -> Int {
    switch byte {
    case 0x3E:
      state = element == "style" || element == "script" ? .raw(element) : .text
      attribute = ""
    case 0x22, 0x27:
      state = .attribute(quote: byte)
      valueSize = 0
    case 0x3D: break
    case let byte where MarkupPlaces.isName(byte):
      if isNameEnded { attribute = "" }
      attribute += String(UnicodeScalar(byte)).lowercased()
      isNameEnded = false
      return at + 1
    default: break
    }
    isNameEnded = byte != 0x3D
    return at + 1
  }

  private var isNameEnded = false

  private static func isName(_ byte: UInt8) -> Bool {
    (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte)
      || [0x2D, 0x3A, 0x5F].contains(byte)
  }

  private static func has(_ text: String, _ bytes: [UInt8], _ at: Int, _ end: Int) -> Bool {
    let text = text.utf8
    return at + text.count <= end
      && zip(bytes[at..<(at + text.count)], text).allSatisfy { byte, letter in
        byte == letter || (0x61...0x7A).contains(letter) && byte | 0x20 == letter
      }
  }
}
