internal import ArgumentParser
internal import DynamicMessages
internal import Testing
internal import Transport
internal import Wire

@testable internal import Homing

@Suite struct ConnectionOptionsTests {
  @Test func `A missing certificate is named with its option and variable`() throws {
    let options = try ConnectionOptions.parse([])
    let error = #expect(throws: CommandError.self) { try options.tls() }
    #expect(error?.message == "no certificate: --cert is not given and HOMING_CERT is not set")
    #expect(error.map(ExitStatus.code) == 1)
  }

  @Test func `A file that cannot be read is named`() throws {
    let options = try ConnectionOptions.parse(["--cert", "/nowhere/a.pem"])
    let error = #expect(throws: CommandError.self) { try options.tls() }
    #expect(error?.message == "cannot read /nowhere/a.pem (--cert): No such file or directory")
  }

  @Test func `The expected peer is a URI name, by default anyone of our trust domain`() throws {
    let files = ["--cert", "/dev/null", "--key", "/dev/null", "--ca", "/dev/null"]
    #expect(try ConnectionOptions.parse(files).tls().peer == .trustDomain)
    let named = try ConnectionOptions.parse(files + ["--peer", "spiffe://homing.test/a"])
    #expect(try named.tls().peer == .identity("spiffe://homing.test/a"))
    let wrong = try ConnectionOptions.parse(files + ["--peer", "scheduler"])
    #expect(throws: CommandError.self) { try wrong.tls() }
  }

  @Test(arguments: ["", "localhost", "localhost:", ":7443", "localhost:x", "localhost:99999"])
  func `A target that is no HOST:PORT is refused`(_ text: String) {
    #expect(throws: CommandError.self) { try ConnectionOptions.target(text) }
  }

  @Test func `Host and port are told apart`() throws {
    #expect(try ConnectionOptions.target("localhost:7443").port == 7443)
    #expect(try ConnectionOptions.target("[::1]:7443").host == "::1")
  }
}

@Suite struct MetadataOptionTests {
  @Test func `Keys and values are taken in order, -bin values from base64`() throws {
    let metadata = try MetadataOption.metadata(["a=1", "a=x=y", "b-bin=AAE="])
    #expect(metadata.map(\.key) == ["a", "a", "b-bin"])
    #expect(metadata.map(\.value) == [Array("1".utf8), Array("x=y".utf8), [0, 1]])
  }

  @Test(arguments: ["a", "=1", "A=1", "a b=1", "a=é", "a=\u{7f}", "b-bin=?", "homing-x=1"])
  func `A wrong key or value is refused`(_ option: String) {
    #expect(throws: CommandError.self) { try MetadataOption.metadata([option]) }
  }

  @Test func `More than the limit is refused with size and limit`() {
    let value = String(repeating: "x", count: 16 << 10)
    let error = #expect(throws: CommandError.self) { try MetadataOption.metadata(["a=" + value]) }
    #expect(error?.message.contains("16385") == true)
    #expect(error?.message.contains("16384") == true)
  }
}

@Suite struct CommandErrorTests {
  @Test func `A status ends with 64 and its number, no connection with 2`() {
    let status = RPCError(.notFound, "gone")
    #expect(ExitStatus.code(of: .call(status, "a:1")) == 69)
    #expect(CommandError.call(status, "a:1").message == "NOT_FOUND: gone")
    let connection = CommandError.call(RPCError(.unavailable, "a:1: connect: refused"), "a:1")
    #expect(ExitStatus.code(of: connection) == 2)
    #expect(connection.message == "no connection to a:1: connect: refused")
    let refused = CommandError.call(
      RPCError(.unavailable, "TLS read: tlsv1 alert unknown ca"), "a:1")
    #expect(refused.message.hasSuffix("unknown ca; the server refuses our certificate"))
    #expect(ExitStatus.code(of: .usage("x")) == 1)
    #expect(ExitStatus.code(of: .file("x")) == 1)
  }

  @Test func `A probe ends with 2, 3 and 4 instead`() throws {
    let health = try HealthCommand.parse(["a:1"])
    #expect(health.exitCode(of: .call(RPCError(.unavailable, ""), "a:1")) == 2)
    #expect(health.exitCode(of: .call(RPCError(.deadlineExceeded, ""), "a:1")) == 3)
    #expect(health.exitCode(of: .usage("")) == 1)
  }

  @Test func `An error's details are all in its JSON`() {
    var trailers = Metadata()
    trailers.append("k-bin", bytes: [0, 1])
    let status = RPCError(
      .invalidArgument, "no", retryAfter: .milliseconds(1500),
      fieldViolations: [.init(field: "a[0]", detail: "is required")], trailers: trailers)
    #expect(
      JSONWriter.text(StatusText.json(.call(status, "a:1")))
        == #"{"error":{"kind":"status","message":"INVALID_ARGUMENT: no","status":{"#
        + #""code":"INVALID_ARGUMENT","number":3,"message":"no","retryAfter":"1.500s","#
        + #""fieldViolations":[{"field":"a[0]","description":"is required"}],"#
        + #""trailers":[{"key":"k-bin","value":"AAE="}]}}}"#)
    #expect(StatusText.details(status) == ["retry after 1.50 s", "a[0]: is required"])
  }

  @Test func `A peer's words cannot move the cursor`() {
    let error = CommandError.call(RPCError(.internalError, "\u{1b}[2J"), "a:1")
    #expect(error.message == "INTERNAL: \\u{1b}[2J")
  }
}
