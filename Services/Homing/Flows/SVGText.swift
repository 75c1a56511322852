/// Texts in a picture: escaped, broken into lines and measured roughly, as no fonts are known here.
enum SVGText {
  /// Fit for XML, also within an attribute.
  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\t", "\n", "\r": result += " "
      default:
        switch scalar.properties.generalCategory {
        // What XML forbids, and what turns the direction of writing.
        case .control, .surrogate, .format, .unassigned: continue
        default: result.unicodeScalars.append(scalar)
        }
      }
    }
    return result
  }

  /// Lines of at most so many characters; the last ends in `…` where there is more.
  static func wrapped(_ text: String, _ columns: Int, _ linesMax: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(whereSeparator: \.isWhitespace) {
      var word = Substring(word)
      while true {
        let joined = line.isEmpty ? String(word) : "\(line) \(word)"
        if joined.count <= columns {
          line = joined
          break
        }
        if line.isEmpty {
          lines.append(String(word.prefix(columns)))
          word = word.dropFirst(columns)
        } else {
          lines.append(line)
          line = ""
        }
      }
    }
    if !line.isEmpty || lines.isEmpty { lines.append(line) }
    guard lines.count > linesMax else { return lines }
    let kept = lines[linesMax - 1]
    return lines.prefix(linesMax - 1)
      + [(kept.count < columns ? kept : String(kept.dropLast())) + "…"]
  }

  /// A label of a line, cut where it is long.
  static func label(_ text: String) -> String {
    text.count <= 36 ? text : text.prefix(35) + "…"
  }

  /// About what it takes in a sans-serif font of this size, in pixels.
  static func width(_ text: String, _ size: Double) -> Double {
    text.unicodeScalars.reduce(0) { width, scalar in
      switch scalar.value {
      case 0x1100...0x115F, 0x2E80...0xD7A3, 0xF900...0xFAFF, 0xFF00...0xFFE6, 0x1F300...0x3FFFD:
        width + size
      case UInt32(UInt8(ascii: "i")), UInt32(UInt8(ascii: "l")), UInt32(UInt8(ascii: " ")),
        UInt32(UInt8(ascii: ".")), UInt32(UInt8(ascii: ",")):
        width + size * 0.32
      default: width + size * 0.58
      }
    }
  }
}
