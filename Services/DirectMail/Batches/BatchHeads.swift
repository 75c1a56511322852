internal import Synchronization

/// When batches are to be closed, as far as memory knows: each that is not handed over yet, from
/// the commit that made it on.
final class BatchHeads: Sendable {
  private struct State {
    var at: [BatchKey: Int64] = [:]
    var onEarlier: @Sendable () -> Void = {}
  }

  private let state = Mutex(State())

  /// Called after a batch became known, or due earlier.
  func onEarlier(_ body: @escaping @Sendable () -> Void) {
    state.withLock { $0.onEarlier = body }
  }

  /// A batch waits for this instant, or an earlier one that is known.
  func note(_ batch: BatchKey, _ at: Int64) {
    let call = state.withLock { state -> (@Sendable () -> Void)? in
      if let known = state.at[batch], known <= at { return nil }
      state.at[batch] = at
      return state.onEarlier
    }
    call?()
  }

  /// A batch waits for this instant, whatever was known.
  func put(_ batch: BatchKey, _ at: Int64) { state.withLock { $0.at[batch] = at } }

  /// It was handed over, or nothing of it was left.
  func forget(_ batch: BatchKey) { state.withLock { state in state.at[batch] = nil } }

  /// Those whose time has come, earliest first.
  func due(_ now: Int64) -> [BatchKey] {
    state.withLock { state in
      state.at.filter { $0.value <= now }.sorted {
        ($0.value, $0.key.text) < ($1.value, $1.key.text)
      }.map(\.key)
    }
  }

  /// The earliest instant of all.
  var first: Int64? { state.withLock { $0.at.values.min() } }

  /// The earliest after the one given.
  func first(after instant: Int64) -> Int64? {
    state.withLock { $0.at.values.lazy.filter { $0 > instant }.min() }
  }
}
