internal import Messages
internal import ServiceKit
internal import Wire

/// Where a row stands in a list: by number, then by text.
struct ListKey: Hashable, Comparable, Sendable {
  let number: Int64
  let text: String

  static func < (left: ListKey, right: ListKey) -> Bool {
    if left.number != right.number { return left.number < right.number }
    return left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
  }
}

/// A page of a list as the caller asked for it (`homing.common.v1.Page`). Its token is the last
/// row's key, and of one query only.
struct ListPage: Sendable {
  static let limitMax: UInt32 = 1000
  static let limitDefault = 100

  let limit: Int
  /// The page begins behind it; nil begins the list.
  let key: ListKey?
  private let digest: [UInt8]

  /// - Parameters:
  ///   - query: what tells queries apart, beside the store and the list's name.
  /// - Throws: INVALID_ARGUMENT for a page too long, or one of another query.
  init(
    _ page: CommonV1.Page?, of query: String, store: String, _ list: String
  ) throws(RPCError) {
    let wanted = page?.limit ?? 0
    guard wanted <= ListPage.limitMax else {
      throw ListPage.refusal("page.limit", "is \(wanted), at most \(ListPage.limitMax)")
    }
    limit = wanted == 0 ? ListPage.limitDefault : Int(wanted)
    digest = Array(SHA256.hash(Array("\(list)\u{0}\(store)\u{0}\(query)".utf8)).prefix(8))
    let after = page?.after ?? ""
    key = after.isEmpty ? nil : try ListPage.key(after, digest)
  }

  /// The same for a request whose other fields make the query.
  init<Request: Message>(
    _ page: CommonV1.Page?, _ request: Request, _ clear: (inout Request) -> Void, store: String
  ) throws {
    var query = request
    clear(&query)
    let text = try query.encoded().map { String($0, radix: 16) }.joined(separator: ",")
    try self.init(page, of: text, store: store, Request.fullName)
  }

  private static func refusal(_ field: String, _ detail: String) -> RPCError {
    RPCError(
      .invalidArgument, "\(field) \(detail)",
      fieldViolations: [.init(field: field, detail: detail)])
  }

  func token(_ last: ListKey) -> String {
    var bytes = digest
    for shift in stride(from: 56, through: 0, by: -8) {
      bytes.append(UInt8(truncatingIfNeeded: last.number >> Int64(shift)))
    }
    bytes += last.text.utf8
    return Hex.text(bytes)
  }

  private static func key(_ token: String, _ digest: [UInt8]) throws(RPCError) -> ListKey {
    guard let bytes = Hex.bytes(token), bytes.count >= 16,
      let text = String(validating: bytes[16...], as: UTF8.self)
    else { throw refusal("page.after", "is no answer's next; it has \(token.utf8.count) bytes") }
    guard Array(bytes[..<8]) == digest else {
      throw refusal("page.after", "belongs to another query")
    }
    let number = bytes[8..<16].reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
    return ListKey(number: Int64(bitPattern: number), text: text)
  }
}

/// Bytes as digits.
private enum Hex {
  static func text(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  static func bytes(_ text: String) -> [UInt8]? {
    let values = text.utf8.compactMap { digit -> UInt8? in
      switch digit {
      case 0x30...0x39: digit - 0x30
      case 0x61...0x66: digit - 0x57
      default: nil
      }
    }
    guard values.count == text.utf8.count, values.count % 2 == 0 else { return nil }
    return stride(from: 0, to: values.count, by: 2).map { values[$0] << 4 | values[$0 + 1] }
  }
}
