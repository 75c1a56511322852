internal import Texts

/// The one writer of header fields (RFC 5322 §2.2): a value with a control character is refused, so
/// nothing that a shop or a shopper wrote begins a field or a body of its own.
struct HeaderWriter {
  /// Of one value before it is encoded, in bytes.
  static let valueSizeMax = 2048
  private static let lineSizeMax = 76

  private(set) var bytes: [UInt8] = []

  /// Free text: as it is where it is ASCII, else in encoded words (RFC 2047), folded.
  mutating func text(_ name: String, _ value: String) throws(ContentError) {
    try HeaderWriter.check(name, value)
    bytes += name.utf8
    bytes += ": ".utf8
    if HeaderWriter.isPlain(value) {
      fold(value, column: name.utf8.count + 2)
    } else {
      encodedWords(value, column: name.utf8.count + 2)
    }
    bytes += "\r\n".utf8
  }

  /// What has a form of its own and is ASCII, such as an address in angle brackets: never folded or
  /// encoded.
  mutating func token(_ name: String, _ value: String) throws(ContentError) {
    try HeaderWriter.check(name, value)
    guard value.utf8.allSatisfy({ $0 < 0x7F }), name.utf8.count + 2 + value.utf8.count <= 998 else {
      throw ContentError(
        name, "\(value.utf8.count) bytes that are not ASCII or too long for a line")
    }
    bytes += name.utf8
    bytes += ": ".utf8
    bytes += value.utf8
    bytes += "\r\n".utf8
  }

  /// One mailbox with a name for people; without one where `display` is empty.
  mutating func mailbox(
    _ name: String, _ display: String, _ address: MailAddress
  ) throws(ContentError) {
    try HeaderWriter.check(name, display)
    bytes += name.utf8
    bytes += ": ".utf8
    if display.isEmpty {
      bytes += address.text.utf8
      bytes += "\r\n".utf8
      return
    }
    let start = bytes.count
    if !HeaderWriter.isPlain(display) || display.utf8.count > 200 {
      encodedWords(display, column: name.utf8.count + 2)
    } else if display.utf8.allSatisfy({ MailAddress.isAtomText[Int($0)] || $0 == 0x20 }) {
      bytes += display.utf8
    } else {
      bytes.append(0x22)
      for byte in display.utf8 {
        if byte == 0x22 || byte == 0x5C { bytes.append(0x5C) }
        bytes.append(byte)
      }
      bytes.append(0x22)
    }
    let isLong = bytes.count - start + address.text.utf8.count > 60
    bytes += (isLong ? "\r\n <" : " <").utf8
    bytes += address.text.utf8
    bytes += ">\r\n".utf8
  }

  /// - Throws: naming the field, for a control character and for more than 2,048 bytes.
  static func check(_ name: String, _ value: String) throws(ContentError) {
    guard value.utf8.count <= valueSizeMax else {
      throw ContentError(name, "\(value.utf8.count) bytes, the limit is \(valueSizeMax)")
    }
    if let control = value.unicodeScalars.first(where: isControl) {
      throw ContentError(name, "holds the control character U+\(hex(control.value))")
    }
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0...0x1F, 0x7F...0x9F, 0x2028, 0x2029: true
    default: false
    }
  }

  private static func hex(_ value: UInt32) -> String {
    let digits = String(value, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }

  /// Needs no encoding: ASCII, nothing that reads as an encoded word, no word longer than a line.
  private static func isPlain(_ value: String) -> Bool {
    var word = 0
    var before: UInt8 = 0
    for byte in value.utf8 {
      if byte >= 0x7F || before == 0x3D && byte == 0x3F { return false }
      word = byte == 0x20 ? 0 : word + 1
      if word > 200 { return false }
      before = byte
    }
    // White space at an end, or more than one space, would not survive folding.
    return !value.hasPrefix(" ") && !value.hasSuffix(" ") && !value.contains("  ")
  }

  private mutating func fold(_ value: String, column: Int) {
    var column = column
    for (index, word) in value.utf8.split(separator: 0x20).enumerated() {
      if index > 0 {
        if column + 1 + word.count > HeaderWriter.lineSizeMax {
          bytes += "\r\n".utf8
          column = 0
        }
        bytes.append(0x20)
        column += 1
      }
      bytes += word
      column += word.count
    }
  }

  /// Each word holds whole characters, at most 75 of its own (RFC 2047 §2, §5).
  private mutating func encodedWords(_ value: String, column: Int) {
    var room = (HeaderWriter.lineSizeMax - column - 12) / 4 * 3
    var word: [UInt8] = []
    func flushed(_ word: [UInt8]) -> [UInt8] {
      Array("=?utf-8?B?".utf8) + Base64.bytes(word) + Array("?=".utf8)
    }
    for scalar in value.unicodeScalars {
      let scalarBytes = UTF8.encode(scalar).map(Array.init) ?? []
      if word.count + scalarBytes.count > max(room, 4) {
        bytes += flushed(word)
        bytes += "\r\n ".utf8
        word = []
        room = 45
      }
      word += scalarBytes
    }
    bytes += flushed(word)
  }
}

/// Base64 (RFC 4648 §4) of a few bytes, in one line.
private enum Base64 {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  static func bytes(_ input: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity((input.count + 2) / 3 * 4)
    for start in stride(from: 0, to: input.count, by: 3) {
      let group = input[start..<min(start + 3, input.count)]
      let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32((3 - group.count) * 8)
      for digit in 0..<4 {
        output.append(
          digit <= group.count ? alphabet[Int(bits >> UInt32(18 - digit * 6) & 63)] : 0x3D)
      }
    }
    return output
  }
}
