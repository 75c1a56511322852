internal import DynamicMessages
internal import Foundation
internal import Glibc
internal import Synchronization
internal import Testing
internal import Transport
internal import Wire

@testable internal import Homing

@Suite struct CallRunnerTests {
  private let channel = ScriptedChannel()

  /// Lines as `homing call -v` would print them.
  private final class Log: Sendable {
    private let lines = Mutex<[String]>([])

    func add(_ event: CallRunner.Event) {
      let line =
        switch event {
        case .metadata(let metadata): "metadata \(StatusText.lines(metadata))"
        case .answer(let json): JSONWriter.text(json)
        case .done(let trailers): "done \(StatusText.lines(trailers))"
        }
      lines.withLock { $0.append(line) }
    }

    var all: [String] { lines.withLock { $0 } }
  }

  private func call(
    _ method: String, _ source: RequestReader.Source, log: Log
  ) async throws {
    let reflection = Reflection(channel, target: "here:1", timeout: nil)
    let method = try await reflection.method(named: "homing.echo.v1.Echo/" + method)
    let reader = RequestReader(source, method.request, method.schema)
    let runner = CallRunner(
      channel: channel, method: method, options: CallOptions(timeout: .seconds(3)),
      jsonOptions: JSONOptions())
    try await runner.run(reader) { log.add($0) }
  }

  private func lines(_ method: String, _ data: String) async throws -> [String] {
    let log = Log()
    try await call(method, RequestReader.Source(data), log: log)
    return log.all
  }

  @Test func `A unary call prints metadata, its answer and trailers`() async throws {
    let lines = try await lines("Mirror", #"{"int32Value":5}"#)
    #expect(
      lines == ["metadata [\"said: first\"]", #"{"int32Value":5}"#, "done [\"said: last\"]"])
    let call = try #require(channel.state.withLock { $0.calls.last })
    #expect(call.name == "homing.echo.v1.Echo/Mirror" && call.options.timeout == .seconds(3))
  }

  @Test func `Each value of a stream is one message`() async throws {
    #expect(
      try await lines("ClientStream", #"{"payload":"AA=="} {} {}"#)[1] == #"{"messages":"3"}"#)
    #expect(try await lines("ClientStream", "")[1] == "{}")
    let answers = try await lines("BidirectionalStream", #"{"payload":"AQ=="}{}"#)
    // The script mirrors the bytes, in which parts and payload have other numbers than in the
    // answer.
    #expect(answers.count == 4 && answers.first?.hasPrefix("metadata") == true)
  }

  @Test(arguments: ["", "{} {}"])
  func `A method with one request refuses none and two`(_ data: String) async {
    for method in ["Mirror", "ServerStream"] {
      await #expect(throws: CommandError.self) { try await lines(method, data) }
    }
  }

  @Test func `A status is the call's error`() async {
    await #expect(throws: RPCError(.notFound, "gone")) {
      try await lines("BidirectionalStream", #"{"parts":[{"payloadBytes":0}]} {"parts":[{}]}"#)
    }
  }

  @Test func `A wrong value in the middle of a stream names itself and ends the call`() async {
    let error = await #expect(throws: CommandError.self) {
      try await lines("ClientStream", "{}\n{}\n{\"payloat\":1}")
    }
    #expect(
      error?.message
        == "--data, value 3: payloat: homing.echo.v1.ClientStreamRequest has no such field; "
        + "did you mean \"payload\"?"
    )
    let syntax = await #expect(throws: CommandError.self) {
      try await lines("ClientStream", "{}\n{?}")
    }
    #expect(syntax?.message.hasPrefix("--data, line 2, column 2: ") == true)
  }

  @Test func `A server's early end ends a call whose input is still open`() async throws {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let path = "/proc/self/fd/\(ends[0])"
    let first = Array(#"{"parts":[{}]}"#.utf8)
    // The script ends the call with NOT_FOUND after this message; the pipe stays open.
    #expect(write(ends[1], first, first.count) == first.count)
    await #expect(throws: RPCError(.notFound, "gone")) {
      try await call("BidirectionalStream", .file(path), log: Log())
    }
    close(ends[0])
    close(ends[1])
  }

  @Test func `Requests are read from a file`() async throws {
    let folder = try TemporaryFolder.make()
    let path = folder + "/requests.json"
    try Data(#"{"payload":"AA=="}"#.utf8).write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: folder) }
    #expect(try await lines("ClientStream", "@" + path)[1] == #"{"messages":"1"}"#)
    let error = await #expect(throws: CommandError.self) {
      try await lines("ClientStream", "@/nowhere/x.json")
    }
    #expect(error?.message == "cannot read /nowhere/x.json: No such file or directory")
  }
}
