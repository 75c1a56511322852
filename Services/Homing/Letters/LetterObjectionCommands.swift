internal import ArgumentParser
internal import Messages
internal import Stubs
internal import Wire

/// `homing letters objections`: who gets no letters (D10).
struct LettersObjectionsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "objections", abstract: "List objections to letters, or add one.",
    subcommands: [LettersObjectionsListCommand.self, LettersObjectionsAddCommand.self],
    defaultSubcommand: LettersObjectionsListCommand.self)
}

/// `homing letters objections list`: persons and addresses that no letter goes to, newest first.
struct LettersObjectionsListCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List objections and returned addresses, newest first.")

  @OptionGroup var at: LetterStore
  @Option(help: "One contact's.") var contact = ""
  @Option(help: "Causes, by comma: \(LetterTexts.cause.names.joined(separator: ", ")).")
  var cause: String?
  @Option(help: "Objections to show, at most; 0 shows all.") var limit = 0
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.call { try await list($0) { Terminal.print($0) } }
  }

  func list(_ caller: LetterCaller, _ print: (String) -> Void) async throws {
    let causes = try EnumOption.values(cause, "--cause", LetterTexts.cause)
    let headings: [(heading: String, alignment: Table.Alignment)] = [
      ("SINCE", .left), ("CAUSE", .left), ("CONTACT", .left), ("ADDRESS", .left),
      ("EVIDENCE", .left), ("LETTER", .left),
    ]
    try await caller.list(
      limit: limit, headings, output, print,
      row: { (objection: DirectMailV1.Objection) in
        [
          ValueText.text(objection.since), LetterTexts.cause.name(objection.cause),
          objection.contact, LettersObjectionsListCommand.text(objection), objection.evidence,
          objection.piece,
        ]
      },
      page: { page in
        let answer = try await caller.client.listObjections(
          .init(store: at.store, page: page, contact: contact, causes: causes),
          options: caller.options)
        return (answer.objections, answer.next)
      })
  }

  /// In one line; empty where only its hash is left.
  private static func text(_ objection: DirectMailV1.Objection) -> String {
    guard let address = objection.address else { return "" }
    let town = "\(address.postalCode) \(address.locality)"
    let lines =
      [address.company, address.person] + address.streetLines + [town, address.countryCode]
    return lines.filter { line in line.contains { $0 != " " } }.joined(separator: ", ")
  }
}

/// `homing letters objections add`: withdraws what waits, and refuses what comes.
struct LettersObjectionsAddCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Keep an objection of a person, an address, or both.",
    discussion: """
      It holds for all stores of the controller and does not end. Letters that are not cut off yet \
      are withdrawn.
      """)

  @OptionGroup var at: LetterStore
  @Option(help: "The person, wherever they live.") var contact = ""
  @Option(help: "The address, whoever lives there: 'STREET; POSTCODE TOWN; COUNTRY'.")
  var address: String?
  @Option(help: "person, returned or import.") var cause = "person"
  @Option(help: "What proves it, such as 'call of 22 November'.") var evidence = ""
  @Option(help: "Idempotency key, to repeat a call safely.") var idempotencyKey: String?
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if contact.isEmpty && address == nil {
      throw ValidationError("--contact or --address is needed, or both.")
    }
  }

  func perform() async throws {
    try await at.call { try await add($0) { Terminal.print($0) } }
  }

  func add(_ caller: LetterCaller, _ print: (String) -> Void) async throws {
    guard let cause = LetterTexts.cause.value(cause) else {
      throw CommandError.usage(
        "--cause: \"\(Printable.text(cause))\" is none of "
          + LetterTexts.cause.names.joined(separator: ", "))
    }
    let place = try address.map { text throws(CommandError) in
      guard let place = AddressText.address(text) else { throw AddressText.refusal(text) }
      return place
    }
    let answer = try await caller.client.putObjections(
      .init(
        store: at.store, idempotencyKey: IdempotencyKey.make(idempotencyKey),
        objections: [
          .init(contact: contact, address: place, cause: cause, evidence: evidence)
        ]),
      options: caller.options)
    if output.isJSON { return print(output.line(try ContractJSON().value(answer))) }
    let what = answer.added > 0 ? "kept" : "was known already"
    print("the objection \(what); \(answer.withdrawn) letters are withdrawn")
  }
}

/// Postal addresses as options write them: `STREET; POSTCODE TOWN; COUNTRY`.
enum AddressText {
  /// Nil where the text is not in the form.
  static func address(_ text: String) -> CommonV1.Address? {
    let parts = text.split(separator: ";").map { String($0.drop { $0 == " " }) }
    guard parts.count == 3, parts[2].utf8.count == 2,
      parts[2].utf8.allSatisfy({ (0x41...0x5A).contains($0) }),
      let space = parts[1].firstIndex(of: " ")
    else { return nil }
    return CommonV1.Address(
      countryCode: parts[2], streetLines: [parts[0]], postalCode: String(parts[1][..<space]),
      locality: String(parts[1][parts[1].index(after: space)...]))
  }

  static func refusal(_ text: String) -> CommandError {
    .usage(
      "--address must be \"STREET; POSTCODE TOWN; COUNTRY\" with a country of two capital letters, "
        + "is \"\(Printable.text(text))\"")
  }
}
