internal import ArgumentParser
internal import Messages
internal import Stubs
internal import Transport
internal import Wire

/// All services that know something of a person, and the store that it is about.
struct PersonServices: ParsableArguments {
  @Argument(help: "HOST:PORT of cart-tracker.") var target: String

  @Option(help: "HOST:PORT of scheduler.") var scheduler: String
  @Option(help: "HOST:PORT of notifier.") var notifier: String
  @Option(help: "HOST:PORT of direct-mail; without it there are no letters.")
  var directMail: String?

  @Option(help: "The store's id.") var store: String

  @Option(help: ArgumentHelp("Time for each call.", valueName: "span"))
  var deadline = TimeSpan(.seconds(60))

  @OptionGroup var connection: ConnectionOptions

  /// Calls what `body` asks for and closes the connections.
  ///
  /// - Throws: `CommandError` for the status of a call.
  func call<Result>(_ body: (PersonCallers) async throws -> Result) async throws -> Result {
    var clients: [Client] = []
    let waiting = try EventLoopGroup(count: 1, name: "waiting")
    defer {
      for client in clients { client.close() }
      waiting.stop()
    }
    let loop = waiting.loops[0]
    func client(_ target: String) throws -> Client {
      let client = try connection.client(target, timeout: deadline.duration)
      clients.append(client)
      return client
    }
    let callers = PersonCallers(
      store: store, tracker: CartTrackerV1.CartTrackerClient(try client(target)),
      scheduler: SchedulerV1.SchedulerClient(try client(scheduler)),
      incentives: SchedulerV1.IncentivesClient(try client(scheduler)),
      notifier: NotifierV1.NotifierClient(try client(notifier)),
      directMail: try directMail.map { DirectMailV1.DirectMailClient(try client($0)) },
      options: CallOptions(timeout: deadline.duration),
      pause: { try await loop.sleep(for: $0) })
    do {
      return try await body(callers)
    } catch let error as RPCError {
      throw CommandError.call(error, target)
    }
  }
}

/// The clients with what all their calls have in common.
struct PersonCallers: Sendable {
  let store: String
  let tracker: CartTrackerV1.CartTrackerClient
  let scheduler: SchedulerV1.SchedulerClient
  let incentives: SchedulerV1.IncentivesClient
  let notifier: NotifierV1.NotifierClient
  let directMail: DirectMailV1.DirectMailClient?
  let options: CallOptions
  /// Waits for so long.
  let pause: @Sendable (Duration) async throws -> Void
}
