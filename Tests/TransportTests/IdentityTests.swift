internal import Messages
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

/// What a certificate may be wrong in.
enum Fault: CaseIterable, CustomTestStringConvertible {
  case otherAuthority, expired, notYetValid, noURIName, twoURINames, otherTrustDomain, noPath
  case otherScheme

  var testDescription: String { "\(self)" }

  func issue(from authority: TestAuthority, _ name: String) throws -> TestIdentity {
    switch self {
    case .otherAuthority: try TestAuthority(name: "Other CA").issue(name).trusting(authority)
    case .expired: try authority.issue(name, from: -7200, until: -1)
    case .notYetValid: try authority.issue(name, from: 3600, until: 7200)
    case .noURIName: try authority.issue(name, uris: [])
    case .twoURINames:
      try authority.issue(name, uris: ["spiffe://test/\(name)", "spiffe://test/other"])
    case .otherTrustDomain: try authority.issue(name, uris: ["spiffe://elsewhere/\(name)"])
    case .noPath: try authority.issue(name, uris: ["spiffe://test/"])
    case .otherScheme: try authority.issue(name, uris: ["https://test/\(name)"])
    }
  }
}

@Suite(.serialized, .bounded) struct IdentityTests {
  @Test("The right certificates on both sides are accepted, and the server knows its caller")
  func rightOnes() async throws {
    try await TestServer.run { server in
      let client = try server.client(peer: .identity("spiffe://test/server"))
      #expect(try await EchoV1.EchoClient(client).empty(.init()) == .init())
      #expect(server.opened.map(\.peer) == ["spiffe://test/client"])
    }
  }

  @Test(
    "T25 A server refuses a client's wrong certificate before any frame", arguments: Fault.allCases)
  func wrongClient(fault: Fault) async throws {
    try await TestServer.run { setup in
      setup.echo.onEmpty = { _ in
        Issue.record("a call was handled")
        return .now(.init())
      }
    } _: { server in
      let identity = try fault.issue(from: server.authority, "wrong")
      // The call is in the first flight after the handshake, whatever the server thinks of it.
      let refused = try await isRefused(server, RawOffer(identity))
      #expect(refused)
      #expect(server.opened.isEmpty)
    }
  }

  @Test("T25 A server refuses a client without a certificate")
  func noCertificate() async throws {
    try await TestServer.run { server in
      var offer = RawOffer(server.identity)
      offer.sendsCertificate = false
      let refused = try await isRefused(server, offer)
      #expect(refused)
      #expect(server.opened.isEmpty)
    }
  }

  @Test("T25 A server refuses TLS 1.2")
  func tls12() async throws {
    try await TestServer.run { server in
      await #expect(throws: RawPeer.Failure.self) {
        try await server.rawPeer { $0.isTLS12 = true }
      }
      #expect(server.opened.isEmpty)
    }
  }

  @Test(
    "T25 A server refuses a handshake without its protocol", arguments: [nil, "h2", "homing/2"])
  func otherProtocol(name: String?) async throws {
    try await TestServer.run { server in
      var offer = RawOffer(server.identity)
      offer.protocolName = name
      let refused = try await isRefused(server, offer)
      #expect(refused)
      #expect(server.opened.isEmpty)
    }
  }

  /// Whether a call over such a connection ends without an answer: by an alert, a go-away, or an
  /// end.
  private func isRefused(_ server: TestServer, _ offer: RawOffer) async throws -> Bool {
    do {
      let peer = try await RawPeer.connect(port: server.port, offer)
      try await peer.send(
        .init(streamID: 1, method: "homing.echo.v1.Echo/Empty", messages: [[]], halfClose: true))
      let frame = try await peer.receive()
      return frame == nil || frame?.goAway?.status?.code == .unauthenticated
    } catch is RawPeer.Failure {
      return true
    }
  }

  @Test(
    "T25 A client refuses a server's wrong certificate and sends it no call",
    arguments: Fault.allCases)
  func wrongServer(fault: Fault) async throws {
    let authority = try TestAuthority()
    let listener = try RawListener()
    var offer = RawOffer(try fault.issue(from: authority, "server"))
    offer.identity.authorityFile = authority.certificateFile
    let client = try TestServer.client(port: listener.port, try authority.issue("client")) {
      $0.attemptsMax = 1
    }
    let wrong = offer
    let frame = Task { () -> RpcV1.Frame? in
      // A handshake that the client breaks off is as good an end as a closed connection.
      do {
        return try await listener.accept(wrong).receive { $0.streamID != 0 }
      } catch is RawPeer.Failure {
        return nil
      }
    }
    let error = try await rpcError { try await EchoV1.EchoClient(client).empty(.init()) }
    #expect(error.code == .unavailable)
    #expect(try await frame.value == nil)
  }

  @Test("T25 A client that expects one identity refuses another of the same trust domain")
  func otherIdentity() async throws {
    try await TestServer.run { server in
      let client = try server.client(peer: .identity("spiffe://test/another")) {
        $0.attemptsMax = 1
      }
      let error = try await rpcError { try await EchoV1.EchoClient(client).empty(.init()) }
      #expect(error.code == .unavailable)
      #expect(error.message.contains("the peer is spiffe://test/server, expected was"))
    }
  }

  @Test(
    "T25 A client refuses a server without the protocol, and one of TLS 1.2",
    arguments: [true, false])
  func oldServer(isTLS12: Bool) async throws {
    let authority = try TestAuthority()
    let listener = try RawListener()
    var offer = RawOffer(try authority.issue("server"))
    if isTLS12 { offer.isTLS12 = true } else { offer.protocolName = nil }
    let old = offer
    let accepted = Task { try? await listener.accept(old).receive { $0.streamID != 0 } }
    let client = try TestServer.client(port: listener.port, try authority.issue("client")) {
      $0.attemptsMax = 1
    }
    let error = try await rpcError { try await EchoV1.EchoClient(client).empty(.init()) }
    #expect(error.code == .unavailable)
    #expect(await accepted.value == nil)
  }

  @Test("Files that cannot be used are refused at the start, with the reason")
  func unusableFiles() throws {
    let authority = try TestAuthority()
    let good = try authority.issue("good")
    let other = try authority.issue("other")
    var methods = MethodTable()
    TestEcho().register(in: &methods)
    func reason(_ change: (inout TestIdentity) -> Void) throws -> String {
      var identity = good
      change(&identity)
      do {
        _ = try Server(
          ServerConfiguration(tls: identity.tls()), methods: methods, group: TestLoops.group)
        return ""
      } catch let error as TLSError {
        return error.description
      }
    }
    #expect(try reason { $0.certificateFile = "/absent.pem" }.hasPrefix("certificate /absent.pem"))
    #expect(try reason { $0.keyFile = other.keyFile }.hasPrefix("key \(other.keyFile)"))
    #expect(try reason { $0.authorityFile = "/absent" }.hasPrefix("authority /absent"))
    let expired = try authority.issue("expired", until: -10)
    #expect(try reason { $0 = expired }.contains("has expired"))
  }
}
