internal import Logging

/// One event as bytes with a line end, in either format. Whatever the values hold, it is one line.
struct LogLine {
  /// In bytes; longer texts are cut.
  static let textSizeMax = 8192
  static let fieldsMax = 64
  static let depthMax = 4

  let time: Instant
  let level: Logger.Level
  let service: String
  let message: String
  let fields: Logger.Metadata

  private var sorted: [(key: String, value: Logger.MetadataValue)] {
    fields.sorted { $0.key < $1.key }.prefix(LogLine.fieldsMax).map { ($0.key, $0.value) }
  }

  // MARK: - JSON

  var json: [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(256)
    out += Array("{\"time\":\"\(time.millisecondsText)\",\"level\":\"\(level)\",\"service\":".utf8)
    LogLine.append(&out, quoted: service)
    out += Array(",\"message\":".utf8)
    LogLine.append(&out, quoted: message)
    if !fields.isEmpty {
      out += Array(",\"fields\":".utf8)
      LogLine.append(&out, object: sorted, depth: 1)
    }
    out += Array("}\n".utf8)
    return out
  }

  private static func append(
    _ out: inout [UInt8], object: [(key: String, value: Logger.MetadataValue)], depth: Int
  ) {
    out.append(UInt8(ascii: "{"))
    for (index, pair) in object.enumerated() {
      if index > 0 { out.append(UInt8(ascii: ",")) }
      append(&out, quoted: pair.key)
      out.append(UInt8(ascii: ":"))
      append(&out, pair.value, depth: depth)
    }
    out.append(UInt8(ascii: "}"))
  }

  private static func append(_ out: inout [UInt8], _ value: Logger.MetadataValue, depth: Int) {
    switch value {
    case .string(let text): append(&out, quoted: text)
    case .stringConvertible(let value): append(&out, quoted: value.description)
    case _ where depth >= depthMax: append(&out, quoted: value.description)
    case .dictionary(let fields):
      let sorted = fields.sorted { $0.key < $1.key }.prefix(fieldsMax)
      append(&out, object: sorted.map { ($0.key, $0.value) }, depth: depth + 1)
    case .array(let values):
      out.append(UInt8(ascii: "["))
      for (index, value) in values.prefix(fieldsMax).enumerated() {
        if index > 0 { out.append(UInt8(ascii: ",")) }
        append(&out, value, depth: depth + 1)
      }
      out.append(UInt8(ascii: "]"))
    }
  }

  private static func append(_ out: inout [UInt8], quoted text: String) {
    out.append(UInt8(ascii: "\""))
    for scalar in cut(text).unicodeScalars {
      switch scalar {
      case "\"": out += [0x5C, 0x22]
      case "\\": out += [0x5C, 0x5C]
      case "\n": out += [0x5C, UInt8(ascii: "n")]
      case "\t": out += [0x5C, UInt8(ascii: "t")]
      case "\r": out += [0x5C, UInt8(ascii: "r")]
      case _ where isHarmful(scalar): append(&out, escaped: scalar)
      default: out += Array(Unicode.UTF8.encode(scalar) ?? .init())
      }
    }
    out.append(UInt8(ascii: "\""))
  }

  private static func append(_ out: inout [UInt8], escaped scalar: Unicode.Scalar) {
    let digits = String(scalar.value, radix: 16)
    out += Array(("\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits).utf8)
  }

  // MARK: - Text

  var text: [UInt8] {
    var out = Array("\(time.millisecondsText) ".utf8)
    let name = "\(level)"
    out += Array((name + String(repeating: " ", count: max(1, 9 - name.utf8.count))).utf8)
    LogLine.append(&out, plain: "\(service): \(message)")
    for (key, value) in sorted {
      LogLine.append(&out, plain: " \(key)=\(value)")
    }
    out.append(0x0A)
    return out
  }

  private static func append(_ out: inout [UInt8], plain text: String) {
    for scalar in cut(text).unicodeScalars {
      if isHarmful(scalar) {
        append(&out, escaped: scalar)
      } else {
        out += Array(Unicode.UTF8.encode(scalar) ?? .init())
      }
    }
  }

  // MARK: - Both

  /// Control characters, which would move a terminal's cursor or end the line, and the two line
  /// ends that some readers know beside them. All have four hexadecimal digits at most.
  private static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0x202A...0x202E, 0x2066...0x2069: true
    default: false
    }
  }

  private static func cut(_ text: String) -> String {
    if text.utf8.count <= textSizeMax { return text }
    // Bytes of a character cut in half become one of replacement.
    return String(decoding: text.utf8.prefix(textSizeMax), as: UTF8.self)
      + "… (\(text.utf8.count) bytes)"
  }
}
