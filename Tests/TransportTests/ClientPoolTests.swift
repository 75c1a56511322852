internal import Messages
internal import Stubs
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Transport

@Suite(.serialized, .bounded) struct ClientPoolTests {
  private typealias Stream = StreamingCall<
    EchoV1.ServerStreamRequest, EchoV1.ServerStreamResponse
  >

  /// Opens a stream, sure to be at its server.
  private func openStream(_ echo: EchoV1.EchoClient) async throws -> Stream {
    let call = try await echo.bidirectionalStream()
    try await call.send(.init(parts: [.init()]))
    _ = try await call.next()
    return call
  }

  @Test("The pool grows up to its most connections while calls are open, and no further")
  func grows() async throws {
    try await TestServer.run { server in
      let echo = try server.echo {
        $0.connectionsMax = 3
        $0.callsPerConnection = 2
      }
      var calls: [Stream] = []
      for _ in 0..<2 { calls.append(try await openStream(echo)) }
      #expect(server.opened.count == 1)
      // A connection that is asked for comes, but not at once.
      while server.opened.count < 3 { calls.append(try await openStream(echo)) }
      for _ in 0..<20 { calls.append(try await openStream(echo)) }
      #expect(server.opened.count == 3)
      for call in calls { call.cancel() }
    }
  }

  @Test("A call goes to the connection with the fewest calls open")
  func leastLoaded() async throws {
    let callers = Journal<ObjectIdentifier>()
    try await TestServer.run {
      $0.echo.onBidirectional = { requests, responses, _ in
        callers.add(ObjectIdentifier(requests.stream.value.connection))
        for try await _ in requests { try await responses.send(.init()) }
      }
    } _: { server in
      let echo = try server.echo {
        $0.connectionsMax = 2
        $0.callsPerConnection = 1
      }
      var calls = [try await openStream(echo), try await openStream(echo)]
      await server.events.wait(2) { $0.isOpened }
      for _ in 0..<18 { calls.append(try await openStream(echo)) }
      var counts: [ObjectIdentifier: Int] = [:]
      for caller in callers.entries { counts[caller, default: 0] += 1 }
      #expect(counts.values.sorted() == [10, 10])
      for call in calls { call.cancel() }
    }
  }

  @Test("After its server was killed the client connects to the next on the same port")
  func reconnects() async throws {
    let authority = try TestAuthority()
    let first = try await TestServer.start {
      $0.authority = authority
      $0.port = try RawListener.freePort()
    }
    let echo = try first.echo { $0.attemptsMax = 5 }
    _ = try await echo.empty(.init())
    await first.cut()
    let nobody = try await rpcError { try await echo.publish(.init(storeID: 1, cartID: "c")) }
    #expect(nobody.code == .unavailable)
    let second = try await TestServer.start {
      $0.authority = authority
      $0.port = first.port
    }
    #expect(try await echo.empty(.init()) == .init())
    #expect(second.opened.count == 1)
    await second.cut()
  }

  @Test("Where nobody listens a call ends UNAVAILABLE and says where")
  func nobodyListens() async throws {
    let authority = try TestAuthority()
    let identity = try authority.issue("client")
    let port = try RawListener.freePort()
    let client = try TestServer.client(port: port, identity) { $0.backOff = .milliseconds(1) }
    let error = try await rpcError { try await EchoV1.EchoClient(client).empty(.init()) }
    #expect(error == RPCError(.unavailable, "127.0.0.1:\(port): connect: Connection refused"))
  }

  @Test("A name that does not exist ends a call UNAVAILABLE")
  func noSuchName() async throws {
    let authority = try TestAuthority()
    let tls = try authority.issue("client").tls()
    var configuration = ClientConfiguration()
    configuration.attemptsMax = 1
    let client = try Client(
      Target(host: "no such name", port: 1), tls: tls, configuration: configuration,
      group: TestLoops.group)
    let error = try await rpcError { try await EchoV1.EchoClient(client).empty(.init()) }
    #expect(error.code == .unavailable && error.message.contains("no such name"))
  }

  @Test("Of two addresses behind a name the one that listens is found")
  func twoAddresses() async throws {
    try await TestServer.run { server in
      let names = ScriptedNames(["127.0.0.2", "127.0.0.1"], port: server.port)
      let client = try names.client(server.identity) { $0.attemptsMax = 1 }
      #expect(try await EchoV1.EchoClient(client).empty(.init()) == .init())
    }
  }

  @Test("A name that leads elsewhere is followed, and connections to where it led are left")
  func nameMoves() async throws {
    let authority = try TestAuthority()
    let first = try await TestServer.start { $0.authority = authority }
    let second = try await TestServer.start { $0.authority = authority }
    let names = ScriptedNames(["127.0.0.1"], port: first.port)
    let client = try names.client(first.identity) {
      $0.resolveInterval = .zero
      $0.connectionsMax = 2
      $0.callsPerConnection = 1
    }
    let echo = EchoV1.EchoClient(client)
    let call = try await openStream(echo)
    names.move(to: second.port)
    // Asks for another connection, and so for the name.
    let other = try await openStream(echo)
    await second.events.wait { $0.isOpened }
    // The calls that are open end where they began.
    try await call.send(.init(parts: [.init()]))
    #expect(try await call.next() != nil)
    for call in [call, other] {
      try await call.halfClose()
      #expect(try await call.next() == nil)
    }
    await first.events.wait {
      if case .closed(peer: _?, _) = $0 { return true }
      return false
    }
    #expect(try await echo.empty(.init()) == .init())
    #expect(first.opened.count == 1)
    await first.cut()
    await second.cut()
  }

  @Test("The name is looked up again while calls go on, also by a pool that does not grow")
  func resolvesWhileBusy() async throws {
    let authority = try TestAuthority()
    let first = try await TestServer.start { $0.authority = authority }
    let second = try await TestServer.start { $0.authority = authority }
    let names = ScriptedNames(["127.0.0.1"], port: first.port)
    let client = try names.client(first.identity) {
      $0.resolveInterval = .zero
      $0.connectionsMax = 1
    }
    let echo = EchoV1.EchoClient(client)
    #expect(try await echo.empty(.init()) == .init())
    names.move(to: second.port)
    // Each call finds the look-up too old, until one has moved to the new address.
    while second.opened.isEmpty { _ = try await echo.empty(.init()) }
    #expect(try await echo.empty(.init()) == .init())
    #expect(second.opened.count == 1)
    await first.cut()
    await second.cut()
  }

  @Test(
    "A closed client takes no more calls, and its connections close when their calls have ended")
  func closes() async throws {
    try await TestServer.run { server in
      let client = try server.client()
      let echo = EchoV1.EchoClient(client)
      let call = try await openStream(echo)
      client.close()
      let error = try await rpcError { try await echo.empty(.init()) }
      #expect(error.code == .failedPrecondition)
      try await call.halfClose()
      #expect(try await call.next() == nil)
      await server.events.wait {
        if case .closed = $0 { return true }
        return false
      }
    }
  }
}

/// A name whose addresses a test sets.
private final class ScriptedNames: Sendable {
  private let hosts: [String]
  private let port: Journal<Int>

  init(_ hosts: [String], port: Int) {
    self.hosts = hosts
    self.port = Journal()
    self.port.add(port)
  }

  func move(to port: Int) { self.port.add(port) }

  func client(
    _ identity: TestIdentity, _ change: (inout ClientConfiguration) -> Void = { _ in }
  ) throws -> Client {
    var configuration = ClientConfiguration()
    configuration.seed = 7
    change(&configuration)
    let pool = try ClientPool(
      Target(host: "scripted", port: 1), tls: identity.tls(), configuration: configuration,
      group: TestLoops.group
    ) { [self] _ throws(RPCError) in
      var addresses: [SocketAddress] = []
      for host in hosts {
        addresses += try Sockets.resolve(Target(host: host, port: port.entries.last ?? 0))
      }
      return addresses
    }
    return Client(pool, configuration, TestLoops.group)
  }
}
