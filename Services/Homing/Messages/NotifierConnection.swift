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

  /// Every item of a list, page after page, never more than one page in memory.
  ///
  /// - Parameters:
  ///   - limit: items wanted at the most; 0: all.
  ///   - page: asks for the next page.
  ///   - show: is given each page; the first one also where it is empty.
  func pages<Item>(
    limit: Int, _ page: (CommonV1.Page) async throws -> (items: [Item], next: String),
    _ show: ([Item]) throws -> Void
  ) async throws {
    var after = ""
    var left = limit == 0 ? Int.max : limit
    repeat {
      let isFirst = after.isEmpty
      let answer = try await page(.init(limit: UInt32(min(left, 1000)), after: after))
      let items = answer.items.prefix(left)
      if !items.isEmpty || isFirst { try show(Array(items)) }
      left -= items.count
      after = answer.next
    } while !after.isEmpty && left > 0
  }
}
