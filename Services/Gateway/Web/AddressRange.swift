internal import Glibc

/// Why an address cannot be used.
struct AddressError: Error, Hashable, CustomStringConvertible {
  let description: String
}

/// An internet address, version 4 or 6.
struct InternetAddress: Hashable, Sendable {
  /// 4 or 16; a version 4 address in the form of version 6 (`::ffff:…`) counts as version 4.
  let bytes: [UInt8]

  /// Nil for anything else, names and zones included.
  init?(_ text: some StringProtocol) {
    var four = in_addr()
    var six = in6_addr()
    let text = String(text)
    if inet_pton(AF_INET, text, &four) == 1 {
      bytes = withUnsafeBytes(of: &four) { Array($0) }
    } else if inet_pton(AF_INET6, text, &six) == 1 {
      let all = withUnsafeBytes(of: &six) { Array($0) }
      let isMapped = all.prefix(12) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
      bytes = isMapped ? Array(all.suffix(4)) : all
    } else {
      return nil
    }
  }
}

/// An address, or all that begin with the same bits.
struct AddressRange: Hashable, Sendable {
  private let first: InternetAddress
  private let bits: Int

  /// `192.0.2.1`, `10.0.0.0/8`, `2001:db8::/32`.
  ///
  /// - Throws: what is wrong.
  init(parsing text: some StringProtocol) throws(AddressError) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
      .map { String($0.filter { $0 != " " }) }
    guard let first = InternetAddress(parts[0]), parts.count <= 2 else {
      throw AddressError(description: "it is no address such as 192.0.2.1 or 10.0.0.0/8")
    }
    let bitsMax = first.bytes.count * 8
    guard let bits = parts.count == 2 ? Int(parts[1]) : bitsMax, (0...bitsMax).contains(bits) else {
      throw AddressError(description: "its length is not 0 to \(bitsMax) bits")
    }
    self.first = first
    self.bits = bits
  }

  func contains(_ address: InternetAddress) -> Bool {
    guard address.bytes.count == first.bytes.count else { return false }
    for (index, pair) in zip(address.bytes, first.bytes).enumerated() {
      let left = min(max(bits - index * 8, 0), 8)
      let mask = UInt8(truncatingIfNeeded: 0xFF00 >> left)
      if (pair.0 ^ pair.1) & mask != 0 { return false }
    }
    return true
  }
}

/// Who is at the other end, proxies of ours taken away.
struct ClientAddress: Sendable {
  let trusted: [AddressRange]

  /// The connection's other end; where that is a trusted proxy, the last address of
  /// `X-Forwarded-For` that is none: whatever stands before it anybody may have written.
  func of(_ request: WebRequest) -> String {
    guard isTrusted(request.peer) else { return request.peer }
    let named = request.headers.filter { $0.name == "x-forwarded-for" }.map(\.value)
      .joined(separator: ",").split(separator: ",").map {
        String($0.filter { $0 != " " && $0 != "\t" })
      }
    var client = request.peer
    for name in named.reversed() {
      guard InternetAddress(name) != nil else { break }
      client = name
      if !isTrusted(name) { break }
    }
    return client
  }

  private func isTrusted(_ text: String) -> Bool {
    guard let address = InternetAddress(text) else { return false }
    return trusted.contains { $0.contains(address) }
  }
}
