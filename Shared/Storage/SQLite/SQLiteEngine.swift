internal import Synchronization

/// Storage in one SQLite file in WAL mode with `synchronous=FULL`: what a commit returned from
/// survives the machine's crash. Or in memory, for tests and simulations.
///
/// Checkpoints are made once the log has `checkpointPages`: beside the commits by a `Checkpointer`,
/// or after a commit where there can be one connection only. What readers keep in the log waits,
/// and at four times that length the writer waits for them, up to the busy timeout.
package final class SQLiteEngine: StorageEngine {
  private struct State {
    var isClosed = false
    /// A commit failed: nothing may be written any more.
    var failure: StorageError?
    var idle: [SQLiteConnection] = []
  }

  private let writer: SQLiteConnection
  /// Empty where there can be one connection only; the writer then reads as well.
  private let readers: [SQLiteConnection]
  /// nil where there can be one connection only.
  private let checkpointer: Checkpointer?
  private let state: Monitor<State>
  private let options: SQLiteOptions
  private let isFile: Bool

  private init(path: String?, _ options: SQLiteOptions) throws {
    options.validate()
    self.options = options
    isFile = path != nil
    writer = try SQLiteConnection(path: path, options, isReader: false)
    let isShared = path != nil && !options.isExclusive
    readers = try (0..<(isShared ? options.readers : 0)).map { _ in
      try SQLiteConnection(path: path, options, isReader: true)
    }
    checkpointer = isShared ? try path.map { try Checkpointer(path: $0, options) } : nil
    state = Monitor(State(idle: readers))
  }

  deinit { close() }

  /// Opens the file, or makes it; its folder must exist.
  package static func file(
    _ path: String, _ options: SQLiteOptions = SQLiteOptions()
  ) throws -> SQLiteEngine {
    try SQLiteEngine(path: path, options)
  }

  /// Gone when closed. Reads and writes wait for each other.
  package static func inMemory(_ options: SQLiteOptions = SQLiteOptions()) throws -> SQLiteEngine {
    try SQLiteEngine(path: nil, options)
  }

  package func write<R>(_ body: (any StorageSession) throws -> R) throws -> R {
    try writer.use { session in
      if let failure = state.withLock({ $0.failure }) { throw failure }
      try session.execute(SQLiteStatements.begin, [])
      let result: R
      do { result = try body(session) } catch {
        rollBack(session)
        throw error
      }
      do { try session.execute(SQLiteStatements.commit, []) } catch {
        throw commitFailed(error, session)
      }
      if isFile { checkpoint(session) }
      return result
    }
  }

  package func read<R>(_ body: (any StorageSession) throws -> R) throws -> R {
    let connection = readers.isEmpty ? writer : try takeReader()
    defer { giveReader(connection) }
    return try connection.use { session in
      try session.execute(SQLiteStatements.beginRead, [])
      defer { rollBack(session) }
      return try body(session)
    }
  }

  /// Moves the whole write-ahead log into the file and empties it, so that what was overwritten or
  /// deleted before stands in neither (P10). Waits for the readers, up to the busy timeout. Blocks.
  ///
  /// - Throws: `busy` where a reader or a checkpoint would not end; calling again is safe.
  package func emptyLog() throws {
    try writer.use { session in
      let isBusy = try session.first(SQLiteStatements.checkpointEmptying) { try $0.integer(0) }
      if isBusy == 1 {
        throw StorageError(.busy, "the write-ahead log is in use and was not emptied")
      }
    }
  }

  package func close() {
    let wasClosed = state.withLock { state in
      defer { state.isClosed = true }
      return state.isClosed
    }
    if wasClosed { return }
    checkpointer?.close()
    for reader in readers { reader.close() }
    // Last, so that it moves the log into the file.
    writer.close()
  }

  // MARK: Transactions

  /// SQLite ends a transaction itself on some errors.
  private func rollBack(_ session: SQLiteSession) {
    if session.isInTransaction { _ = try? session.execute(SQLiteStatements.rollBack, []) }
  }

  private func commitFailed(_ error: any Error, _ session: SQLiteSession) -> StorageError {
    let cause = SQLiteFault.error(error, SQLiteStatements.commit.name)
    rollBack(session)
    // Not begun to write: a lock was missing, a deferred check failed.
    switch cause.code {
    case .busy, .constraint: return cause
    default: break
    }
    let failure = StorageError(.uncertain, cause.message)
    state.withLock { $0.failure = failure }
    return failure
  }

  private func checkpoint(_ session: SQLiteSession) {
    let pages = session.logPages
    if pages < options.checkpointPages { return }
    let isLate = pages >= 4 * options.checkpointPages
    if !isLate, let checkpointer, !checkpointer.takeDoneOrBegin() { return }
    // A checkpoint that fails leaves all in the log; the next one begins again.
    _ = try? session.execute(
      isLate ? SQLiteStatements.checkpointWaiting : SQLiteStatements.checkpoint, [])
  }

  private func takeReader() throws -> SQLiteConnection {
    try state.wait { state in
      if state.isClosed { throw StorageError.isClosed }
      return state.idle.popLast()
    }
  }

  private func giveReader(_ connection: SQLiteConnection) {
    if connection === writer { return }
    state.withLock { $0.idle.append(connection) }
    state.wakeOne()
  }
}

/// What the engine says itself.
enum SQLiteStatements {
  /// Begins a transaction with the lock to write.
  static let begin = Statement(name: "begin", sql: "BEGIN IMMEDIATE", scope: .engine)
  /// Begins a transaction whose first statement takes the snapshot.
  static let beginRead = Statement(name: "beginRead", sql: "BEGIN DEFERRED", scope: .engine)
  /// Makes all durable.
  static let commit = Statement(name: "commit", sql: "COMMIT", scope: .engine)
  /// Takes all back.
  static let rollBack = Statement(name: "rollBack", sql: "ROLLBACK", scope: .engine)
  /// Moves what no reader needs from the log into the file.
  static let checkpoint = Statement(
    name: "checkpoint", sql: "PRAGMA wal_checkpoint(PASSIVE)", scope: .engine)
  /// Waits for the readers and begins the log anew.
  static let checkpointWaiting = Statement(
    name: "checkpointWaiting", sql: "PRAGMA wal_checkpoint(RESTART)", scope: .engine)
  /// Waits for the readers, moves all into the file and cuts the log to nothing.
  static let checkpointEmptying = Statement(
    name: "checkpointEmptying", sql: "PRAGMA wal_checkpoint(TRUNCATE)", scope: .engine)
}
