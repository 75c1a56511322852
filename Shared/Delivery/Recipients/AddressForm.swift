package import Messages

/// How addresses are compared.
package enum AddressForm {
  /// E-mail addresses without regard to case, telephone numbers by their digits, others as they
  /// are.
  package static func normal(_ channel: CommonV1.Channel, _ address: String) -> String {
    switch channel {
    case .email: return trimmed(address).lowercased()
    case .sms:
      let number = trimmed(address)
      let digits = number.filter { ("0"..."9").contains($0) }
      return (number.hasPrefix("+") ? "+" : "") + digits
    default: return address
    }
  }

  /// With its middle hidden, for a page that anybody with the link sees.
  package static func masked(_ channel: CommonV1.Channel, _ address: String) -> String {
    if channel == .email, let at = address.lastIndex(of: "@") {
      return String(address.prefix(address.startIndex == at ? 0 : 1)) + "…" + address[at...]
    }
    return String(address.prefix(3)) + "…" + String(address.suffix(2))
  }

  private static func trimmed(_ text: String) -> String {
    // The usual address needs no look at its characters.
    if isPrintable(text.utf8.first), isPrintable(text.utf8.last) { return text }
    let start = text.drop { $0.isWhitespace }
    return String(start.reversed().drop { $0.isWhitespace }.reversed())
  }

  private static func isPrintable(_ byte: UInt8?) -> Bool {
    byte.map { (0x21...0x7E).contains($0) } ?? false
  }
}

/// Entries of a list of test addresses.
package enum TestAddress {
  /// Ends of domain names that reach nobody (RFC 6761).
  private static let reserved: Set<String> = ["test", "invalid", "example"]
  private static let nobodysNumbers = "+999*"

  /// Whether an address is meant: written out, by `@` and a domain that reaches nobody, or by the
  /// range of telephone numbers that nobody has.
  package static func matches(
    _ entry: String, _ channel: CommonV1.Channel, _ address: String
  ) -> Bool {
    let address = AddressForm.normal(channel, address)
    if entry.hasPrefix("@") {
      let domain = entry.dropFirst().lowercased()
      guard channel == .email, let last = domain.split(separator: ".").last,
        reserved.contains(String(last)), let at = address.lastIndex(of: "@")
      else { return false }
      let own = address[address.index(after: at)...]
      return own == domain || own.hasSuffix("." + domain)
    }
    if entry == nobodysNumbers { return channel == .sms && address.hasPrefix("+999") }
    return AddressForm.normal(channel, entry) == address
  }
}
