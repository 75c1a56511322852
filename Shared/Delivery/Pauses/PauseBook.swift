package import Messages
package import Storage
internal import Synchronization

/// What the scheduler said is held back (F22), as a service that hands messages over keeps it: in
/// memory, and in the table of `PauseStatements`.
package final class PauseBook: Sendable {
  private struct State {
    /// Past ones too: an older revision of them has no effect.
    var known: [String: CommonV1.Pause] = [:]
    var holding: [CommonV1.Pause] = []
  }

  private let state = Mutex(State())

  package init() {}

  /// Blocks.
  package func load(_ session: any StorageSession) throws {
    let rows = try session.all(PauseStatements.pauses) {
      try PauseRows.decode(CommonV1.Pause.self, try $0.blob(0), "pause")
    }
    put(rows)
  }

  /// In force for every hand-off that has not begun: after the commit, before the answer.
  package func put(_ new: [CommonV1.Pause]) {
    state.withLock { state in
      for pause in new {
        if let known = state.known[pause.id], known.revision >= pause.revision { continue }
        state.known[pause.id] = pause
      }
      state.holding = state.known.values.filter(\.holds)
    }
  }

  package static func write(_ pauses: [CommonV1.Pause], _ session: any StorageSession) throws {
    for pause in pauses {
      try session.execute(
        PauseStatements.put,
        [.text(pause.id), .integer(pause.revision), .blob(try PauseRows.encode(pause))])
    }
  }

  /// Whether an order must not be handed off now.
  package func covers(_ order: CommonV1.SendOrder) -> Bool {
    state.withLock { state in state.holding.contains { $0.covers(order) } }
  }
}

extension CommonV1.Pause {
  /// Whether all that is set of it fits.
  fileprivate func covers(_ order: CommonV1.SendOrder) -> Bool {
    (store.isEmpty || store == order.store)
      && (channel == .unspecified || channel == order.channel)
      && (flow.isEmpty || flow == order.flow)
      && (template.isEmpty || template == order.template)
  }
}

private enum PauseRows: StoredRows {
  static let arenas = ArenaPool(bytesMax: 1 << 20, keptMax: 1)
}
