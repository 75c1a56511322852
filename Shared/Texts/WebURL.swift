/// An absolute address of the web: `https://host…` or `http://host…`, and nothing that a browser or
/// a mail program would read as something else.
///
/// Only its form is checked. Characters that RFC 3986 does not allow are refused, but for those
/// outside ASCII, which browsers encode.
package struct WebURL: Hashable, Sendable {
  package static let sizeMax = 2048

  package let text: String
  package let isSecure: Bool
  package let hasQuery: Bool
  /// Of the text's bytes.
  private let hostRange: Range<Int>

  /// Nil for other schemes, relative addresses, names and passwords before the host, white space,
  /// control characters, quotes, backslashes, and more than 2,048 bytes.
  package init?(_ text: String) {
    guard text.utf8.count <= WebURL.sizeMax else { return nil }
    var text = text
    let found = text.withUTF8 { bytes -> (isSecure: Bool, host: Range<Int>, hasQuery: Bool)? in
      guard !bytes.contains(where: { WebURL.forbidden[Int($0)] }) else { return nil }
      let isSecure = WebURL.starts(bytes, with: "https://")
      guard isSecure || WebURL.starts(bytes, with: "http://") else { return nil }
      let start = isSecure ? 8 : 7
      let end = bytes[start...].firstIndex { $0 == 0x2F || $0 == 0x3F || $0 == 0x23 }
      let authority = bytes[start..<(end ?? bytes.count)]
      guard !authority.contains(0x40), let host = WebURL.host(authority) else { return nil }
      return (isSecure, host, bytes[start...].contains { $0 == 0x3F || $0 == 0x23 })
    }
    guard let found else { return nil }
    self.text = text
    isSecure = found.isSecure
    hostRange = found.host
    hasQuery = found.hasQuery
  }

  /// Without the port, in small letters; an IPv6 address without its brackets.
  package var host: String {
    String(
      decoding: text.utf8.dropFirst(hostRange.lowerBound).prefix(hostRange.count), as: UTF8.self
    )
    .lowercased()
  }

  /// The machine itself: 127.0.0.0/8, [::1], localhost.
  package var isLoopback: Bool {
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    let isV4 = parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    return isV4 || host == "::1" || host == "localhost"
  }

  private static func starts(_ bytes: UnsafeBufferPointer<UInt8>, with scheme: StaticString) -> Bool
  {
    scheme.withUTF8Buffer { scheme in
      bytes.count > scheme.count
        && zip(bytes, scheme).allSatisfy { ($0.0 | ($0.0 > 0x40 ? 0x20 : 0)) == $0.1 }
    }
  }

  /// Nil for an empty host or a port that is no number.
  private static func host(_ authority: Slice<UnsafeBufferPointer<UInt8>>) -> Range<Int>? {
    var name = authority
    var port = authority.dropFirst(authority.count)
    if authority.first == 0x5B {
      guard let end = authority.firstIndex(of: 0x5D) else { return nil }
      name = authority[(authority.startIndex + 1)..<end]
      let after = authority[(end + 1)...]
      guard after.isEmpty || after.first == 0x3A else { return nil }
      port = after.dropFirst()
    } else if let colon = authority.firstIndex(of: 0x3A) {
      name = authority[..<colon]
      port = authority[(colon + 1)...]
    }
    guard !name.isEmpty, port.count <= 5, port.allSatisfy({ (0x30...0x39).contains($0) }) else {
      return nil
    }
    return name.startIndex..<name.endIndex
  }

  /// Controls, space, and `" < > \ ^ ` { | }` with DEL.
  private static let forbidden: [Bool] = {
    var forbidden = [Bool](repeating: false, count: 256)
    for byte in 0...0x20 { forbidden[byte] = true }
    for byte in Array("\"<>\\^`{|}'".utf8) { forbidden[Int(byte)] = true }
    forbidden[0x7F] = true
    return forbidden
  }()
}
