internal import Messages
internal import ServiceKit
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

@Suite(.serialized, .bounded) struct ReflectionTests {
  private func run(
    _ body: @Sendable (ReflectionV1.ReflectionClient) async throws -> Void
  ) async throws {
    try await TestServer.run {
      $0.register = { _ = try $0.addStandardServices() }
    } _: { server in
      try await body(ReflectionV1.ReflectionClient(try server.client()))
    }
  }

  @Test("The services served are listed in order, reflection itself among them")
  func lists() async throws {
    try await run { reflection in
      let services = try await reflection.listServices(.init()).services
      #expect(
        services == [
          "homing.echo.v1.Echo", "homing.health.v1.Health", "homing.reflection.v1.Reflection",
        ])
    }
  }

  @Test(
    "A service, method or message is described by its file with all that it imports, imports first",
    arguments: [
      "homing.echo.v1.Echo", "homing.echo.v1.Echo.Unary", "homing.echo.v1.Everything.Inner.Deeper",
      "homing.echo.v1.EventKind",
    ])
  func describes(symbol: String) async throws {
    try await run { reflection in
      let files = try await reflection.describe(.init(symbol: symbol)).files
      let expected = FileDescriptors.file(named: "homing/echo/v1/echo.proto")
      #expect(files.last == expected)
      let duration = FileDescriptors.file(named: "google/protobuf/duration.proto")
      let frame = FileDescriptors.file(named: "homing/rpc/v1/frame.proto")
      let durationIndex = try #require(files.firstIndex { $0 == duration })
      let frameIndex = try #require(files.firstIndex { $0 == frame })
      #expect(durationIndex < frameIndex)
    }
  }

  @Test(
    "A symbol that no served file declares ends NOT_FOUND",
    arguments: ["homing.echo.v1.Absent", "homing.scheduler.v1.Scheduler", "\u{0}"])
  func unknown(symbol: String) async throws {
    try await run { reflection in
      let error = try await rpcError { try await reflection.describe(.init(symbol: symbol)) }
      #expect(error == RPCError(.notFound, "no served file declares the symbol"))
    }
  }
}
