internal import Synchronization

/// Whoever waits for the projection: until a log position is in the tables, or until an episode
/// changes.
final class PositionWaiters: Sendable {
  private struct State {
    var positions: [(position: UInt64, continuation: CheckedContinuation<Void, Never>)] = []
    var watchers: [(number: UInt64, continuation: CheckedContinuation<Void, Never>)] = []
    var nextWatcher: UInt64 = 0
    /// Cancelled before it stood in line.
    var cancelled: Set<UInt64> = []
    var version: UInt64 = 0
  }

  private let state = Mutex(State())

  /// - Parameter now: how far it is; asked under no lock but ours, after this waiter stands in
  /// line.
  func wait(until position: UInt64, now: @escaping @Sendable () -> UInt64) async {
    if now() >= position { return }
    await withCheckedContinuation { continuation in
      state.withLock { $0.positions.append((position, continuation)) }
      // It may have been reached in between.
      reached(now())
    }
  }

  func reached(_ position: UInt64) {
    let ready = state.withLock { state in
      if state.positions.isEmpty { return [CheckedContinuation<Void, Never>]() }
      let ready = state.positions.filter { $0.position <= position }.map(\.continuation)
      state.positions.removeAll { $0.position <= position }
      return ready
    }
    for waiter in ready { waiter.resume() }
  }

  /// Counts changes, so that a watcher sees one that happened while it was reading.
  var version: UInt64 { state.withLock { $0.version } }

  func changed() {
    let watchers = state.withLock { state in
      state.version += 1
      defer { state.watchers = [] }
      return state.watchers
    }
    for watcher in watchers { watcher.continuation.resume() }
  }

  /// Returns when the version is another than `seen`, or the task is cancelled.
  func waitForChange(after seen: UInt64) async {
    let number = state.withLock { state in
      state.nextWatcher += 1
      return state.nextWatcher
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOver = state.withLock { state in
          if state.cancelled.remove(number) != nil || state.version != seen { return true }
          state.watchers.append((number, continuation))
          return false
        }
        if isOver { continuation.resume() }
      }
    } onCancel: {
      let watcher = state.withLock { state in
        guard let index = state.watchers.firstIndex(where: { $0.number == number }) else {
          state.cancelled.insert(number)
          return CheckedContinuation<Void, Never>?.none
        }
        return state.watchers.remove(at: index).continuation
      }
      watcher?.resume()
    }
    state.withLock { _ = $0.cancelled.remove(number) }
  }
}
