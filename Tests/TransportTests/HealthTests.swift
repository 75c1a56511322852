internal import Messages
internal import ServiceKit
internal import Stubs
internal import Synchronization
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

@Suite(.serialized, .bounded) struct HealthTests {
  private static let echo = "homing.echo.v1.Echo"

  /// Runs a server with the standard services.
  private func run(
    _ body: @Sendable (TestServer, HealthRegistry) async throws -> Void
  ) async throws {
    let made = Promise<HealthRegistry>()
    try await TestServer.run {
      $0.register = { made.fulfil(try $0.addStandardServices()) }
    } _: { server in
      try await body(server, await made.value)
    }
  }

  @Test("Check answers for the server as a whole and for each service")
  func check() async throws {
    try await run { server, registry in
      let health = HealthV1.HealthClient(try server.client())
      for service in ["", Self.echo, "homing.health.v1.Health", "homing.reflection.v1.Reflection"] {
        #expect(try await health.check(.init(service: service)).status == .serving)
      }
      registry.set(Self.echo, .notServing)
      #expect(try await health.check(.init(service: Self.echo)).status == .notServing)
      #expect(try await health.check(.init()).status == .serving)
    }
  }

  @Test("Check of a service that is not known ends NOT_FOUND")
  func checkUnknown() async throws {
    try await run { server, _ in
      let health = HealthV1.HealthClient(try server.client())
      let error = try await rpcError { try await health.check(.init(service: "a.B")) }
      #expect(error == RPCError(.notFound, "there is no service a.B here"))
    }
  }

  @Test("List names every service in order, the server as a whole first")
  func list() async throws {
    try await run { server, registry in
      registry.set(Self.echo, .notServing)
      let health = HealthV1.HealthClient(try server.client())
      let services = try await health.list(.init()).services
      #expect(
        services == [
          .init(service: "", status: .serving), .init(service: Self.echo, status: .notServing),
          .init(service: "homing.health.v1.Health", status: .serving),
          .init(service: "homing.reflection.v1.Reflection", status: .serving),
        ])
    }
  }

  @Test("Watch tells the status now and each change, not what stays the same")
  func watch() async throws {
    try await run { server, registry in
      let health = HealthV1.HealthClient(try server.client())
      let watch = try await health.watch(.init(service: Self.echo))
      #expect(try await watch.next()?.status == .serving)
      registry.set(Self.echo, .serving)
      registry.set("another", .notServing)
      registry.set(Self.echo, .notServing)
      #expect(try await watch.next()?.status == .notServing)
      registry.set(Self.echo, .serving)
      #expect(try await watch.next()?.status == .serving)
      watch.cancel()
    }
  }

  @Test("Watch of a service that is not known stays open and tells when it comes")
  func watchUnknown() async throws {
    try await run { server, registry in
      let health = HealthV1.HealthClient(try server.client())
      let watch = try await health.watch(.init(service: "late"))
      #expect(try await watch.next()?.status == .serviceUnknown)
      registry.set("late", .serving)
      #expect(try await watch.next()?.status == .serving)
      watch.cancel()
    }
  }

  @Test("After drain everything is NOT_SERVING and stays so, and watchers are told")
  func drain() async throws {
    try await run { server, registry in
      let health = HealthV1.HealthClient(try server.client())
      let watch = try await health.watch(.init())
      #expect(try await watch.next()?.status == .serving)
      registry.drain()
      #expect(try await watch.next()?.status == .notServing)
      registry.set("", .serving)
      registry.set("new", .serving)
      let services = try await health.list(.init()).services
      #expect(services.count == 4)
      #expect(services.map(\.status) == [.notServing, .notServing, .notServing, .notServing])
      watch.cancel()
    }
  }
}
