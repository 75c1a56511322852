/// A JSON value (RFC 8259) as far as answers and callbacks of providers need it.
enum JSON: Hashable, Sendable {
  case null
  case flag(Bool)
  case number(Double)
  case text(String)
  case list([JSON])
  case object([String: JSON])

  static let depthMax = 16
  static let valuesMax = 20_000

  /// Why bytes are no such value.
  struct Fault: Error, Hashable, CustomStringConvertible {
    let offset: Int
    var description: String { "no JSON at byte \(offset)" }
  }

  /// - Throws: `Fault`; also for a value over the limits, and a key given twice.
  init(_ bytes: [UInt8]) throws(Fault) {
    guard String(validating: bytes, as: UTF8.self) != nil else { throw Fault(offset: 0) }
    var reader = Reader(bytes: bytes)
    self = try reader.whole()
  }

  subscript(key: String) -> JSON? {
    if case .object(let members) = self { return members[key] }
    return nil
  }

  var text: String? { if case .text(let text) = self { text } else { nil } }
  var number: Double? { if case .number(let number) = self { number } else { nil } }
  var flag: Bool? { if case .flag(let flag) = self { flag } else { nil } }
  var list: [JSON]? { if case .list(let list) = self { list } else { nil } }

  /// Text between quotes.
  static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        let digits = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }

  // MARK: - Reading

  private struct Reader {
    let bytes: [UInt8]
    var at = 0
    var count = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    var fault: Fault { Fault(offset: at) }
    var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    mutating func whole() throws(Fault) -> JSON {
      let value = try value(0)
      space()
      if at < bytes.count { throw fault }
      return value
    }

    mutating func space() {
      while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { at += 1 }
    }

    mutating func take(_ text: StaticString) -> Bool {
      let wanted = text.withUTF8Buffer { Array($0) }
      guard bytes[at...].starts(with: wanted) else { return false }
      at += wanted.count
      return true
    }

    mutating func value(_ depth: Int) throws(Fault) -> JSON {
      space()
      count += 1
      if depth > JSON.depthMax || count > JSON.valuesMax { throw fault }
      switch next {
      case UInt8(ascii: "{"): return try object(depth)
      case UInt8(ascii: "["): return try list(depth)
      case UInt8(ascii: "\""): return .text(try string())
      default: break
      }
      if take("true") { return .flag(true) }
      if take("false") { return .flag(false) }
      if take("null") { return .null }
      return .number(try number())
    }

    mutating func object(_ depth: Int) throws(Fault) -> JSON {
      var members: [String: JSON] = [:]
      at += 1
      space()
      if take("}") { return .object(members) }
      repeat {
        space()
        guard next == UInt8(ascii: "\"") else { throw fault }
        let key = try string()
        space()
        guard take(":") else { throw fault }
        guard members.updateValue(try value(depth + 1), forKey: key) == nil else { throw fault }
        space()
      } while take(",")
      guard take("}") else { throw fault }
      return .object(members)
    }

    mutating func list(_ depth: Int) throws(Fault) -> JSON {
      var items: [JSON] = []
      at += 1
      space()
      if take("]") { return .list(items) }
      repeat {
        items.append(try value(depth + 1))
        space()
      } while take(",")
      guard take("]") else { throw fault }
      return .list(items)
    }

    mutating func number() throws(Fault) -> Double {
      let word = bytes[at...].prefix { byte in
        (0x30...0x39).contains(byte) || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains(byte)
      }
      guard word.count <= 40, let first = word.first, first != 0x2B, first != 0x2E,
        let value = Double(String(decoding: word, as: UTF8.self)), value.isFinite
      else { throw fault }
      at += word.count
      return value
    }

    mutating func string() throws(Fault) -> String {
      at += 1
      var text: [UInt8] = []
      while let byte = next {
        at += 1
        switch byte {
        case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
        case UInt8(ascii: "\\"): text += Array(String(try escape()).utf8)
        case 0..<0x20: throw fault
        default: text.append(byte)
        }
      }
      throw fault
    }

    mutating func escape() throws(Fault) -> Unicode.Scalar {
      let plain: [UInt8: Unicode.Scalar] = [
        0x22: "\"", 0x5C: "\\", 0x2F: "/", 0x62: "\u{8}", 0x66: "\u{C}", 0x6E: "\n", 0x72: "\r",
        0x74: "\t",
      ]
      guard let byte = next else { throw fault }
      at += 1
      if let scalar = plain[byte] { return scalar }
      guard byte == UInt8(ascii: "u") else { throw fault }
      let unit = try hexadecimal()
      if let scalar = Unicode.Scalar(unit) { return scalar }
      // Half of a pair of UTF-16.
      guard unit < 0xDC00, take("\\u"), case let low = try hexadecimal(),
        (0xDC00...0xDFFF).contains(low),
        let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
      else { throw fault }
      return scalar
    }

    mutating func hexadecimal() throws(Fault) -> UInt32 {
      let digits = String(decoding: bytes[at...].prefix(4), as: UTF8.self)
      guard digits.utf8.count == 4, digits.allSatisfy(\.isHexDigit),
        let value = UInt32(digits, radix: 16)
      else { throw fault }
      at += 4
      return value
    }
  }
}
