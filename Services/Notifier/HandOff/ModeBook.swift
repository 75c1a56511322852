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
