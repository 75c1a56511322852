internal import ArgumentParser
internal import DynamicMessages
internal import Messages
internal import Stubs
internal import Wire

/// `homing flow`: what happens after an episode, as text files (F14).
struct FlowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flow", abstract: "Check, apply, list, show, draw, approve flows; set their mode.",
    subcommands: [
      FlowCheckCommand.self, FlowApplyCommand.self, FlowListCommand.self, FlowShowCommand.self,
      FlowApproveCommand.self, FlowModeCommand.self, FlowSampleCommand.self,
    ])
}

/// `homing flow check`: whether a file is right; changes nothing.
struct FlowCheckCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Check a flow file and tell every fault with line and column.",
    discussion: "Faults are printed as FILE:LINE:COLUMN: FIELD: PROBLEM, and the exit code is 1.")

  @OptionGroup var at: SchedulerStore
  @Argument(help: "The flow file.") var file: String
  @OptionGroup var drawing: FlowDrawing
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    let text = try await FlowTexts.read(file)
    try await at.call { try await check($0, text) { Terminal.print($0) } }
  }

  func check(_ caller: SchedulerCaller, _ text: String, _ print: (String) -> Void) async throws {
    let flow = try await FlowCheck(file: file, store: at.store).flow(caller, text, output, print)
    if output.isJSON { return print(output.line(try ContractJSON().value(flow))) }
    print("\(file): \(FlowTexts.heading(flow)); \(flow.steps.count) steps")
    try await drawing.draw(flow, isAsked: drawing.graph, print)
  }
}

/// Asks whether a file is right.
struct FlowCheck {
  let file: String
  let store: String

  /// What the text says.
  ///
  /// - Throws: `ExitCode` 1 after the problems were printed.
  func flow(
    _ caller: SchedulerCaller, _ text: String, _ output: OutputOptions, _ print: (String) -> Void
  ) async throws -> SchedulerV1.Flow {
    let answer = try await caller.client.checkFlow(
      .init(store: store, text: text), options: caller.options)
    if let flow = answer.flow, answer.problems.isEmpty { return flow }
    for problem in answer.problems {
      if output.isJSON {
        print(output.line(try ContractJSON().value(problem)))
        continue
      }
      let field = problem.field.isEmpty ? "" : "\(problem.field): "
      print(
        Printable.text(
          "\(file):\(problem.line):\(problem.column): \(field)\(problem.problem)"))
    }
    throw ExitCode(ExitStatus.usage)
  }
}

/// `homing flow apply`: makes a file the newest version of its flow.
struct FlowApplyCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "apply", abstract: "Make a flow file the newest version of its flow.",
    discussion: """
      The file is checked first. The same text again makes no new version; running enrolments keep \
      theirs. Where somebody else has applied a version since --version, nothing is changed.
      """)

  @OptionGroup var at: SchedulerStore
  @Argument(help: "The flow file.") var file: String
  @Option(help: "The version that the file was made from; 0: a new flow (default: the newest).")
  var version: UInt32?
  @Option(help: "Idempotency key, to repeat a call safely.") var idempotencyKey: String?
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    let text = try await FlowTexts.read(file)
    try await at.call { try await apply($0, text) { Terminal.print($0) } }
  }

  func apply(_ caller: SchedulerCaller, _ text: String, _ print: (String) -> Void) async throws {
    let checked = try await FlowCheck(file: file, store: at.store)
      .flow(caller, text, output, print)
    let newest = try await newest(caller, checked.name)
    let flow = try await caller.client.applyFlow(
      .init(
        store: at.store, idempotencyKey: IdempotencyKey.make(idempotencyKey), text: text,
        version: version ?? newest),
      options: caller.options)
    if output.isJSON { return print(output.line(try ContractJSON().value(flow))) }
    let isNew = flow.version != newest
    print(
      Printable.text(
        "\(flow.name): version \(flow.version) \(isNew ? "applied" : "is in force already")"
          + (flow.mode == .unspecified ? "" : ", mode \(FlowTexts.words(flow.mode))")))
  }

  private func newest(_ caller: SchedulerCaller, _ name: String) async throws -> UInt32 {
    do {
      return try await caller.client.getFlow(
        .init(store: at.store, flow: name), options: caller.options
      ).version
    } catch let error as RPCError where error.code == .notFound {
      return 0
    }
  }
}

/// `homing flow list`: the flows of a store, or the versions of one.
struct FlowListCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List a store's flows, or the versions of one.")

  @OptionGroup var at: SchedulerStore
  @Option(help: "Every version of this flow, newest first.") var flow: String?
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.call { try await list($0) { Terminal.print($0) } }
  }

  func list(_ caller: SchedulerCaller, _ print: (String) -> Void) async throws {
    var printer = ListPrinter([
      ("FLOW", .left), ("VERSION", .right), ("START", .left), ("MODE", .left), ("RUNNING", .right),
      ("APPLIED", .left), ("AUTHOR", .left), ("APPROVER", .left),
    ])
    let json = output.isJSON ? try ContractJSON() : nil
    var after = ""
    repeat {
      let answer = try await caller.client.listFlows(
        .init(store: at.store, page: .init(limit: 1000, after: after), flow: flow ?? ""),
        options: caller.options)
      if let json {
        for flow in answer.flows { print(output.line(try json.value(flow))) }
      } else if !answer.flows.isEmpty || after.isEmpty {
        for line in printer.lines(answer.flows.map(row)) { print(line) }
      }
      after = answer.next
    } while !after.isEmpty
  }

  private func row(_ flow: SchedulerV1.Flow) -> [String] {
    let start = EnumText<SchedulerV1.FlowStart>("FLOW_START_").name(flow.start)
    return [
      flow.name, "\(flow.version)", String(start.map { $0 == "_" ? " " : $0 }),
      FlowTexts.words(flow.mode), "\(flow.running)", ValueText.text(flow.appliedAt), flow.author,
      flow.approver,
    ]
  }
}

/// `homing flow mode`: what decisions do (F21).
struct FlowModeCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "mode", abstract: "Set what the decisions of a store or a flow do.",
    discussion: """
      draft: nobody enters. dry-run: decides and records what it would send; the default. test: \
      sends to the test addresses only. live: sends. The more careful mode of the store and of the \
      flow is in force. A test address is a whole address, or a range that reaches nobody: @ and a \
      domain under test, invalid or example, or +999*. For letters it is post:*, or post: and a \
      country such as post:DE; they are marked as samples and go to the folder only.
      """)

  @OptionGroup var at: SchedulerStore
  @Argument(help: "draft, dry-run, test or live.") var mode: String
  @Option(help: "The flow (default: the whole store).") var flow: String?
  @Option(
    name: .customLong("test-address"),
    help: ArgumentHelp("May be sent to in mode test; may be repeated.", valueName: "address"))
  var testAddresses: [String] = []
  @Option(help: "Idempotency key, to repeat a call safely.") var idempotencyKey: String?
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.call { try await set($0) { Terminal.print($0) } }
  }

  func set(_ caller: SchedulerCaller, _ print: (String) -> Void) async throws {
    guard let value = FlowTexts.mode.value(mode) else {
      let names = FlowTexts.mode.names.map { $0.replacing("_", with: "-") }
      throw CommandError.usage(
        "there is no mode \"\(Printable.text(mode))\"" + NearestName.hint(for: mode, in: names))
    }
    guard testAddresses.isEmpty || value == .test else {
      throw CommandError.usage("--test-address belongs to the mode test")
    }
    guard value != .test || !testAddresses.isEmpty else {
      throw CommandError.usage("the mode test needs --test-address, at least one")
    }
    _ = try await caller.client.setMode(
      .init(
        store: at.store, idempotencyKey: IdempotencyKey.make(idempotencyKey), flow: flow ?? "",
        mode: value, testAddresses: testAddresses),
      options: caller.options)
    let what = flow.map { "the flow \($0)" } ?? "the store \(at.store)"
    if output.isJSON { return print("{}") }
    print(Printable.text("\(what) is set to \(FlowTexts.words(value))"))
  }
}
