internal import Glibc
internal import Messages
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

@Suite(.serialized, .bounded) struct ListenerTests {
  /// Sockets that connect and say nothing.
  private final class SilentClients: Sendable {
    private let descriptors: [Int32]

    init(_ count: Int) {
      descriptors = (0..<count).map { _ in socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0) }
    }

    func connect(port: Int) {
      for descriptor in descriptors {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
          pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
          }
        }
        #expect(result == 0)
      }
    }

    func close() {
      for descriptor in descriptors { Glibc.close(descriptor) }
    }
  }

  // ThreadSanitizer ends a process in which it finds no descriptor for its own use.
  @Test(
    "A listener out of descriptors tries again after pauses, and goes on when there are some",
    .disabled(if: getenv("TSAN_OPTIONS") != nil))
  func outOfDescriptors() async {
    // In a process of its own, whose descriptors it may use up.
    await #expect(processExitsWith: .success) {
      let server = try await TestServer.start()
      let clients = SilentClients(1)
      var limit = rlimit(rlim_cur: 64, rlim_max: 64)
      try #require(setrlimit(Int32(RLIMIT_NOFILE.rawValue), &limit) == 0)
      var taken: [Int32] = []
      while case let descriptor = dup(0), descriptor >= 0 { taken.append(descriptor) }
      clients.connect(port: server.port)
      let isFailure: @Sendable (ServerEvent) -> Bool = {
        if case .acceptFailed = $0 { return true }
        return false
      }
      await server.events.wait(1, for: isFailure)
      let began = ContinuousClock.now
      await server.events.wait(4, for: isFailure)
      // Three pauses of 100 ms; the first may have begun a little before it was seen to.
      #expect(ContinuousClock.now - began > .milliseconds(200))
      for descriptor in taken { close(descriptor) }
      let peer = try await server.rawPeer()
      try await peer.send(.init(ping: .init(id: 1)))
      #expect(try await peer.receive()?.ping?.answer == true)
      clients.close()
      await server.events.wait {
        if case .closed(peer: nil, _) = $0 { return true }
        return false
      }
    }
  }

  @Test("More unfinished handshakes than allowed wait in the system's queue until others end")
  func handshakesMax() async throws {
    try await TestServer.run {
      $0.handshakesMax = 2
    } _: { server in
      let clients = SilentClients(2)
      clients.connect(port: server.port)
      let echo = try server.echo()
      async let answer = echo.empty(.init())
      clients.close()
      let empty = try await answer
      #expect(empty == .init())
    }
  }

  @Test("A handshake that is not done in its time is left")
  func handshakeTimeout() async throws {
    var limits = Limits()
    limits.handshakeTimeout = .milliseconds(50)
    let short = limits
    try await TestServer.run {
      $0.limits = short
    } _: { server in
      let clients = SilentClients(3)
      clients.connect(port: server.port)
      await server.events.wait(3) {
        if case .closed(peer: nil, let reason) = $0 {
          return reason.message == "handshake: not done in time"
        }
        return false
      }
      #expect(server.opened.isEmpty)
      clients.close()
    }
  }
}
