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

/// Puts scheduler together from its parts.
enum Composition {
  static let service = "homing.scheduler.v1.Scheduler"

  static func compose(
    _ context: ServiceContext, _ configuration: SchedulerConfiguration
  ) throws -> ServiceParts {
    if !configuration.flushes && context.virtualClock == nil {
      throw RPCError(.invalidArgument, "HOMING_FLUSH may be false on a virtual clock only")
    }
    let database = try Database(folder: context.configuration.dataFolder, configuration)
    let (flows, modes, pauses) = (FlowRegistry(), ModeRegistry(), PauseRegistry())
    let wiring = Wiring(pauses: pauses, log: context.log)
    let ledger = Ledger(
      engine: database.engine, lease: database.lease, flows: flows,
      targets: configuration.directMail == nil
        ? [.notifier, .tracker, .shop] : [.notifier, .tracker, .shop, .directMail],
      isVirtual: context.virtualClock != nil,
      erasures: try OptOutJournal(
        path: context.configuration.dataFolder + "/erasures.journal",
        flushes: configuration.flushes),
      restores: RestoreGate(
        beat: RestoreBeat(
          path: context.configuration.dataFolder + "/scheduler.beat",
          flushes: configuration.flushes), waits: true),
      onCommit: { wiring.committed($0) })
    let clients = try Clients(configuration, context)
    let tracker = TrackerClient(clients.tracker)
    let book = StoreBook(tracker)
    let due = DueWorker(
      ledger: ledger, modes: modes, source: TrackerFacts(tracker: tracker, book: book),
      book: book,
      closedChannels: configuration.directMail == nil ? [.letter, .postcard] : [])
    let loop = context.loop(due, service: service) {
      $0.backoff = Backoff(first: .milliseconds(50), most: .seconds(2))
    }
    let senders = clients.senders(ledger, context)
    wiring.connect(due: loop, senders: senders)
    let committer = try Committer(
      ledger, clock: context.clock,
      fatal: { context.fatal("a commit may or may not be on disk: \($0)") })
    let readers = try ThreadPool(name: "reader", count: configuration.readers)
    let handler = SchedulerHandler(
      ledger: ledger, committer: committer, flows: flows, modes: modes, pauses: pauses, book: book,
      peers: Peers(
        tracker: clients.tracker, notifier: clients.notifier, directMail: clients.directMail),
      readers: readers, clock: context.clock, log: context.log,
      retell: { wiring.retell() }, wakeDue: { loop.wake() })
    let incentives = IncentivesHandler(
      scheduler: handler, rewards: Set(clients.rewards.keys))
    let start = SchedulerPart(
      database: database, ledger: ledger, flows: flows, modes: modes, pauses: pauses,
      committer: committer, readers: readers, context: context)
    let upkeep = context.loop(Upkeep(ledger: ledger))
    let teller = context.loop(BrakeTeller(modes: modes, pauses: pauses, peers: handler.peers))
    wiring.connect(teller: teller)
    return ServiceParts(
      parts: [start] + senders.sorted { $0.key.rawValue < $1.key.rawValue }.map(\.value)
        + [loop, teller, upkeep, context.loop(IncentiveUpkeep(ledger: ledger))],
      virtualTime: SchedulerTime(
        ledger: ledger, due: due, senders: Array(senders.values), clock: context.clock,
        wake: { loop.wake() }),
      register: {
        handler.register(in: &$0)
        incentives.register(in: &$0)
      })
  }
}

/// Wakes whoever goes on from a commit.
private final class Wiring: Sendable {
  private struct Ends: Sendable {
    let due: WorkerLoop
    let senders: [Writing.Target: OutboxSender]
  }

  private let ends = Mutex<Ends?>(nil)
  private let teller = Mutex<WorkerLoop?>(nil)
  private let pauses: PauseRegistry
  private let log: Logger

  init(pauses: PauseRegistry, log: Logger) {
    self.pauses = pauses
    self.log = log
  }

  func connect(teller: WorkerLoop) { self.teller.withLock { $0 = teller } }

  /// Who sends could not be told.
  func retell() { teller.withLock { $0 }?.wake() }

  func connect(due: WorkerLoop, senders: [Writing.Target: OutboxSender]) {
    ends.withLock { $0 = Ends(due: due, senders: senders) }
  }

  func committed(_ commit: Ledger.Committed) {
    for flow in commit.halted {
      pauses.put(flow.pause)
      log.error(
        "a flow reached its ceiling and is paused until somebody resumes it",
        metadata: [
          "store": "\(flow.name.store)", "flow": "\(flow.name.flow)",
          "ceiling": "\(flow.ceiling)",
        ])
    }
    if !commit.halted.isEmpty { retell() }
    guard let ends = ends.withLock({ $0 }) else { return }
    if commit.isErasure { for sender in ends.senders.values { sender.noteErasure() } }
    for (target, buckets) in commit.put { ends.senders[target]?.wake(buckets) }
    if commit.due != nil { ends.due.wake() }
  }
}

/// The file, and what keeps others from it.
struct Database: Sendable {
  let engine: any StorageEngine
  let lease: BucketLease
  private let lock: FolderLock

  init(folder: String, _ configuration: SchedulerConfiguration) throws {
    lock = try FolderLock(folder: folder, owner: "scheduler \(getpid())")
    var options = SQLiteOptions()
    options.isExclusive = configuration.isExclusive
    options.flushes = configuration.flushes
    options.readers = configuration.readers + 2
    // Rows are changed where they lie: small pages write less around them.
    options.pageSize = 4096
    // 64 MiB: what is due at one time changes the same pages in several commits.
    options.checkpointPages = 16_384
    options.cacheSize = configuration.cacheBytes / 2
    options.readerCacheSize = configuration.cacheBytes / 2 / (configuration.readers + 2)
    engine = try SQLiteEngine.file(folder + "/scheduler.db", options)
    _ = try Migrator(SchedulerMigrations.all).migrate(engine)
    lease = try engine.write { try BucketLease.take($0, owner: "scheduler \(getpid())") }
  }
}

/// Recovery at the start, an orderly end.
struct SchedulerPart: ServicePart {
  let name = "scheduler"
  let database: Database
  let ledger: Ledger
  let flows: FlowRegistry
  let modes: ModeRegistry
  let pauses: PauseRegistry
  let committer: Committer
  let readers: ThreadPool
  let context: ServiceContext

  func start() async throws {
    let now = context.clock.now
    let seed = context.seed(for: "outbox")
    let clock = try await Blocking.run(name: "recovery") {
      var chance = SplitMix64(seed: seed)
      let erased = ErasedLedger(engine: ledger.engine, lease: ledger.lease)
      if let restored = try ledger.erasures?.restore(CommonV1.ErasePerson.self, into: erased),
        restored > 0
      {
        context.log.warning(
          "erasures that the database did not have came back from their journal",
          metadata: ["entries": "\(restored)"])
        try ledger.engine.emptyLogPatiently()
      }
      try flows.load(ledger.engine)
      try modes.load(ledger.engine)
      try pauses.load(ledger.engine)
      if try ledger.restores?.find(in: ledger.engine, now: now, chance: &chance) != nil {
        context.log.error(
          "the database was restored from a backup: nothing is decided until that is released")
      }
      return try ledger.load(now: now, chance: &chance)
    }
    try context.virtualClock?.advance(to: Instant(microseconds: clock))
  }

  func stop() async {
    committer.close()
    readers.close()
    try? await Blocking.run(name: "closing") {
      try ledger.engine.read { try ledger.restores?.beat.settle($0) }
    }
    database.engine.close()
  }
}

/// The other services, by their addresses.
struct Clients: Sendable {
  let tracker: Client
  let notifier: Client
  let directMail: Client?
  /// The shops' Rewards by their configured names.
  let rewards: [String: Client]

  /// - Throws: what is wrong with an address.
  init(_ configuration: SchedulerConfiguration, _ context: ServiceContext) throws {
    func client(_ target: Target) throws -> Client {
      try Client(
        target, tls: context.configuration.tls, configuration: ClientConfiguration(),
        group: context.group)
    }
    tracker = try client(configuration.tracker)
    notifier = try client(configuration.notifier)
    directMail = try configuration.directMail.map(client)
    var rewards: [String: Client] = [:]
    for line in configuration.rewards {
      let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else {
        throw RPCError(.invalidArgument, "HOMING_REWARDS: `\(line)` is not name=HOST:PORT")
      }
      rewards[parts[0]] = try client(Target(parts[1]))
    }
    self.rewards = rewards
  }

  /// One for each target that rows are put for.
  func senders(_ ledger: Ledger, _ context: ServiceContext) -> [Writing.Target: OutboxSender] {
    var senders: [Writing.Target: OutboxSender] = [:]
    for (target, outbox) in ledger.outboxes {
      var configuration = OutboxSender.Configuration()
      configuration.seed = context.seed(for: "to \(target.rawValue)")
      // Tags and rewards go by commands, which nobody counts as rows taken.
      configuration.isCounted = target != .tracker && target != .shop
      senders[target] = OutboxSender(
        outbox, engine: ledger.engine, counts: ledger.counts, configuration: configuration,
        health: context.health, log: context.log, send: send(to: target, ledger.counts))
    }
    return senders
  }

  private func send(to target: Writing.Target, _ counts: DeliveryCounts) -> OutboxSender.Send {
    switch target {
    case .notifier:
      let client = IntakeClient(notifier, NotifierV1.NotifierMethods.send)
      return { try await client.send(counts.outbox, $0) }
    case .directMail:
      let client = IntakeClient(directMail ?? notifier, DirectMailV1.DirectMailMethods.send)
      return { try await client.send(counts.outbox, $0) }
    case .tracker:
      let tags = TagSender(tracker: CartTrackerV1.CartTrackerClient(tracker))
      return { await tags.send($0) }
    case .shop:
      let rewards = RewardSender(
        shops: self.rewards.mapValues { SchedulerV1.RewardsClient($0) })
      return { await rewards.send($0) }
    }
  }
}

/// What the virtual clock asks of scheduler.
struct SchedulerTime: VirtualTimeSubject {
  let ledger: Ledger
  let due: DueWorker
  let senders: [OutboxSender]
  let clock: any WallClock
  let wake: @Sendable () -> Void

  var isIdle: Bool {
    due.isIdle(at: clock.now.microseconds) && senders.allSatisfy(\.isIdle)
  }
  var sent: UInt64 { ledger.counts.sent }
  var received: UInt64 { ledger.counts.received }

  func nextDue(after instant: Instant) -> Instant? {
    // Nothing is due while a restored database holds everything.
    if ledger.restores?.isHeld == true { return nil }
    return ledger.heads.earliest.map { Instant(microseconds: max($0, instant.microseconds)) }
  }

  func advanced(to instant: Instant) { wake() }
}
