internal import ArgumentParser
internal import Glibc
internal import Messages
internal import Stubs
internal import Transport
internal import Wire

/// `homing carts`: lists, details, export and changes.
struct CartsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "carts", abstract: "List, show, export and watch carts.",
    subcommands: [
      CartsListCommand.self, CartsShowCommand.self, CartsExportCommand.self,
      CartsEpisodesCommand.self, CartsCountCommand.self, CartsWatchCommand.self,
    ])
}

/// `homing carts list`: the abandoned carts, or what the query asks for.
struct CartsListCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List carts, by default the abandoned ones, newest first.")

  @OptionGroup var at: StoreConnection
  @OptionGroup var filter: CartQueryOptions
  @Flag(name: .customLong("lines"), help: "Show each cart's lines.") var withLines = false
  @Option(help: "Carts to show, at most; 0 shows all.") var limit = 0
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.tracker.call(at.target) { try await list($0) { Terminal.print($0) } }
  }

  func list(_ caller: TrackerCaller, _ print: (String) -> Void) async throws {
    var query = try filter.query(withLines: withLines)
    let cells = CartCells(
      columns: query.columns.isEmpty ? CartCells.standard : query.columns, withLines: withLines)
    if !output.isJSON { query.columns = cells.columns }
    var printer = ListPrinter(cells.headings)
    let json = output.isJSON ? try ContractJSON() : nil
    try await caller.pages(limit: limit) { page in
      let answer = try await caller.client.listCarts(
        .init(store: at.store, page: page, query: query), options: caller.options)
      return (answer.rows, answer.next)
    } _: { rows in
      if let json {
        for row in rows { print(output.line(try json.value(row))) }
      } else {
        for line in printer.lines(rows.flatMap(cells.rows)) { print(line) }
      }
    }
  }
}

/// `homing carts show`: one cart with everything known of it.
struct CartsShowCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show one cart with its lines.")

  @OptionGroup var at: StoreConnection
  @Option(help: "The cart's id.") var cart: String
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.tracker.call(at.target) { try await show($0) { Terminal.print($0) } }
  }

  func show(_ caller: TrackerCaller, _ print: (String) -> Void) async throws {
    let cart = try await caller.client.getCart(
      .init(store: at.store, cart: cart), options: caller.options)
    if output.isJSON { return print(output.line(try ContractJSON().value(cart))) }
    for line in facts(cart).lines(style: { $0 }).dropFirst() { print(line) }
    guard !cart.lines.isEmpty else { return }
    print("")
    var lines = Table([
      ("SKU", .left), ("PRODUCT", .left), ("QUANTITY", .right), ("PRICE", .right),
    ])
    for line in cart.lines { lines.add(CartCells.line(line)) }
    for line in lines.lines(style: Terminal.heading) { print(line) }
  }

  private func facts(_ cart: CartTrackerV1.Cart) -> Table {
    let header = cart.header ?? .init()
    let facts: [(String, String)] = [
      ("cart", cart.id), ("contact", cart.contact), ("guest", cart.guest),
      ("company", header.company), ("state", CartTexts.state.name(cart.state)),
      ("kind", CartTexts.kind.name(header.kind)), ("place", CartTexts.place.name(header.place)),
      ("stage", CartTexts.stage.name(header.stage)), ("step", header.checkoutStep),
      ("url", header.url),
      ("quantity", cart.quantities.map { ValueText.text($0) }.joined(separator: ", ")),
      ("total", cart.totals.map { ValueText.text($0) }.joined(separator: ", ")),
      ("started", ValueText.text(cart.startedAt)),
      ("last activity", ValueText.text(cart.lastActivityAt)),
      ("abandons", ValueText.text(cart.abandonsAt)),
      ("abandoned", ValueText.text(cart.abandonedAt)), ("closed", ValueText.text(cart.closedAt)),
      ("deadline", ValueText.text(cart.deadline)),
      ("payment until", ValueText.text(cart.paymentPendingUntil)),
      ("episodes", "\(cart.episodes)"), ("score", cart.score.map { "\($0.value)" } ?? ""),
      ("reasons", cart.reasons.map { CartTexts.reason.name($0.reason) }.joined(separator: ", ")),
    ]
    var table = Table([("WHAT", .left), ("VALUE", .left)])
    for (name, value) in facts where !value.isEmpty { table.add([name, value]) }
    return table
  }
}

/// `homing carts count`: a store's carts and episodes in numbers.
struct CartsCountCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "count", abstract: "Count a store's carts and episodes.")

  @OptionGroup var at: StoreConnection
  @Option(help: "Carts started at or after this time.") var from: String?
  @Option(help: "Carts started before this time.") var to: String?
  @Option(help: "Kinds, by comma.") var kind: String?
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.tracker.call(at.target) { try await count($0) { Terminal.print($0) } }
  }

  func count(_ caller: TrackerCaller, _ print: (String) -> Void) async throws {
    let request = CartTrackerV1.CountCartsRequest(
      store: at.store, started: try TimeOption.range(from: from, to: to),
      kinds: try EnumOption.values(kind, "--kind", CartTexts.kind))
    let counts = try await caller.client.countCarts(request, options: caller.options)
    if output.isJSON { return print(output.line(try ContractJSON().value(counts))) }
    var table = Table([("WHAT", .left), ("COUNT", .right)])
    let named: [(String, UInt64)] = [
      ("carts", counts.carts), ("episodes", counts.episodes),
      ("abandoned carts", counts.abandonedCarts), ("reopened", counts.reopened),
      ("recovered", counts.recovered), ("purchased", counts.purchased),
      ("emptied", counts.emptied), ("expired", counts.expired), ("open", counts.open),
    ]
    for (name, count) in named { table.add([name, "\(count)"]) }
    for line in table.lines(style: Terminal.heading) { print(line) }
    guard !counts.stages.isEmpty else { return }
    print("")
    var stages = Table([("STAGE", .left), ("REACHED", .right), ("LEFT", .right)])
    for stage in counts.stages {
      stages.add([CartTexts.stage.name(stage.stage), "\(stage.reached)", "\(stage.left)"])
    }
    for line in stages.lines(style: Terminal.heading) { print(line) }
  }
}
