internal import ArgumentParser
internal import Messages
internal import Stubs
internal import Wire

/// `homing messages`: the execution log (M10).
struct MessagesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "messages", abstract: "List and show messages and what became of them.",
    subcommands: [MessagesListCommand.self, MessagesShowCommand.self])
}

/// `homing messages list`: every order to send, newest first.
struct MessagesListCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List messages, newest first.")

  @OptionGroup var at: NotifierStore
  @Option(help: "Channels, by comma: \(MessageTexts.channel.names.joined(separator: ", ")).")
  var channel: String?
  @Option(help: "States, by comma: \(MessageTexts.state.names.joined(separator: ", ")).")
  var state: String?
  @Option(help: "Reasons, by comma, such as purchased or no_destination.") var reason: String?
  @Option(help: "One contact's.") var contact = ""
  @Option(help: "About one cart.") var cart = ""
  @Option(help: "Of one enrolment.") var enrolment = ""
  @Option(help: "Of one flow.") var flow = ""
  @Option(help: "Made from this template.") var template = ""
  @Option(help: "To this address.") var recipient = ""
  @Option(help: "Ordered at or after this time, such as 2026-11-22.") var from: String?
  @Option(help: "Ordered before this time.") var to: String?
  @Option(help: "Messages to show, at most; 0 shows all.") var limit = 0
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.call { try await list($0) { Terminal.print($0) } }
  }

  func list(_ caller: NotifierCaller, _ print: (String) -> Void) async throws {
    let query = NotifierV1.ListMessagesRequest(
      store: at.store, channels: try EnumOption.values(channel, "--channel", MessageTexts.channel),
      states: try EnumOption.values(state, "--state", MessageTexts.state),
      reasons: try EnumOption.values(reason, "--reason", MessageTexts.reason), contact: contact,
      cart: cart, enrolment: enrolment, flow: flow, template: template, recipient: recipient,
      taken: try TimeOption.range(from: from, to: to))
    var printer = ListPrinter(MessageCells.headings)
    let json = output.isJSON ? try ContractJSON() : nil
    try await caller.pages(limit: limit) { page in
      var request = query
      request.page = page
      let answer = try await caller.client.listMessages(request, options: caller.options)
      return (answer.messages, answer.next)
    } _: { messages in
      if let json {
        for message in messages { print(output.line(try json.value(message))) }
      } else {
        for line in printer.lines(messages.map(MessageCells.row)) { print(line) }
      }
    }
  }
}

/// `homing messages show`: one message with each attempt and all that became known of it.
struct MessagesShowCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show one message, its attempts and its outcomes.")

  @OptionGroup var at: NotifierStore
  @Option(help: "The message's id.") var message: String
  @Flag(help: "Also print what was handed over.") var content = false
  @Option(
    help: ArgumentHelp("Write what was handed over to this file, byte by byte.", valueName: "file"))
  var out: String?
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.call { try await show($0) { Terminal.print($0) } }
  }

  func show(_ caller: NotifierCaller, _ print: (String) -> Void) async throws {
    let answer = try await caller.client.getMessage(
      .init(store: at.store, message: message, withContent: content || out != nil),
      options: caller.options)
    let message = answer.message ?? .init()
    if let out {
      let file = try OutputFile(out)
      try file.write(answer.content)
      try file.close()
    }
    if output.isJSON { return print(output.line(try ContractJSON().value(answer))) }
    for line in MessageCells.facts(message).lines().dropFirst() { print(line) }
    for table in MessageCells.histories(message) {
      print("")
      for line in table.lines(style: Terminal.heading) { print(line) }
    }
    guard content else { return }
    print("")
    if answer.content.isEmpty { print("(nothing was handed over, or it is redacted)") }
    // Line by line, so that no byte of it moves the cursor.
    let text = String(decoding: answer.content, as: UTF8.self)
    for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      print(Printable.text(String(line)))
    }
  }
}

/// A message as a person reads it.
enum MessageCells {
  static let headings: [(heading: String, alignment: Table.Alignment)] = [
    ("TAKEN AT", .left), ("CHANNEL", .left), ("STATE", .left), ("REASON", .left),
    ("LATEST", .left), ("CONTACT", .left), ("RECIPIENT", .left), ("TEMPLATE", .left),
    ("FLOW", .left), ("STEP", .left), ("MESSAGE", .left),
  ]

  static func row(_ message: NotifierV1.OutboundMessage) -> [String] {
    let order = message.order ?? .init()
    return [
      ValueText.text(message.takenAt), MessageTexts.channel.name(order.channel),
      MessageTexts.state.name(message.state), MessageTexts.reason.name(message.reason),
      message.outcomes.last.map { MessageTexts.outcome.name($0.kind) } ?? "", order.contact,
      message.recipient, order.template, order.flow, order.step, order.id,
    ]
  }

  static func facts(_ message: NotifierV1.OutboundMessage) -> Table {
    let order = message.order ?? .init()
    let version = message.templateVersion == 0 ? "" : " version \(message.templateVersion)"
    let facts: [(String, String)] = [
      ("message", order.id), ("channel", MessageTexts.channel.name(order.channel)),
      ("state", MessageTexts.state.name(message.state)),
      ("reason", MessageTexts.reason.name(message.reason)), ("contact", order.contact),
      ("recipient", message.recipient), ("cart", order.cart),
      ("flow", order.flow.isEmpty ? "" : "\(order.flow) version \(order.flowVersion)"),
      ("step", order.step), ("variant", order.variant), ("enrolment", order.enrolment),
      ("template", order.template + version), ("locale", message.locale),
      ("due", ValueText.text(order.dueAt)), ("expires", ValueText.text(order.expiresAt)),
      ("taken", ValueText.text(message.takenAt)), ("next look", ValueText.text(message.nextAt)),
      ("ended", ValueText.text(message.endedAt)), ("permission", grant(message.grant)),
    ]
    var table = Table([("WHAT", .left), ("VALUE", .left)])
    for (name, value) in facts where !value.isEmpty { table.add([name, value]) }
    return table
  }

  /// What was read for the permission (X03).
  static func grant(_ grant: CommonV1.Grant?) -> String {
    guard let grant else { return "" }
    let positions = grant.positions.map { "\($0.bucket)/\($0.seq)" }.joined(separator: ", ")
    return "\(ValueText.text(grant.grantedAt)), purchases read up to \(positions)"
  }

  static func histories(_ message: NotifierV1.OutboundMessage) -> [Table] {
    var attempts = Table([
      ("ATTEMPT AT", .left), ("ENDED AT", .left), ("PROVIDER", .left), ("STATUS", .right),
      ("PROVIDER'S ID", .left), ("ANSWER", .left),
    ])
    for attempt in message.attempts {
      attempts.add([
        ValueText.text(attempt.at), ValueText.text(attempt.endedAt), attempt.provider,
        attempt.status == 0 ? "" : "\(attempt.status)", attempt.providerID, attempt.answer,
      ])
    }
    var outcomes = Table([
      ("OUTCOME AT", .left), ("OUTCOME", .left), ("REASON", .left), ("BY", .left), ("LINK", .left),
    ])
    for outcome in message.outcomes {
      outcomes.add([
        ValueText.text(outcome.at), MessageTexts.outcome.name(outcome.kind),
        MessageTexts.reason.name(outcome.reason), MessageTexts.actor.name(outcome.actor),
        outcome.link,
      ])
    }
    return (message.attempts.isEmpty ? [] : [attempts])
      + (message.outcomes.isEmpty ? [] : [outcomes])
  }
}
