internal import ArgumentParser
internal import Descriptors
internal import DynamicMessages
internal import ServiceKit
internal import Transport
internal import Wire

/// `homing bench`: how fast a server answers.
struct BenchCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measure how fast a unary method is answered.",
    discussion: """
      Keeps CONNECTIONS times OUTSTANDING calls in flight and prints the rate, the failures by \
      code and percentiles of the time from sending a call to its answer, client's work included. \
      Nothing is tried again, so that every failure counts.

      Ends with 0, 1 (usage), 2 (no connection) or, where no call ended well, 64 + the status' \
      number.
      """)

  @Argument(help: "HOST:PORT.") var target: String

  @Option(help: ArgumentHelp("A unary method.", valueName: "service/method"))
  var method = "homing.echo.v1.Echo/Publish"

  @Option(help: "Connections, 1 to 1000.") var connections = 8
  @Option(help: "Calls in flight on each, 1 to 1000.") var outstanding = 32
  @Option(help: "Seconds to measure, up to 3600.") var seconds = 5.0
  @Option(help: "Seconds before that, not counted.") var warmUp = 1.0

  @Option(
    help: ArgumentHelp(
      "Bytes to put into the request's first bytes field, or a file with the encoded request.",
      valueName: "file|bytes"))
  var payload: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The request as JSON, @FILE or -. Without it and --payload: a cart event for Echo/Publish, "
        + "else an empty message.", valueName: "json"))
  var data: String?

  @Option(help: "Made-up events or subjects a call, for cart-tracker's Record, CheckStop, Facts.")
  var batch: Int?
  @Option(help: "With --batch: the store, which must exist.") var store = "bench"
  @Option(help: "With --batch: distinct contacts.") var contacts: UInt64 = 100_000
  @Flag(help: "With --batch: events happen when they are sent, not a microsecond apart.")
  var live = false
  @Flag(help: "With --batch: contacts one after the other, not by chance.") var inOrder = false

  @Option(help: ArgumentHelp("Time for each call.", valueName: "span"))
  var deadline = TimeSpan(.seconds(10))

  @OptionGroup var connection: ConnectionOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    try Self.check(Double(connections), "--connections", 1...1000)
    try Self.check(Double(outstanding), "--outstanding", 1...1000)
    try Self.check(seconds, "--seconds", 0.01...3600)
    try Self.check(warmUp, "--warm-up", 0...3600)
    if let batch, !(1...1024).contains(batch) {
      throw ValidationError("--batch must be from 1 to 1024, is \(batch).")
    }
    if batch != nil && (data != nil || payload != nil || contacts == 0) {
      throw ValidationError("--batch excludes --data and --payload, and wants --contacts above 0.")
    }
    if data != nil && payload != nil {
      throw ValidationError("--data and --payload exclude each other.")
    }
  }

  func perform() async throws {
    let client = try connection.client(target, configuration: configuration)
    let reflection = Reflection(client, target: target, timeout: nil)
    let method = try await reflection.method(named: method)
    guard method.kind == .unary else {
      throw CommandError.usage("\(method.descriptor.path) is not unary")
    }
    let request = try await requests(method)
    let start = ContinuousClock.now
    let generator = LoadGenerator(
      channel: client, method: method.rpc, request: request, callers: connections * outstanding,
      warmUp: .seconds(warmUp), measured: .seconds(seconds), timeout: deadline.duration,
      now: { ContinuousClock.now - start })
    let result = await generator.run()
    client.close()
    if result.callCount == 0, let failure = result.failure {
      throw CommandError.call(failure, target)
    }
    let report = BenchReport(
      method: method.descriptor.path, connections: connections, outstanding: outstanding,
      requestBytes: try request(0).count, result: result)
    if output.isJSON { output.printObject(report.json) } else { report.print() }
  }

  private func requests(
    _ method: DynamicMethod
  ) async throws -> @Sendable (UInt64) throws -> [UInt8] {
    guard let batch else {
      let bytes = try await BenchRequest.bytes(method, data: data, payload: payload)
      return { _ in bytes }
    }
    guard let make = CartLoad.methods[method.descriptor.path] else {
      throw CommandError.usage("--batch is not for \(method.descriptor.path)")
    }
    let run = UInt64(SystemClock().now.microseconds)
    let now: @Sendable () -> UInt64 = { UInt64(SystemClock().now.microseconds) }
    let load = CartLoad(
      store: store, contacts: contacts, isInOrder: inOrder, count: batch, run: run,
      now: live ? now : nil)
    return { try make(load, $0) }
  }

  private var configuration: ClientConfiguration {
    var configuration = ClientConfiguration()
    configuration.connectionsMin = connections
    configuration.connectionsMax = connections
    configuration.callsPerConnection = outstanding
    configuration.attemptsMax = 1
    return configuration
  }

  private static func check(
    _ value: Double, _ name: String, _ range: ClosedRange<Double>
  ) throws {
    guard range.contains(value) else {
      throw ValidationError(
        "\(name) must be from \(range.lowerBound) to \(range.upperBound), is \(value).")
    }
  }
}

/// What a measurement prints.
struct BenchReport {
  static let percentiles: [(name: String, percent: Double)] = [
    ("p50", 50), ("p90", 90), ("p99", 99), ("p99.9", 99.9), ("max", 100),
  ]

  let method: String
  let connections: Int
  let outstanding: Int
  let requestBytes: Int
  let result: LoadResult

  var json: JSONValue {
    let latency = Self.percentiles.map { name, percent in
      JSONMember(name, number(result.percentile(percent) / .microseconds(1)))
    }
    let failures = result.failures.sorted { $0.key.rawValue < $1.key.rawValue }.map {
      JSONMember($0.key.description, .number("\($0.value)"))
    }
    return [
      "method": .string(method), "connections": .number("\(connections)"),
      "outstanding": .number("\(outstanding)"), "requestBytes": .number("\(requestBytes)"),
      "seconds": number(result.elapsed / .seconds(1)),
      "calls": .number("\(result.callCount)"), "rate": number(result.rate),
      "failures": .object(failures), "latencyMicroseconds": .object(latency),
    ]
  }

  func print() {
    Terminal.print(
      "\(method), \(requestBytes)-byte request, \(connections) connections × \(outstanding) calls")
    Terminal.print("")
    var table = Table([("CALLS", .right), ("SECONDS", .right), ("RATE /s", .right)])
    table.add(["\(result.callCount)", hundredths(result.elapsed), "\(Int(result.rate.rounded()))"])
    table.print()
    Terminal.print("")
    var times = Table(Self.percentiles.map { (heading: $0.name, alignment: .right) })
    times.add(Self.percentiles.map { TimeSpan.text(result.percentile($0.percent)) })
    times.print()
    guard !result.failures.isEmpty else { return }
    Terminal.print("")
    var failures = Table([("FAILED WITH", .left), ("CALLS", .right)])
    for (code, count) in result.failures.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      failures.add([code.description, "\(count)"])
    }
    failures.print()
  }

  private func number(_ value: Double) -> JSONValue {
    .number("\((value * 1000).rounded() / 1000)")
  }

  private func hundredths(_ span: Duration) -> String {
    let hundredths = Int((span / .milliseconds(10)).rounded())
    return "\(hundredths / 100)." + (hundredths % 100 < 10 ? "0" : "") + "\(hundredths % 100)"
  }
}
