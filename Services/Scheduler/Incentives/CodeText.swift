internal import ServiceKit

/// Codes as people read, type and say them. Pure.
enum CodeText {
  /// Nothing that looks like another of it: no O, I, L, Z, S, G, B, U, V, Q, D. As many as a prime,
  /// so that the check character tells every single wrong one and every two that changed places.
  static let alphabet = Array("23456789ACEFHJKMNPRTWXY".utf8)
  /// Of a generated code, the check character included, the two hyphens not.
  static let size = 12
  private static let groupSize = 4
  static let bytesMax = 64

  /// The form in which codes are compared: capitals, without hyphens, underlines and spaces.
  ///
  /// - Returns: nil for what is no code: empty, longer than 64 bytes, or of other characters.
  static func normal(_ text: String) -> String? {
    guard text.utf8.count <= bytesMax else { return nil }
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
        bytes.append(byte)
      case UInt8(ascii: "a")...UInt8(ascii: "z"): bytes.append(byte - 32)
      case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: " "): continue
      default: return nil
      }
    }
    return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
  }

  /// The code of a gift: the same for the same secret and name, and not to be guessed without the
  /// secret, so that what a crash leaves undone is done alike.
  ///
  /// - Parameters:
  ///   - secret: 16 bytes that were drawn for the installation.
  ///   - attempt: from 0; another where the code is somebody's already.
  static func generated(_ secret: [UInt8], _ gift: Identifier, attempt: UInt8) -> String {
    var hash = SHA256()
    hash.update("incentive code")
    hash.update(secret)
    hash.update(gift.bytes)
    hash.update([attempt])
    hash.update(secret)
    var symbols: [Int] = []
    // Bytes beyond the last whole multiple would make some characters likelier.
    let bound = 256 - 256 % alphabet.count
    for byte in hash.finish() where Int(byte) < bound && symbols.count < size - 1 {
      symbols.append(Int(byte) % alphabet.count)
    }
    // Of 32 bytes 11 at least are below the bound but once in 10^25 times.
    while symbols.count < size - 1 { symbols.append(0) }
    symbols.append(check(symbols))
    return grouped(symbols)
  }

  /// Whether a text can be a generated code: of its size and alphabet, with the right check
  /// character.
  static func isWhole(_ text: String) -> Bool {
    guard let normal = normal(text), normal.utf8.count == size else { return false }
    let symbols = normal.utf8.compactMap { alphabet.firstIndex(of: $0) }
    guard symbols.count == size else { return false }
    return check(symbols.dropLast()) == symbols[size - 1]
  }

  /// Weights from 1 on, modulo a prime: no two weights are alike, none is 0.
  private static func check(_ symbols: some Sequence<Int>) -> Int {
    symbols.enumerated().reduce(0) { $0 + ($1.offset + 1) * ($1.element + 1) } % alphabet.count
  }

  private static func grouped(_ symbols: [Int]) -> String {
    var bytes: [UInt8] = []
    for (index, symbol) in symbols.enumerated() {
      if index > 0 && index % groupSize == 0 { bytes.append(UInt8(ascii: "-")) }
      bytes.append(alphabet[symbol])
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
