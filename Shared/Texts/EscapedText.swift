/// Text within HTML: in a text, or in an attribute in quotes.
package enum MarkupText {
  /// Escapes `& < > " '`. Control characters become spaces, line breaks and tabs stay.
  package static func append(_ text: String, to output: inout [UInt8]) {
    var text = text
    text.withUTF8 { bytes in
      var start = 0
      for at in bytes.indices where isSpecial[Int(bytes[at])] {
        output.append(contentsOf: bytes[start..<at])
        start = at + 1
        switch bytes[at] {
        case 0x26: output += amp
        case 0x3C: output += less
        case 0x3E: output += greater
        case 0x22: output += quote
        case 0x27: output += apostrophe
        default: output.append(0x20)
        }
      }
      output.append(contentsOf: bytes[start...])
    }
  }

  private static let amp = Array("&amp;".utf8)
  private static let less = Array("&lt;".utf8)
  private static let greater = Array("&gt;".utf8)
  private static let quote = Array("&quot;".utf8)
  private static let apostrophe = Array("&#39;".utf8)

  private static let isSpecial: [Bool] = (0..<256).map { byte in
    PlainText.isControl[byte] || [0x26, 0x3C, 0x3E, 0x22, 0x27].contains(byte)
  }
}

/// Text that stands for itself.
package enum PlainText {
  /// Control characters become spaces; line breaks and tabs stay.
  package static func append(_ text: String, to output: inout [UInt8]) {
    append(text, to: &output, isControl)
  }

  /// Control characters, line breaks and tabs become spaces.
  package static func appendLine(_ text: String, to output: inout [UInt8]) {
    append(text, to: &output, isControlOrBreak)
  }

  private static func append(_ text: String, to output: inout [UInt8], _ replaced: [Bool]) {
    var text = text
    text.withUTF8 { bytes in
      var start = 0
      for at in bytes.indices where replaced[Int(bytes[at])] {
        output.append(contentsOf: bytes[start..<at])
        output.append(0x20)
        start = at + 1
      }
      output.append(contentsOf: bytes[start...])
    }
  }

  /// C0 without tab and line feed, and DEL. A carriage return is one: lines end as the message
  /// does.
  package static let isControl: [Bool] = (0..<256).map { byte in
    byte < 0x20 && byte != 0x09 && byte != 0x0A || byte == 0x7F
  }
  private static let isControlOrBreak: [Bool] = (0..<256).map { $0 < 0x20 || $0 == 0x7F }
}
