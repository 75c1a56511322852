internal import ArgumentParser
internal import DynamicMessages
internal import Messages
internal import Synchronization
internal import Testing
internal import Transport
internal import Wire

@testable internal import Homing

@Suite struct BenchTests {
  private func method(_ name: String) async throws -> DynamicMethod {
    try await Reflection(ScriptedChannel(), target: "here:1", timeout: nil).method(
      named: "homing.echo.v1.Echo/" + name)
  }

  /// Each look at the clock is 10 µs later than the one before.
  private func run(_ channel: ScriptedChannel, warmUp: Duration = .zero) async -> LoadResult {
    let ticks = Atomic(0)
    let generator = LoadGenerator(
      channel: channel, method: RPCMethod("a.B/C", .unary, isIdempotent: false, roles: []),
      request: { _ in [1] }, callers: 40, warmUp: warmUp, measured: .milliseconds(30),
      timeout: .seconds(1),
      now: { .microseconds(10 * ticks.add(1, ordering: .relaxed).newValue) })
    return await generator.run()
  }

  @Test func `Every call is counted, and the percentiles rise`() async {
    let channel = ScriptedChannel()
    let result = await run(channel)
    let calls = channel.state.withLock { $0.calls }
    #expect(result.callCount == UInt64(calls.count) && calls.count >= 2000)
    #expect(calls.allSatisfy { $0.options.timeout == .seconds(1) })
    #expect(result.failures.isEmpty && result.rate > 0)
    #expect(result.elapsed >= .milliseconds(30))
    let times = BenchReport.percentiles.map { result.percentile($0.percent) }
    #expect(times == times.sorted())
  }

  @Test func `Calls of the warm-up are made and not counted`() async {
    let channel = ScriptedChannel()
    let result = await run(channel, warmUp: .milliseconds(20))
    #expect(result.callCount < UInt64(channel.state.withLock { $0.calls.count }))
  }

  @Test func `Failures are counted by code and kept out of the times`() async {
    let channel = ScriptedChannel()
    channel.state.withLock { state in
      state.failures =
        Array(repeating: RPCError(.aborted, "x"), count: 7) + [RPCError(.notFound, "y")]
    }
    let result = await run(channel)
    #expect(result.failures == [.aborted: 7, .notFound: 1])
    #expect(result.callCount + 8 == UInt64(channel.state.withLock { $0.calls.count }))
  }

  @Test func `A caller that only fails gives up instead of spinning`() async {
    let channel = ScriptedChannel()
    channel.state.withLock { state in
      state.failures = Array(repeating: RPCError(.unavailable, "x"), count: 100_000)
    }
    let result = await run(channel)
    #expect(result.callCount == 0)
    #expect(result.failures[.unavailable] ?? 0 <= 40 * LoadGenerator.failuresInRowMax)
    #expect(result.failure == RPCError(.unavailable, "x"))
  }

  @Test func `The request is the workload, a size, a file or JSON`() async throws {
    let publish = try await method("Publish")
    let bytes = try await BenchRequest.bytes(publish, data: nil, payload: nil)
    #expect(try EchoV1.CartEvent(encoded: bytes).items.count == 2)
    #expect((170...210).contains(bytes.count))
    let unary = try await method("Unary")
    #expect(try await BenchRequest.bytes(unary, data: nil, payload: nil).isEmpty)
    let sized = try await BenchRequest.bytes(unary, data: nil, payload: "100")
    #expect(try EchoV1.UnaryRequest(encoded: sized).payload == [UInt8](repeating: 0, count: 100))
    let json = try await BenchRequest.bytes(unary, data: #"{"payload":"AQ=="}"#, payload: nil)
    #expect(json == [0x0A, 1, 1])
    await #expect(throws: CommandError.self) {
      try await BenchRequest.bytes(publish, data: nil, payload: "100")
    }
    await #expect(throws: CommandError.self) {
      try await BenchRequest.bytes(unary, data: nil, payload: "/nowhere/x")
    }
    await #expect(throws: CommandError.self) {
      try await BenchRequest.bytes(unary, data: nil, payload: "99999999999999999999")
    }
  }

  @Test func `The report holds every figure as JSON`() async {
    var result = LoadResult()
    for count in 1...100 { result.record(.microseconds(count * 10), nil) }
    result.record(.zero, RPCError(.aborted, "x"))
    result.elapsed = .seconds(2)
    let report = BenchReport(
      method: "a.B/C", connections: 2, outstanding: 3, requestBytes: 4, result: result)
    #expect(
      JSONWriter.text(report.json).hasPrefix(
        #"{"method":"a.B/C","connections":2,"outstanding":3,"requestBytes":4,"seconds":2.0,"#
          + #""calls":100,"rate":50.0,"#
          + #""failures":{"ABORTED":1},"latencyMicroseconds":{"p50":500"#))
  }

  @Test(arguments: [
    ["--connections", "0"], ["--connections", "1001"], ["--outstanding", "0"], ["--seconds", "0"],
    ["--seconds", "nan"], ["--warm-up=-1"], ["--data", "{}", "--payload", "5"],
  ])
  func `A figure out of range is refused`(_ arguments: [String]) {
    #expect(throws: (any Error).self) { try BenchCommand.parse(["here:1"] + arguments) }
  }
}
