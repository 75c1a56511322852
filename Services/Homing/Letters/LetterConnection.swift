internal import ArgumentParser
internal import Messages
internal import Stubs
internal import Transport
internal import Wire

/// Which direct-mail, and which of its stores.
struct LetterStore: ParsableArguments {
  @Argument(help: "HOST:PORT of direct-mail.") var target: String

  @Option(help: "The store's id.") var store: String

  @Option(help: ArgumentHelp("Time for each call.", valueName: "span"))
  var deadline = TimeSpan(.seconds(60))

  @OptionGroup var connection: ConnectionOptions

  /// Calls what `body` asks for and closes the connection.
  ///
  /// - Throws: `CommandError` for the status of a call.
  func call<Result>(_ body: (LetterCaller) async throws -> Result) async throws -> Result {
    let client = try connection.client(target, timeout: deadline.duration)
    defer { client.close() }
    do {
      return try await body(LetterCaller(client, timeout: deadline.duration))
    } catch let error as RPCError {
      throw CommandError.call(error, target)
    }
  }
}

/// The client with what all its calls have in common.
struct LetterCaller: Sendable {
  let client: DirectMailV1.DirectMailClient
  let options: CallOptions

  init(_ channel: any Channel, timeout: Duration?) {
    client = DirectMailV1.DirectMailClient(channel)
    options = CallOptions(timeout: timeout)
  }

  /// Prints a list page after page: as a table, or an object a line.
  func list<Item: Message>(
    limit: Int, _ headings: [(heading: String, alignment: Table.Alignment)],
    _ output: OutputOptions, _ print: (String) -> Void, row: (Item) -> [String],
    page: (CommonV1.Page) async throws -> (items: [Item], next: String)
  ) async throws {
    var printer = ListPrinter(headings)
    let json = output.isJSON ? try ContractJSON() : nil
    try await ListPages.each(limit: limit, page) { items in
      if let json {
        for item in items { print(output.line(try json.value(item))) }
      } else {
        for line in printer.lines(items.map(row)) { print(line) }
      }
    }
  }
}

/// The short names of the values that letters speak in.
enum LetterTexts {
  static let state = EnumText<DirectMailV1.PieceState>("PIECE_STATE_")
  static let batchState = EnumText<DirectMailV1.BatchState>("BATCH_STATE_")
  static let format = EnumText<DirectMailV1.Format>("FORMAT_")
  static let cause = EnumText<DirectMailV1.ObjectionCause>("OBJECTION_CAUSE_")
  static let reason = MessageTexts.reason

  /// The one format that an option names.
  static func format(_ text: String) throws(CommandError) -> DirectMailV1.Format {
    guard let format = format.value(text) else {
      throw .usage(
        "--format: \"\(Printable.text(text))\" is none of "
          + format.names.joined(separator: ", "))
    }
    return format
  }
}
