internal import Delivery
internal import Logging
internal import Messages
internal import ServiceKit
internal import Storage

/// Recovery at the start, an orderly end.
struct DirectMailPart: ServicePart {
  let name = "direct-mail"
  let database: DirectMailDatabase
  let templates: TemplateBook
  let modes: ModeBook
  let pauses: PauseBook
  let heads: BatchHeads
  let files: BatchFiles
  let counts: DeliveryCounts
  let journal: OptOutJournal
  let backup: RestoredBatches
  let log: Logger
  let clock: any WallClock
  let virtualClock: VirtualClock?
  let seed: UInt64

  func start() async throws {
    try await Blocking.run(name: "recovery") {
      try files.start()
      var chance = SplitMix64(seed: seed)
      try database.engine.write { session in
        let secret = (0..<4).flatMap { _ in
          withUnsafeBytes(of: SplitMix64.systemSeed()) { Array($0) }
        }
        _ = try session.execute(ReferenceStatements.putOwn, [.integer(clock.now.microseconds)])
        _ = try session.execute(ReferenceStatements.putSecret, [.blob(secret)])
      }
      let until = try backup.gate.find(in: database.engine, now: clock.now, chance: &chance)
      try counts.load(database.engine, now: clock.now, chance: &chance)
      let own = try database.read { session in
        try templates.load(session)
        try modes.load(session)
        try pauses.load(session)
        return try session.first(ReferenceStatements.own) { try $0.integer(0) }
      }
      guard let instant = own else {
        throw StorageError(.corrupt, "the database does not know itself")
      }
      try virtualClock?.advance(to: Instant(microseconds: instant))
      let restored = try journal.restore(
        DirectMailV1.JournaledObjection.self, into: database)
      if restored > 0 {
        log.warning(
          "objections that the database did not have came back from their journal",
          metadata: ["entries": "\(restored)"])
        try database.engine.emptyLogPatiently()
      }
      let unknown = try backup.end()
      if until != nil {
        log.warning(
          "the database was restored from a backup: what may have been printed is not printed",
          metadata: ["unknown": "\(unknown)"])
      }
      try findBatches()
    }
  }

  /// Those that are not handed over: a closing that was interrupted goes on at once.
  private func findBatches() throws {
    try database.read { session in
      for bucket in 0...255 as ClosedRange<UInt8> {
        try session.rows(BatchStatements.toDo, [.integer(bucket)]) { row in
          guard let key = BatchKey(bucket: bucket, id: try row.blob(0)) else {
            throw StorageError(.corrupt, "a batch's id has not 16 bytes")
          }
          heads.note(key, try row.integer(1))
          return true
        }
        // Those that wait for approval are looked at, and then at their last piece's expiry.
        try session.rows(BatchStatements.held, [.integer(bucket)]) { row in
          if let key = BatchKey(bucket: bucket, id: try row.blob(0)) { heads.note(key, .min) }
          return true
        }
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

/// Threads for what blocks.
struct DirectMailThreads: ServicePart {
  let name = "threads"
  let readers: ThreadPool
  let commands: ThreadPool

  init(_ configuration: DirectMailConfiguration) throws {
    readers = try ThreadPool(name: "reader", count: configuration.readers)
    commands = try ThreadPool(serial: "commands")
  }

  func start() async throws {}

  func stop() async {
    try? await Blocking.run(name: "closing") {
      readers.close()
      commands.close()
    }
  }
}

/// Forgets what nobody asks for any more: once an hour, bucket by bucket.
struct Housekeeping: Worker {
  let database: DirectMailDatabase
  let name = "housekeeping"

  private static let pause = Duration.seconds(3600)

  func runOnce(now: Instant) throws -> NextRun {
    for bucket in 0...255 as ClosedRange<UInt8> {
      try database.commitBlocking([bucket], weight: 1024) { session in
        try session.execute(
          ReferenceStatements.forgetCommands,
          [.integer(bucket), .integer(now.microseconds - Commands.keptFor)])
        try Intake.trim(session, bucket: bucket, before: (now - Intake.keptFor).microseconds)
      }
    }
    return .at(now + Housekeeping.pause)
  }
}

/// What the virtual clock asks of direct-mail.
struct DirectMailTime: VirtualTimeSubject {
  let heads: BatchHeads
  let closer: BatchCloser
  let sender: OutboxSender?
  let counts: DeliveryCounts
  let database: DirectMailDatabase
  let clock: any WallClock
  let wake: @Sendable () -> Void

  /// In this order: what a closing tells the scheduler waits to be sent before it ends.
  var isIdle: Bool { closer.isIdle(clock.now) && sender?.isIdle ?? true }

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
