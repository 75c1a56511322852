internal import Delivery
internal import Glibc
internal import ServiceKit
internal import Storage

/// notifier.db: every change goes through one thread that commits many of them at once; reads run
/// beside it.
final class NotifierDatabase: OptOutDatabase {
  /// A change that shares its transaction with others.
  struct Change: Sendable {
    /// Whose rows it writes.
    let buckets: [UInt8]
    /// Rows that it writes, about.
    let weight: Int
    let apply: @Sendable (any StorageSession) throws -> any Sendable
  }

  let engine: any StorageEngine
  private let lease: BucketLease
  private let group: GroupCommit<Change, any Sendable>
  private let lock: FolderLock?

  /// Opens the file, brings it to the newest schema and takes its buckets. Blocks.
  convenience init(
    folder: String, _ configuration: NotifierConfiguration,
    fatal: @escaping @Sendable (StorageError) -> Void
  ) throws {
    let lock = try FolderLock(folder: folder, owner: "notifier \(getpid())")
    var options = SQLiteOptions()
    options.isExclusive = configuration.isExclusive
    options.flushes = configuration.flushes
    options.cacheSize = configuration.cacheBytes / 2
    options.readers = configuration.readers + 2
    options.readerCacheSize = configuration.cacheBytes / 2 / (configuration.readers + 2)
    let engine = try SQLiteEngine.file(folder + "/notifier.db", options)
    try self.init(engine, lock: lock, fatal: fatal)
  }

  init(
    _ engine: any StorageEngine, lock: FolderLock? = nil,
    fatal: @escaping @Sendable (StorageError) -> Void
  ) throws {
    self.engine = engine
    self.lock = lock
    try Migrator(NotifierMigrations.all).migrate(engine)
    let lease = try engine.write {
      try BucketLease.take($0, owner: "notifier \(getpid())")
    }
    self.lease = lease
    group = try GroupCommit(name: "writer", weight: { $0.weight }, fatal: fatal) { changes in
      try engine.write { session in
        var buckets: Set<UInt8> = []
        for change in changes { buckets.formUnion(change.buckets) }
        for bucket in buckets.sorted() { try lease.fence(session, bucket) }
        return try changes.map { try $0.apply(session) }
      }
    }
  }

  /// Commits a change with others; `done` is called on the writer's thread and must not block.
  func submit<R: Sendable>(
    _ buckets: [UInt8], weight: Int = 1,
    _ apply: @escaping @Sendable (any StorageSession) throws -> R,
    done: @escaping @Sendable (Result<R, any Error>) -> Void
  ) {
    group.submit(Change(buckets: buckets, weight: weight, apply: { try apply($0) })) { result in
      done(result.map(NotifierDatabase.unwrap))
    }
  }

  /// The same; what `apply` gives, once it is durable.
  func commit<R: Sendable>(
    _ buckets: [UInt8], weight: Int = 1,
    _ apply: @escaping @Sendable (any StorageSession) throws -> R
  ) async throws -> R {
    let change = Change(buckets: buckets, weight: weight, apply: { try apply($0) })
    return NotifierDatabase.unwrap(try await group.submit(change))
  }

  /// The same, blocking: for threads of our own.
  func commitBlocking<R: Sendable>(
    _ buckets: [UInt8], weight: Int = 1,
    _ apply: @escaping @Sendable (any StorageSession) throws -> R
  ) throws -> R {
    let change = Change(buckets: buckets, weight: weight, apply: { try apply($0) })
    return NotifierDatabase.unwrap(try group.submitBlocking(change))
  }

  private static func unwrap<R>(_ outcome: any Sendable) -> R {
    guard let outcome = outcome as? R else { preconditionFailure("a change gave another type") }
    return outcome
  }

  func read<R>(_ body: (any StorageSession) throws -> R) throws -> R { try engine.read(body) }

  /// Commits what waits, then lets the file go. Blocks.
  func close() {
    group.close()
    engine.close()
  }
}
