internal import ServiceKit

/// The form in which the code of a letter is typed.
enum ObjectionForm {
  static let field = "code"
  /// Of a typed code with its spaces and hyphens, in characters.
  static let sizeMax = 32

  /// What was typed; nil for nothing, too much, or what no code has.
  static func code(_ body: [UInt8]) -> String? {
    let fields = String(decoding: body, as: UTF8.self).split(separator: "&")
    guard let value = fields.first(where: { $0.hasPrefix(field + "=") })?.dropFirst(5),
      let text = decoded(value)
    else { return nil }
    // People copy hyphens as their printer or phone wrote them.
    let code = text.filter { !$0.isWhitespace && !dashes.contains($0) }
    let isCode = code.unicodeScalars.allSatisfy {
      $0.isASCII && $0.properties.isAlphabetic
        || ("0"..."9").contains($0)
    }
    return (1...sizeMax).contains(code.utf8.count) && isCode ? code : nil
  }

  private static let dashes: Set<Character> = ["-", "\u{2010}", "\u{2011}", "\u{2013}", "\u{2014}"]

  /// `application/x-www-form-urlencoded` (WHATWG URL §5); nil for what is not UTF-8.
  private static func decoded(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), rest.count >= 2,
        let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte == UInt8(ascii: "+") ? 0x20 : byte)
      }
    }
    return String(validating: bytes, as: UTF8.self)
  }
}
