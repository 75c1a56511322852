internal import ArgumentParser
internal import DynamicMessages
internal import Wire

/// A command that says on standard error, in one sentence or one JSON object, why it failed.
protocol HomingSubcommand: AsyncParsableCommand {
  var output: OutputOptions { get }

  /// Does the work.
  ///
  /// - Throws: `CommandError`, or anything else as a fault of ours.
  func perform() async throws

  /// The number the process ends with after this error.
  func exitCode(of error: CommandError) -> Int32
}

extension HomingSubcommand {
  func run() async throws {
    do {
      try await perform()
    } catch let exit as ExitCode {
      throw exit
    } catch {
      let error = CommandError.wrapping(error)
      output.report(error)
      throw ExitCode(exitCode(of: error))
    }
  }

  func exitCode(of error: CommandError) -> Int32 { ExitStatus.code(of: error) }
}

extension CommandError {
  fileprivate static func wrapping(_ error: any Error) -> CommandError {
    switch error {
    case let error as CommandError: error
    case let error as DynamicError: .usage(Printable.text("\(error)"))
    case let error as OpenSSLError: .file(error.description)
    default: .usage(Printable.text("\(error)"))
    }
  }
}

/// How a command prints.
struct OutputOptions: ParsableArguments {
  @Flag(name: .customLong("json"), help: "Print JSON, one object a line, errors too.")
  var isJSON = false

  /// An object of its own on standard output.
  func printObject(_ value: JSONValue) {
    Terminal.print(JSONWriter.text(value, style))
  }

  /// Indented for a person at a terminal, else one line.
  var style: JSONWriter.Style {
    Terminal.isOutputTerminal && !isJSON ? .indented : .compact
  }

  func report(_ error: CommandError) {
    if isJSON {
      Terminal.printError(JSONWriter.text(StatusText.json(error)))
      return
    }
    Terminal.printError("homing: " + error.message)
    guard let status = error.status else { return }
    for line in StatusText.details(status) { Terminal.printError("  " + line) }
  }
}
