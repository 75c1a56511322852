internal import ArgumentParser
internal import Messages
internal import Stubs
internal import Wire

/// `homing letters`: what is printed, and who gets none (D06–D10).
struct LettersCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "letters",
    abstract: "List letters and print batches, preview letters, set budgets, keep objections.",
    subcommands: [
      LettersListCommand.self, LettersShowCommand.self, LettersWithdrawCommand.self,
      LettersBatchesCommand.self, LettersCloseCommand.self, LettersFetchCommand.self,
      LettersApproveCommand.self, LettersRejectCommand.self,
      LettersTemplateCommand.self, LettersPreviewCommand.self, LettersBudgetCommand.self,
      LettersObjectionsCommand.self,
    ])
}

/// `homing letters list`: every letter that was ordered, newest first.
struct LettersListCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List letters, newest first.")

  @OptionGroup var at: LetterStore
  @Option(help: "States, by comma: \(LetterTexts.state.names.joined(separator: ", ")).")
  var state: String?
  @Option(help: "Reasons, by comma, such as purchased or bad_destination.") var reason: String?
  @Option(help: "One contact's.") var contact = ""
  @Option(help: "About one cart.") var cart = ""
  @Option(help: "Of one enrolment.") var enrolment = ""
  @Option(help: "Of one flow.") var flow = ""
  @Option(help: "Of one print batch.") var batch = ""
  @Option(help: "Ordered at or after this time, such as 2026-11-22.") var from: String?
  @Option(help: "Ordered before this time.") var to: String?
  @Option(help: "Letters to show, at most; 0 shows all.") var limit = 0
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.call { try await list($0) { Terminal.print($0) } }
  }

  func list(_ caller: LetterCaller, _ print: (String) -> Void) async throws {
    let query = DirectMailV1.ListMailPiecesRequest(
      store: at.store, states: try EnumOption.values(state, "--state", LetterTexts.state),
      reasons: try EnumOption.values(reason, "--reason", LetterTexts.reason), contact: contact,
      cart: cart, enrolment: enrolment, flow: flow, batch: batch,
      taken: try TimeOption.range(from: from, to: to))
    try await caller.list(
      limit: limit, LetterCells.headings, output, print, row: LetterCells.row
    ) { page in
      var request = query
      request.page = page
      let answer = try await caller.client.listMailPieces(request, options: caller.options)
      return (answer.pieces, answer.next)
    }
  }
}

/// `homing letters show`: one letter with its address as printed and all that became of it.
struct LettersShowCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show one letter, its address and its history.")

  @OptionGroup var at: LetterStore
  @Option(help: "The letter's id.") var piece: String
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.call { try await show($0) { Terminal.print($0) } }
  }

  func show(_ caller: LetterCaller, _ print: (String) -> Void) async throws {
    let piece = try await caller.client.getMailPiece(
      .init(store: at.store, piece: piece), options: caller.options)
    try LetterCells.print(piece, output, print)
  }
}

/// `homing letters withdraw`: takes a letter back before its cut-off.
struct LettersWithdrawCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "withdraw", abstract: "Withdraw a letter that is not cut off yet.")

  @OptionGroup var at: LetterStore
  @Option(help: "The letter's id.") var piece: String
  @Option(help: "Why, for the history.") var note = ""
  @Option(help: "Idempotency key, to repeat a call safely.") var idempotencyKey: String?
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.call { try await withdraw($0) { Terminal.print($0) } }
  }

  func withdraw(_ caller: LetterCaller, _ print: (String) -> Void) async throws {
    let piece = try await caller.client.withdrawMailPiece(
      .init(
        store: at.store, idempotencyKey: IdempotencyKey.make(idempotencyKey), piece: piece,
        note: note),
      options: caller.options)
    try LetterCells.print(piece, output, print)
  }
}

/// A letter as a person reads it.
enum LetterCells {
  static let headings: [(heading: String, alignment: Table.Alignment)] = [
    ("TAKEN AT", .left), ("STATE", .left), ("REASON", .left), ("CONTACT", .left),
    ("TEMPLATE", .left), ("CUT-OFF", .left), ("COST", .right), ("FLOW", .left), ("STEP", .left),
    ("LETTER", .left),
  ]

  static func row(_ piece: DirectMailV1.MailPiece) -> [String] {
    let order = piece.order ?? .init()
    return [
      ValueText.text(piece.takenAt), LetterTexts.state.name(piece.state), reason(piece),
      order.contact, order.template, ValueText.text(piece.cutOffAt), ValueText.text(piece.cost),
      order.flow, order.step, order.id,
    ]
  }

  static func print(
    _ piece: DirectMailV1.MailPiece, _ output: OutputOptions, _ print: (String) -> Void
  ) throws {
    if output.isJSON { return print(output.line(try ContractJSON().value(piece))) }
    for line in facts(piece).lines().dropFirst() { print(line) }
    guard !piece.history.isEmpty else { return }
    var history = Table([("AT", .left), ("STATE", .left), ("NOTE", .left)])
    for change in piece.history {
      history.add([
        ValueText.text(change.at), LetterTexts.state.name(change.state), change.note,
      ])
    }
    print("")
    for line in history.lines(style: Terminal.heading) { print(line) }
  }

  /// With the field that is at fault.
  private static func reason(_ piece: DirectMailV1.MailPiece) -> String {
    let reason = LetterTexts.reason.name(piece.reason)
    return piece.field.isEmpty ? reason : "\(reason) (\(piece.field))"
  }

  private static func facts(_ piece: DirectMailV1.MailPiece) -> Table {
    let order = piece.order ?? .init()
    let version = piece.templateVersion == 0 ? "" : " version \(piece.templateVersion)"
    let lastPage = piece.firstPage + max(1, piece.pages) - 1
    let pages = piece.firstPage == lastPage ? "\(lastPage)" : "\(piece.firstPage)–\(lastPage)"
    let facts: [(String, String)] = [
      ("letter", order.id), ("state", LetterTexts.state.name(piece.state)),
      ("reason", reason(piece)), ("contact", order.contact),
      ("address", piece.addressLines.joined(separator: " / ")), ("cart", order.cart),
      ("flow", order.flow.isEmpty ? "" : "\(order.flow) version \(order.flowVersion)"),
      ("step", order.step), ("variant", order.variant), ("enrolment", order.enrolment),
      ("template", order.template + version), ("locale", piece.locale),
      ("format", LetterTexts.format.name(piece.format)),
      ("due", ValueText.text(order.dueAt)), ("expires", ValueText.text(order.expiresAt)),
      ("taken", ValueText.text(piece.takenAt)), ("cut-off", ValueText.text(piece.cutOffAt)),
      ("batch", piece.batch), ("pages", piece.firstPage == 0 ? "" : pages),
      ("cost", ValueText.text(piece.cost)), ("permission", MessageCells.grant(piece.grant)),
    ]
    var table = Table([("WHAT", .left), ("VALUE", .left)])
    for (name, value) in facts where !value.isEmpty { table.add([name, value]) }
    return table
  }
}
