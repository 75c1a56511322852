package import Messages
internal import Synchronization

/// The health of a server's services, as its parts report it and as others ask for it.
///
/// The empty name is the server as a whole. Once it drains, everything is NOT_SERVING and stays so.
package final class HealthRegistry: Sendable {
  package typealias Status = HealthV1.ServingStatus

  private struct State {
    var statuses: [String: Status] = ["": .serving]
    var isDraining = false
    var nextWatcher = 0
    var watchers: [Int: Watcher] = [:]
  }

  private struct Watcher {
    let service: String
    let changes: AsyncStream<Status>.Continuation
  }

  private let state = Mutex(State())

  package init() {}

  /// Says how a service is; nothing changes once draining.
  package func set(_ service: String, _ status: Status) {
    state.withLock { state in
      if state.isDraining { return }
      let before = state.statuses[service]
      state.statuses[service] = status
      if before != status { HealthRegistry.tell(service, status, state) }
    }
  }

  /// Everything is NOT_SERVING from now on, so that callers go elsewhere before the server leaves.
  package func drain() {
    state.withLock { state in
      state.isDraining = true
      for service in state.statuses.keys where state.statuses[service] != .notServing {
        state.statuses[service] = .notServing
        HealthRegistry.tell(service, .notServing, state)
      }
    }
  }

  /// Nil for a service that is not known.
  package func status(of service: String) -> Status? {
    state.withLock { $0.statuses[service] }
  }

  /// Every service with its status, in order of the name.
  package var all: [(service: String, status: Status)] {
    state.withLock { state in
      state.statuses.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
  }

  /// The status now and each change after it; a watcher that does not keep up sees the latest only.
  package func watch(_ service: String) -> AsyncStream<Status> {
    let (stream, changes) = AsyncStream.makeStream(
      of: Status.self, bufferingPolicy: .bufferingNewest(1))
    let number = state.withLock { state in
      state.nextWatcher += 1
      state.watchers[state.nextWatcher] = Watcher(service: service, changes: changes)
      changes.yield(state.statuses[service] ?? .serviceUnknown)
      return state.nextWatcher
    }
    changes.onTermination = { [weak self] _ in
      self?.state.withLock { _ = $0.watchers.removeValue(forKey: number) }
    }
    return stream
  }

  private static func tell(_ service: String, _ status: Status, _ state: borrowing State) {
    for watcher in state.watchers.values where watcher.service == service {
      watcher.changes.yield(status)
    }
  }
}
