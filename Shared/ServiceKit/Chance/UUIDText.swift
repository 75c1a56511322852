/// 16 bytes as the text of a UUID (RFC 9562).
package enum UUIDText {
  /// In small letters, such as `018f4c3e-7b2a-7c1d-9e5f-0123456789ab`.
  package static func text(_ bytes: [UInt8]) -> String {
    precondition(bytes.count == 16)
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(36)
    for (index, byte) in bytes.enumerated() {
      if [4, 6, 8, 10].contains(index) { text.append(UInt8(ascii: "-")) }
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The 16 bytes; nil for other text. Capitals are read too.
  package static func bytes(_ text: String) -> [UInt8]? {
    let characters = Array(text.utf8)
    guard characters.count == 36,
      [8, 13, 18, 23].allSatisfy({ characters[$0] == UInt8(ascii: "-") })
    else { return nil }
    let digits = characters.indices.filter { ![8, 13, 18, 23].contains($0) }
      .compactMap {
        Unicode.Scalar(characters[$0]).properties.isASCIIHexDigit ? characters[$0] : nil
      }
    guard digits.count == 32 else { return nil }
    func value(_ digit: UInt8) -> UInt8 { digit <= 0x39 ? digit - 0x30 : (digit | 0x20) - 0x57 }
    return (0..<16).map { value(digits[$0 * 2]) << 4 | value(digits[$0 * 2 + 1]) }
  }

  /// Version 7: in order of the millisecond, the rest at random. Before 1970 counts as 1970.
  package static func version7(_ at: Instant, _ chance: inout some RandomNumberGenerator) -> [UInt8]
  {
    let milliseconds = UInt64(max(0, at.microseconds / 1000))
    var bytes = (0..<6).map { UInt8(truncatingIfNeeded: milliseconds >> UInt64((5 - $0) * 8)) }
    for word in [chance.next(), chance.next()] as [UInt64] {
      bytes += (0..<5).map { UInt8(truncatingIfNeeded: word >> UInt64($0 * 8)) }
    }
    bytes[6] = 0x70 | bytes[6] & 0x0F
    bytes[8] = 0x80 | bytes[8] & 0x3F
    return bytes
  }
}
