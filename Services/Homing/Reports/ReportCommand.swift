internal import ArgumentParser
internal import Messages
internal import Stubs
internal import Wire

/// `homing report`: who entered, what happened for each message and channel, what it earned (R04,
/// R05, R07).
struct ReportCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Report who entered, what they got, and what it earned.",
    discussion: """
      Counts are enrolments, each at most once a row. Openings and clicks are people's; those of \
      machines are told apart. A purchase counts for a message within the windows that the report \
      names.
      """)

  @OptionGroup var at: SchedulerStore
  @Option(help: "One more store, with a part of its own on the page of --html; may be repeated.")
  var andStore: [String] = []
  @Option(help: "Only this flow.") var flow = ""
  @Option(help: "Enrolments that began at or after this time, such as 2026-11-01.")
  var from: String?
  @Option(help: "Enrolments that began before this time.") var to: String?
  @Option(help: "How long after a click a purchase is its own (default: the store's).")
  var clickWindow: SpanText?
  @Option(help: "The same after a message.") var contactWindow: SpanText?
  @Option(help: "The same after a letter.") var letterWindow: SpanText?
  @Flag(help: "CSV for a spreadsheet, instead of tables.") var csv = false
  @Option(help: ArgumentHelp("Write the CSV into this file.", valueName: "file"))
  var out: String?
  @Option(
    help: ArgumentHelp(
      "Also write one HTML page with pictures; - is standard output, instead of tables.",
      valueName: "file"))
  var html: String?
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if out != nil && !csv { throw ValidationError("--out needs --csv.") }
    if !andStore.isEmpty && html == nil { throw ValidationError("--and-store needs --html.") }
    if html == "-" && csv && out == nil {
      throw ValidationError("CSV and HTML cannot both go to standard output.")
    }
  }

  func perform() async throws {
    try await at.call { caller in
      try await report(caller, ReportCommand.write) { Terminal.print($0) }
    }
  }

  /// - Parameter write: takes a text and where it belongs; nil: standard output.
  func report(
    _ caller: SchedulerCaller,
    _ write: (_ text: String, _ file: String?) throws(CommandError) -> Void,
    _ print: (String) -> Void
  ) async throws {
    let answer = try await answer(caller, at.store)
    if let html {
      var pages = [page(answer, at.store)]
      for store in andStore { pages.append(page(try await self.answer(caller, store), store)) }
      try write(ReportPage.html(pages), html)
    }
    if csv {
      try write(ReportCSV(answer).text, out)
    } else if output.isJSON {
      print(output.line(try ContractJSON().value(answer)))
    } else if html != "-" {
      for line in ReportTable(answer).lines { print(line) }
    }
  }

  private func answer(
    _ caller: SchedulerCaller, _ store: String
  ) async throws -> SchedulerV1.ReportResponse {
    try await caller.client.report(
      .init(
        store: store, started: try TimeOption.range(from: from, to: to), flow: flow,
        windows: windows),
      options: caller.options)
  }

  private func page(_ answer: SchedulerV1.ReportResponse, _ store: String) -> ReportPage {
    ReportPage(
      answer,
      ReportHeading(
        store: store, flow: flow, from: from ?? "", to: to ?? "",
        asOf: ValueText.text(answer.asOf)))
  }

  private static func write(_ text: String, to path: String?) throws(CommandError) {
    let file = try OutputFile(path)
    try file.write(text)
    try file.close()
  }

  private var windows: SchedulerV1.AttributionWindows? {
    if clickWindow == nil && contactWindow == nil && letterWindow == nil { return nil }
    return SchedulerV1.AttributionWindows(
      click: clickWindow.map { .init($0.duration) },
      contact: contactWindow.map { .init($0.duration) },
      letter: letterWindow.map { .init($0.duration) })
  }
}

/// What a report is about.
struct ReportHeading: Hashable {
  let store: String
  /// Empty: every flow.
  let flow: String
  /// As given; empty: open.
  let from: String
  let to: String
  let asOf: String

  var period: String {
    switch (from.isEmpty, to.isEmpty) {
    case (true, true): "all enrolments"
    case (false, true): "enrolments from \(from)"
    case (true, false): "enrolments before \(to)"
    case (false, false): "enrolments from \(from), before \(to)"
    }
  }
}
