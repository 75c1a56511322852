internal import Synchronization
package import Wire

/// How a server serves.
package struct ServerConfiguration: Sendable {
  package var tls: TLSConfiguration
  package var grants = Grants()
  package var limits = Limits()
  /// Most connections at once; one more is refused with a go-away.
  package var connectionsMax = 16_384
  /// Most unfinished handshakes at once; more wait in the system's queue.
  package var handshakesMax = 4096
  /// How often the certificate files are looked at for a change.
  package var certificateInterval = Duration.seconds(10)
  package var interceptors: [any ServerInterceptor] = []
  /// Told what happens besides calls; must not block.
  package var observe: @Sendable (ServerEvent) -> Void = { _ in }

  package init(tls: TLSConfiguration) { self.tls = tls }
}

/// What happens at a server besides calls, for logs and metrics.
package enum ServerEvent: Sendable {
  case opened(peer: String, resumed: Bool)
  /// The peer's name where it is known.
  case closed(peer: String?, RPCError)
  /// A handler threw an error that is not the caller's business.
  case handlerFailed(method: String, any Error)
  case certificatesReloaded
  /// The new files cannot be used; the old certificate stays in force.
  case certificatesUnusable(String)
  /// `accept` failed for want of descriptors or memory; tried again after a pause.
  case acceptFailed(String)
}

/// Serves a table of methods on a TCP port, over mutual TLS, on the loops of a group.
package final class Server: Sendable {
  private let core: ServerCore
  private let group: EventLoopGroup
  private let listener: Mutex<LoopBound<Listener>?> = Mutex(nil)

  /// - Throws: `TLSError` where the certificate files cannot be used; `RPCError` for a limit
  ///   outside its range.
  package init(
    _ configuration: ServerConfiguration, methods: MethodTable, group: EventLoopGroup
  ) throws {
    try configuration.limits.validate()
    self.group = group
    core = ServerCore(
      configuration, methods: methods,
      certificates: try CertificateSource(.server, configuration.tls))
  }

  /// Binds and starts to accept.
  ///
  /// - Parameter address: `HOST:PORT`; port 0 takes a free one below 32768.
  /// - Returns: the port.
  package func listen(on address: Target) async throws -> Int {
    let loop = group.loops[0]
    let descriptor = try Sockets.listen(on: address)
    let port = Sockets.port(of: descriptor)
    let bound = try await loop.run { [core, group] in
      let listener = Listener(
        descriptor: descriptor, core: loop.core, server: core, loops: group.loops)
      try listener.start()
      return LoopBound(listener, on: loop)
    }
    listener.withLock { $0 = bound }
    return port
  }

  /// Takes no new connections and calls, lets running calls end, closes.
  ///
  /// - Parameter timeout: after this, connections still open are cut. Returns when all are closed.
  package func drain(timeout: Duration) async {
    if let bound = listener.withLock({ exchange(&$0, with: nil) }) {
      await bound.loop.run { bound.value.stop() }
    }
    for connection in core.startDraining() {
      connection.loop.execute { connection.value.drain() }
    }
    await withTaskGroup(of: Void.self) { [core, group] tasks in
      tasks.addTask {
        do { try await group.loops[0].sleep(for: timeout) } catch { return }
        core.cutAll()
      }
      await core.allLeft()
      tasks.cancelAll()
    }
  }

  /// Looks at the certificate files now; new connections use what is there.
  package func reloadCertificates() { core.reloadCertificates() }

  /// Puts other grants in force; calls that come after this are judged by them.
  package func setGrants(_ grants: Grants) { core.setGrants(grants) }

  package var connectionCount: Int { core.connections.count }
}

/// What the connections of a server share.
final class ServerCore: Sendable {
  private struct State {
    var grants: Grants
    var connections: [ObjectIdentifier: LoopBound<ServerConnection>] = [:]
    var isDraining = false
    var waitingForAllLeft: [CheckedContinuation<Void, Never>] = []
  }

  let methods: MethodIndex
  let configuration: ServerConfiguration
  let certificates: CertificateSource
  let interceptors: [any ServerInterceptor]
  let hasInterceptors: Bool
  let handshakeCount = Atomic<Int>(0)
  private let generation = Atomic<Int>(0)
  private let state: Mutex<State>

  init(
    _ configuration: ServerConfiguration, methods: MethodTable, certificates: CertificateSource
  ) {
    self.configuration = configuration
    self.methods = MethodIndex(methods)
    self.certificates = certificates
    interceptors = configuration.interceptors
    hasInterceptors = !interceptors.isEmpty
    state = Mutex(State(grants: configuration.grants))
  }

  var limits: Limits { configuration.limits }

  // MARK: - Grants

  var grantsGeneration: Int { generation.load(ordering: .acquiring) }

  var grants: (Grants, generation: Int) {
    state.withLock { ($0.grants, grantsGeneration) }
  }

  func setGrants(_ grants: Grants) {
    state.withLock {
      $0.grants = grants
      generation.add(1, ordering: .releasing)
    }
  }

  // MARK: - Connections

  var connections: [LoopBound<ServerConnection>] {
    state.withLock { Array($0.connections.values) }
  }

  /// A connection is open.
  ///
  /// - Returns: why it is refused; nil where it is not.
  func admit(_ connection: ServerConnection) -> RPCError? {
    handshakeCount.subtract(1, ordering: .relaxed)
    let bound = LoopBound(connection, on: connection.core.loop)
    let refusal: RPCError? = state.withLock { state in
      if state.isDraining { return RPCError(.unavailable, "the server is leaving") }
      if state.connections.count >= configuration.connectionsMax {
        return RPCError(
          .resourceExhausted, "the server has all the \(configuration.connectionsMax) connections")
      }
      state.connections[ObjectIdentifier(connection)] = bound
      return nil
    }
    if refusal == nil {
      configuration.observe(
        .opened(peer: connection.peer?.uri ?? "", resumed: connection.wasResumed))
    }
    return refusal
  }

  func left(_ connection: ServerConnection, _ reason: RPCError) {
    if connection.peer == nil { handshakeCount.subtract(1, ordering: .relaxed) }
    let waiting = state.withLock { state in
      state.connections[ObjectIdentifier(connection)] = nil
      return state.isDraining && state.connections.isEmpty
        ? exchange(&state.waitingForAllLeft, with: []) : []
    }
    configuration.observe(.closed(peer: connection.peer?.uri, reason))
    for waiter in waiting { waiter.resume() }
  }

  func startDraining() -> [LoopBound<ServerConnection>] {
    state.withLock { state in
      state.isDraining = true
      return Array(state.connections.values)
    }
  }

  /// Closes what is still open after the time given for draining.
  func cutAll() {
    for connection in connections {
      connection.loop.execute {
        connection.value.drop(RPCError(.unavailable, "the server did not drain in time"))
      }
    }
  }

  func allLeft() async {
    await withCheckedContinuation { continuation in
      let isEmpty = state.withLock { state in
        if !state.connections.isEmpty { state.waitingForAllLeft.append(continuation) }
        return state.connections.isEmpty
      }
      if isEmpty { continuation.resume() }
    }
  }

  // MARK: - Errors and certificates

  /// What a thrown error says to the caller; what it keeps to itself goes to the observer.
  func explain(_ error: any Error, _ call: ServerCall) -> RPCError {
    let outcome = RPCError(thrown: error)
    if outcome.code == .internalError {
      configuration.observe(
        .handlerFailed(method: call.method.name, outcome.cause ?? outcome))
    }
    return outcome
  }

  /// - Throws: the first interceptor's refusal.
  func askInterceptors(_ call: ServerCall) throws(RPCError) {
    do {
      for interceptor in interceptors { try interceptor.willHandle(call) }
    } catch {
      throw RPCError(thrown: error)
    }
  }

  func reloadCertificates() {
    switch certificates.refresh() {
    case .unchanged: break
    case .reloaded: configuration.observe(.certificatesReloaded)
    case .unusable(let reason): configuration.observe(.certificatesUnusable(reason))
    }
  }
}
