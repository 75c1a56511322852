/// Base64 with the alphabet of addresses and without padding (RFC 4648 §5).
package enum Base64URL {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
  /// 255 for what is no digit.
  private static let values: [UInt8] = {
    var values = [UInt8](repeating: 255, count: 256)
    for (value, digit) in alphabet.enumerated() { values[Int(digit)] = UInt8(value) }
    return values
  }()

  package static func text(_ bytes: [UInt8]) -> String {
    String(unsafeUninitializedCapacity: (bytes.count * 4 + 2) / 3) { buffer in
      var bits: UInt32 = 0
      var count = 0
      var size = 0
      for byte in bytes {
        bits = bits << 8 | UInt32(byte)
        count += 8
        while count >= 6 {
          count -= 6
          buffer[size] = alphabet[Int(bits >> UInt32(count) & 63)]
          size += 1
        }
      }
      if count > 0 {
        buffer[size] = alphabet[Int(bits << UInt32(6 - count) & 63)]
        size += 1
      }
      return size
    }
  }

  /// Nil for a character outside the alphabet, a length that none has, and bits left over.
  package static func bytes(_ text: String) -> [UInt8]? {
    guard text.utf8.count % 4 != 1 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count * 3 / 4)
    var bits: UInt32 = 0
    var count = 0
    for digit in text.utf8 {
      let value = values[Int(digit)]
      guard value < 64 else { return nil }
      bits = bits << 6 | UInt32(value)
      count += 6
      if count >= 8 {
        count -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
      }
    }
    let isClean = bits & (1 << UInt32(count) - 1) == 0
    return isClean ? bytes : nil
  }
}
