internal import Delivery
internal import Glibc
internal import Logging
internal import Messages
internal import ServiceKit
internal import Storage
internal import Stubs
internal import Synchronization
internal import Transport
internal import Wire

/// Puts cart-tracker together from its parts.
enum Composition {
  static let service = "homing.cart_tracker.v1.CartTracker"

  static func compose(
    _ context: ServiceContext, _ configuration: TrackerConfiguration
  ) throws -> ServiceParts {
    let folder = context.configuration.dataFolder
    if !configuration.flushes && context.virtualClock == nil {
      throw RPCError(.invalidArgument, "HOMING_FLUSH may be false on a virtual clock only")
    }
    let fatal: @Sendable (StorageError) -> Void = { error in
      context.fatal("a commit may or may not be on disk: \(error)")
    }
    let databases = try Databases(folder: folder, configuration)
    let stores = StoreRegistry()
    let journal = Journal(
      engine: databases.journal,
      limits: .init(rows: configuration.tailRows, bytes: configuration.tailBytes),
      threadName: "journal", fatal: fatal)
    let counts = DeliveryCounts()
    let restores = RestoreGate(
      beat: RestoreBeat(path: folder + "/cart-tracker.beat", flushes: configuration.flushes),
      waits: true)
    let sender = try configuration.scheduler.map { scheduler in
      try makeSender(to: scheduler, databases.carts, counts, context)
    }
    let projector = Projector(
      carts: databases.carts, journal: journal, stores: stores, lease: databases.lease,
      isVirtual: context.virtualClock != nil,
      changeOutbox: sender.map { sender in
        ChangeOutbox(
          outbox: toScheduler, onCommit: { sender.wake($0) },
          onErasure: { sender.noteErasure() })
      }, beat: restores.beat)
    // What is acknowledged may wait to be projected; a caller waits for its acknowledgement.
    let worker = context.loop(ProjectorWorker(projector: projector), service: service) {
      $0.niceness = 5
    }
    let erasures = ErasureJournal(
      file: try OptOutJournal(
        path: folder + "/erasures.journal", flushes: configuration.flushes),
      journal: journal)
    let tracker = TrackerPart(
      erasures: erasures,
      databases: databases, journal: journal, projector: projector, stores: stores, counts: counts,
      restores: restores, clock: context.virtualClock, seed: context.seed(for: "outbox"),
      log: context.log, wake: { worker.wake() })
    let reader = PersonReader(carts: databases.carts, journal: journal, stores: stores)
    let recorder = Recorder(
      journal: journal, stores: stores, clock: context.clock,
      isVirtual: context.virtualClock != nil)
    let threads = try Threads(readers: configuration.readers)
    let sources = try CartSources(configuration.sources, context)
    let commands = Commands(
      recorder: recorder, erasures: erasures, reader: reader, projector: projector,
      thread: threads.commands, onStoreChange: { worker.wake() })
    let handler = CartTrackerHandler(
      recorder: recorder, reader: reader, commands: commands, projector: projector,
      stores: stores, readers: threads.readers, sources: sources,
      restores: RestoreDesk(gate: restores, engine: databases.carts, thread: threads.commands),
      clock: context.clock, log: context.log)
    let senders: [any ServicePart] = sender.map { [$0] } ?? []
    return ServiceParts(
      parts: [tracker] + senders + [worker, threads],
      virtualTime: TrackerTime(
        projector: projector, counts: counts, sender: sender, clock: context.clock,
        wake: { worker.wake() }),
      register: { handler.register(in: &$0) })
  }
}

extension Composition {
  static let toScheduler = Outbox(target: "scheduler")

  /// Sends what the projector puts for the scheduler.
  private static func makeSender(
    to scheduler: Target, _ engine: any StorageEngine, _ counts: DeliveryCounts,
    _ context: ServiceContext
  ) throws -> OutboxSender {
    let client = IntakeClient(
      try Client(
        scheduler, tls: context.configuration.tls, configuration: ClientConfiguration(),
        group: context.group), SchedulerV1.SchedulerMethods.takeChanges)
    var configuration = OutboxSender.Configuration()
    configuration.seed = context.seed(for: toScheduler.target)
    return OutboxSender(
      toScheduler, engine: engine, counts: counts, configuration: configuration,
      health: context.health, log: context.log
    ) { [counts] rows in try await client.send(counts.outbox, rows) }
  }
}

/// The projector as a worker on its own thread.
struct ProjectorWorker: Worker {
  let projector: Projector
  let name = "projector"

  func runOnce(now: Instant) throws -> NextRun {
    switch try projector.runOnce(now: now.microseconds) {
    case .again: .again
    case .at(let instant): .at(Instant(microseconds: instant))
    case .whenWoken: .whenWoken
    }
  }
}

/// The two files, and what keeps others from them.
struct Databases: Sendable {
  let journal: any StorageEngine
  let carts: any StorageEngine
  let lease: BucketLease
  private let lock: FolderLock

  init(folder: String, _ configuration: TrackerConfiguration) throws {
    lock = try FolderLock(folder: folder, owner: "cart-tracker \(getpid())")
    var options = SQLiteOptions()
    options.isExclusive = configuration.isExclusive
    options.flushes = configuration.flushes
    options.readers = configuration.readers + 2
    options.cacheSize = 4 << 20
    options.readerCacheSize = 1 << 20
    journal = try SQLiteEngine.file(folder + "/journal.db", options)
    // Random upserts write whole pages; the log, which only grows, has larger ones.
    options.pageSize = 4096
    options.cacheSize = configuration.cacheBytes / 2
    options.readerCacheSize = configuration.cacheBytes / 2 / (configuration.readers + 2)
    // 64 MiB: hot pages change in several commits before they are moved into the file.
    options.checkpointPages = 16_384
    carts = try SQLiteEngine.file(folder + "/carts.db", options)
    _ = try Migrator(JournalMigrations.all).migrate(journal)
    _ = try Migrator(CartsMigrations.all).migrate(carts)
    lease = try carts.write { try BucketLease.take($0, owner: "cart-tracker \(getpid())") }
  }

  func close() {
    journal.close()
    carts.close()
  }
}

/// Recovery at the start, an orderly end.
struct TrackerPart: ServicePart {
  let name = "cart-tracker"
  let erasures: ErasureJournal
  let databases: Databases
  let journal: Journal
  let projector: Projector
  let stores: StoreRegistry
  let counts: DeliveryCounts
  let restores: RestoreGate
  let clock: VirtualClock?
  let seed: UInt64
  let log: Logger
  let wake: @Sendable () -> Void

  func start() async throws {
    try await Blocking.run(name: "recovery") {
      try journal.load(into: stores)
      try projector.recover()
      let projected = projector.projected
      try journal.recover(after: projected.position, sequences: projected.sequences)
      let restored = try erasures.restore()
      try clock?.advance(to: Instant(microseconds: projected.clock))
      var chance = SplitMix64(seed: seed)
      let now = clock?.now ?? SystemClock().now
      if try restores.find(in: databases.carts, now: now, chance: &chance) != nil {
        log.error(
          "the database was restored from a backup: nothing may be sent until that is released")
      }
      try counts.load(databases.carts, now: now, chance: &chance)
      if restored > 0 { try forgetErased() }
    }
    journal.onAppend(wake)
    wake()
  }

  /// What a backup brought back goes from the tables and the files before anybody can read it.
  private func forgetErased() throws {
    let now = (clock?.now ?? SystemClock().now).microseconds
    while !journal.tail.isEmpty { _ = try projector.runOnce(now: now) }
    try journal.forgetAddressesBlocking(of: journal.erasedOrders().map(\.owner))
    try journal.emptyLog()
    try databases.carts.emptyLogPatiently()
  }

  func stop() async {
    journal.close()
    try? await Blocking.run(name: "closing") {
      try databases.carts.read { try restores.beat.settle($0) }
    }
    databases.close()
  }
}

/// Threads for what blocks.
struct Threads: ServicePart {
  let name = "threads"
  let readers: ThreadPool
  let commands: ThreadPool

  init(readers: Int) throws {
    self.readers = try ThreadPool(name: "reader", count: readers)
    commands = try ThreadPool(serial: "commands")
  }

  func start() async throws {}

  func stop() async {
    readers.close()
    commands.close()
  }
}

/// What the virtual clock asks of cart-tracker.
struct TrackerTime: VirtualTimeSubject {
  let projector: Projector
  let counts: DeliveryCounts
  let sender: OutboxSender?
  let clock: any WallClock
  let wake: @Sendable () -> Void

  /// The projector first: what it has put by then, the sender has been told of.
  var isIdle: Bool {
    projector.isIdle(at: clock.now.microseconds) && sender?.isIdle ?? true
  }
  var sent: UInt64 { counts.sent }
  var received: UInt64 { counts.received }

  func nextDue(after instant: Instant) -> Instant? {
    projector.nextDue(after: instant.microseconds).map { Instant(microseconds: $0) }
  }

  func advanced(to instant: Instant) { wake() }
}

extension CartSources {
  /// - Throws: what is wrong with `HOMING_CART_SOURCES`.
  init(_ lines: [String], _ context: ServiceContext) throws {
    var clients: [String: Client] = [:]
    for line in lines {
      let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else {
        throw RPCError(.invalidArgument, "HOMING_CART_SOURCES: `\(line)` is not name=HOST:PORT")
      }
      clients[parts[0]] = try Client(
        Target(parts[1]), tls: context.configuration.tls, configuration: ClientConfiguration(),
        group: context.group)
    }
    self.init(clients)
  }
}
