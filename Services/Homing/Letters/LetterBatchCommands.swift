internal import ArgumentParser
internal import Messages
internal import ServiceKit
internal import Stubs
internal import Transport
internal import Wire

/// `homing letters batches`: the print batches of a store, those to come included (D06).
struct LettersBatchesCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "batches", abstract: "List print batches, latest cut-off first.")

  @OptionGroup var at: LetterStore
  @Option(help: "States, by comma: \(LetterTexts.batchState.names.joined(separator: ", ")).")
  var state: String?
  @Option(help: "Cut off at or after this time, such as 2026-11-22.") var from: String?
  @Option(help: "Cut off before this time.") var to: String?
  @Option(help: "Batches to show, at most; 0 shows all.") var limit = 0
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.call { try await list($0) { Terminal.print($0) } }
  }

  func list(_ caller: LetterCaller, _ print: (String) -> Void) async throws {
    let query = DirectMailV1.ListBatchesRequest(
      store: at.store, states: try EnumOption.values(state, "--state", LetterTexts.batchState),
      cutOff: try TimeOption.range(from: from, to: to))
    try await caller.list(limit: limit, BatchCells.headings, output, print, row: BatchCells.row) {
      page in
      var request = query
      request.page = page
      let answer = try await caller.client.listBatches(request, options: caller.options)
      return (answer.batches, answer.next)
    }
  }
}

/// `homing letters close`: brings the cut-off of an open batch to now.
struct LettersCloseCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "close", abstract: "Close an open batch now instead of at its cut-off.",
    discussion: "Its letters are printed then and cannot be withdrawn any more.")

  @OptionGroup var at: LetterStore
  @Option(help: "The batch's id.") var batch: String
  @Option(help: "Idempotency key, to repeat a call safely.") var idempotencyKey: String?
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.call { try await close($0) { Terminal.print($0) } }
  }

  func close(_ caller: LetterCaller, _ print: (String) -> Void) async throws {
    let batch = try await caller.client.closeBatch(
      .init(
        store: at.store, idempotencyKey: IdempotencyKey.make(idempotencyKey), batch: batch),
      options: caller.options)
    try BatchCells.print(batch, output, print)
  }
}

/// `homing letters fetch`: what the printer gets, into a folder of this machine.
struct LettersFetchCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "fetch", abstract: "Write a closed batch's PDF and manifests into a folder.",
    discussion: "The PDF is compared with the batch's checksum.")

  @OptionGroup var at: LetterStore
  @Option(help: "The batch's id.") var batch: String
  @Option(help: ArgumentHelp("Write the files into this folder; made.", valueName: "folder"))
  var out: String
  @OptionGroup var output: OutputOptions

  private static let files: [(file: DirectMailV1.BatchFile, name: String)] = [
    (.pdf, "letters.pdf"), (.manifestCSV, "manifest.csv"), (.manifestJSON, "manifest.json"),
  ]

  func perform() async throws {
    try await at.call { try await fetch($0) { Terminal.print($0) } }
  }

  func fetch(_ caller: LetterCaller, _ print: (String) -> Void) async throws {
    let found = try await caller.client.getBatch(
      .init(store: at.store, batch: batch), options: caller.options)
    try TemplateFolder.make(out)
    for (file, name) in Self.files {
      let path = "\(out)/\(name)"
      let target = try OutputFile(path)
      var hash = SHA256()
      let call = try await caller.client.fetchBatch(
        .init(store: at.store, batch: batch, file: file))
      while let chunk = try await call.next() {
        hash.update(chunk.data)
        try target.write(chunk.data)
      }
      try target.close()
      let digest = hash.finish()
      if file == .pdf && digest != found.checksum {
        throw CommandError.file("\(Printable.text(path)) has not the checksum of the batch")
      }
      if !output.isJSON { print(Printable.text(path)) }
    }
    if output.isJSON { print(output.line(try ContractJSON().value(found))) }
  }
}

/// A batch as a person reads it.
enum BatchCells {
  static let headings: [(heading: String, alignment: Table.Alignment)] = [
    ("CUT-OFF", .left), ("STATE", .left), ("FORMAT", .left), ("LETTERS", .right),
    ("PAGES", .right), ("COST", .right), ("SAMPLE", .left), ("BATCH", .left),
    ("DESTINATION", .left),
  ]

  static func row(_ batch: DirectMailV1.Batch) -> [String] {
    [
      ValueText.text(batch.cutOffAt), LetterTexts.batchState.name(batch.state),
      LetterTexts.format.name(batch.format), "\(batch.pieces)", "\(batch.pages)", cost(batch),
      batch.sample ? "yes" : "", batch.id, batch.destination,
    ]
  }

  static func print(
    _ batch: DirectMailV1.Batch, _ output: OutputOptions, _ print: (String) -> Void
  ) throws {
    if output.isJSON { return print(output.line(try ContractJSON().value(batch))) }
    let facts: [(String, String)] = [
      ("batch", batch.id), ("state", LetterTexts.batchState.name(batch.state)),
      ("format", LetterTexts.format.name(batch.format)),
      ("cut-off", ValueText.text(batch.cutOffAt)), ("letters", "\(batch.pieces)"),
      ("pages", batch.pages == 0 ? "" : "\(batch.pages)"), ("cost", cost(batch)),
      ("sample", batch.sample ? "yes" : ""), ("closed", ValueText.text(batch.closedAt)),
      ("submitted", ValueText.text(batch.submittedAt)), ("destination", batch.destination),
      ("held", ValueText.text(batch.heldAt)), ("over", ValueText.text(batch.approvalOver)),
      ("closed early by", batch.closedBy), ("decided by", batch.decidedBy),
      ("decided", ValueText.text(batch.decidedAt)), ("note", batch.note),
    ]
    var table = Table([("WHAT", .left), ("VALUE", .left)])
    for (name, value) in facts where !value.isEmpty { table.add([name, value]) }
    for line in table.lines().dropFirst() { print(line) }
  }

  private static func cost(_ batch: DirectMailV1.Batch) -> String {
    batch.cost.map { ValueText.text($0) }.joined(separator: ", ")
  }
}
