internal import ArgumentParser
internal import DynamicMessages
internal import Messages
internal import Stubs
internal import Transport
internal import Wire

/// `homing carts export`: the whole list into a file, whatever its size.
struct CartsExportCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write all carts of a query as CSV or JSON lines.",
    discussion: """
      CSV has one line for each SKU in a cart, as a spreadsheet reads it; cells that a spreadsheet \
      would take for a formula begin with an apostrophe. Without --csv each cart is one JSON \
      object a line, with its lines.
      """)

  @OptionGroup var at: StoreConnection
  @OptionGroup var filter: CartQueryOptions
  @Flag(help: "CSV instead of JSON lines.") var csv = false
  @Option(help: ArgumentHelp("File to write (default: standard output).", valueName: "file"))
  var out: String?
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    let file = try OutputFile(out)
    try await at.tracker.call(at.target) { try await export($0, file.write) }
    try file.close()
  }

  func export(
    _ caller: TrackerCaller, _ write: ([UInt8]) throws(CommandError) -> Void
  ) async throws {
    let query = try filter.query(withLines: true)
    let json = csv ? nil : try ContractJSON()
    // Without a time-out: an export takes as long as it takes.
    let call = try await caller.client.exportCarts(
      .init(store: at.store, query: query, csv: csv))
    while let answer = try await call.next() {
      if let json {
        for row in answer.rows {
          try write(Array((JSONWriter.text(try json.value(row)) + "\n").utf8))
        }
      } else if !answer.csv.isEmpty {
        try write(answer.csv)
      }
    }
  }
}
