internal import GRDB
internal import GRDBSQLite

/// How long the write-ahead log is, as SQLite says at each commit.
final class LogLength {
  /// In pages.
  private(set) var pages = 0

  /// Must outlive the connection.
  func watch(_ connection: Database) {
    let handle = connection.sqliteConnection
    // GRDB's own hooks keep what statements touch, for observers that nobody has here.
    sqlite3_set_authorizer(handle, nil, nil)
    sqlite3_commit_hook(handle, nil, nil)
    sqlite3_rollback_hook(handle, nil, nil)
    // Takes the place of SQLite's own checkpoints.
    sqlite3_wal_hook(
      handle,
      { context, _, _, pages in
        guard let context else { return SQLITE_OK }
        Unmanaged<LogLength>.fromOpaque(context).takeUnretainedValue().pages = Int(pages)
        return SQLITE_OK
      }, Unmanaged.passUnretained(self).toOpaque())
  }
}
