internal import ArgumentParser
internal import DynamicMessages
internal import Messages
internal import Stubs

/// `homing audit`: what can be held against us, and the proof that it is not so.
struct AuditCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit",
    abstract: "Who changed what sends; whether every hand-off and every record is right.",
    subcommands: [
      AuditChangesCommand.self, AuditHandOffsCommand.self, AuditRecordsCommand.self,
    ], defaultSubcommand: AuditChangesCommand.self)
}

/// `homing audit changes`: who changed what sends, and when (F21).
struct AuditChangesCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "changes", abstract: "List who changed what sends, newest first.",
    discussion: """
      Versions applied and approved, modes, pauses and their ends, enrolments moved and ended; \
      what concerns every store is listed too.
      """)

  private static let act = EnumText<SchedulerV1.AuditEntry.Act>("ACT_")

  @OptionGroup var at: SchedulerStore
  @Option(help: "About one flow.") var flow = ""
  @Option(help: "At or after this time, such as 2026-11-22.") var from: String?
  @Option(help: "Before this time.") var to: String?
  @Option(help: "Entries to show, at most; 0 shows all.") var limit = 0
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.call { try await list($0) { Terminal.print($0) } }
  }

  func list(_ caller: SchedulerCaller, _ print: (String) -> Void) async throws {
    let query = SchedulerV1.ListAuditRequest(
      store: at.store, flow: flow, at: try TimeOption.range(from: from, to: to))
    var printer = ListPrinter([
      ("AT", .left), ("ACT", .left), ("FLOW", .left), ("VERSION", .right), ("IDENTITY", .left),
      ("DETAIL", .left), ("NOTE", .left),
    ])
    let json = output.isJSON ? try ContractJSON() : nil
    try await ListPages.each(limit: limit) { page in
      var request = query
      request.page = page
      let answer = try await caller.client.listAudit(request, options: caller.options)
      return (answer.entries, answer.next)
    } _: { entries in
      if let json {
        for entry in entries { print(output.line(try json.value(entry))) }
      } else {
        for line in printer.lines(entries.map(row)) { print(line) }
      }
    }
  }

  private func row(_ entry: SchedulerV1.AuditEntry) -> [String] {
    [
      ValueText.text(entry.at), Self.act.name(entry.act), entry.flow,
      entry.version == 0 ? "" : "\(entry.version)", entry.identity, entry.detail, entry.note,
    ]
  }
}
