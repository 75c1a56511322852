internal import Delivery
internal import Messages
internal import Storage
internal import Synchronization

/// What decisions do, for each store and flow (F21). In memory, as the table has it.
final class ModeRegistry: Sendable {
  private let modes: Mutex<[FlowRegistry.Name: CommonV1.SendMode]> = Mutex([:])

  /// Reads the table; before anything else. Blocks.
  func load(_ engine: any StorageEngine) throws {
    let all = try engine.read { session in
      try session.all(SchedulerStatements.modes) { row in
        try Stored.decode(CommonV1.SendMode.self, row.blob(4), "send_mode")
      }
    }
    for mode in all { put(mode) }
  }

  func put(_ mode: CommonV1.SendMode) {
    modes.withLock { $0[.init(store: mode.store, flow: mode.flow)] = mode }
  }

  /// As it was set; nil: nothing was. An empty flow is the store.
  func stated(_ flow: String, in store: String) -> CommonV1.SendMode? {
    modes.withLock { $0[.init(store: store, flow: flow)] }
  }

  /// The more careful of the store's and the flow's; a flow of which nothing was set has the
  /// store's, a store of which nothing was set is in dry run.
  ///
  /// - Parameter isApproved: false: of a version that nobody has let go live, which is tested at
  ///   the most.
  func inForce(_ flow: String, in store: String, isApproved: Bool) -> CommonV1.Mode {
    let (ofStore, ofFlow) = modes.withLock { modes in
      (
        modes[.init(store: store, flow: "")]?.mode ?? .dryRun,
        modes[.init(store: store, flow: flow)]?.mode
      )
    }
    let most = isApproved ? CommonV1.Mode.live : .test
    return CommonV1.Mode(
      rawValue: min(ofStore.rawValue, ofFlow?.rawValue ?? .max, most.rawValue))
  }

  /// The lists of test addresses that there are: an address is tested if every one has it (F21).
  func testAddresses(_ flow: String, in store: String) -> [[String]] {
    modes.withLock { modes in
      ["", flow].compactMap { modes[.init(store: store, flow: $0)] }
        .filter { $0.mode == .test && !$0.testAddresses.isEmpty }.map(\.testAddresses)
    }
  }

  /// Every mode that was set.
  var all: [CommonV1.SendMode] {
    modes.withLock { modes in modes.sorted { $0.key < $1.key }.map(\.value) }
  }
}
