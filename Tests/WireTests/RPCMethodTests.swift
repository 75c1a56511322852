internal import Testing

@testable internal import Wire

@Suite struct RPCMethodTests {
  @Test("A method knows its service, and is the same by its name")
  func names() {
    let method = RPCMethod("homing.echo.v1.Echo/Unary", .unary, isIdempotent: true, roles: [])
    #expect(method.service == "homing.echo.v1.Echo")
    let other = RPCMethod(
      "homing.echo.v1.Echo/Unary", .bidirectional, isIdempotent: false, roles: ["shop"])
    #expect(method == other)
    #expect(method.hashValue == other.hashValue)
    #expect(method != RPCMethod("homing.echo.v1.Echo/Empty", .unary, isIdempotent: true, roles: []))
  }

  @Test("The kind says which side sends one message only")
  func kinds() {
    let kinds: [RPCMethod.Kind] = [.unary, .clientStreaming, .serverStreaming, .bidirectional]
    #expect(kinds.map(\.hasOneRequest) == [true, false, true, false])
    #expect(kinds.map(\.hasOneResponse) == [true, true, false, false])
  }
}
