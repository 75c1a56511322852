internal import Delivery
internal import Logging
internal import Messages
internal import ServiceKit
internal import Storage
internal import Stubs
internal import Transport
internal import Wire

/// Puts direct-mail together from its parts.
enum Composition {
  static let service = "homing.direct_mail.v1.DirectMail"

  static func compose(
    _ context: ServiceContext, _ configuration: DirectMailConfiguration
  ) throws -> ServiceParts {
    if !configuration.flushes && context.virtualClock == nil {
      throw RPCError(.invalidArgument, "HOMING_FLUSH may be false on a virtual clock only")
    }
    let links = try LinkSettings.links(configuration)
    let database = try DirectMailDatabase(
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
        database: database, source: tracker, press: try PagePress(images: configuration.images),
        files: files(context, configuration), links: links, counts: counts, sender: sender,
        journal: try OptOutJournal(
          path: configuration.optOuts ?? context.configuration.dataFolder + "/optouts.journal",
          flushes: configuration.flushes),
        beat: RestoreBeat(
          path: context.configuration.dataFolder + "/direct-mail.beat",
          flushes: configuration.flushes)))
  }

  private static func files(
    _ context: ServiceContext, _ configuration: DirectMailConfiguration
  ) -> BatchFiles {
    let folder = context.configuration.dataFolder
    return BatchFiles(
      own: folder + "/batches", handOver: configuration.letters ?? folder + "/letters",
      flushes: configuration.flushes)
  }

  /// What a test gives in place of the network and the disk.
  struct Outside {
    let database: DirectMailDatabase
    let source: any StopSource
    let press: any Press
    let files: BatchFiles
    let links: LetterLinks
    let counts: DeliveryCounts
    let sender: OutboxSender?
    let journal: OptOutJournal
    let beat: RestoreBeat
    var reached: @Sendable (BatchCloser.Point) throws -> Void = { _ in }
  }

  static func compose(
    _ context: ServiceContext, _ configuration: DirectMailConfiguration, _ outside: Outside
  ) throws -> ServiceParts {
    let (clock, database) = (context.clock, outside.database)
    let stores = StoreBook(outside.source)
    let (templates, modes, pauses) = (TemplateBook(), ModeBook(), PauseBook())
    let heads = BatchHeads()
    let threads = try DirectMailThreads(configuration)
    let pieceLog = PieceLog(outcomes: OutcomeReports(sender: outside.sender))
    let closer = BatchCloser(
      BatchCloser.Rooms(
        database: database, heads: heads, pieceLog: pieceLog,
        desk: GrantDesk(source: outside.source), stores: stores, templates: templates,
        modes: modes, pauses: pauses, press: outside.press, files: outside.files,
        links: outside.links, beat: outside.beat,
        cutOff: configuration.cutOff, householdPeriod: configuration.householdPeriod, clock: clock,
        log: context.log, reached: outside.reached))
    let worker = context.loop(closer, service: service) {
      $0.backoff = Backoff(first: .milliseconds(50), most: .seconds(5))
    }
    heads.onEarlier { worker.wake() }
    let restored = RestoredBatches(
      database: database, pieceLog: pieceLog,
      gate: RestoreGate(beat: outside.beat, waits: false), clock: clock)
    let part = DirectMailPart(
      database: database, templates: templates, modes: modes, pauses: pauses, heads: heads,
      files: outside.files, counts: outside.counts,
      journal: outside.journal, backup: restored, log: context.log, clock: clock,
      virtualClock: context.virtualClock, seed: context.seed(for: "database"))
    let handler = makeHandler(
      context, configuration, outside,
      Rooms(
        stores: stores, templates: templates, modes: modes, pauses: pauses, heads: heads,
        pieceLog: pieceLog, restores: restored.gate, threads: threads))
    var parts: [any ServicePart] = [threads, part]
    if let sender = outside.sender { parts.append(sender) }
    parts += [worker, SimplePart("cut-offs", stop: { closer.cancel() })]
    // A virtual clock has no hours to keep house in.
    if context.virtualClock == nil { parts.append(context.loop(Housekeeping(database: database))) }
    return ServiceParts(
      parts: parts,
      virtualTime: DirectMailTime(
        heads: heads, closer: closer, sender: outside.sender, counts: outside.counts,
        database: database, clock: clock, wake: { worker.wake() }),
      register: { handler.register(in: &$0) })
  }

  /// What several parts share.
  private struct Rooms {
    let stores: StoreBook
    let templates: TemplateBook
    let modes: ModeBook
    let pauses: PauseBook
    let heads: BatchHeads
    let pieceLog: PieceLog
    let restores: RestoreGate
    let threads: DirectMailThreads
  }

  private static func makeHandler(
    _ context: ServiceContext, _ configuration: DirectMailConfiguration, _ outside: Outside,
    _ rooms: Rooms
  ) -> DirectMailHandler {
    let (clock, database, readers) = (context.clock, outside.database, rooms.threads.readers)
    let commands = Commands(database: database, clock: clock, thread: rooms.threads.commands)
    return DirectMailHandler(
      intake: OrderIntake(
        database: database, stores: rooms.stores, templates: rooms.templates,
        pieceLog: rooms.pieceLog, heads: rooms.heads, counts: outside.counts, clock: clock,
        cutOff: configuration.cutOff, cost: configuration.cost,
        eraser: EraserDesk(
          database: database, journal: outside.journal, files: outside.files,
          stores: rooms.stores, threads: readers), restores: rooms.restores),
      modes: rooms.modes, pauses: rooms.pauses, database: database,
      pieces: PieceDesk(
        database: database, pieceLog: rooms.pieceLog,
        journal: outside.journal, commands: commands, stores: rooms.stores,
        clock: clock),
      batches: BatchDesk(
        database: database, commands: commands, heads: rooms.heads, pieceLog: rooms.pieceLog,
        files: outside.files,
        clock: clock, threads: readers),
      budgets: BudgetDesk(
        database: database, commands: commands, stores: rooms.stores, clock: clock,
        threads: readers),
      objections: ObjectionDesk(
        database: database, journal: outside.journal,
        pieceLog: rooms.pieceLog, stores: rooms.stores, links: outside.links,
        commands: commands, clock: clock, threads: readers),
      scans: ScanDesk(
        database: database, pieceLog: rooms.pieceLog, links: outside.links, clock: clock,
        threads: readers),
      templates: TemplateDesk(
        templates: rooms.templates, stores: rooms.stores, source: outside.source,
        commands: commands, database: database, press: outside.press, clock: clock,
        threads: readers),
      restores: rooms.restores, readers: readers, log: context.log)
  }

  private static func client(_ target: Target, _ context: ServiceContext) throws -> Client {
    try Client(
      target, tls: context.configuration.tls, configuration: ClientConfiguration(),
      group: context.group)
  }
}

/// What links are made with.
enum LinkSettings {
  /// - Throws: naming the key that is wrong.
  static func links(_ configuration: DirectMailConfiguration) throws -> LetterLinks {
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
    do throws(RPCError) {
      return try LetterLinks(base: base, keys: keys)
    } catch {
      throw RPCError(
        .invalidArgument, "HOMING_PUBLIC_URL or HOMING_LINK_KEYS: \(error.message)")
    }
  }
}
