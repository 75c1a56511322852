package import Messages
package import Stubs
package import Transport
package import Wire

/// A server in this process with certificates of its own, on a free port of 127.0.0.1.
package final class TestServer: Sendable {
  /// How one is made.
  package struct Setup: Sendable {
    package var echo = TestEcho()
    package var limits = Limits()
    package var grants = Grants()
    package var interceptors: [any ServerInterceptor] = []
    package var connectionsMax = 1000
    package var handshakesMax = 1000
    /// The server's certificate; by default one of `spiffe://test/server`.
    package var identity: TestIdentity?
    package var authority: TestAuthority?
    /// 0: a free one.
    package var port = 0
    /// Methods beside Echo's.
    package var register: @Sendable (inout MethodTable) throws -> Void = { _ in }

    package init() {}
  }

  package let authority: TestAuthority
  package let port: Int
  package let events: Journal<ServerEvent>
  package let server: Server
  private let clientIdentity: TestIdentity

  private init(
    authority: TestAuthority, port: Int, events: Journal<ServerEvent>, server: Server,
    clientIdentity: TestIdentity
  ) {
    self.authority = authority
    self.port = port
    self.events = events
    self.server = server
    self.clientIdentity = clientIdentity
  }

  package static func start(
    _ change: (inout Setup) throws -> Void = { _ in }
  ) async throws -> TestServer {
    var setup = Setup()
    try change(&setup)
    let authority = try setup.authority ?? TestAuthority()
    let identity = try setup.identity ?? authority.issue("server")
    var methods = MethodTable()
    setup.echo.register(in: &methods)
    try setup.register(&methods)
    let events = Journal<ServerEvent>()
    var configuration = ServerConfiguration(tls: identity.tls())
    configuration.limits = setup.limits
    configuration.grants = setup.grants
    configuration.interceptors = setup.interceptors
    configuration.connectionsMax = setup.connectionsMax
    configuration.handshakesMax = setup.handshakesMax
    configuration.observe = { events.add($0) }
    let server = try Server(configuration, methods: methods, group: TestLoops.group)
    let port = try await server.listen(on: Target(host: "127.0.0.1", port: setup.port))
    return TestServer(
      authority: authority, port: port, events: events, server: server,
      clientIdentity: try authority.issue("client"))
  }

  /// Starts one, hands it to `body`, cuts it off.
  package static func run<R: Sendable>(
    _ change: (inout Setup) throws -> Void = { _ in },
    _ body: @Sendable (TestServer) async throws -> R
  ) async throws -> R {
    let server = try await start(change)
    do {
      let result = try await body(server)
      await server.cut()
      return result
    } catch {
      await server.cut()
      throw error
    }
  }

  /// Stops at once, whatever runs: what a killed process looks like from outside, but for TLS's
  /// farewell.
  package func cut() async { await server.drain(timeout: .zero) }

  package func drain() async { await server.drain(timeout: .seconds(60)) }

  // MARK: - Clients

  /// An identity of the same authority, the client's by default.
  package var identity: TestIdentity { clientIdentity }

  package func client(
    _ identity: TestIdentity? = nil, peer: PeerRule = .trustDomain,
    _ change: (inout ClientConfiguration) -> Void = { _ in }
  ) throws -> Client {
    try TestServer.client(port: port, identity ?? clientIdentity, peer: peer, change)
  }

  package static func client(
    port: Int, _ identity: TestIdentity, peer: PeerRule = .trustDomain,
    _ change: (inout ClientConfiguration) -> Void = { _ in }
  ) throws -> Client {
    var configuration = ClientConfiguration()
    configuration.connectionsMax = 1
    configuration.seed = 7
    // Tests that compute keep the tasks of others waiting, most of all under a sanitizer.
    configuration.connectTimeout = .seconds(180)
    change(&configuration)
    return try Client(
      Target(host: "127.0.0.1", port: port), tls: identity.tls(peer: peer),
      configuration: configuration, group: TestLoops.group)
  }

  package func echo(
    _ change: (inout ClientConfiguration) -> Void = { _ in }
  ) throws -> EchoV1.EchoClient { EchoV1.EchoClient(try client(nil, change)) }

  /// A client whose frames a test makes itself.
  package func rawPeer(_ change: (inout RawOffer) -> Void = { _ in }) async throws -> RawPeer {
    var offer = RawOffer(clientIdentity)
    change(&offer)
    return try await RawPeer.connect(port: port, offer)
  }

  /// Connections opened so far, as the server saw them: the peer's name, and whether its session
  /// was resumed.
  package var opened: [(peer: String, resumed: Bool)] {
    events.entries.compactMap { event in
      if case .opened(let peer, let resumed) = event { return (peer, resumed) }
      return nil
    }
  }
}

/// The error that `body` throws, as a status.
///
/// - Throws: `NothingThrown` where it throws none.
package func rpcError<R>(_ body: () async throws -> R) async throws -> RPCError {
  do { _ = try await body() } catch { return RPCError(thrown: error) }
  throw NothingThrown()
}

package struct NothingThrown: Error {}
