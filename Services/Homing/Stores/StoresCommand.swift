internal import ArgumentParser
internal import DynamicMessages
internal import Messages
internal import ServiceKit
internal import Stubs
internal import Transport
internal import Wire

/// `homing stores`: shops, portals and configurators with their settings (C15).
struct StoresCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stores", abstract: "List, show and set up stores.",
    subcommands: [StoresListCommand.self, StoresShowCommand.self, StoresPutCommand.self])
}

/// `homing stores list`: every store.
struct StoresListCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List stores in order of their ids.")

  @Argument(help: "HOST:PORT of cart-tracker.") var target: String
  @OptionGroup var tracker: TrackerOptions
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await tracker.call(target) { try await list($0) { Terminal.print($0) } }
  }

  func list(_ caller: TrackerCaller, _ print: (String) -> Void) async throws {
    var printer = ListPrinter([
      ("STORE", .left), ("NAME", .left), ("DETECTION", .left), ("WINDOW", .right), ("ZONE", .left),
      ("REVISION", .right), ("CHANGED", .left),
    ])
    let json = output.isJSON ? try ContractJSON() : nil
    try await caller.pages(limit: 0) { page in
      let answer = try await caller.client.listStores(.init(page: page), options: caller.options)
      return (answer.stores, answer.next)
    } _: { stores in
      if let json {
        for store in stores { print(output.line(try json.value(store))) }
        return
      }
      let rows = stores.map { store -> [String] in
        let settings = store.settings ?? .init()
        return [
          store.id, settings.name, settings.detection ? "on" : "off",
          ValueText.text(settings.window), settings.timeZone, "\(store.revision)",
          ValueText.text(store.changedAt),
        ]
      }
      for line in printer.lines(rows) { print(line) }
    }
  }
}

/// `homing stores show`: one store.
struct StoresShowCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show one store with its settings.")

  @OptionGroup var at: StoreConnection
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.tracker.call(at.target) { try await show($0) { Terminal.print($0) } }
  }

  func show(_ caller: TrackerCaller, _ print: (String) -> Void) async throws {
    let store = try await caller.client.getStore(.init(store: at.store), options: caller.options)
    try StoreCells.print(store, output, print)
  }
}

/// `homing stores put`: makes a store, or changes what the options name.
struct StoresPutCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "put", abstract: "Make a store or change its settings.",
    discussion: """
      Settings that no option names stay as they are. --data replaces all of them first, in \
      protobuf's JSON mapping (homing.cart_tracker.v1.StoreSettings). A new store needs --name, \
      --controller, --time-zone, --locale, --country and --window.
      """)

  @OptionGroup var at: StoreConnection
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("JSON, @FILE, or - for standard input.", valueName: "json"))
  var data: String?
  @Option(help: "Name for people.") var name: String?
  @Option(help: "The legal entity.") var controller: String?
  @Option(help: "IANA time zone, such as Europe/Berlin.") var timeZone: String?
  @Option(help: "Language, such as de-CH.") var locale: String?
  @Option(help: ArgumentHelp("ISO 3166-1, such as DE.", valueName: "code")) var country: String?
  @Option(help: ArgumentHelp("Whether carts are watched: on or off.", valueName: "on|off"))
  var detection: String?
  @Option(help: "Silence after which a cart is abandoned: 90s, 30m, 1h, 1d, 1w, 1mo.")
  var window: String?
  @Option(help: ArgumentHelp("Silence after leaving the checkout.", valueName: "span"))
  var checkoutGrace: String?
  @Option(help: ArgumentHelp("How late events may come.", valueName: "span"))
  var lateness: String?
  @Option(help: ArgumentHelp("How old a feed may be; 0 expects no heartbeat.", valueName: "span"))
  var feedLimit: String?
  @Option(help: ArgumentHelp("Whether views count as activity.", valueName: "on|off"))
  var viewsAreActivity: String?
  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Hours of a channel on the recipient's clock; repeatable (SMS and push: 08:00-20:00).",
      valueName: "CHANNEL=[DAYS ]HH:MM-HH:MM"))
  var hours: [String] = []
  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "How often somebody is written to, such as person=3/7d, company=10/30d or person=1/1d:sms; "
        + "repeatable, replaces all. Also none, or default (person=3/7d).",
      valueName: "SCOPE=COUNT/SPAN[:CHANNELS]"))
  var cap: [String] = []
  @Option(help: "The revision that was read (default: read now).") var revision: UInt32?
  @Option(help: "Idempotency key, to repeat a call safely.") var idempotencyKey: String?
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.tracker.call(at.target) { try await put($0) { Terminal.print($0) } }
  }

  func put(_ caller: TrackerCaller, _ print: (String) -> Void) async throws {
    let present = try await present(caller)
    var settings = present?.settings ?? .init()
    if let data { settings = try await ContractJSON().message(data) }
    try apply(to: &settings)
    let request = CartTrackerV1.PutStoreRequest(
      store: at.store, idempotencyKey: IdempotencyKey.make(idempotencyKey), settings: settings,
      revision: revision ?? present?.revision ?? 0)
    let store = try await caller.client.putStore(request, options: caller.options)
    try StoreCells.print(store, output, print)
  }

  private func present(_ caller: TrackerCaller) async throws -> CartTrackerV1.Store? {
    do {
      return try await caller.client.getStore(.init(store: at.store), options: caller.options)
    } catch let error as RPCError where error.code == .notFound {
      return nil
    }
  }

  private func apply(to settings: inout CartTrackerV1.StoreSettings) throws(CommandError) {
    if let name { settings.name = name }
    if let controller { settings.controller = controller }
    if let timeZone { settings.timeZone = timeZone }
    if let locale { settings.locale = locale }
    if let country { settings.countryCode = country }
    if let window {
      guard let length = WindowText(window)?.window else {
        throw .usage("--window must be such as 90s, 30m, 1h, 1d, 1w or 1mo (1 to 24 months)")
      }
      settings.window = length
    }
    if let detection { settings.detection = try isOn(detection, "--detection") }
    if let viewsAreActivity {
      settings.viewsAreActivity = try isOn(viewsAreActivity, "--views-are-activity")
    }
    if let checkoutGrace { settings.checkoutGrace = try span(checkoutGrace, "--checkout-grace") }
    if let lateness { settings.allowedLateness = try span(lateness, "--lateness") }
    if let feedLimit { settings.feedLimit = try span(feedLimit, "--feed-limit") }
    for text in hours { try set(text, in: &settings) }
    if !cap.isEmpty { try CapText.set(cap, in: &settings) }
  }

  private func set(
    _ text: String, in settings: inout CartTrackerV1.StoreSettings
  ) throws(CommandError) {
    let parts = text.split(separator: "=", maxSplits: 1)
    guard parts.count == 2, let channel = FlowTexts.channel.value(parts[0]),
      channel.hasHours, let window = try? SendWindowText.parse(String(parts[1]))
    else {
      throw .usage(
        "--hours must be such as sms=08:00-20:00 or \"email=mon-fri 09:00-17:00\", is "
          + "\"\(Printable.text(text))\"")
    }
    settings.windows.removeAll { $0.channel == channel }
    settings.windows.append(.init(channel: channel, window: window))
  }

  private func isOn(_ text: String, _ option: String) throws(CommandError) -> Bool {
    guard text == "on" || text == "off" else {
      throw .usage("\(option) must be on or off, is \"\(Printable.text(text))\"")
    }
    return text == "on"
  }

  private func span(_ text: String, _ option: String) throws(CommandError) -> Protobuf.Duration {
    guard let span = SpanText(text)?.duration else {
      throw .usage("\(option) must be a span such as 10m, is \"\(Printable.text(text))\"")
    }
    return Protobuf.Duration(span)
  }
}

/// A store as a person reads it.
enum StoreCells {
  static func print(
    _ store: CartTrackerV1.Store, _ output: OutputOptions, _ print: (String) -> Void
  ) throws {
    if output.isJSON { return print(output.line(try ContractJSON().value(store))) }
    var table = Table([("WHAT", .left), ("VALUE", .left)])
    for (name, value) in facts(store) where !value.isEmpty { table.add([name, value]) }
    for line in table.lines().dropFirst() { print(line) }
  }

  private static func facts(_ store: CartTrackerV1.Store) -> [(String, String)] {
    let settings = store.settings ?? .init()
    let kinds = settings.kinds.map { kind in
      let window = kind.window.map { " " + ValueText.text($0) } ?? ""
      return CartTexts.kind.name(kind.kind) + window
    }
    let hours = settings.windows.map { item in
      FlowTexts.channel.name(item.channel) + " " + SendWindowText.text(item.window ?? .init())
    }
    func span(_ span: Protobuf.Duration?) -> String {
      span.map { ValueText.spanText($0.span) } ?? ""
    }
    return [
      ("store", store.id), ("name", settings.name), ("controller", settings.controller),
      ("time zone", settings.timeZone), ("locale", settings.locale),
      ("country", settings.countryCode), ("detection", settings.detection ? "on" : "off"),
      ("detection since", ValueText.text(store.detectionSince)),
      ("window", ValueText.text(settings.window)), ("kinds", kinds.joined(separator: ", ")),
      ("checkout grace", span(settings.checkoutGrace)),
      ("allowed lateness", span(settings.allowedLateness)),
      ("max lateness", span(settings.maxLateness)), ("cart expiry", span(settings.cartExpiry)),
      ("views", settings.viewsAreActivity ? "are activity" : "are no activity"),
      ("hours", hours.joined(separator: ", ")), ("caps", CapText.text(settings)),
      ("feed limit", span(settings.feedLimit)), ("cart source", settings.cartSource),
      ("watermark", ValueText.text(store.watermark)), ("revision", "\(store.revision)"),
      ("changed", ValueText.text(store.changedAt)),
    ]
  }
}
