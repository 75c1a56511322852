internal import ArgumentParser
internal import DynamicMessages
internal import Transport
internal import Wire

/// `homing call`: any method, with JSON.
struct CallCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "call", abstract: "Call a method with JSON.",
    discussion: """
      The messages follow protobuf's JSON mapping; `homing describe TARGET SERVICE/METHOD` prints \
      a template. For a method with a stream of requests --data may hold several values one after \
      the other, and each is sent as soon as it has come. Every answer is one JSON object: one a \
      line, or indented at a terminal.

      Ends with 0, 1 (usage), 2 (no connection) or 64 + the status' number; see `homing exit-codes`.
      """)

  @Argument(help: "HOST:PORT.") var target: String

  @Argument(help: ArgumentHelp("package.Service/Method.", valueName: "service/method"))
  var method: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The request: JSON, @FILE, or - for standard input (default: {}, or no message of a stream).",
      valueName: "json"))
  var data: String?

  @Option(help: ArgumentHelp("Time for the call, such as 5s or 250ms.", valueName: "span"))
  var deadline: TimeSpan?

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Metadata; may be repeated. Values of keys that end in -bin are base64.",
      valueName: "key=value"))
  var metadata: [String] = []

  @Flag(help: "Print fields at their default too.")
  var emitDefaults = false

  @Flag(name: .shortAndLong, help: "Print metadata, trailers and the status to standard error.")
  var verbose = false

  @OptionGroup var connection: ConnectionOptions
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    let metadata = try MetadataOption.metadata(metadata)
    let client = try connection.client(target, timeout: deadline?.duration)
    let reflection = Reflection(client, target: target, timeout: deadline?.duration)
    let method = try await reflection.method(named: method)
    let data = data ?? (method.kind.hasOneRequest ? "{}" : "")
    let requests = RequestReader(RequestReader.Source(data), method.request, method.schema)
    let runner = CallRunner(
      channel: client, method: method,
      options: CallOptions(timeout: deadline?.duration, metadata: metadata),
      jsonOptions: JSONOptions(emitsDefaults: emitDefaults))
    let printer = CallPrinter(output: output, isVerbose: verbose)
    do {
      try await runner.run(requests) { printer.print($0) }
    } catch let error as RPCError {
      printer.printTrailers(error.trailers)
      throw CommandError.call(error, target)
    }
    client.close()
  }
}

/// Prints a call as it goes: answers to standard output, what stands around them to standard error.
struct CallPrinter: Sendable {
  let output: OutputOptions
  let isVerbose: Bool

  func print(_ event: CallRunner.Event) {
    switch event {
    case .answer(let json):
      output.printObject(json)
    case .metadata(let metadata):
      printAside("metadata", metadata)
    case .done(let trailers):
      printTrailers(trailers)
      guard isVerbose else { return }
      Terminal.printError(
        output.isJSON ? "{\"status\":{\"code\":\"OK\",\"number\":0}}" : "status OK")
    }
  }

  func printTrailers(_ trailers: Metadata) {
    printAside("trailers", trailers)
  }

  private func printAside(_ name: String, _ metadata: Metadata) {
    guard isVerbose, !metadata.isEmpty else { return }
    if output.isJSON {
      Terminal.printError(
        JSONWriter.text(.object([JSONMember(name, StatusText.json(metadata))])))
    } else {
      for line in StatusText.lines(metadata) { Terminal.printError("\(name) \(line)") }
    }
  }
}
