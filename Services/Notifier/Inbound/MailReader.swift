/// Reads mails from outside (RFC 5322, RFC 2046) as far as bounces and replies need it.
///
/// What GMime's own parser would build of a hostile mail has no bound that can be set: it recurses
/// with each part within a part and keeps an object for each field. So the walk over lines is ours,
/// in Swift and within `Limits`; what GMime is asked for are fields and transfer encodings
/// (`MimeCodec`).
struct MailReader {
  enum Limits {
    /// Of one mail, in bytes.
    static let mailSizeMax = 1 << 20
    /// Of the fields of one part, in bytes and in number.
    static let headerSizeMax = 128 << 10
    static let fieldsMax = 1000
    /// Of one field that is interpreted, in bytes.
    static let fieldSizeMax = 8 << 10
    static let partsMax = 64
    static let depthMax = 6
    /// Of a part that is decoded, in bytes.
    static let bodySizeMax = 256 << 10
  }

  /// Why a mail is not read.
  struct Refusal: Error, Hashable {
    let problem: String
  }

  struct Field: Hashable, Sendable {
    /// In small letters.
    let name: String
    let value: String
  }

  struct Part: Sendable {
    var fields: [Field] = []
    /// In small letters, such as `multipart/report`.
    var type = "text/plain"
    var parameters: [String: String] = [:]
    /// As it is in the mail.
    var raw: ArraySlice<UInt8> = []
    var parts: [Part] = []

    func field(_ name: String) -> String? { fields.first { $0.name == name }?.value }

    /// Itself and all parts below it, in order.
    var all: [Part] { [self] + parts.flatMap(\.all) }

    /// Its bytes without the transfer encoding, cut to the limit.
    var body: [UInt8] {
      let cut = raw.prefix(Limits.bodySizeMax)
      switch field("content-transfer-encoding")?.lowercased().filter({ !$0.isWhitespace }) {
      case "base64": return MimeCodec.decoded(cut, base64: true)
      case "quoted-printable": return MimeCodec.decoded(cut, base64: false)
      default: return Array(cut)
      }
    }
  }

  private var partsLeft = Limits.partsMax

  static func mail(_ bytes: [UInt8]) throws(Refusal) -> Part {
    guard bytes.count <= Limits.mailSizeMax else {
      throw Refusal(problem: "\(bytes.count) bytes, the limit is \(Limits.mailSizeMax)")
    }
    var reader = MailReader()
    let part = try reader.part(bytes[...], depth: 0)
    guard !part.fields.isEmpty else { throw Refusal(problem: "has no fields") }
    return part
  }

  private mutating func part(_ bytes: ArraySlice<UInt8>, depth: Int) throws(Refusal) -> Part {
    guard depth <= Limits.depthMax else {
      throw Refusal(problem: "parts within parts, the limit is \(Limits.depthMax)")
    }
    guard partsLeft > 0 else {
      throw Refusal(problem: "over \(Limits.partsMax) parts")
    }
    partsLeft -= 1
    var part = Part()
    (part.fields, part.raw) = try MailReader.fields(bytes)
    if let field = part.field("content-type"), field.utf8.count <= Limits.fieldSizeMax,
      let (type, parameters) = MimeCodec.contentType(
        field, parameters: ["boundary", "report-type", "charset"])
    {
      part.type = type
      part.parameters = parameters
    }
    guard part.type.hasPrefix("multipart/"), let boundary = part.parameters["boundary"],
      (1...200).contains(boundary.utf8.count)
    else { return part }
    for piece in try split(part.raw, Array("--\(boundary)".utf8)) {
      part.parts.append(try self.part(piece, depth: depth + 1))
    }
    return part
  }

  /// What stands between the boundary's lines (RFC 2046 §5.1.1).
  private func split(
    _ bytes: ArraySlice<UInt8>, _ delimiter: [UInt8]
  ) throws(Refusal) -> [ArraySlice<UInt8>] {
    var pieces: [ArraySlice<UInt8>] = []
    var begun: Int?
    var at = bytes.startIndex
    while at < bytes.endIndex {
      let end = bytes[at...].firstIndex(of: 0x0A) ?? bytes.endIndex
      let next = min(end + 1, bytes.endIndex)
      if bytes[at..<end].starts(with: delimiter) {
        let rest = bytes[(at + delimiter.count)..<end]
        let isEnd = rest.starts(with: [0x2D, 0x2D])
        if isEnd || rest.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) {
          if let begun { pieces.append(bytes[begun..<at]) }
          guard pieces.count <= Limits.partsMax else {
            throw Refusal(problem: "over \(Limits.partsMax) parts")
          }
          begun = isEnd ? nil : next
          if isEnd { return pieces }
        }
      }
      at = next
    }
    // Cut off before its end.
    if let begun { pieces.append(bytes[begun...]) }
    return pieces
  }

  // MARK: - Fields

  /// Fields up to the first empty line, and what comes after it. Lines that are no fields are left
  /// out.
  static func fields(
    _ bytes: ArraySlice<UInt8>
  ) throws(Refusal) -> ([Field], ArraySlice<UInt8>) {
    var fields: [(name: ArraySlice<UInt8>, value: [UInt8])] = []
    var at = bytes.startIndex
    var isOpen = false
    while at < bytes.endIndex {
      let end = bytes[at...].firstIndex(of: 0x0A) ?? bytes.endIndex
      let next = min(end + 1, bytes.endIndex)
      var line = bytes[at..<end]
      if line.last == 0x0D { line.removeLast() }
      at = next
      guard at - bytes.startIndex <= Limits.headerSizeMax else {
        throw Refusal(problem: "fields of over \(Limits.headerSizeMax) bytes")
      }
      guard let first = line.first else { break }
      if first == 0x20 || first == 0x09 {
        if isOpen { fields[fields.count - 1].value += line }
        continue
      }
      isOpen = false
      guard let colon = line.firstIndex(of: 0x3A), colon > line.startIndex else { continue }
      guard fields.count < Limits.fieldsMax else {
        throw Refusal(problem: "over \(Limits.fieldsMax) fields")
      }
      fields.append((line[..<colon], Array(line[(colon + 1)...])))
      isOpen = true
    }
    return (fields.map { field($0.name, $0.value) }, bytes[at...])
  }

  private static func field(_ name: ArraySlice<UInt8>, _ value: [UInt8]) -> Field {
    let value = value.drop { $0 == 0x20 || $0 == 0x09 }
    return Field(
      name: text(name).lowercased().filter { !$0.isWhitespace }, value: text(value))
  }

  /// UTF-8, else each byte as Latin 1 has it.
  static func text(_ bytes: some Sequence<UInt8>) -> String {
    let bytes = Array(bytes)
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    return String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
  }
}
