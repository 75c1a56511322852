/// Reads a JSON file of keys into the names that they have in the environment.
enum SettingsFile {
  static let bytesMax = 1 << 20
  static let depthMax = 8
  static let keysMax = 1000

  /// - Throws: where the file cannot be read, or is not such JSON.
  static func read(_ path: String) throws(SettingsError) -> [String: String] {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try SmallFile.read(path, bytesMax: bytesMax)
    } catch {
      throw SettingsError(["\(Settings.fileKey): \(error)"])
    }
    return try parse(bytes)
  }

  static func parse(_ bytes: [UInt8]) throws(SettingsError) -> [String: String] {
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw SettingsError(["\(Settings.fileKey): the file is not UTF-8"])
    }
    var parser = SettingsParser(bytes)
    do throws(SettingsParser.Wrong) {
      return try parser.file()
    } catch {
      let line = bytes[..<parser.position].count { $0 == 0x0A } + 1
      throw SettingsError(["\(Settings.fileKey), line \(line): \(error.what)"])
    }
  }

  /// `drainSeconds`, `drain.seconds` and `drain` `seconds` are all `HOMING_DRAIN_SECONDS`. Nil for
  /// what no key is made of.
  static func name(_ path: [String]) -> String? {
    var words: [String] = []
    for part in path.flatMap({ $0.split(separator: ".", omittingEmptySubsequences: false) }) {
      guard let first = part.first, first.isASCII, first.isLowercase,
        part.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) })
      else { return nil }
      words.append("")
      for character in part {
        if character.isUppercase { words.append("") }
        words[words.count - 1] += character.uppercased()
      }
    }
    return words.isEmpty ? nil : Settings.prefix + words.joined(separator: "_")
  }
}

/// JSON (RFC 8259) as far as keys need it: objects of objects, text, numbers, flags, and lists of
/// these. Numbers stay the text that they are; a list becomes lines.
struct SettingsParser {
  struct Wrong: Error {
    let what: String
  }

  private let bytes: [UInt8]
  private(set) var position = 0
  private var values: [String: String] = [:]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func file() throws(Wrong) -> [String: String] {
    space()
    try object([])
    space()
    if position < bytes.count { throw Wrong(what: "something follows the object") }
    return values
  }

  private mutating func object(_ path: [String]) throws(Wrong) {
    try expect("{")
    if path.count >= SettingsFile.depthMax { throw Wrong(what: "too deep") }
    space()
    if take("}") { return }
    repeat {
      space()
      let key = path + [try string()]
      space()
      try expect(":")
      space()
      if bytes.dropFirst(position).first == UInt8(ascii: "{") {
        try object(key)
      } else {
        try add(key, try take("[") ? list() : scalar())
      }
      space()
    } while take(",")
    try expect("}")
  }

  private mutating func add(_ path: [String], _ value: String) throws(Wrong) {
    guard let name = SettingsFile.name(path) else { throw Wrong(what: "a name that no key has") }
    if values.updateValue(value, forKey: name) != nil {
      throw Wrong(what: "\(name) is given twice")
    }
    if values.count > SettingsFile.keysMax { throw Wrong(what: "too many keys") }
  }

  private mutating func list() throws(Wrong) -> String {
    var items: [String] = []
    space()
    if take("]") { return "" }
    repeat {
      space()
      let item = try scalar()
      if item.contains(where: { $0 == ";" || $0.isNewline }) {
        throw Wrong(what: "an item of a list holds `;` or a line end")
      }
      items.append(item)
      space()
    } while take(",")
    try expect("]")
    return items.joined(separator: "\n")
  }

  private mutating func scalar() throws(Wrong) -> String {
    if bytes.dropFirst(position).first == UInt8(ascii: "\"") { return try string() }
    let word = bytes.dropFirst(position).prefix { byte in
      (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) || byte == UInt8(ascii: "-")
        || byte == UInt8(ascii: "+") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "E")
    }
    let text = String(decoding: word, as: UTF8.self)
    guard text == "true" || text == "false" || Double(text)?.isFinite == true else {
      throw Wrong(what: "neither text, number, flag, list nor object")
    }
    position += word.count
    return text
  }

  private mutating func string() throws(Wrong) -> String {
    try expect("\"")
    var text: [UInt8] = []
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"): text += Array(String(try escape()).utf8)
      case 0..<0x20: throw Wrong(what: "a control character in a text")
      default: text.append(byte)
      }
    }
    throw Wrong(what: "a text without an end")
  }

  private mutating func escape() throws(Wrong) -> Unicode.Scalar {
    let plain: [Unicode.Scalar: Unicode.Scalar] = [
      "\"": "\"", "\\": "\\", "/": "/", "b": "\u{8}", "f": "\u{C}", "n": "\n", "r": "\r", "t": "\t",
    ]
    for (letter, scalar) in plain where take(letter) { return scalar }
    guard take("u") else { throw Wrong(what: "an escape that JSON does not have") }
    let unit = try hexadecimal()
    if let scalar = Unicode.Scalar(unit) { return scalar }
    // Half of a pair of UTF-16.
    guard unit < 0xDC00, take("\\"), take("u"), case let low = try hexadecimal(),
      (0xDC00...0xDFFF).contains(low),
      let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
    else { throw Wrong(what: "half of a character") }
    return scalar
  }

  private mutating func hexadecimal() throws(Wrong) -> UInt32 {
    let digits = String(decoding: bytes.dropFirst(position).prefix(4), as: UTF8.self)
    guard digits.utf8.count == 4, digits.allSatisfy(\.isHexDigit),
      let value = UInt32(digits, radix: 16)
    else { throw Wrong(what: "an escape without four digits") }
    position += 4
    return value
  }

  private mutating func space() {
    while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) {
      position += 1
    }
  }

  private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard position < bytes.count, bytes[position] == UInt8(ascii: scalar) else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ scalar: Unicode.Scalar) throws(Wrong) {
    if !take(scalar) { throw Wrong(what: "a `\(scalar)` is missing") }
  }
}
