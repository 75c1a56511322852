/// Why text is not the JSON it should be, and where.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
  /// From 1.
  package let line: Int
  /// From 1, in characters (Unicode scalars).
  package let column: Int
  package let message: String

  package var description: String { "line \(line), column \(column): \(message)" }
}

/// A place in a text, counted from 1.
package struct TextPosition: Hashable, Sendable {
  package var line = 1
  package var column = 1

  package init() {}

  /// Moves past one byte of UTF-8; bytes inside a character do not count.
  mutating func advance(over byte: UInt8) {
    if byte == UInt8(ascii: "\n") {
      line += 1
      column = 1
    } else if byte & 0xC0 != 0x80 {
      column += 1
    }
  }
}
