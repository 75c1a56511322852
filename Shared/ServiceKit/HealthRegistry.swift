package import Messages
internal import Synchronization

/// The health of a server's services, as its parts report it and as others ask for it.
///
/// The empty name is the server as a whole, which is NOT_SERVING while any service is held. A
/// service serves where it was set so and nobody holds it. Once the server drains, everything is
/// NOT_SERVING and stays so.
package final class HealthRegistry: Sendable {
  package typealias Status = HealthV1.ServingStatus

  private struct State {
    /// As set; what is told comes from `status(of:)`.
    var statuses: [String: Status] = ["": .serving]
    /// Why a service does not serve for now.
    var holds: [String: Set<String>] = [:]
    var isDraining = false
    var nextWatcher = 0
    var watchers: [Int: Watcher] = [:]

    func status(of service: String) -> Status? {
      guard let status = statuses[service], status == .serving else { return statuses[service] }
      if isDraining { return .notServing }
      if service.isEmpty { return holds.isEmpty ? .serving : .notServing }
      return holds[""] == nil && holds[service] == nil ? .serving : .notServing
    }

    var all: [String: Status] {
      statuses.keys.reduce(into: [:]) { $0[$1] = status(of: $1) }
    }
  }

  private struct Watcher {
    let service: String
    let changes: AsyncStream<Status>.Continuation
  }

  private let state = Mutex(State())

  package init() {}

  /// Says how a service is; nothing changes once draining.
  package func set(_ service: String, _ status: Status) {
    change { if !$0.isDraining { $0.statuses[service] = status } }
  }

  /// The service is NOT_SERVING until every reason to hold it is released; the empty name holds
  /// them all. A reason counts once.
  package func hold(_ service: String, because reason: String) {
    change { _ = $0.holds[service, default: []].insert(reason) }
  }

  /// Takes a reason back, where it was given.
  package func release(_ service: String, because reason: String) {
    change { state in
      state.holds[service]?.remove(reason)
      if state.holds[service]?.isEmpty == true { state.holds[service] = nil }
    }
  }

  /// Everything is NOT_SERVING from now on, so that callers go elsewhere before the server leaves.
  package func drain() {
    change { state in
      state.isDraining = true
      for service in state.statuses.keys { state.statuses[service] = .notServing }
    }
  }

  /// Nil for a service that is not known.
  package func status(of service: String) -> Status? {
    state.withLock { $0.status(of: service) }
  }

  /// Every service with its status, in order of the name.
  package var all: [(service: String, status: Status)] {
    state.withLock { $0.all.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }
  }

  /// The status now and each change after it; a watcher that does not keep up sees the latest only.
  package func watch(_ service: String) -> AsyncStream<Status> {
    let (stream, changes) = AsyncStream.makeStream(
      of: Status.self, bufferingPolicy: .bufferingNewest(1))
    let number = state.withLock { state in
      state.nextWatcher += 1
      state.watchers[state.nextWatcher] = Watcher(service: service, changes: changes)
      changes.yield(state.status(of: service) ?? .serviceUnknown)
      return state.nextWatcher
    }
    changes.onTermination = { [weak self] _ in
      self?.state.withLock { _ = $0.watchers.removeValue(forKey: number) }
    }
    return stream
  }

  private func change(_ body: (inout State) -> Void) {
    state.withLock { state in
      let before = state.all
      body(&state)
      for (service, status) in state.all where before[service] != status {
        for watcher in state.watchers.values where watcher.service == service {
          watcher.changes.yield(status)
        }
      }
    }
  }
}
