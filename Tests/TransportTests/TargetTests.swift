internal import Testing
internal import Transport
internal import Wire

@Suite struct TargetTests {
  @Test("A target is a host with a port, also for bare IPv6 addresses in brackets")
  func parses() throws {
    #expect(try Target("localhost:7443") == Target(host: "localhost", port: 7443))
    #expect(try Target("[::1]:1") == Target(host: "::1", port: 1))
    #expect(try Target("[::1]:1").description == "[::1]:1")
  }

  @Test(
    "A text that is no target is refused",
    arguments: ["", "host", ":1", "host:", "host:65536", "host:-1"])
  func refuses(text: String) {
    #expect(throws: RPCError.self) { try Target(text) }
  }
}
