internal import ArgumentParser
internal import DynamicMessages
internal import Messages
internal import Stubs
internal import Transport
internal import Wire

/// `homing carts watch`: each change of an episode as it becomes known.
struct CartsWatchCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "watch", abstract: "Print each change of an episode until Ctrl-C.",
    discussion: """
      With --json each line also has `next`, which --after takes to go on from there: nothing is \
      missed, and something may come twice.
      """)

  @OptionGroup var at: StoreConnection
  @Option(help: "Go on from here (default: the present).") var after = ""
  @Option(help: "States, by comma: \(CartTexts.episodeState.names.joined(separator: ", ")).")
  var state: String?
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.tracker.call(at.target) { try await watch($0) { Terminal.print($0) } }
  }

  func watch(_ caller: TrackerCaller, _ print: (String) -> Void) async throws {
    let states = try EnumOption.values(state, "--state", CartTexts.episodeState)
    let json = output.isJSON ? try ContractJSON() : nil
    let call = try await caller.client.watchEpisodes(
      .init(store: at.store, after: after, states: states))
    while let answer = try await call.next() {
      for episode in answer.episodes {
        if let json {
          let members = [
            JSONMember("episode", try json.value(episode)),
            JSONMember("next", .string(answer.next)),
          ]
          print(JSONWriter.text(.object(members)))
        } else {
          print(Printable.text(EpisodeCells.line(episode)))
        }
      }
    }
  }
}

/// `homing carts episodes`: the silences of carts, oldest first.
struct CartsEpisodesCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "episodes", abstract: "List abandonment episodes, oldest first.")

  @OptionGroup var at: StoreConnection
  @Option(help: "Abandoned at or after this time.") var from: String?
  @Option(help: "Abandoned before this time.") var to: String?
  @Option(help: "States, by comma: \(CartTexts.episodeState.names.joined(separator: ", ")).")
  var state: String?
  @Option(help: "Kinds of cart, by comma.") var kind: String?
  @Option(help: "Triggers, by comma: \(CartTexts.trigger.names.joined(separator: ", ")).")
  var trigger: String?
  @Option(help: "One contact's.") var contact = ""
  @Option(help: "One cart's.") var cart = ""
  @Option(help: "Episodes to show, at most; 0 shows all.") var limit = 0
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.tracker.call(at.target) { try await list($0) { Terminal.print($0) } }
  }

  func list(_ caller: TrackerCaller, _ print: (String) -> Void) async throws {
    let query = CartTrackerV1.EpisodeQuery(
      abandoned: try TimeOption.range(from: from, to: to),
      states: try EnumOption.values(state, "--state", CartTexts.episodeState),
      kinds: try EnumOption.values(kind, "--kind", CartTexts.kind), contact: contact, cart: cart,
      triggers: try EnumOption.values(trigger, "--trigger", CartTexts.trigger))
    var printer = ListPrinter(EpisodeCells.headings)
    let json = output.isJSON ? try ContractJSON() : nil
    try await caller.pages(limit: limit) { page in
      let answer = try await caller.client.listEpisodes(
        .init(store: at.store, page: page, query: query), options: caller.options)
      return (answer.episodes, answer.next)
    } _: { episodes in
      if let json {
        for episode in episodes { print(output.line(try json.value(episode))) }
      } else {
        for line in printer.lines(episodes.map(EpisodeCells.row)) { print(line) }
      }
    }
  }
}

/// An episode as a person reads it.
enum EpisodeCells {
  static let headings: [(heading: String, alignment: Table.Alignment)] = [
    ("ABANDONED AT", .left), ("CART", .left), ("CONTACT", .left), ("STATE", .left),
    ("TRIGGER", .left), ("KIND", .left), ("STAGE", .left), ("TOTAL", .right), ("SCORE", .right),
  ]

  static func row(_ episode: CartTrackerV1.Episode) -> [String] {
    [
      ValueText.text(episode.abandonedAt), episode.cart,
      episode.contact.isEmpty ? episode.guest : episode.contact,
      CartTexts.episodeState.name(episode.state), CartTexts.trigger.name(episode.trigger),
      CartTexts.kind.name(episode.kind), CartTexts.stage.name(episode.stage),
      episode.totals.map { ValueText.text($0) }.joined(separator: ", "),
      episode.score.map { "\($0.value)" } ?? "",
    ]
  }

  /// On one line, without the columns of a list.
  static func line(_ episode: CartTrackerV1.Episode) -> String {
    let person = episode.contact.isEmpty ? episode.guest : episode.contact
    let totals = episode.totals.map { ValueText.text($0) }.joined(separator: ", ")
    let parts = [
      ValueText.text(episode.changedAt ?? episode.abandonedAt),
      CartTexts.episodeState.name(episode.state), "cart \(episode.cart)", "contact \(person)",
      "abandoned " + ValueText.text(episode.abandonedAt), totals,
    ]
    return parts.filter { !$0.isEmpty }.joined(separator: "  ")
  }
}

extension OutputOptions {
  /// An object of its own as text.
  func line(_ value: JSONValue) -> String { JSONWriter.text(value, style) }
}
