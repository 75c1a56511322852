internal import ArgumentParser
internal import DynamicMessages
internal import Messages
internal import ServiceKit
internal import Stubs
internal import Transport
internal import Wire

/// `homing consents`: on what ground somebody is written to (F16).
struct ConsentsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "consents", abstract: "List, grant, confirm, withdraw and prove consents.",
    subcommands: [
      ConsentsListCommand.self, ConsentsGrantCommand.self, ConsentsConfirmCommand.self,
      ConsentsWithdrawCommand.self, ConsentsExportCommand.self,
    ])
}

/// Whose consent, and to what.
struct ConsentOptions: ParsableArguments {
  @OptionGroup var at: StoreConnection
  @Option(help: "The contact's id.") var contact: String
  @Option(help: "Channel: \(CartTexts.channel.names.joined(separator: ", ")).")
  var channel: String?
  @Option(help: "Idempotency key, to repeat a call safely.") var idempotencyKey: String?

  func oneChannel() throws -> CommonV1.Channel {
    guard let channel = try anyChannel() else {
      throw CommandError.usage("--channel is needed")
    }
    return channel
  }

  func anyChannel() throws -> CommonV1.Channel? {
    let channels = try EnumOption.values(channel, "--channel", CartTexts.channel)
    guard channels.count <= 1 else { throw CommandError.usage("--channel names one channel") }
    return channels.first
  }
}

/// `homing consents list`: what somebody said, and what the law makes of it.
struct ConsentsListCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Show a contact's consents and which channels they open.")

  @OptionGroup var at: StoreConnection
  @Option(help: "The contact's id.") var contact: String
  @Option(help: "What it is for, such as feedback (default: recovery).") var purpose = ""
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.tracker.call(at.target) { try await list($0) { Terminal.print($0) } }
  }

  func list(_ caller: TrackerCaller, _ print: (String) -> Void) async throws {
    let channels: [CommonV1.Channel] = [.email, .sms, .chat, .push, .letter, .postcard]
    let uses = channels.map { CartTrackerV1.Use(channel: $0, purpose: purpose) }
    let answer = try await caller.client.listConsents(
      .init(store: at.store, contact: contact, uses: uses), options: caller.options)
    try ConsentCells.print(answer, output, print)
  }
}

/// `homing consents grant`: a consent that a person gave.
struct ConsentsGrantCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "grant", abstract: "Store a consent with its evidence.",
    discussion: """
      --customer-notice stores that the address came with an order, with the notice that it is \
      used for similar offers and that one can object; it is no consent, and some countries take \
      it for one that is not needed.
      """)

  @OptionGroup var of: ConsentOptions
  @OptionGroup var output: OutputOptions
  @Option(help: "What it is for.") var purpose = "recovery"
  @Option(help: "Version of the wording that was agreed to.") var wording: String
  @Option(help: "Where it was given, such as checkout.") var source: String
  @Option(help: "When it was given (default: now).") var givenAt: String?
  @Option(help: "When it was confirmed by a second step (default: it was not).")
  var confirmedAt: String?
  @Flag(help: "The notice of an existing customer, not an express consent.")
  var customerNotice = false

  func perform() async throws {
    try await of.at.tracker.call(of.at.target) { try await grant($0) { Terminal.print($0) } }
  }

  func grant(_ caller: TrackerCaller, _ print: (String) -> Void) async throws {
    let consent = CartTrackerV1.Consent(
      channel: try of.oneChannel(), purpose: purpose, wordingVersion: wording, source: source,
      givenAt: try TimeOption.time(givenAt, "--given-at") ?? SystemClock().now.timestamp,
      confirmedAt: try TimeOption.time(confirmedAt, "--confirmed-at"),
      kind: customerNotice ? .customerNotice : .express)
    let answer = try await caller.client.grantConsent(
      .init(
        store: of.at.store, idempotencyKey: IdempotencyKey.make(of.idempotencyKey),
        contact: of.contact, consent: consent), options: caller.options)
    try ConsentCells.print(answer, output, print)
  }
}

/// `homing consents confirm`: the second step of a double opt-in.
struct ConsentsConfirmCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "confirm", abstract: "Confirm a consent, the second step of a double opt-in.")

  @OptionGroup var of: ConsentOptions
  @OptionGroup var output: OutputOptions
  @Option(help: "What it is for.") var purpose = "recovery"
  @Option(help: "When it was confirmed (default: now).") var confirmedAt: String?

  func perform() async throws {
    try await of.at.tracker.call(of.at.target) { try await confirm($0) { Terminal.print($0) } }
  }

  func confirm(_ caller: TrackerCaller, _ print: (String) -> Void) async throws {
    let answer = try await caller.client.confirmConsent(
      .init(
        store: of.at.store, idempotencyKey: IdempotencyKey.make(of.idempotencyKey),
        contact: of.contact, channel: try of.oneChannel(), purpose: purpose,
        confirmedAt: try TimeOption.time(confirmedAt, "--confirmed-at")), options: caller.options)
    try ConsentCells.print(answer, output, print)
  }
}

/// `homing consents withdraw`: a no, to one channel and purpose or to all.
struct ConsentsWithdrawCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "withdraw", abstract: "Withdraw consent: to a channel and purpose, or to all.")

  @OptionGroup var of: ConsentOptions
  @OptionGroup var output: OutputOptions
  @Option(help: "What it was for (default: everything).") var purpose = ""
  @Option(help: "Where it was said, such as a call.") var source: String
  @Option(help: "As of when (default: now).") var withdrawnAt: String?

  func perform() async throws {
    try await of.at.tracker.call(of.at.target) { try await withdraw($0) { Terminal.print($0) } }
  }

  func withdraw(_ caller: TrackerCaller, _ print: (String) -> Void) async throws {
    let answer = try await caller.client.withdrawConsent(
      .init(
        store: of.at.store, idempotencyKey: IdempotencyKey.make(of.idempotencyKey),
        contact: of.contact, channel: try of.anyChannel() ?? .unspecified, purpose: purpose,
        withdrawnAt: try TimeOption.time(withdrawnAt, "--withdrawn-at"), source: source),
      options: caller.options)
    try ConsentCells.print(answer, output, print)
  }
}

/// `homing consents export`: every consent with where it came from, as proof (X07).
struct ConsentsExportCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write every consent with its evidence as JSON lines.")

  @OptionGroup var at: StoreConnection
  @Option(help: "One contact (default: everybody).") var contact = ""
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
    let json = try ContractJSON()
    // Without a time-out: an export takes as long as it takes.
    let call = try await caller.client.exportConsents(.init(store: at.store, contact: contact))
    while let answer = try await call.next() {
      for proof in answer.proofs {
        try write(Array((JSONWriter.text(try json.value(proof)) + "\n").utf8))
      }
    }
  }
}
