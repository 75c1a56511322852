internal import Messages
internal import ServiceKit
internal import Wire

/// Where a list goes on, as `Page.after` carries it: opaque, and of one query only.
struct PageToken: Hashable, Sendable {
  /// Of the query, by `PageToken.digest`.
  let digest: [UInt8]
  /// Log position up to which the first page was made.
  let version: UInt64
  let position: ListPosition

  /// Bytes of `Page.after`.
  static let bytesMax = 512
  private static let format: UInt8 = 1
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  /// 8 bytes that tell queries apart.
  static func digest(_ query: some Message, store: String) throws -> [UInt8] {
    let name = Array(type(of: query).fullName.utf8)
    let bytes = name + [0] + Array(store.utf8) + [0] + (try query.encoded())
    return Array(SHA256.hash(bytes).prefix(8))
  }

  init(digest: [UInt8], version: UInt64, position: ListPosition) {
    precondition(digest.count == 8)
    self.digest = digest
    self.version = version
    self.position = position
  }

  var text: String {
    var bytes = [PageToken.format] + digest
    PageToken.append(version, to: &bytes)
    for value in position.values {
      bytes.append(value.kind.rawValue)
      switch value {
      case .integer(let value): PageToken.append(UInt64(bitPattern: value), to: &bytes)
      case .real(let value): PageToken.append(value.bitPattern, to: &bytes)
      case .text(let value): PageToken.append(Array(value.utf8), to: &bytes)
      case .bytes(let value): PageToken.append(value, to: &bytes)
      }
    }
    return PageToken.base64(bytes)
  }

  /// - Throws: INVALID_ARGUMENT where it is not one of this query.
  init(_ text: String, digest: [UInt8], order: ListOrder) throws(RPCError) {
    guard text.utf8.count <= PageToken.bytesMax, let bytes = PageToken.bytes(base64: text) else {
      throw PageToken.refusal("is no answer's next; it has \(text.utf8.count) bytes")
    }
    var reader = Reader(bytes: bytes[...])
    guard reader.byte() == PageToken.format, let own = reader.take(8), let version = reader.number()
    else { throw PageToken.refusal("is no answer's next; it has \(text.utf8.count) bytes") }
    guard own == digest else { throw PageToken.refusal("belongs to another query") }
    var values: [SortValue] = []
    for term in order.terms {
      guard let value = reader.value(term.kind) else {
        throw PageToken.refusal("is cut or damaged")
      }
      values.append(value)
    }
    guard reader.bytes.isEmpty, version <= UInt64(Int64.max) else {
      throw PageToken.refusal("is damaged")
    }
    self.init(digest: digest, version: version, position: ListPosition(values: values))
  }

  private static func refusal(_ detail: String) -> RPCError {
    RPCError(
      .invalidArgument, "page.after \(detail)",
      fieldViolations: [.init(field: "page.after", detail: detail)])
  }

  // MARK: - Bytes

  private struct Reader {
    var bytes: ArraySlice<UInt8>

    mutating func byte() -> UInt8? { bytes.popFirst() }

    mutating func take(_ count: Int) -> [UInt8]? {
      guard bytes.count >= count else { return nil }
      defer { bytes.removeFirst(count) }
      return Array(bytes.prefix(count))
    }

    mutating func number() -> UInt64? { take(8)?.reduce(0) { $0 << 8 | UInt64($1) } }

    mutating func value(_ kind: SortValue.Kind) -> SortValue? {
      guard byte() == kind.rawValue else { return nil }
      switch kind {
      case .integer: return number().map { .integer(Int64(bitPattern: $0)) }
      case .real:
        guard let value = number().map({ Double(bitPattern: $0) }), value.isFinite else {
          return nil
        }
        return .real(value)
      case .text:
        guard let text = sized().flatMap({ String(validating: $0, as: UTF8.self) }) else {
          return nil
        }
        return .text(text)
      case .bytes: return sized().map { .bytes($0) }
      }
    }

    private mutating func sized() -> [UInt8]? {
      guard let size = take(2) else { return nil }
      return take(Int(size[0]) << 8 | Int(size[1]))
    }
  }

  private static func append(_ value: UInt64, to bytes: inout [UInt8]) {
    for shift in stride(from: 56, through: 0, by: -8) {
      bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
    }
  }

  private static func append(_ value: [UInt8], to bytes: inout [UInt8]) {
    precondition(value.count <= Int(UInt16.max))
    bytes.append(UInt8(value.count >> 8))
    bytes.append(UInt8(value.count & 255))
    bytes += value
  }

  private static func base64(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    var bits: UInt32 = 0
    var count = 0
    for byte in bytes {
      bits = bits << 8 | UInt32(byte)
      count += 8
      while count >= 6 {
        count -= 6
        text.append(alphabet[Int(bits >> UInt32(count)) & 63])
      }
    }
    if count > 0 { text.append(alphabet[Int(bits << UInt32(6 - count)) & 63]) }
    return String(decoding: text, as: UTF8.self)
  }

  private static func bytes(base64 text: String) -> [UInt8]? {
    guard text.utf8.count % 4 != 1 else { return nil }
    var bytes: [UInt8] = []
    var bits: UInt32 = 0
    var count = 0
    for sign in text.utf8 {
      guard let value = alphabet.firstIndex(of: sign) else { return nil }
      bits = bits << 6 | UInt32(value)
      count += 6
      if count >= 8 {
        count -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
      }
    }
    // One text for one token: what is left over must be nothing.
    return bits & (1 << UInt32(count) - 1) == 0 ? bytes : nil
  }
}
