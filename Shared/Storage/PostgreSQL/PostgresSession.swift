/// One transaction over one connection.
final class PostgresSession: StorageSession {
  private let connection: PostgresConnection
  private var cursors = 0
  /// What went wrong first, with its cure; later statements of the transaction cannot run.
  private(set) var fault: PostgresFault?

  init(_ connection: PostgresConnection) { self.connection = connection }

  @discardableResult
  func execute(_ statement: Statement, _ values: [SQLValue]) throws -> Int {
    try guarded { try connection.run(statement, values).changed }
  }

  func put(_ statement: Statement, _ values: [SQLValue]) throws {
    try guarded { try connection.put(statement, values) }
  }

  func rows(
    _ statement: Statement, _ values: [SQLValue], _ body: (Row) throws -> Bool
  ) throws {
    let result = try guarded { try connection.run(statement, values) }
    let row = Row(source: result)
    while result.advance() {
      if try !body(row) { break }
    }
  }

  func cursor(_ statement: Statement, _ values: [SQLValue]) throws -> any RowCursor {
    cursors += 1
    let name = "c\(cursors)"
    _ = try guarded {
      try connection.runOnce(
        "DECLARE \(name) NO SCROLL CURSOR FOR \(PostgresText.rewritten(statement))", statement,
        values)
    }
    return PostgresCursor(self, name, statement)
  }

  fileprivate func fetch(_ name: String, _ statement: Statement) throws -> PostgresResult {
    try guarded {
      try connection.runOnce("FETCH \(PostgresCursor.rowsMax) FROM \(name)", statement, [])
    }
  }

  fileprivate func end(_ name: String, _ statement: Statement) {
    if fault != nil { return }
    _ = try? guarded { try connection.runOnce("CLOSE \(name)", statement, []) }
  }

  func guarded<R>(_ body: () throws -> R) throws -> R {
    if let fault { throw fault.error }
    do { return try body() } catch let fault as PostgresFault {
      self.fault = fault
      throw fault.error
    }
  }
}

/// Rows of a server's cursor, some at a time.
private final class PostgresCursor: RowCursor {
  static let rowsMax = 256

  private var session: PostgresSession?
  private let name: String
  private let statement: Statement
  private var part: PostgresResult?

  init(_ session: PostgresSession, _ name: String, _ statement: Statement) {
    self.session = session
    self.name = name
    self.statement = statement
  }

  deinit { close() }

  func next() throws -> Row? {
    guard let session else { return nil }
    if let part, part.advance() { return Row(source: part) }
    if let part, part.rowCount < PostgresCursor.rowsMax {
      close()
      return nil
    }
    let fetched: PostgresResult
    do { fetched = try session.fetch(name, statement) } catch {
      close()
      throw error
    }
    part = fetched
    if fetched.advance() { return Row(source: fetched) }
    close()
    return nil
  }

  func close() {
    session?.end(name, statement)
    session = nil
    part = nil
  }
}
