package import Logging
internal import Glibc
package import Transport

/// Something of a service that is started and stopped with it.
package protocol ServicePart: Sendable {
  /// For logs.
  var name: String { get }
  /// Returns when others may rely on it. Cancelled where the service is told to end meanwhile.
  func start() async throws
  /// Returns when nothing of it runs any more. Called once, and only where `start` returned.
  func stop() async
}

/// What a service consists of.
package struct ServiceParts: Sendable {
  /// Started in this order, stopped in the reverse.
  package var parts: [any ServicePart]
  /// What the virtual clock's service tells of; needed where the clock can be virtual.
  package var virtualTime: (any VirtualTimeSubject)?
  /// Beside the service's own.
  package var interceptors: [any ServerInterceptor]
  /// Adds the service's methods to the table.
  package var register: @Sendable (inout MethodTable) -> Void

  package init(
    parts: [any ServicePart], virtualTime: (any VirtualTimeSubject)? = nil,
    interceptors: [any ServerInterceptor] = [],
    register: @escaping @Sendable (inout MethodTable) -> Void
  ) {
    self.parts = parts
    self.virtualTime = virtualTime
    self.interceptors = interceptors
    self.register = register
  }
}

/// A part made of functions, for what needs no type of its own.
package struct SimplePart: ServicePart {
  package let name: String
  private let onStart: @Sendable () async throws -> Void
  private let onStop: @Sendable () async -> Void

  package init(
    _ name: String, start: @escaping @Sendable () async throws -> Void = {},
    stop: @escaping @Sendable () async -> Void = {}
  ) {
    self.name = name
    onStart = start
    onStop = stop
  }

  package func start() async throws { try await onStart() }
  package func stop() async { await onStop() }
}

/// What a service is composed from: everything it would otherwise take for itself.
package struct ServiceContext: Sendable {
  /// Such as `cart-tracker`.
  package let name: String
  package let configuration: ServiceConfiguration
  package let log: Logger
  package let clock: any WallClock
  /// The same clock, where it is virtual. Stands at 1970 until the service moves it to where it
  /// stood before, which it does while its parts start.
  package let virtualClock: VirtualClock?
  package let group: EventLoopGroup
  package let health: HealthRegistry
  /// Of this process's chance; parts take a seed of their own by `seed(for:)`.
  package let seed: UInt64

  /// The same for the same name and the same `HOMING_SEED`.
  package func seed(for part: String) -> UInt64 {
    // FNV-1a, then mixed.
    let hash = part.utf8.reduce(seed ^ 0xcbf2_9ce4_8422_2325) { hash, byte in
      (hash ^ UInt64(byte)) &* 0x100_0000_01b3
    }
    var chance = SplitMix64(seed: hash)
    return chance.next()
  }

  /// A worker's loop, which is a part: on this clock, with this log, heard by this health.
  ///
  /// - Parameter service: NOT_SERVING while the worker fails; empty: the whole server.
  package func loop(
    _ worker: any Worker, service: String = "",
    _ change: (inout WorkerLoop.Configuration) -> Void = { _ in }
  ) -> WorkerLoop {
    var configuration = WorkerLoop.Configuration()
    configuration.service = service
    configuration.seed = seed(for: worker.name)
    change(&configuration)
    return WorkerLoop(worker, clock: clock, configuration: configuration, health: health, log: log)
  }

  /// Logs and ends the process at once with 70, for when nobody can tell what state it is in, such
  /// as after a commit that failed. Nothing is drained; the next start recovers.
  package func fatal(_ message: String) -> Never {
    log.critical("the process cannot go on", metadata: ["reason": "\(message)"])
    _exit(ServiceExit.broken)
  }
}

/// How a service's process ends.
package enum ServiceExit {
  package static let ended: Int32 = 0
  /// A part failed to start, or did not stop in time.
  package static let failed: Int32 = 1
  /// `ServiceContext.fatal`.
  package static let broken: Int32 = 70
  /// The configuration, or the command line, cannot be used.
  package static let misconfigured: Int32 = 78
}
