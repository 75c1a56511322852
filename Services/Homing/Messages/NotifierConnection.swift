internal import ArgumentParser
internal import Messages
internal import Stubs
internal import Transport
internal import Wire

/// Which notifier, and which of its stores.
struct NotifierStore: ParsableArguments {
  @Argument(help: "HOST:PORT of notifier.") var target: String

  @Option(help: "The store's id.") var store: String

  @Option(help: ArgumentHelp("Time for each call.", valueName: "span"))
  var deadline = TimeSpan(.seconds(60))

  @OptionGroup var connection: ConnectionOptions

  /// Calls what `body` asks for and closes the connection.
  ///
  /// - Throws: `CommandError` for the status of a call.
  func call<Result>(_ body: (NotifierCaller) async throws -> Result) async throws -> Result {
    let client = try connection.client(target, timeout: deadline.duration)
    defer { client.close() }
    do {
      return try await body(NotifierCaller(client, timeout: deadline.duration))
    } catch let error as RPCError {
      throw CommandError.call(error, target)
    }
  }
}

/// The client with what all its calls have in common.
struct NotifierCaller: Sendable {
  let client: NotifierV1.NotifierClient
  let options: CallOptions

  init(_ channel: any Channel, timeout: Duration?) {
    client = NotifierV1.NotifierClient(channel)
    options = CallOptions(timeout: timeout)
  }

  /// As `ListPages.each`.
  func pages<Item>(
    limit: Int, _ page: (CommonV1.Page) async throws -> (items: [Item], next: String),
    _ show: ([Item]) throws -> Void
  ) async throws {
    try await ListPages.each(limit: limit, page, show)
  }
}
