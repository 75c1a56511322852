/// Cuts a stream of bytes into JSON values that follow one another, so that each can be used before
/// the next has come.
///
/// It looks at brackets and quotes only; `JSONReader` then judges each piece.
package struct JSONSplitter {
  /// One value's text and where it began.
  package struct Piece: Hashable, Sendable {
    package let bytes: [UInt8]
    package let start: TextPosition
  }

  /// Largest value in bytes; as large as the largest frame a peer may accept, 64 MiB.
  package let bytesMax: Int

  private var piece: [UInt8] = []
  private var start = TextPosition()
  private var position = TextPosition()
  private var depth = 0
  private var isInString = false
  private var isEscaped = false

  package init(bytesMax: Int = 64 << 20) {
    self.bytesMax = bytesMax
  }

  /// Takes more bytes and gives the values that end in them.
  package mutating func feed(_ bytes: some Sequence<UInt8>) throws(JSONError) -> [Piece] {
    var pieces: [Piece] = []
    for byte in bytes {
      if piece.isEmpty && byte.isJSONSpace {
        position.advance(over: byte)
        continue
      }
      if piece.isEmpty { start = position }
      guard piece.count < bytesMax else {
        throw JSONError(
          line: start.line, column: start.column,
          message: "this value is longer than \(bytesMax) bytes")
      }
      if endsScalar(before: byte) {
        pieces.append(cut())
        position.advance(over: byte)
        continue
      }
      position.advance(over: byte)
      piece.append(byte)
      if endsValue(with: byte) { pieces.append(cut()) }
    }
    return pieces
  }

  /// What is left at the end of the stream; perhaps an unfinished value.
  package mutating func finish() -> Piece? {
    piece.isEmpty ? nil : cut()
  }

  /// A number or word has no closing mark: space ends it.
  private func endsScalar(before byte: UInt8) -> Bool {
    depth == 0 && !isInString && byte.isJSONSpace
  }

  private mutating func endsValue(with byte: UInt8) -> Bool {
    if isInString {
      if isEscaped {
        isEscaped = false
      } else if byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else if byte == UInt8(ascii: "\"") {
        isInString = false
        return depth == 0
      }
      return false
    }
    switch byte {
    case UInt8(ascii: "\""):
      isInString = true
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      depth += 1
    case UInt8(ascii: "}"), UInt8(ascii: "]"):
      depth -= 1
      return depth <= 0
    default:
      break
    }
    return false
  }

  private mutating func cut() -> Piece {
    defer {
      piece = []
      depth = 0
      isInString = false
      isEscaped = false
    }
    return Piece(bytes: piece, start: start)
  }
}
