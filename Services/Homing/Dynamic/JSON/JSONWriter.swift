/// Writes JSON values as text: on one line for scripts, indented for people.
package struct JSONWriter {
  package enum Style: Sendable {
    /// No space at all, no line break.
    case compact
    /// Two spaces a level.
    case indented
  }

  private let style: Style
  private var text = ""

  package static func text(_ value: JSONValue, _ style: Style = .compact) -> String {
    var writer = JSONWriter(style: style)
    writer.write(value, level: 0)
    return writer.text
  }

  private init(style: Style) {
    self.style = style
  }

  private mutating func write(_ value: JSONValue, level: Int) {
    switch value {
    case .null: text += "null"
    case .bool(let flag): text += flag ? "true" : "false"
    case .number(let literal): text += literal
    case .string(let string): write(string)
    case .array(let elements):
      writeList(elements, "[", "]", level) { writer, element, level in
        writer.write(element, level: level)
      }
    case .object(let members):
      writeList(members, "{", "}", level) { writer, member, level in
        writer.write(member.name)
        writer.text += writer.style == .indented ? ": " : ":"
        writer.write(member.value, level: level)
      }
    }
  }

  private mutating func writeList<Item>(
    _ items: [Item], _ open: String, _ close: String, _ level: Int,
    _ body: (inout JSONWriter, Item, Int) -> Void
  ) {
    text += open
    for (index, item) in items.enumerated() {
      if index > 0 { text += "," }
      breakLine(level + 1)
      body(&self, item, level + 1)
    }
    if !items.isEmpty { breakLine(level) }
    text += close
  }

  private mutating func breakLine(_ level: Int) {
    guard style == .indented else { return }
    text += "\n" + String(repeating: "  ", count: level)
  }

  private mutating func write(_ string: String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      // Also 0x7F and the C1 controls: JSON would allow them, but a terminal may obey them. U+2028
      // and U+2029 end a line for some readers of one object a line.
      case "\u{0}"..<" ", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}":
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
