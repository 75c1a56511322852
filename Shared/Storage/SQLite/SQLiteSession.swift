internal import GRDB

/// One connection with its prepared statements, as a transaction sees it.
final class SQLiteSession: StorageSession {
  private let connection: Database
  private let cache = StatementCache()
  private let length = LogLength()

  init(_ connection: Database) {
    self.connection = connection
    length.watch(connection)
  }

  /// Pages of the write-ahead log at the last commit of this connection.
  var logPages: Int { length.pages }

  var isInTransaction: Bool { connection.isInsideTransaction }

  @discardableResult
  func execute(_ statement: Statement, _ values: [SQLValue]) throws -> Int {
    let entry = cache.entry(statement)
    let prepared = try cache.take(entry, statement, connection)
    defer { cache.give(prepared, entry) }
    return try prepared.run(values)
  }

  func rows(
    _ statement: Statement, _ values: [SQLValue], _ body: (Row) throws -> Bool
  ) throws {
    let entry = cache.entry(statement)
    let prepared = try cache.take(entry, statement, connection)
    defer { cache.give(prepared, entry) }
    try prepared.rows(values, body)
  }

  func cursor(_ statement: Statement, _ values: [SQLValue]) throws -> any RowCursor {
    let entry = cache.entry(statement)
    let prepared = try cache.take(entry, statement, connection)
    do { try prepared.start(values) } catch {
      prepared.reset()
      cache.give(prepared, entry)
      throw error
    }
    return SQLiteCursor(prepared, entry, cache)
  }

  func close() { cache.removeAll() }
}

private final class SQLiteCursor: RowCursor {
  private var prepared: PreparedStatement?
  private let entry: StatementCache.Entry
  private let cache: StatementCache

  init(_ prepared: PreparedStatement, _ entry: StatementCache.Entry, _ cache: StatementCache) {
    self.prepared = prepared
    self.entry = entry
    self.cache = cache
  }

  deinit { close() }

  func next() throws -> Row? {
    guard let prepared else { return nil }
    do {
      if try prepared.step() { return Row(source: prepared) }
    } catch {
      close()
      throw error
    }
    close()
    return nil
  }

  func close() {
    guard let prepared else { return }
    prepared.reset()
    cache.give(prepared, entry)
    self.prepared = nil
  }
}
