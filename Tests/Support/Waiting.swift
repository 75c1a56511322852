internal import Synchronization
package import Transport

/// A value that a test waits for and some other task gives; only the first counts.
package final class Promise<Value: Sendable>: Sendable {
  private struct State {
    var value: Value?
    var waiters: [CheckedContinuation<Value, Never>] = []
  }

  private let state = Mutex(State())

  package init() {}

  package func fulfil(_ value: Value) {
    let waiters = state.withLock { state in
      if state.value != nil { return [CheckedContinuation<Value, Never>]() }
      state.value = value
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume(returning: value) }
  }

  /// What was given so far.
  package var now: Value? { state.withLock { $0.value } }

  package var value: Value {
    get async {
      await withCheckedContinuation { continuation in
        let value = state.withLock { state in
          if state.value == nil { state.waiters.append(continuation) }
          return state.value
        }
        if let value { continuation.resume(returning: value) }
      }
    }
  }
}

extension Promise where Value == Void {
  package func fulfil() { fulfil(()) }
}

/// What happened, in order, and whoever waits for something to happen.
package final class Journal<Entry: Sendable>: Sendable {
  private struct Waiter {
    let count: Int
    let matches: @Sendable (Entry) -> Bool
    let continuation: CheckedContinuation<Entry, Never>
  }

  private struct State {
    var entries: [Entry] = []
    var waiters: [Waiter] = []
  }

  private let state = Mutex(State())

  package init() {}

  package var entries: [Entry] { state.withLock { $0.entries } }

  package func add(_ entry: Entry) {
    let ready = state.withLock { state in
      state.entries.append(entry)
      let isReady: (Waiter) -> Bool = { waiter in
        waiter.matches(entry) && state.entries.count(where: waiter.matches) >= waiter.count
      }
      let ready = state.waiters.filter(isReady)
      state.waiters.removeAll(where: isReady)
      return ready
    }
    for waiter in ready { waiter.continuation.resume(returning: entry) }
  }

  /// Waits until `count` entries match; the last of them.
  @discardableResult
  package func wait(
    _ count: Int = 1, for matches: @escaping @Sendable (Entry) -> Bool = { _ in true }
  ) async -> Entry {
    await withCheckedContinuation { continuation in
      let found = state.withLock { state -> Entry? in
        let found = state.entries.filter(matches)
        if found.count >= count { return found[count - 1] }
        state.waiters.append(
          Waiter(count: count, matches: matches, continuation: continuation))
        return nil
      }
      if let found { continuation.resume(returning: found) }
    }
  }
}

/// Runs `body`, which must be done within `limit`.
///
/// - Parameters:
///   - limit: twice that ends the process, so that a test which waits for what never comes cannot
///   hang the run.
///   - late: called once, when `limit` has passed; fails the test.
package func withTimeout<R>(
  _ limit: Duration = .seconds(180), late: @escaping @Sendable () -> Void,
  _ body: () async throws -> R
) async rethrows -> R {
  let alarm = Task {
    try await TestLoops.alarms.sleep(for: limit)
    late()
    try await TestLoops.alarms.sleep(for: limit)
    preconditionFailure("a test hangs; its name is above")
  }
  defer { alarm.cancel() }
  return try await body()
}

/// The loops of this process, made once for all tests.
package enum TestLoops {
  package static let group = make { try EventLoopGroup(count: 2, name: "test") }
  /// For time-outs only, so that they ring when a tested loop is stuck.
  package static let alarms = make { try EventLoop(name: "alarms") }

  private static func make<R>(_ start: () throws -> R) -> R {
    do { return try start() } catch { preconditionFailure("no thread for a loop: \(error)") }
  }
}
