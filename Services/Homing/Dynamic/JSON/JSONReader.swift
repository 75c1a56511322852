/// Reads JSON (RFC 8259) and nothing looser: no comments, no trailing commas, no lone surrogates,
/// no name twice in one object, nesting of at most 32.
package struct JSONReader {
  /// Lists and objects inside each other. More than any message of the contract needs.
  package static let depthMax = 32

  private let bytes: [UInt8]
  private let start: TextPosition
  private var offset = 0

  /// - Parameter start: where the text begins in the file it was cut from, for messages.
  package init(_ bytes: [UInt8], at start: TextPosition = TextPosition()) {
    self.bytes = bytes
    self.start = start
  }

  /// Reads a text that is exactly one value.
  package static func value(
    _ bytes: [UInt8], at start: TextPosition = TextPosition()
  ) throws(JSONError) -> JSONValue {
    var reader = JSONReader(bytes, at: start)
    let value = try reader.value(depth: 0)
    reader.skipSpace()
    guard reader.offset == bytes.count else {
      throw reader.error("expected the end after the value, found \(reader.found)")
    }
    return value
  }

  private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
    skipSpace()
    guard let byte = peek else { throw error("expected a value, found \(found)") }
    switch byte {
    case UInt8(ascii: "{"): return try object(depth: depth + 1)
    case UInt8(ascii: "["): return try array(depth: depth + 1)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      return .number(try number())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: throw error("expected a value, found \(found)")
    }
  }

  private mutating func object(depth: Int) throws(JSONError) -> JSONValue {
    try checkDepth(depth)
    offset += 1
    var members: [JSONMember] = []
    // By bytes: Swift compares text by canonical equivalence, JSON names are the same only when
    // their characters are.
    var names: Set<[UInt8]> = []
    skipSpace()
    if take("}") { return .object([]) }
    while true {
      skipSpace()
      guard peek == UInt8(ascii: "\"") else {
        throw error("expected a member's name in double quotes, found \(found)")
      }
      let nameOffset = offset
      let name = try string()
      guard names.insert(Array(name.utf8)).inserted else {
        throw error("the name \"\(name)\" is given twice in one object", at: nameOffset)
      }
      skipSpace()
      guard take(":") else { throw error("expected \":\" after the name, found \(found)") }
      members.append(JSONMember(name, try value(depth: depth)))
      skipSpace()
      if take("}") { return .object(members) }
      guard take(",") else { throw error("expected \",\" or \"}\" in the object, found \(found)") }
    }
  }

  private mutating func array(depth: Int) throws(JSONError) -> JSONValue {
    try checkDepth(depth)
    offset += 1
    var elements: [JSONValue] = []
    skipSpace()
    if take("]") { return .array([]) }
    while true {
      elements.append(try value(depth: depth))
      skipSpace()
      if take("]") { return .array(elements) }
      guard take(",") else { throw error("expected \",\" or \"]\" in the list, found \(found)") }
    }
  }

  private func checkDepth(_ depth: Int) throws(JSONError) {
    guard depth <= Self.depthMax else {
      throw error("nested deeper than \(Self.depthMax) lists and objects")
    }
  }

  private mutating func word(
    _ text: StaticString, _ value: JSONValue
  ) throws(JSONError) -> JSONValue {
    let start = offset
    while let byte = peek, byte.isWordByte { offset += 1 }
    let isSame = text.withUTF8Buffer { bytes[start..<offset].elementsEqual($0) }
    guard isSame else { throw error("expected a value, found an unquoted word", at: start) }
    return value
  }
}

// MARK: - Numbers and strings

extension JSONReader {
  private mutating func number() throws(JSONError) -> String {
    let start = offset
    _ = take("-")
    if take("0") {
      if let byte = peek, byte.isDigit {
        throw error("a number must not begin with a needless 0", at: start)
      }
    } else {
      try digits()
    }
    if take(".") { try digits() }
    if take("e") || take("E") {
      if !take("+") { _ = take("-") }
      try digits()
    }
    if let byte = peek, byte.isWordByte || byte == UInt8(ascii: ".") {
      throw error("this is not a number", at: start)
    }
    return String(decoding: bytes[start..<offset], as: UTF8.self)
  }

  private mutating func digits() throws(JSONError) {
    guard let byte = peek, byte.isDigit else { throw error("expected a digit, found \(found)") }
    while let byte = peek, byte.isDigit { offset += 1 }
  }

  private mutating func string() throws(JSONError) -> String {
    let start = offset
    offset += 1
    var text: [UInt8] = []
    while let byte = peek {
      switch byte {
      case UInt8(ascii: "\""):
        offset += 1
        guard let string = String(validating: text, as: UTF8.self) else {
          throw error("this string is not UTF-8", at: start)
        }
        return string
      case UInt8(ascii: "\\"):
        try escape(into: &text)
      case 0..<0x20:
        throw error("a control character in a string must be written as an escape")
      default:
        text.append(byte)
        offset += 1
      }
    }
    throw error("this string is not ended by a double quote", at: start)
  }

  private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
    let start = offset
    offset += 1
    guard let byte = peek else { throw error("the text ends inside an escape", at: start) }
    offset += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"): text.append(contentsOf: UTF8.encode(try scalar(from: start))!)
    default: throw error("an unknown escape in a string", at: start)
    }
  }

  /// The character of `\uXXXX`, or of two of them that form a pair.
  private mutating func scalar(from start: Int) throws(JSONError) -> Unicode.Scalar {
    let first = try fourHexDigits(from: start)
    if let scalar = Unicode.Scalar(first) { return scalar }
    if first < 0xDC00, take("\\"), take("u") {
      let second = try fourHexDigits(from: start)
      if (0xDC00..<0xE000).contains(second) {
        return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))!
      }
    }
    throw error("half of a surrogate pair is not a character", at: start)
  }

  private mutating func fourHexDigits(from start: Int) throws(JSONError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = peek, let digit = byte.hexDigitValue else {
        throw error("\\u needs four hexadecimal digits", at: start)
      }
      value = value << 4 + digit
      offset += 1
    }
    return value
  }
}

// MARK: - Bytes and places

extension JSONReader {
  private var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  private mutating func skipSpace() {
    while let byte = peek, byte.isJSONSpace { offset += 1 }
  }

  private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard peek == UInt8(ascii: scalar) else { return false }
    offset += 1
    return true
  }

  /// What stands at the offset, for a message.
  private var found: String {
    guard let byte = peek else { return "the end of the text" }
    if byte < 0x20 || byte == 0x7F { return "a control character" }
    return byte < 0x80 ? "\"\(Character(Unicode.Scalar(byte)))\"" : "a character outside a string"
  }

  private func error(_ message: String, at place: Int? = nil) -> JSONError {
    var position = start
    for byte in bytes[..<(place ?? offset)] { position.advance(over: byte) }
    return JSONError(line: position.line, column: position.column, message: message)
  }
}

extension UInt8 {
  var isJSONSpace: Bool { self == 0x20 || self == 0x0A || self == 0x0D || self == 0x09 }
  var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
  fileprivate var isWordByte: Bool {
    isDigit || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20)
      || self == UInt8(ascii: "_")
  }
  fileprivate var hexDigitValue: UInt32? {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(self - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(self - UInt8(ascii: "a")) + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(self - UInt8(ascii: "A")) + 10
    default: nil
    }
  }
}
