internal import GRDB

/// One connection to a file, or to memory.
///
/// `@unchecked Sendable` holds because the session is only touched within `queue`'s blocks, which
/// run one at a time.
final class SQLiteConnection: @unchecked Sendable {
  private let queue: DatabaseQueue
  private var session: SQLiteSession?

  /// - Parameter path: nil: in memory.
  init(path: String?, _ options: SQLiteOptions, isReader: Bool) throws {
    var configuration = Configuration()
    configuration.foreignKeysEnabled = false
    configuration.observesSuspensionNotifications = false
    let (seconds, attoseconds) = options.busyTimeout.components
    configuration.busyMode = .timeout(Double(seconds) + Double(attoseconds) / 1e18)
    let pragmas = SQLiteConnection.pragmas(path, options, isReader)
    configuration.prepareDatabase { database in
      for pragma in pragmas { try database.execute(sql: pragma) }
    }
    let place = path ?? "memory"
    do {
      queue =
        try path.map { try DatabaseQueue(path: $0, configuration: configuration) }
        ?? DatabaseQueue(configuration: configuration)
      if path != nil && !isReader { try SQLiteConnection.checkFile(queue, options) }
    } catch { throw SQLiteFault.error(error, place) }
    session = queue.inDatabase { SQLiteSession($0) }
  }

  /// Blocks while another thread is in.
  func use<R>(_ body: (SQLiteSession) throws -> R) throws -> R {
    try queue.inDatabase { _ in
      guard let session else { throw StorageError.isClosed }
      return try body(session)
    }
  }

  func close() {
    queue.inDatabase { _ in
      session?.close()
      session = nil
    }
    // Fails only if a cursor is still held; the connection then goes with it.
    try? queue.close()
  }

  /// The order matters: a page size counts before the first page, exclusive locking before WAL.
  private static func pragmas(
    _ path: String?, _ options: SQLiteOptions, _ isReader: Bool
  ) -> [String] {
    let cache = isReader ? options.readerCacheSize : options.cacheSize
    var pragmas = ["PRAGMA page_size = \(options.pageSize)"]
    if options.isExclusive { pragmas.append("PRAGMA locking_mode = EXCLUSIVE") }
    if path != nil {
      pragmas += [
        "PRAGMA journal_mode = WAL", "PRAGMA synchronous = \(options.flushes ? "FULL" : "OFF")",
      ]
      let limit = options.checkpointPages * options.pageSize
      pragmas.append("PRAGMA journal_size_limit = \(limit)")
    }
    pragmas += [
      "PRAGMA cache_size = -\(max(1, cache / 1024))", "PRAGMA case_sensitive_like = ON",
      "PRAGMA temp_store = MEMORY", "PRAGMA cell_size_check = ON",
      // What is redacted leaves no trace in free space (P10), however the library was built.
      "PRAGMA secure_delete = ON",
    ]
    if isReader { pragmas.append("PRAGMA query_only = ON") }
    return pragmas
  }

  /// Refuses a file of another program, and marks a new one as ours.
  private static func checkFile(_ queue: DatabaseQueue, _ options: SQLiteOptions) throws {
    try queue.inDatabase { connection in
      let mode = try String.fetchOne(connection, sql: "PRAGMA journal_mode")
      if mode != "wal" {
        throw StorageError(.unavailable, "\(queue.path): no write-ahead log on this file system")
      }
      let id = try Int32.fetchOne(connection, sql: "PRAGMA application_id") ?? 0
      if id == options.applicationID { return }
      let tables = try Int.fetchOne(connection, sql: "SELECT count(*) FROM sqlite_master") ?? 0
      if id != 0 || tables != 0 {
        throw StorageError(
          .corrupt, "\(queue.path): a database of another program, application id \(id)")
      }
      try connection.execute(sql: "PRAGMA application_id = \(options.applicationID)")
    }
  }
}
