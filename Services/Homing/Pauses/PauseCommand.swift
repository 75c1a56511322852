internal import ArgumentParser
internal import DynamicMessages
internal import Messages
internal import Stubs

/// What a pause covers: what is set must all fit.
struct PauseOptions: ParsableArguments {
  @Argument(help: "HOST:PORT of scheduler.") var target: String

  @Option(help: "One store (default: every store).") var store = ""
  @Option(help: "One channel: \(FlowTexts.channel.names.joined(separator: ", ")).")
  var channel: String?
  @Option(help: "One flow of the store.") var flow = ""
  @Option(help: "One template of the store.") var template = ""
  @Option(help: "Why, for the audit.") var note = ""
  @Option(help: "Idempotency key, to repeat a call safely.") var idempotencyKey: String?

  @OptionGroup var scheduler: SchedulerOptions

  func chosenChannel() throws -> CommonV1.Channel {
    let channels = try EnumOption.values(channel, "--channel", FlowTexts.channel)
    guard channels.count <= 1 else {
      throw CommandError.usage("--channel names one channel; pause each of them")
    }
    return channels.first ?? .unspecified
  }
}

/// `homing pause`: holds what it covers, at once and in every service (F22).
struct PauseCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "pause", abstract: "Hold sending: all of it, a store, channel, flow or template.",
    discussion: """
      When the command has ended well, nothing that the pause covers is handed off any more, in \
      any service and over restarts, until homing resume with the same options. What waits obeys \
      its expiry. Letters that were cut off before are printed.
      """)

  @OptionGroup var of: PauseOptions
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await of.scheduler.call(of.target) { try await pause($0) { Terminal.print($0) } }
  }

  func pause(_ caller: SchedulerCaller, _ print: (String) -> Void) async throws {
    let pause = try await caller.client.pause(
      .init(
        idempotencyKey: IdempotencyKey.make(of.idempotencyKey), store: of.store,
        channel: try of.chosenChannel(), flow: of.flow, template: of.template, note: of.note),
      options: caller.options)
    if output.isJSON { return print(output.line(try ContractJSON().value(pause))) }
    print(Printable.text("paused: \(PauseTexts.scope(pause))"))
  }
}

/// `homing resume`: ends a pause.
struct ResumeCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "resume", abstract: "End a pause, named by the same options as it was made with.")

  @OptionGroup var of: PauseOptions
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await of.scheduler.call(of.target) { try await resume($0) { Terminal.print($0) } }
  }

  func resume(_ caller: SchedulerCaller, _ print: (String) -> Void) async throws {
    let pause = try await caller.client.resume(
      .init(
        idempotencyKey: IdempotencyKey.make(of.idempotencyKey), store: of.store,
        channel: try of.chosenChannel(), flow: of.flow, template: of.template, note: of.note),
      options: caller.options)
    if output.isJSON { return print(output.line(try ContractJSON().value(pause))) }
    print(Printable.text("resumed: \(PauseTexts.scope(pause))"))
  }
}

/// `homing pauses`: what is held.
struct PausesCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "pauses", abstract: "List the pauses that hold, newest first.")

  @Argument(help: "HOST:PORT of scheduler.") var target: String
  @Option(help: "Those that hold in one store (default: all).") var store = ""
  @Flag(help: "Also those that were resumed.") var past = false
  @OptionGroup var scheduler: SchedulerOptions
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await scheduler.call(target) { try await list($0) { Terminal.print($0) } }
  }

  func list(_ caller: SchedulerCaller, _ print: (String) -> Void) async throws {
    let pauses = try await caller.client.listPauses(
      .init(store: store, withPast: past), options: caller.options
    ).pauses
    if output.isJSON {
      let json = try ContractJSON()
      for pause in pauses { print(output.line(try json.value(pause))) }
      return
    }
    var printer = ListPrinter([
      ("SINCE", .left), ("HOLDS", .left), ("COVERS", .left), ("AUTHOR", .left), ("NOTE", .left),
    ])
    let rows = pauses.map { pause in
      [
        ValueText.text(pause.since), pause.holds ? "yes" : "no", PauseTexts.scope(pause),
        pause.author, pause.note,
      ]
    }
    for line in printer.lines(rows) { print(line) }
  }
}

/// Pauses in words.
enum PauseTexts {
  /// Such as `store shop, channel email`.
  static func scope(_ pause: CommonV1.Pause) -> String {
    let parts = [
      ("store", pause.store), ("channel", FlowTexts.channel.name(pause.channel)),
      ("flow", pause.flow), ("template", pause.template),
    ].filter { !$0.1.isEmpty }.map { "\($0.0) \($0.1)" }
    return parts.isEmpty ? "everything" : parts.joined(separator: ", ")
  }
}
