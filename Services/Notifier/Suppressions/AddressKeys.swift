internal import Delivery
internal import Messages

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
