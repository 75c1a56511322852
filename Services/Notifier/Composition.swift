internal import Delivery
internal import Logging
internal import Messages
internal import ServiceKit
internal import Storage
internal import Stubs
internal import Texts
internal import Transport
internal import Wire

/// Puts the notifier together from its parts.
enum Composition {
  static let service = "homing.notifier.v1.Notifier"

  static func compose(
    _ context: ServiceContext, _ configuration: NotifierConfiguration
  ) throws -> ServiceParts {
    let isVirtual = context.virtualClock != nil
    if !configuration.flushes && !isVirtual {
      throw RPCError(.invalidArgument, "HOMING_FLUSH may be false on a virtual clock only")
    }
    let lanes = try ProviderBuilder(
      isVirtual: isVirtual, flushes: configuration.flushes
    ).lanes(configuration.providers)
    let links = try LinkSettings.maker(configuration)
    let database = try NotifierDatabase(
      folder: context.configuration.dataFolder, configuration,
      fatal: { context.fatal("a commit may or may not be on disk: \($0)") })
    let tracker = TrackerClient(try client(configuration.tracker, context))
    let counts = DeliveryCounts()
    let sender = try configuration.scheduler.map { target in
      let intake = IntakeClient(
        try client(target, context), SchedulerV1.SchedulerMethods.takeOutcomes)
      return OutboxSender(
        Outbox(target: OutcomeReports.target), engine: database.engine, counts: counts,
        health: context.health, log: context.log,
        send: { try await intake.send(counts.outbox, $0) })
    }
    return try compose(
      context, configuration,
      Outside(
        database: database, source: tracker, lanes: lanes, links: links, counts: counts,
        sender: sender,
        journal: try OptOutJournal(
          path: configuration.optOuts ?? context.configuration.dataFolder + "/optouts.journal",
          flushes: configuration.flushes),
        beat: RestoreBeat(
          path: context.configuration.dataFolder + "/notifier.beat",
          flushes: configuration.flushes)))
  }

  /// What a test gives in place of the network and the disk.
  struct Outside {
    let database: NotifierDatabase
    let source: any StopSource
    let lanes: [HandOff.Lane]
    let links: LinkMaker
    let counts: DeliveryCounts
    let sender: OutboxSender?
    let journal: OptOutJournal
    let beat: RestoreBeat
  }

  static func compose(
    _ context: ServiceContext, _ configuration: NotifierConfiguration, _ outside: Outside
  ) throws -> ServiceParts {
    let (clock, database) = (context.clock, outside.database)
    let stores = StoreBook(outside.source)
    let (templates, modes, pauses) = (TemplateBook(), ModeBook(), PauseBook())
    let heads = DueHeads()
    let renderer = ContentRenderer()
    let threads = try NotifierThreads(configuration)
    let messageLog = MessageLog(
      database: database, outcomes: OutcomeReports(sender: outside.sender), heads: heads,
      clock: clock, beat: outside.beat,
      keepsContent: configuration.contentKept > .zero)
    let restored = RestoredBackup(
      database: database, messageLog: messageLog,
      gate: RestoreGate(beat: outside.beat, waits: false), clock: clock)
    let desk = PermissionDesk(
      source: outside.source, stores: stores, templates: templates, modes: modes,
      pauses: pauses, renderer: renderer, links: outside.links, threads: threads.renderers,
      clock: clock, log: context.log)
    let handOff = HandOff(
      desk: desk, messageLog: messageLog, lanes: outside.lanes, loop: context.group.loops[0],
      seed: context.seed(for: "hand-off"))
    let loader = DueLoader(database: database, heads: heads, handOff: handOff)
    let worker = context.loop(loader, service: service)
    heads.onEarlier { worker.wake() }
    handOff.onRoom { worker.wake() }
    let housekeeping = context.loop(
      Housekeeping(database: database, contentKept: configuration.contentKept))
    let hashKey = HashKey()
    let notifier = NotifierPart(
      database: database, templates: templates, modes: modes, pauses: pauses,
      counts: outside.counts, journal: outside.journal, backup: restored,
      recovery: Recovery(
        database: database, messageLog: messageLog, lanes: outside.lanes, clock: clock),
      hashKey: hashKey, clock: clock, virtualClock: context.virtualClock,
      seed: context.seed(for: "database"), log: context.log)
    let handler = makeHandler(
      context, configuration, outside,
      Rooms(
        stores: stores, templates: templates, modes: modes,
        pauses: PauseDesk(pauses: pauses, database: database, heads: heads, clock: clock),
        renderer: renderer,
        messageLog: messageLog, restored: restored, threads: threads, hashKey: hashKey))
    var parts: [any ServicePart] = [threads, notifier]
    if let sender = outside.sender { parts.append(sender) }
    parts += [ProvidersPart(lanes: outside.lanes, handOff: handOff), worker]
    // A virtual clock has no hours to keep house in.
    if context.virtualClock == nil { parts.append(housekeeping) }
    return ServiceParts(
      parts: parts,
      virtualTime: NotifierTime(
        heads: heads, loader: loader, handOff: handOff, sender: outside.sender,
        counts: outside.counts, database: database, clock: clock, wake: { worker.wake() }),
      register: { handler.register(in: &$0) })
  }

  /// What several parts share.
  private struct Rooms {
    let stores: StoreBook
    let templates: TemplateBook
    let modes: ModeBook
    let pauses: PauseDesk
    let renderer: ContentRenderer
    let messageLog: MessageLog
    let restored: RestoredBackup
    let threads: NotifierThreads
    let hashKey: HashKey
  }

  private static func makeHandler(
    _ context: ServiceContext, _ configuration: NotifierConfiguration, _ outside: Outside,
    _ rooms: Rooms
  ) -> NotifierHandler {
    let (clock, database, threads) = (context.clock, outside.database, rooms.threads)
    let commands = Commands(database: database, clock: clock, thread: threads.commands)
    let suppressions = SuppressionDesk(
      database: database, journal: outside.journal,
      messageLog: rooms.messageLog, stores: rooms.stores,
      source: outside.source, links: outside.links, commands: commands, clock: clock,
      threads: threads.readers)
    let specs = configuration.providers?.specs ?? []
    let findings = FindingDesk(
      database: database, messageLog: rooms.messageLog, suppressions: suppressions,
      stores: rooms.stores)
    let endpoints = specs.compactMap { spec -> Set<String>? in
      guard case .http(let settings) = spec.kind, spec.channels.contains(.webhook) else {
        return nil
      }
      return Set(settings.endpoints.keys)
    }
    return NotifierHandler(
      intake: OrderIntake(
        database: database, stores: rooms.stores,
        rules: OrderRules(templates: rooms.templates, endpoints: endpoints.first),
        messageLog: rooms.messageLog, restored: rooms.restored,
        eraser: EraserDesk(
          database: database, journal: outside.journal, stores: rooms.stores,
          threads: threads.readers), counts: outside.counts, clock: clock),
      modes: rooms.modes, pauses: rooms.pauses, database: database, stores: rooms.stores,
      templates: TemplateDesk(
        templates: rooms.templates, stores: rooms.stores, source: outside.source,
        commands: commands, database: database, renderer: rooms.renderer, clock: clock,
        threads: threads.readers),
      suppressions: suppressions,
      visits: VisitDesk(
        database: database, messageLog: rooms.messageLog, links: outside.links, clock: clock,
        threads: threads.readers, hashKey: rooms.hashKey),
      reports: reports(context, specs, findings, threads.readers),
      mails: MailDesk(
        database: database, findings: findings, links: outside.links, clock: clock,
        threads: threads.readers, log: context.log),
      restored: rooms.restored, readers: threads.readers, log: context.log)
  }

  private static func reports(
    _ context: ServiceContext, _ specs: [ProviderSpec], _ findings: FindingDesk,
    _ threads: ThreadPool
  ) -> ReportDesk {
    let secrets = specs.compactMap { spec in spec.hookSecret.map { (spec.name, $0) } }
    let channels = specs.map { spec in (spec.name, spec.channels.filter(\.isAnswered)) }
    let (database, messageLog) = (findings.database, findings.messageLog)
    return ReportDesk(
      database: database, messageLog: messageLog, findings: findings,
      replies: ReplyDesk(
        database: database, findings: findings, clock: context.clock, threads: threads,
        channels: Dictionary(channels) { first, _ in first }, log: context.log),
      clock: context.clock, threads: threads,
      secrets: Dictionary(secrets) { first, _ in first })
  }

  private static func client(_ target: Target, _ context: ServiceContext) throws -> Client {
    try Client(
      target, tls: context.configuration.tls, configuration: ClientConfiguration(),
      group: context.group)
  }
}

/// Makes providers out of what an operator wrote.
struct ProviderBuilder {
  let isVirtual: Bool
  let flushes: Bool

  /// - Throws: naming the provider and the key, where a virtual clock does not allow it.
  func lanes(_ file: ProviderFile?) throws -> [HandOff.Lane] {
    var lanes: [HandOff.Lane] = []
    for spec in file?.specs ?? [] {
      if isVirtual, let (key, host) = spec.hosts.first(where: { !Loopback.isLiteral($0.host) }) {
        throw RPCError(
          .invalidArgument,
          "HOMING_PROVIDERS: [\(spec.name)] `\(key)` names \(host); on a virtual clock only "
            + "folders and literal loopback addresses are allowed")
      }
      lanes.append(HandOff.Lane(try provider(spec), Set(spec.channels), pace: spec.pace))
    }
    if !lanes.contains(where: { $0.channels.contains(.internal) }) {
      lanes.append(HandOff.Lane(InboxProvider(name: "inbox", slots: 64), [.internal]))
    }
    return lanes
  }

  private func provider(_ spec: ProviderSpec) throws -> any Provider {
    switch spec.kind {
    case .smtp(let settings):
      try SMTPProvider(
        name: spec.name, slots: spec.connections, retries: spec.retries, settings)
    case .http(let settings):
      try HTTPProvider(
        name: spec.name, slots: spec.connections, retries: spec.retries, settings)
    case .folder(let path):
      try FolderProvider(
        name: spec.name, path: path, slots: max(64, spec.connections), flushes: flushes)
    case .inbox: InboxProvider(name: spec.name, slots: max(64, spec.connections))
    }
  }
}

/// What links are made with.
enum LinkSettings {
  /// - Throws: naming the key that is wrong.
  static func maker(_ configuration: NotifierConfiguration) throws -> LinkMaker {
    guard let base = configuration.publicURL, !configuration.linkKeys.isEmpty else {
      if configuration.publicURL == nil && configuration.linkKeys.isEmpty { return .samples }
      throw RPCError(
        .invalidArgument, "HOMING_PUBLIC_URL and HOMING_LINK_KEYS are given together or not at all")
    }
    let keys = try configuration.linkKeys.map { item -> (id: UInt8, secret: Secret<[UInt8]>) in
      let parts = item.split(separator: "=", maxSplits: 1)
      guard parts.count == 2, let id = UInt8(parts[0]) else {
        throw RPCError(.invalidArgument, "HOMING_LINK_KEYS: an item is not ID=FILE")
      }
      return (id, Secret(try SmallFile.read(String(parts[1]), bytesMax: 4096)))
    }
    do throws(ContentError) {
      return try LinkMaker(base: base, keys: try LinkKeys(newestFirst: keys))
    } catch {
      throw RPCError(.invalidArgument, "HOMING_PUBLIC_URL or HOMING_LINK_KEYS: \(error)")
    }
  }
}
