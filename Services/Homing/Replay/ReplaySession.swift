internal import Glibc
internal import ServiceKit
internal import Synchronization
internal import Transport
internal import Wire

/// What the command line asks for, checked.
struct ReplayOrder: Sendable {
  let file: ReplayFile
  let settings: ReplaySettings
  let step: Duration?
  let drains: Bool
  let contacts: ContactTemplates
  /// Nil: none runs.
  let flow: ReplayFlow?
  /// Nil: services of our own.
  let targets: Targets?
  /// Nil: away with the suite.
  let out: String?
  let connection: ConnectionOptions
  let programs: String?
  let shuffle: Duration
  let copies: Int
  let seed: UInt64
  let killInterval: Int?

  /// Services that run.
  struct Targets: Sendable {
    let cartTracker: String
    /// Nil for a replay without flows.
    var others: (scheduler: String, notifier: String)?
    /// Nil for one without letters.
    var directMail: String?
  }

  /// - Throws: `CommandError` for the first option that cannot be used.
  init(_ command: ReplayCommand) throws {
    file = ReplayFile(
      path: command.file, format: try ReplayOrder.format(command), store: command.store,
      currency: command.currency)
    guard let window = WindowText(command.window)?.window else {
      throw CommandError.usage(
        "--window must be such as 90s, 30m, 1h, 1d, 1w or 1mo (1 to 24 months), is "
          + "\"\(Printable.text(command.window))\"")
    }
    settings = ReplaySettings(
      window: window, lateness: try ReplayOrder.span(command.lateness, "--lateness"),
      viewsAreActivity: command.activity == .any, timeZone: command.timeZone)
    step = try command.step.map { try ReplayOrder.span($0, "--step") }
    if step == .zero { throw CommandError.usage("--step must be more than 0") }
    drains = !command.doesNotDrain
    targets = try ReplayOrder.targets(command)
    var contacts = ContactTemplates(
      email: command.email, phone: command.phone, address: command.address)
    let runsFlow = command.flow != "none" && (targets == nil || targets?.others != nil)
    if runsFlow { contacts = contacts.filled(from: .unreachable) }
    try contacts.check()
    self.contacts = contacts
    flow =
      try runsFlow
      ? ShippedFiles.flow(command.flow, testAddresses: contacts.testAddresses()) : nil
    out = command.out
    connection = command.connection
    programs = command.bin
    shuffle = try command.shuffle.map { try ReplayOrder.span($0, "--shuffle") } ?? .zero
    copies = max(1, command.copies)
    seed = command.seed
    killInterval = command.killEvery
    if let out = command.out { _ = try CertificateFolder(out) }
  }

  private static func targets(_ command: ReplayCommand) throws(CommandError) -> Targets? {
    guard command.local != (command.target != nil) else {
      throw .usage("give either --local or --target HOST:PORT")
    }
    guard let target = command.target else { return nil }
    if let scheduler = command.scheduler, let notifier = command.notifier {
      return Targets(
        cartTracker: target, others: (scheduler, notifier), directMail: command.directMail)
    }
    guard command.scheduler == nil, command.notifier == nil, command.directMail == nil,
      command.flow ?? "none" == "none"
    else { throw .usage("a flow on a --target needs both --scheduler and --notifier HOST:PORT") }
    return Targets(cartTracker: target)
  }

  private static func span(_ text: String, _ option: String) throws(CommandError) -> Duration {
    guard let span = SpanText(text)?.duration else {
      throw .usage("\(option) must be a span such as 10m, is \"\(Printable.text(text))\"")
    }
    return span
  }

  private static func format(_ command: ReplayCommand) throws(CommandError) -> ReplayFormat {
    var format =
      try command.preset.map { name throws(CommandError) in
        try ReplayFormat.preset(name)
      } ?? ReplayFormat()
    for (ours, theirs) in try ReplayColumn.pairs(command.columns ?? "", option: "--columns") {
      format.columns[ours] = theirs
    }
    for (ours, theirs) in try ReplayColumn.pairs(command.kinds ?? "", option: "--kinds") {
      format.kinds[ours] = theirs
    }
    if command.hasNoHeader { format.hasHeader = false }
    if let time = command.timeFormat { format.time = time }
    return format
  }
}

/// One replay from its file to its counts.
final class ReplaySession: Sendable {
  private let order: ReplayOrder
  private let group: EventLoopGroup
  private let suite = Mutex<LocalSuite?>(nil)

  init(_ order: ReplayOrder) throws {
    self.order = order
    group = try EventLoopGroup(count: 1, name: "replay")
  }

  private var loop: EventLoop { group.loops[0] }

  func run() async throws -> ReplayCounts {
    let file = order.file
    let survey = try await BlockingWork.run { try file.survey() }
    for refusal in survey.refusals {
      Terminal.printError("row \(refusal.row) cannot be read: \(refusal.reason)")
    }
    if survey.refusedCount > survey.refusals.count {
      Terminal.printError("\(survey.refusedCount) rows cannot be read")
    }
    let loop = loop
    // On the client's own loop a call costs no change of threads.
    return try await withTaskExecutorPreference(loop) {
      let services = try await connect()
      let plan = plan(survey)
      let base = try await FileRows(file, survey)
      let isShuffled = order.copies > 1 || order.shuffle > .zero
      let rows: any RowSource =
        isShuffled
        ? ShuffledRows(base, copies: order.copies, span: order.shuffle, seed: order.seed) : base
      let total = (survey.rowCount - survey.refusedCount) * UInt64(order.copies)
      let start = ContinuousClock.now
      let bar = ProgressBar(total: total, isShown: isatty(STDERR_FILENO) == 1) {
        ContinuousClock.now - start
      }
      var driver = ReplayDriver(
        services, plan, rows, pause: { try await loop.sleep(for: $0) }, report: { bar.show($0) })
      defer { bar.clear() }
      let progress = try await driver.run()
      bar.clear()
      return try await finish(services, survey, progress)
    }
  }

  /// Ends what was started. Not to be called in a task that is cancelled.
  func stop() async {
    if let suite = suite.withLock({ $0.take() }) { await suite.stop() }
  }

  private func finish(
    _ services: RunningServices, _ survey: FileSurvey, _ progress: ReplayProgress
  ) async throws -> ReplayCounts {
    for refusal in progress.refusals {
      Terminal.printError("row \(refusal.row) is refused: \(Printable.text(refusal.reason))")
    }
    if let first = progress.refusals.first,
      UInt64(progress.refusedRows.count) == survey.rowCount - survey.refusedCount
    {
      throw CommandError.usage("the service refuses every row: \(Printable.text(first.reason))")
    }
    return try await ReplayCounts.read(services, survey, progress)
  }

  private func connect() async throws -> RunningServices {
    if let targets = order.targets {
      return RunningServices(
        try client(targets.cartTracker),
        scheduler: try targets.others.map { try client($0.scheduler) },
        notifier: try targets.others.map { try client($0.notifier) },
        directMail: try targets.directMail.map { try client($0) })
    }
    let loop = loop
    let setup = LocalSuite.Setup(
      programs: order.programs, runsFlows: order.flow != nil, out: order.out,
      pause: { try await loop.sleep(for: $0) }, group: group)
    let suite = try LocalSuite(setup, now: time(nil))
    self.suite.withLock { $0 = suite }
    return try await suite.start()
  }

  private func client(_ target: String) throws -> Client {
    var configuration = ClientConfiguration()
    configuration.connectionsMax = 1
    configuration.attemptsMax = 1
    return try Client(
      try ConnectionOptions.target(target), tls: try order.connection.tls(),
      configuration: configuration, group: group)
  }

  private func plan(_ survey: FileSurvey) -> ReplayPlan {
    var plan = ReplayPlan(
      stores: survey.stores, settings: order.settings, firstAt: survey.firstAt,
      lastAt: survey.lastAt, step: order.step, drains: order.drains, contacts: order.contacts,
      flow: order.flow, idPrefix: survey.idPrefix)
    if let interval = order.killInterval, let suite = suite.withLock({ $0 }) {
      plan.disturbance = .init(interval: max(1, interval)) { try await suite.crash() }
    }
    return plan
  }
}
