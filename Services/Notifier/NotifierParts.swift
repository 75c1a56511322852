internal import Delivery
internal import Logging
internal import Messages
internal import ServiceKit
internal import Storage
internal import Synchronization

/// Recovery at the start, an orderly end.
struct NotifierPart: ServicePart {
  let name = "notifier"
  let database: NotifierDatabase
  let templates: TemplateBook
  let modes: ModeBook
  let pauses: PauseBook
  let counts: DeliveryCounts
  let journal: OptOutJournal
  let backup: RestoredBackup
  let recovery: Recovery
  let hashKey: HashKey
  let clock: any WallClock
  let virtualClock: VirtualClock?
  let seed: UInt64
  let log: Logger

  func start() async throws {
    try await Blocking.run(name: "recovery") {
      var chance = SplitMix64(seed: seed)
      try database.engine.write { session in
        let key = (0..<4).flatMap { _ in
          withUnsafeBytes(of: SplitMix64.systemSeed()) { Array($0) }
        }
        try session.execute(
          ReferenceStatements.putOwn, [.integer(clock.now.microseconds), .blob(key)])
      }
      let isRestored = try backup.find(chance: &chance)
      try counts.load(database.engine, now: clock.now, chance: &chance)
      let own = try database.read { session in
        try templates.load(session)
        try modes.load(session)
        try pauses.load(session)
        return try session.first(ReferenceStatements.own) {
          (try $0.integer(0), try $0.blob(1))
        }
      }
      guard let (instant, key) = own, key.count == 32 else {
        throw StorageError(.corrupt, "the database does not know itself")
      }
      hashKey.set(key)
      try virtualClock?.advance(to: Instant(microseconds: instant))
      let restored = try journal.restore(
        NotifierV1.JournaledSuppression.self, into: database)
      if restored > 0 {
        log.warning(
          "opt-outs that the database did not have came back from their journal",
          metadata: ["entries": "\(restored)"])
        try database.engine.emptyLogPatiently()
      }
      let held = try backup.hold()
      if isRestored {
        log.warning(
          "the database was restored from a backup: what was due may have left, and is not sent",
          metadata: ["unknown": "\(held)"])
      }
      let unknown = try recovery.run()
      if unknown > 0 {
        log.warning(
          "the last run ended while messages were being sent",
          metadata: ["unknown": "\(unknown)"])
      }
    }
  }

  func stop() async {
    try? await Blocking.run(name: "closing") {
      defer { database.close() }
      try database.read { try backup.gate.beat.settle($0) }
    }
  }
}

/// The key under which user agents and addresses of visitors are kept: of this database, known from
/// the start on.
final class HashKey: Sendable {
  private let key = Mutex<RedactionKey?>(nil)

  func set(_ bytes: [UInt8]) { key.withLock { $0 = RedactionKey(bytes) } }

  func hash(_ text: String) -> [UInt8] {
    guard let key = key.withLock({ $0 }) else {
      preconditionFailure("the key is known before anybody visits")
    }
    return Array(key.redact(text).description.utf8)
  }
}

/// Starts the providers; at the end waits for hand-offs under way.
struct ProvidersPart: ServicePart {
  let name = "providers"
  let lanes: [HandOff.Lane]
  let handOff: HandOff

  /// How long hand-offs may take to get their results at the end; what is later counts as unknown.
  private static let drainTime = Duration.seconds(3)

  func start() async throws {
    try await Blocking.run(name: name) {
      for lane in lanes { try lane.provider.start() }
    }
  }

  func stop() async {
    await handOff.stop(atMost: ProvidersPart.drainTime)
    for lane in lanes { await lane.provider.stop() }
  }
}

/// Threads for what blocks.
struct NotifierThreads: ServicePart {
  let name = "threads"
  let readers: ThreadPool
  let renderers: ThreadPool
  let commands: ThreadPool

  init(_ configuration: NotifierConfiguration) throws {
    readers = try ThreadPool(name: "reader", count: configuration.readers)
    renderers = try ThreadPool(name: "renderer", count: configuration.renderers)
    commands = try ThreadPool(serial: "commands")
  }

  func start() async throws {}

  func stop() async {
    try? await Blocking.run(name: "closing") {
      readers.close()
      renderers.close()
      commands.close()
    }
  }
}

/// What the virtual clock asks of the notifier.
struct NotifierTime: VirtualTimeSubject {
  let heads: DueHeads
  let loader: DueLoader
  let handOff: HandOff
  let sender: OutboxSender?
  let counts: DeliveryCounts
  let database: NotifierDatabase
  let clock: any WallClock
  let wake: @Sendable () -> Void

  /// In this order: what leaves one of them has entered the next before.
  var isIdle: Bool {
    let now = clock.now.microseconds
    func isQuiet() -> Bool { heads.first.map { $0 > now } ?? true }
    return isQuiet() && !loader.isReading && handOff.isIdle && sender?.isIdle ?? true && isQuiet()
  }

  var sent: UInt64 { counts.sent }
  var received: UInt64 { counts.received }

  func nextDue(after instant: Instant) -> Instant? {
    heads.first(after: instant.microseconds).map { Instant(microseconds: $0) }
  }

  func advanced(to instant: Instant) {
    wake()
    let at = instant.microseconds
    // So that the clock stands there again after a restart; the next commit carries it.
    database.submit(
      [], { try $0.execute(ReferenceStatements.putClock, [.integer(at)]) }, done: { _ in })
  }
}
