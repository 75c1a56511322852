internal import DynamicMessages
internal import Foundation
internal import Testing

@testable internal import Homing

/// The built program against `homing echo`, over real TLS, as a person or a script would use it.
@Suite(.serialized) struct CommandLineTests {
  @Test func `Certificates, a server and a call: the first five minutes`() async throws {
    let server = try await EchoServer.start()
    let call = try await server.homing(
      "call", server.target, "homing.echo.v1.Echo/Unary", "--data", #"{"payload":"aGk="}"#, "-v",
      "--metadata", "echo-initial=x", "--metadata", "echo-trailing-bin=AAE=")
    #expect(call.code == 0)
    #expect(call.output == "{\"payload\":\"aGk=\"}\n")
    #expect(
      call.errors == "metadata echo-initial: x\ntrailers echo-trailing-bin: AAE=\nstatus OK\n")
  }

  @Test func `Lists and declarations are printed for people and as JSON`() async throws {
    let server = try await EchoServer.start()
    let services = try await server.homing("list", server.target)
    #expect(services.code == 0)
    #expect(services.output.hasPrefix("SERVICE                          METHODS  ABOUT\n"))
    #expect(services.output.contains("homing.echo.v1.Echo"))
    let methods = try await server.homing("list", server.target, "homing.echo.v1.Echo", "--json")
    let lines = methods.output.split(separator: "\n")
    let first = try JSONReader.value(Array(try #require(lines.first).utf8))
    #expect(first["method"] == "homing.echo.v1.Echo/Empty" && first["kind"] == "unary")
    let describe = try await server.homing("describe", server.target, "homing.echo.v1.Ack")
    #expect(describe.output.contains("message Ack {\n  fixed64 seq = 1;"))
  }

  @Test func `All four kinds of call work, also with standard input`() async throws {
    let server = try await EchoServer.start()
    let echo = "homing.echo.v1.Echo/"
    let sum = try await server.homing(
      "call", server.target, echo + "ClientStream", "-d", "-",
      input: "{\"payload\":\"AAAA\"}\n{\"payload\":\"AA==\"}\n")
    #expect(sum.output == "{\"payloadBytes\":\"4\",\"messages\":\"2\"}\n")
    let parts = try await server.homing(
      "call", server.target, echo + "ServerStream", "-d",
      #"{"parts":[{"payloadBytes":1},{"payloadBytes":2}]}"#)
    #expect(parts.output == "{\"payload\":\"AA==\"}\n{\"payload\":\"AAA=\"}\n")
    let both = try await server.homing(
      "call", server.target, echo + "BidirectionalStream", "-d", "-",
      input: #"{"parts":[{"payloadBytes":1}]}{"parts":[{"payloadBytes":3}]}"#)
    #expect(both.output == "{\"payload\":\"AA==\"}\n{\"payload\":\"AAAA\"}\n")
  }

  @Test func `Every value of the contract goes through a server unchanged`() async throws {
    let server = try await EchoServer.start()
    let mirrored = try await server.homing(
      "call", server.target, "homing.echo.v1.Echo/Mirror", "-d", DynamicMessageTests.rich)
    let direct = try ContractFixture.roundTrip(DynamicMessageTests.rich)
    #expect(mirrored.output == direct + "\n")
  }

  @Test func `A status ends with 64 and its number and says what it knows`() async throws {
    let server = try await EchoServer.start()
    let data = #"{"responseStatus":{"code":"NOT_FOUND","message":"no such cart"}}"#
    let text = try await server.homing(
      "call", server.target, "homing.echo.v1.Echo/Unary", "-d", data)
    #expect(text.code == 69 && text.output.isEmpty)
    #expect(text.errors == "homing: NOT_FOUND: no such cart\n")
    let json = try await server.homing(
      "call", server.target, "homing.echo.v1.Echo/Unary", "-d", data, "--json")
    #expect(json.code == 69)
    let error = try JSONReader.value(Array(json.errors.utf8))
    #expect(error["error"]?["status"]?["number"] == 5)
    let invalid = try await server.homing("call", server.target, "homing.echo.v1.Echo/Publish")
    #expect(invalid.code == 67 && invalid.errors.contains("store_id: is required"))
    let late = try await server.homing(
      "call", server.target, "homing.echo.v1.Echo/Unary", "-d", #"{"delay":"60s"}"#, "--deadline",
      "200ms")
    #expect(late.code == 68)
  }

  @Test func `Wrong use ends with 1 and names what is wrong`() async throws {
    let server = try await EchoServer.start()
    for (arguments, complaint) in [
      (
        ["call", server.target, "homing.echo.v1.Echo/Unary", "-d", #"{"payloa":""}"#],
        "did you mean \"payload\"?"
      ),
      (["call", server.target, "homing.echo.v1.Echo/Unry"], "did you mean \"Unary\"?"),
      (["call", server.target, "homing.echo.v1.Echo/Unary", "-d", "{"], "line 1, column 2"),
      (["call", server.target], "Missing expected argument"),
      (["list", "nowhere"], "the target must be HOST:PORT"),
      (["list", server.target, "--ca", "/nowhere"], "cannot read /nowhere (--ca)"),
      (["frobnicate"], "Unexpected argument 'frobnicate'"),
      (["bench", server.target, "--connections", "0"], "--connections must be from 1"),
    ] {
      let result = try await server.homing(arguments)
      #expect(result.code == 1, "\(arguments)")
      #expect(result.errors.contains(complaint), "\(result.errors)")
    }
    let help = try await server.homing("help", "exit-codes")
    #expect(help.code == 0 && help.output.contains("64 + N"))
  }

  @Test func `Why there is no connection is said in words`() async throws {
    let server = try await EchoServer.start()
    let refused = try await server.homing("list", "127.0.0.1:1")
    #expect(refused.code == 2)
    #expect(refused.errors.contains("no connection to 127.0.0.1:1: "))
    #expect(refused.errors.contains("Connection refused"))
    let unknown = try await server.homing("list", "host.invalid:7443")
    #expect(unknown.code == 2 && unknown.errors.contains("host.invalid"))
    let peer = try await server.homing("list", server.target, "--peer", "spiffe://homing.test/b")
    #expect(peer.code == 2 && peer.errors.contains("expected was spiffe://homing.test/b"))
    // A server of a CA that we do not know.
    let other = try await EchoServer.start()
    let stranger = try await server.homing("list", other.target)
    #expect(stranger.code == 2 && stranger.errors.contains("certificate verify failed"))
    // And a server that does not know ours.
    let ours = try await server.homing("list", other.target, "--ca", other.folder + "/ca.pem")
    #expect(ours.code == 2, "\(ours.errors)")
  }

  @Test func `A probe tells healthy, failed and unreachable apart`() async throws {
    let server = try await EchoServer.start()
    let all = try await server.homing("health", server.target)
    #expect(all.code == 0 && all.output.contains("(the server)"))
    let one = try await server.homing("health", server.target, "homing.echo.v1.Echo", "--json")
    #expect(one.code == 0)
    #expect(one.output == "{\"service\":\"homing.echo.v1.Echo\",\"status\":\"SERVING\"}\n")
    #expect(try await server.homing("health", server.target, "a.B").code == 3)
    #expect(try await server.homing("health", "127.0.0.1:1").code == 2)
    #expect(try await server.homing("health", server.target, "--deadline", "soon").code == 1)
    let watch = try await server.homing("health", server.target, "--watch", "--deadline", "300ms")
    #expect(watch.code == 3 && watch.output == "SERVING\n")
  }

  @Test func `A measurement reports its figures`() async throws {
    let server = try await EchoServer.start()
    let result = try await server.homing(
      "bench", server.target, "--connections", "2", "--outstanding", "4", "--seconds", "0.3",
      "--warm-up", "0.1", "--json")
    #expect(result.code == 0, "\(result.errors)")
    let report = try JSONReader.value(Array(result.output.utf8))
    #expect(report["method"] == "homing.echo.v1.Echo/Publish" && report["failures"] == [:])
    guard case .number(let calls)? = report["calls"] else {
      Issue.record("no number of calls in \(result.output)")
      return
    }
    #expect(Int(calls) ?? 0 > 0)
    let failing = try await server.homing(
      "bench", server.target, "--method", "homing.echo.v1.Echo/Unimplemented", "--connections", "1",
      "--outstanding", "1", "--seconds", "0.1", "--warm-up", "0")
    #expect(failing.code == 64 + 12)
  }
}
