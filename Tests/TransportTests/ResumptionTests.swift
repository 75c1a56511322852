internal import Messages
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

@Suite(.serialized, .bounded) struct ResumptionTests {
  /// A client that makes a connection more for every call while others are open.
  private func greedyClient(
    _ server: TestServer, _ identity: TestIdentity? = nil
  ) throws -> Client {
    try server.client(identity) {
      $0.callsPerConnection = 1
      $0.connectionsMax = 8
      $0.attemptsMax = 1
    }
  }

  /// Opens a stream that stays open, and makes the pool open another connection beside it.
  private func openAnother(
    _ client: Client, _ server: TestServer
  ) async throws -> StreamingCall<EchoV1.ServerStreamRequest, EchoV1.ServerStreamResponse> {
    let count = server.opened.count
    let echo = EchoV1.EchoClient(client)
    let call = try await echo.bidirectionalStream()
    try await call.send(.init(parts: [.init()]))
    _ = try await call.next()
    if count > 0 { await server.events.wait(count + 1) { $0.isOpened } }
    return call
  }

  /// The name in the certificate that a new connection is shown.
  private func shownName(_ server: TestServer) async throws -> String? {
    let peer = try await server.rawPeer()
    return peer.peerName
  }

  @Test("A second connection resumes the session of the first, and is known by the same identity")
  func resumes() async throws {
    try await TestServer.run { server in
      let client = try greedyClient(server)
      let first = try await openAnother(client, server)
      let second = try await openAnother(client, server)
      #expect(server.opened.map(\.resumed) == [false, true])
      #expect(server.opened.map(\.peer) == ["spiffe://test/client", "spiffe://test/client"])
      first.cancel()
      second.cancel()
    }
  }

  @Test("T25 A session whose certificate has expired since is refused")
  func expiredSince() async throws {
    try await TestServer.run { server in
      let short = try server.authority.issue("short", until: 3)
      let client = try server.client(short) { $0.attemptsMax = 1 }
      let echo = EchoV1.EchoClient(client)
      #expect(try await echo.empty(.init()) == .init())
      // The server drains the connection at the certificate's end.
      await server.events.wait {
        if case .closed(peer: "spiffe://test/short", _) = $0 { return true }
        return false
      }
      var refusals: [RPCError] = []
      // The first may still go to the connection that is closing.
      while refusals.isEmpty {
        _ = try await rpcError { try await echo.empty(.init()) }
        refusals = server.events.entries.compactMap {
          if case .closed(peer: nil, let reason) = $0 { return reason }
          return nil
        }
      }
      // A full handshake would have failed in OpenSSL; a resumed one is judged here.
      let expired = RPCError(
        .unauthenticated, "the certificate of spiffe://test/short has expired")
      #expect(refusals[0] == expired)
      #expect(server.opened.count == 1)
    }
  }

  @Test(
    "After a certificate is changed new connections use it, old sessions do not resume, calls go on"
  )
  func changedCertificate() async throws {
    let authority = try TestAuthority()
    let identity = try authority.issue("server")
    try await TestServer.run {
      $0.authority = authority
      $0.identity = identity
    } _: { server in
      #expect(try await shownName(server) == "server")
      let client = try greedyClient(server)
      let first = try await openAnother(client, server)
      let second = try authority.issue("server-2")
      try authority.folder.link("server.key", to: second.keyFile)
      try authority.folder.link("server.pem", to: second.certificateFile)
      server.server.reloadCertificates()
      #expect(server.events.entries.contains { $0.isReloaded })
      #expect(try await shownName(server) == "server-2")
      let count = server.opened.count
      let another = try await openAnother(client, server)
      #expect(server.opened[count].resumed == false)
      // The stream from before goes on.
      try await first.send(.init(parts: [.init(payloadBytes: 3)]))
      #expect(try await first.next()?.payload.count == 3)
      first.cancel()
      another.cancel()
    }
  }

  @Test("A link that is switched to another folder is a change")
  func switchedLink() async throws {
    let authority = try TestAuthority()
    let one = try authority.issue("one")
    let two = try authority.issue("two")
    let folder = try TemporaryFolder()
    try folder.link("tls.crt", to: one.certificateFile)
    try folder.link("tls.key", to: one.keyFile)
    let identity = TestIdentity(
      certificateFile: folder.file("tls.crt"), keyFile: folder.file("tls.key"),
      authorityFile: authority.certificateFile, folder: folder)
    try await TestServer.run {
      $0.authority = authority
      $0.identity = identity
    } _: { server in
      #expect(try await shownName(server) == "one")
      try folder.link("tls.crt", to: two.certificateFile)
      // Between the two the files do not belong together: the old ones stay in force.
      server.server.reloadCertificates()
      #expect(server.events.entries.contains { $0.unusableReason != nil })
      #expect(try await shownName(server) == "one")
      try folder.link("tls.key", to: two.keyFile)
      server.server.reloadCertificates()
      #expect(server.events.entries.contains { $0.isReloaded })
      #expect(try await shownName(server) == "two")
    }
  }

  @Test("New files that cannot be used keep the old certificate in force and are reported")
  func unusableFiles() async throws {
    let authority = try TestAuthority()
    let identity = try authority.issue("server")
    try await TestServer.run {
      $0.authority = authority
      $0.identity = identity
    } _: { server in
      try authority.folder.write(Array("not PEM".utf8), to: "server.pem")
      server.server.reloadCertificates()
      let reason = server.events.entries.compactMap(\.unusableReason).first
      #expect(try #require(reason).hasPrefix("certificate \(identity.certificateFile)"))
      #expect(try await shownName(server) == "server")
      #expect(try await server.echo().empty(.init()) == .init())
      server.server.reloadCertificates()
      #expect(!server.events.entries.contains { $0.isReloaded })
    }
  }

  @Test(
    "A client whose certificate was changed is known by the new one, with no session of the old")
  func changedClientCertificate() async throws {
    try await TestServer.run { server in
      let authority = server.authority
      let mine = try authority.issue("mine")
      let client = try greedyClient(server, mine)
      let first = try await openAnother(client, server)
      let other = try authority.issue("renamed")
      try authority.folder.link("mine.key", to: other.keyFile)
      try authority.folder.link("mine.pem", to: other.certificateFile)
      let second = try await openAnother(client, server)
      #expect(server.opened.map(\.peer) == ["spiffe://test/mine", "spiffe://test/renamed"])
      #expect(server.opened.map(\.resumed) == [false, false])
      first.cancel()
      second.cancel()
    }
  }
}

extension ServerEvent {
  var isOpened: Bool {
    if case .opened = self { return true }
    return false
  }

  var isReloaded: Bool {
    if case .certificatesReloaded = self { return true }
    return false
  }

  var unusableReason: String? {
    if case .certificatesUnusable(let reason) = self { return reason }
    return nil
  }
}
