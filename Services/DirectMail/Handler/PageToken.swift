internal import Messages
internal import ServiceKit
internal import Wire

/// How many rows a page of a list has (`homing.common.v1.Page`).
enum PageLimit {
  static let limitMax: UInt32 = 1000
  static let limitDefault = 100

  /// - Throws: INVALID_ARGUMENT for more rows than a page may have.
  static func rows(_ page: CommonV1.Page?) throws(RPCError) -> Int {
    guard let limit = page?.limit, limit > 0 else { return limitDefault }
    guard limit <= limitMax else {
      throw RPCError(
        .invalidArgument, "a page has at most \(limitMax) rows",
        fieldViolations: [
          .init(field: "page.limit", detail: "at most \(limitMax), is \(limit)")
        ])
    }
    return Int(limit)
  }
}

/// Where a list goes on, as `Page.after` carries it: opaque, and of one query only.
struct PageToken: Hashable, Sendable {
  /// Of the query, by `PageToken.digest`.
  let digest: [UInt8]
  /// The last row's instant, or nothing.
  let number: Int64
  /// The last row's name or id.
  let text: String

  private static let format: UInt8 = 1

  /// 8 bytes that tell queries apart.
  static func digest(_ query: some Message, store: String) throws -> [UInt8] {
    let name = Array(type(of: query).fullName.utf8)
    let bytes = name + [0] + Array(store.utf8) + [0] + (try query.encoded())
    return Array(SHA256.hash(bytes).prefix(8))
  }

  init(digest: [UInt8], number: Int64, text: String) {
    precondition(digest.count == 8)
    self.digest = digest
    self.number = number
    self.text = text
  }

  /// The same for a list in order of instants and ids.
  ///
  /// - Throws: INVALID_ARGUMENT where it is not one of this query.
  static func byID(_ page: CommonV1.Page?, digest: [UInt8]) throws(RPCError) -> PageToken? {
    let token = try PageToken(page, digest: digest)
    if let token, UUIDText.bytes(token.text) == nil { throw refusal("is damaged") }
    return token
  }

  /// Nil for the first page.
  ///
  /// - Throws: INVALID_ARGUMENT where it is not one of this query.
  init?(_ page: CommonV1.Page?, digest: [UInt8]) throws(RPCError) {
    guard let text = page?.after, !text.isEmpty else { return nil }
    guard let bytes = Base64URL.bytes(text), bytes.count >= 17, bytes[0] == PageToken.format,
      let name = String(validating: bytes[17...], as: UTF8.self)
    else { throw PageToken.refusal("is no answer's next; it has \(text.utf8.count) bytes") }
    guard Array(bytes[1..<9]) == digest else { throw PageToken.refusal("belongs to another query") }
    self.init(
      digest: digest,
      number: Int64(bitPattern: bytes[9..<17].reduce(0) { $0 << 8 | UInt64($1) }), text: name)
  }

  var encoded: String {
    var bytes = [PageToken.format] + digest
    for shift in stride(from: 56, through: 0, by: -8) {
      bytes.append(UInt8(truncatingIfNeeded: UInt64(bitPattern: number) >> UInt64(shift)))
    }
    return Base64URL.text(bytes + Array(text.utf8))
  }

  private static func refusal(_ detail: String) -> RPCError {
    RPCError(
      .invalidArgument, "page.after \(detail)",
      fieldViolations: [.init(field: "page.after", detail: detail)])
  }
}
