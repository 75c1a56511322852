internal import Delivery
internal import Messages
internal import Storage
internal import Synchronization

/// What the scheduler said that decisions of stores and flows do (F21).
final class ModeBook: Sendable {
  private struct Name: Hashable {
    let store: String
    let flow: String
  }

  private let modes = Mutex<[Name: CommonV1.SendMode]>([:])

  /// Blocks.
  func load(_ session: any StorageSession) throws {
    let rows = try session.all(ReferenceStatements.modes) {
      try Stored.decode(CommonV1.SendMode.self, try $0.blob(0), "mode")
    }
    modes.withLock { modes in
      for mode in rows { modes[Name(store: mode.store, flow: mode.flow)] = mode }
    }
  }

  /// In force for every hand-off that has not begun: after the commit, before the answer.
  func put(_ new: [CommonV1.SendMode]) {
    modes.withLock { modes in
      for mode in new {
        let name = Name(store: mode.store, flow: mode.flow)
        if let known = modes[name], known.revision >= mode.revision { continue }
        modes[name] = mode
      }
    }
  }

  static func write(_ modes: [CommonV1.SendMode], _ session: any StorageSession) throws {
    for mode in modes {
      try session.execute(
        ReferenceStatements.putMode,
        [
          .text(mode.store), .text(mode.flow), .integer(mode.revision),
          .blob(try Stored.encode(mode)),
        ])
    }
  }

  /// Why an order may go nowhere at all; nil where it may.
  func refusal(_ order: CommonV1.SendOrder) -> CommonV1.ReasonCode? {
    let inForce = modes(of: order)
    let isOpen =
      !inForce.isEmpty
      && (inForce.map(\.mode) + [order.mode]).allSatisfy {
        $0 == .test || $0 == .live
      }
    return isOpen ? nil : .mode
  }

  /// Why an order may not go to an address; nil where it may.
  ///
  /// Under TEST the address is on every list that there is, and there is one.
  func refusal(_ order: CommonV1.SendOrder, _ address: String) -> CommonV1.ReasonCode? {
    if let refusal = refusal(order) { return refusal }
    let inForce = modes(of: order)
    guard order.mode == .test || inForce.contains(where: { $0.mode == .test }) else { return nil }
    let lists = inForce.filter { $0.mode == .test && !$0.testAddresses.isEmpty }
    let isListed =
      !lists.isEmpty
      && lists.allSatisfy { mode in
        mode.testAddresses.contains { TestAddress.matches($0, order.channel, address) }
      }
    return isListed ? nil : .notATestAddress
  }

  private func modes(of order: CommonV1.SendOrder) -> [CommonV1.SendMode] {
    modes.withLock { modes in
      [Name(store: order.store, flow: ""), Name(store: order.store, flow: order.flow)]
        .compactMap { modes[$0] }
    }
  }
}

/// Entries of a list of test addresses.
enum TestAddress {
  /// Ends of domain names that reach nobody (RFC 6761).
  private static let reserved: Set<String> = ["test", "invalid", "example"]
  private static let nobodysNumbers = "+999*"

  /// Whether an address is meant: written out, by `@` and a domain that reaches nobody, or by the
  /// range of telephone numbers that nobody has.
  static func matches(_ entry: String, _ channel: CommonV1.Channel, _ address: String) -> Bool {
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
