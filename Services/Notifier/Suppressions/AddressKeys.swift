internal import Delivery
internal import Messages

/// How addresses are compared.
enum AddressForm {
  /// E-mail addresses without regard to case, telephone numbers by their digits, others as they
  /// are.
  static func normal(_ channel: CommonV1.Channel, _ address: String) -> String {
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
  static func masked(_ channel: CommonV1.Channel, _ address: String) -> String {
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

/// Under which keys an address may be suppressed: for its store, and for all of the controller's
/// (C15).
struct AddressKeys: Sendable, Hashable {
  let channel: CommonV1.Channel
  /// In its normal form.
  let address: String
  let store: OwnerKey
  let controller: OwnerKey

  init(store: String, controller: String, channel: CommonV1.Channel, address: String) {
    self.channel = channel
    self.address = AddressForm.normal(channel, address)
    self.store = OwnerKey.address(scope: store, channel: channel, address: self.address)
    // No store's id is empty, so the two never meet.
    self.controller = OwnerKey.address(
      scope: "", channel: channel, address: controller + "\u{0}" + self.address)
  }

  var both: [OwnerKey] { [store, controller] }

  /// Under which it is kept who wrote to it: whoever that is.
  var anybody: OwnerKey { AddressKeys.anybody(channel, address) }

  /// - Parameter address: in its normal form. Never the controller's key: that has a zero byte.
  static func anybody(_ channel: CommonV1.Channel, _ address: String) -> OwnerKey {
    OwnerKey.address(scope: "", channel: channel, address: address)
  }
}
