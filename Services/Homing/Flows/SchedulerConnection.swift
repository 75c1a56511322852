internal import ArgumentParser
internal import Messages
internal import Stubs
internal import Transport
internal import Wire

/// Which scheduler, and which of its stores.
struct SchedulerStore: ParsableArguments {
  @Argument(help: "HOST:PORT of scheduler.") var target: String

  @Option(help: "The store's id.") var store: String

  @OptionGroup var scheduler: SchedulerOptions

  /// As `SchedulerOptions.call` for this target.
  func call<Result>(_ body: (SchedulerCaller) async throws -> Result) async throws -> Result {
    try await scheduler.call(target, body)
  }
}

/// How a scheduler is called.
struct SchedulerOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Time for each call.", valueName: "span"))
  var deadline = TimeSpan(.seconds(60))

  @OptionGroup var connection: ConnectionOptions

  /// Calls what `body` asks for and closes the connection.
  ///
  /// - Throws: `CommandError` for the status of a call.
  func call<Result>(
    _ target: String, _ body: (SchedulerCaller) async throws -> Result
  ) async throws -> Result {
    let client = try connection.client(target, timeout: deadline.duration)
    defer { client.close() }
    do {
      return try await body(SchedulerCaller(client, timeout: deadline.duration))
    } catch let error as RPCError {
      throw CommandError.call(error, target)
    }
  }
}

/// The client with what all its calls have in common.
struct SchedulerCaller: Sendable {
  let client: SchedulerV1.SchedulerClient
  let incentives: SchedulerV1.IncentivesClient
  let options: CallOptions

  init(_ channel: any Channel, timeout: Duration?) {
    client = SchedulerV1.SchedulerClient(channel)
    incentives = SchedulerV1.IncentivesClient(channel)
    options = CallOptions(timeout: timeout)
  }
}
