internal import ArgumentParser
internal import DynamicMessages
internal import Messages
internal import Stubs

/// `homing flow show`: one version of a flow, as a tree, as text or as a picture.
struct FlowShowCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show a flow as a tree, as its text or as a picture (SVG).")

  @OptionGroup var at: SchedulerStore
  @Argument(help: "The flow's name.") var name: String
  @Option(help: "The version (default: the newest).") var version: UInt32 = 0
  @Flag(help: "Print the text as it was applied.") var text = false
  @OptionGroup var drawing: FlowDrawing
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.call { try await show($0) { Terminal.print($0) } }
  }

  func show(_ caller: SchedulerCaller, _ print: (String) -> Void) async throws {
    let flow = try await caller.client.getFlow(
      .init(store: at.store, flow: name, version: version), options: caller.options)
    if output.isJSON { return print(output.line(try ContractJSON().value(flow))) }
    if text {
      // A line break at its end is printed with the last line.
      let body = flow.text.hasSuffix("\n") ? String(flow.text.dropLast()) : flow.text
      for line in body.split(separator: "\n", omittingEmptySubsequences: false) {
        print(Printable.text(String(line)))
      }
    }
    let isAsked = drawing.graph || (!text && drawing.svg == nil)
    if isAsked { print(Terminal.heading(FlowTexts.heading(flow))) }
    try await drawing.draw(flow, isAsked: isAsked, print)
  }
}

/// How a flow is drawn.
struct FlowDrawing: ParsableArguments {
  @Flag(help: "Draw the flow as a tree.") var graph = false
  @Option(
    help: ArgumentHelp("Write a picture of the flow; - is standard output.", valueName: "file"))
  var svg: String?

  func draw(
    _ flow: SchedulerV1.Flow, isAsked: Bool, _ print: (String) -> Void
  ) async throws {
    guard isAsked || svg != nil else { return }
    let tree = try FlowTree(flow.steps)
    if isAsked {
      for line in FlowTreeText.lines(tree) { print(line) }
    }
    guard let svg else { return }
    let picture = FlowPicture(tree).svg(title: flow.name, subtitle: FlowTexts.subtitle(flow))
    if svg == "-" { return print(picture) }
    try await BlockingWork.run {
      let file = try OutputFile(svg)
      try file.write(picture + "\n")
    }
    print("\(svg): written")
  }
}

/// `homing flow sample`: prints a flow to begin with.
struct FlowSampleCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "sample", abstract: "Print a flow that comes with Homing, to begin with.",
    discussion: "There are: " + ShippedFlows.names.joined(separator: ", ") + ".")

  @Argument(help: "Its name (default: cart-recovery).") var name = "cart-recovery"
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    Terminal.print(try text())
  }

  /// Without the line break at its end.
  func text() throws -> String {
    guard let text = ShippedFlows.text(name) else {
      throw CommandError.usage(
        "no flow \"\(Printable.text(name))\" comes with Homing"
          + NearestName.hint(for: name, in: ShippedFlows.names))
    }
    return text.hasSuffix("\n") ? String(text.dropLast()) : text
  }
}

/// The flow files in the executable.
enum ShippedFlows {
  static let names = ShippedFiles.flows.keys.sorted()

  static func text(_ name: String) -> String? {
    ShippedFiles.flows[name].map { String(decoding: $0, as: UTF8.self) }
  }
}
