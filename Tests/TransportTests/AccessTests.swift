internal import Messages
internal import Stubs
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Transport

@Suite(.serialized, .bounded) struct AccessTests {
  private static let caller = "spiffe://test/client"

  private func whoami(
    _ server: TestServer, store: String = "s1"
  ) async throws -> EchoV1.WhoamiResponse {
    try await server.echo().whoami(.init(store: store))
  }

  @Test("An identity without a role of the method is refused before the handler")
  func roleMissing() async throws {
    try await TestServer.run { server in
      let error = try await rpcError { try await whoami(server) }
      #expect(
        error
          == RPCError(
            .permissionDenied, "spiffe://test/client may not call homing.echo.v1.Echo/Whoami"))
    }
  }

  @Test("A role granted to another identity does not help")
  func roleOfAnother() async throws {
    try await TestServer.run {
      $0.grants.add(role: "shop", stores: .all, to: "spiffe://test/another")
    } _: { server in
      let error1 = try await rpcError { try await whoami(server) }
      #expect(error1.code == .permissionDenied)
    }
  }

  @Test("A role for one store admits to that store and to no other")
  func roleForStore() async throws {
    try await TestServer.run {
      $0.grants.add(role: "shop", stores: .only(["s1", "s2"]), to: Self.caller)
    } _: { server in
      #expect(try await whoami(server, store: "s1").identity == Self.caller)
      #expect(try await whoami(server, store: "s2").roles == ["peer", "shop"])
      let error = try await rpcError { try await whoami(server, store: "s3") }
      #expect(error.code == .permissionDenied)
      #expect(error.message.hasSuffix("may not call homing.echo.v1.Echo/Whoami for this store"))
    }
  }

  @Test("A role for the store does not help where the method asks for another role")
  func otherRole() async throws {
    try await TestServer.run {
      $0.grants.add(role: "operator", stores: .all, to: Self.caller)
    } _: { server in
      let error2 = try await rpcError { try await whoami(server) }
      #expect(error2.code == .permissionDenied)
    }
  }

  @Test("Grants replaced at run time judge the next call of a connection that is open")
  func replaced() async throws {
    try await TestServer.run { server in
      let echo = try server.echo()
      let before = try await rpcError { try await echo.whoami(.init(store: "s1")) }
      #expect(before.code == .permissionDenied)
      var grants = Grants()
      grants.add(role: "shop", stores: .only(["s1"]), to: Self.caller)
      server.server.setGrants(grants)
      #expect(try await echo.whoami(.init(store: "s1")).roles == ["peer", "shop"])
      server.server.setGrants(Grants())
      let after = try await rpcError { try await echo.whoami(.init(store: "s1")) }
      #expect(after.code == .permissionDenied)
      #expect(server.opened.count == 1)
    }
  }

  @Test("A method without roles admits nobody, whatever they hold")
  func noRoles() async throws {
    let method = RPCMethod("homing.test.v1.Closed/Call", .unary, isIdempotent: true, roles: [])
    try await TestServer.run {
      $0.grants.add(role: "peer", stores: .all, to: Self.caller)
      $0.register = { table in
        table.unary(method) { _ in Issue.record("the handler ran") }
      }
    } _: { server in
      let client = try server.client()
      let error = try await rpcError { try await client.unary(method, [], CallOptions()) }
      #expect(error.code == .permissionDenied)
    }
  }

  @Test("Grants are read from text: roles, stores, several lines that add up")
  func parsing() throws {
    let grants = try Grants(parsing: [
      "spiffe://test/a=shop,read@s1,s2", "spiffe://test/a=shop@s3", "spiffe://test/b=operator",
    ])
    let whoami = RPCMethod("a.B/C", .unary, isIdempotent: true, roles: ["shop"])
    let admin = RPCMethod("a.B/D", .unary, isIdempotent: true, roles: ["operator"])
    let a = grants.identity("spiffe://test/a")
    #expect(a.roles == ["peer", "read", "shop"])
    #expect(
      ["s1", "s2", "s3", "s4"].filter { a.permits(whoami, store: $0) } == ["s1", "s2", "s3"])
    #expect(!a.permits(admin))
    #expect(grants.identity("spiffe://test/b").permits(admin, store: "any"))
    #expect(grants.identity("spiffe://test/c").roles == ["peer"])
  }

  @Test(
    "A grant that is no grant is refused", arguments: ["", "shop", "test/a=shop", "spiffe://a"])
  func parsingRefuses(line: String) {
    #expect(throws: RPCError.self) { try Grants(parsing: [line]) }
  }
}
