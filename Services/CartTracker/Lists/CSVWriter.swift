/// Writes CSV by RFC 4180: UTF-8, every cell in quotes, lines ended by CRLF.
///
/// A text that a spreadsheet would take for a formula gets a `'` in front: the one thing in which
/// cells read back differ from what was written, besides NUL, which is left out.
struct CSVWriter {
  enum Cell: Hashable, Sendable {
    /// From outside.
    case text(String)
    /// Made by us: digits, points and such; a minus is a minus.
    case number(String)
  }

  /// Bytes of a chunk at most.
  static let chunkBytesMax = 64 << 10

  private var bytes: [UInt8] = []
  private var start = 0

  /// Bytes that wait.
  var count: Int { bytes.count - start }

  mutating func append(_ cells: [Cell]) {
    for (index, cell) in cells.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      bytes.append(UInt8(ascii: "\""))
      switch cell {
      case .text(let text):
        if CSVWriter.isFormula(text) { bytes.append(UInt8(ascii: "'")) }
        append(text)
      case .number(let text): append(text)
      }
      bytes.append(UInt8(ascii: "\""))
    }
    bytes.append(UInt8(ascii: "\r"))
    bytes.append(UInt8(ascii: "\n"))
  }

  /// A whole chunk, as long as there is one.
  mutating func fullChunk() -> [UInt8]? {
    count >= CSVWriter.chunkBytesMax ? take(CSVWriter.chunkBytesMax) : nil
  }

  /// What is left, at most a chunk at a time; nil when nothing is.
  mutating func rest() -> [UInt8]? {
    count > 0 ? take(min(count, CSVWriter.chunkBytesMax)) : nil
  }

  private mutating func take(_ size: Int) -> [UInt8] {
    let chunk = Array(bytes[start..<start + size])
    start += size
    if start == bytes.count || start >= 16 * CSVWriter.chunkBytesMax {
      bytes.removeFirst(start)
      start = 0
    }
    return chunk
  }

  private mutating func append(_ text: String) {
    for byte in text.utf8 {
      if byte == 0 { continue }
      if byte == UInt8(ascii: "\"") { bytes.append(byte) }
      bytes.append(byte)
    }
  }

  /// Whether some spreadsheet may take the text for a formula: by its first sign behind blanks, in
  /// any width.
  static func isFormula(_ text: String) -> Bool {
    for scalar in text.unicodeScalars {
      switch scalar {
      case "=", "+", "-", "@", "\t", "\r", "\n": return true
      // Full-width and small forms, and the minus sign.
      case "\u{FF1D}", "\u{FF0B}", "\u{FF0D}", "\u{FF20}": return true
      case "\u{FE66}", "\u{FE62}", "\u{FE63}", "\u{FE6B}", "\u{2212}": return true
      default:
        let isBlank =
          scalar.value <= 0x20 || scalar.properties.isWhitespace
          || scalar.properties.generalCategory == .format
        if !isBlank { return false }
      }
    }
    return false
  }
}
