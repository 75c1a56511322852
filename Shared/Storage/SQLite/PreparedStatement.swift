internal import GRDB
internal import GRDBSQLite

/// A statement compiled for one connection, and the only place where SQLite's C interface is
/// spoken. Belongs to the thread that has the connection.
final class PreparedStatement: RowSource {
  /// Whom errors name.
  var statement: Statement
  let parameterCount: Int
  private let handle: OpaquePointer
  private let database: OpaquePointer
  /// The texts of one run, one after the other.
  private var texts: [UInt8] = []

  /// SQLite copies what it is handed this with.
  private static let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

  init(_ statement: Statement, _ connection: Database) throws {
    guard let database = connection.sqliteConnection else { throw StorageError.isClosed }
    var handle: OpaquePointer?
    let code = sqlite3_prepare_v3(
      database, statement.sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &handle, nil)
    guard code == SQLITE_OK, let handle else {
      throw SQLiteFault.error(code, String(cString: sqlite3_errmsg(database)), statement.name)
    }
    self.statement = statement
    self.database = database
    self.handle = handle
    parameterCount = Int(sqlite3_bind_parameter_count(handle))
  }

  deinit { sqlite3_finalize(handle) }

  /// Runs it to its end; the number of rows changed.
  func run(_ values: [SQLValue]) throws -> Int {
    try expect(values)
    let before = sqlite3_total_changes64(database)
    defer { reset() }
    try bound(values) {
      while try step() {}
    }
    return Int(sqlite3_total_changes64(database) - before)
  }

  /// Hands on rows until `body` returns false.
  func rows(_ values: [SQLValue], _ body: (Row) throws -> Bool) throws {
    try expect(values)
    defer { reset() }
    try bound(values) {
      let row = Row(source: self)
      while try step() {
        if try !body(row) { break }
      }
    }
  }

  /// Binds copies of the values, so that steps may follow later.
  func start(_ values: [SQLValue]) throws {
    try expect(values)
    for (index, value) in values.enumerated() {
      if case .blob(let bytes) = value, !bytes.isEmpty {
        try check(
          sqlite3_bind_blob64(
            handle, Int32(index + 1), bytes, UInt64(bytes.count), PreparedStatement.copied))
      } else {
        try bind(value, Int32(index + 1))
      }
    }
  }

  /// Whether there is a row.
  func step() throws -> Bool {
    switch sqlite3_step(handle) {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    case let code: throw fault(code)
    }
  }

  func reset() {
    sqlite3_reset(handle)
    sqlite3_clear_bindings(handle)
  }

  // MARK: Binding

  /// Binds all and runs `body` while texts and blobs still stand where SQLite was told: it copies
  /// none of them.
  private func bound(_ values: [SQLValue], _ body: () throws -> Void) throws {
    texts.removeAll(keepingCapacity: true)
    for case .text(let text) in values { texts.append(contentsOf: text.utf8) }
    try texts.withUnsafeBytes { raw in
      let bytes = raw.assumingMemoryBound(to: CChar.self)
      var start = 0
      for (index, value) in values.enumerated() {
        let count: Int
        if case .text(let text) = value { count = text.utf8.count } else { count = 0 }
        if count == 0 {
          try bind(value, Int32(index + 1))
          continue
        }
        try check(
          sqlite3_bind_text64(
            handle, Int32(index + 1), bytes.baseAddress.map { $0 + start }, UInt64(count), nil,
            UInt8(SQLITE_UTF8)))
        start += count
      }
      try boundBlobs(values, 0, body)
    }
  }

  /// Binds the blobs from `index` on and runs `body`.
  private func boundBlobs(
    _ values: [SQLValue], _ index: Int, _ body: () throws -> Void
  ) throws {
    for index in index..<values.count {
      guard case .blob(let bytes) = values[index], !bytes.isEmpty else { continue }
      return try bytes.withUnsafeBufferPointer { buffer in
        try check(
          sqlite3_bind_blob64(
            handle, Int32(index + 1), buffer.baseAddress, UInt64(buffer.count), nil))
        try boundBlobs(values, index + 1, body)
      }
    }
    try body()
  }

  private func bind(_ value: SQLValue, _ number: Int32) throws {
    switch value {
    case .null: try check(sqlite3_bind_null(handle, number))
    case .integer(let integer): try check(sqlite3_bind_int64(handle, number, integer))
    case .real(let real): try check(sqlite3_bind_double(handle, number, real))
    case .text(var text):
      let code = text.withUTF8 { utf8 in
        // A null pointer would be NULL, and an empty text need not have another.
        utf8.isEmpty
          ? sqlite3_bind_text(handle, number, "", 0, PreparedStatement.copied)
          : utf8.withMemoryRebound(to: CChar.self) { buffer in
            sqlite3_bind_text64(
              handle, number, buffer.baseAddress, UInt64(buffer.count), PreparedStatement.copied,
              UInt8(SQLITE_UTF8))
          }
      }
      try check(code)
    case .blob:
      try check(sqlite3_bind_zeroblob(handle, number, 0))
    }
  }

  private func expect(_ values: [SQLValue]) throws {
    if values.count != parameterCount {
      throw StorageError(
        .statement,
        "\(statement.name): \(values.count) values for \(parameterCount) parameters")
    }
  }

  private func check(_ code: Int32) throws {
    if code != SQLITE_OK { throw fault(code) }
  }

  private func fault(_ code: Int32) -> StorageError {
    SQLiteFault.error(code, String(cString: sqlite3_errmsg(database)), statement.name)
  }

  // MARK: Columns

  var columnCount: Int { Int(sqlite3_column_count(handle)) }

  func isNull(_ column: Int) -> Bool {
    sqlite3_column_type(handle, Int32(column)) == SQLITE_NULL
  }

  func integer(_ column: Int) throws -> Int64 {
    guard sqlite3_column_type(handle, Int32(column)) == SQLITE_INTEGER else {
      throw wrong(column, "an integer")
    }
    return sqlite3_column_int64(handle, Int32(column))
  }

  func real(_ column: Int) throws -> Double {
    let type = sqlite3_column_type(handle, Int32(column))
    guard type == SQLITE_FLOAT || type == SQLITE_INTEGER else { throw wrong(column, "a number") }
    return sqlite3_column_double(handle, Int32(column))
  }

  func text(_ column: Int) throws -> String {
    guard sqlite3_column_type(handle, Int32(column)) == SQLITE_TEXT else {
      throw wrong(column, "a text")
    }
    let start = sqlite3_column_text(handle, Int32(column))
    let count = Int(sqlite3_column_bytes(handle, Int32(column)))
    let bytes = UnsafeBufferPointer(start: start, count: count)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw wrong(column, "UTF-8")
    }
    return text
  }

  func blob(_ column: Int) throws -> [UInt8] {
    guard sqlite3_column_type(handle, Int32(column)) == SQLITE_BLOB else {
      throw wrong(column, "a blob")
    }
    let start = sqlite3_column_blob(handle, Int32(column))
    let count = Int(sqlite3_column_bytes(handle, Int32(column)))
    return Array(UnsafeRawBufferPointer(start: start, count: count))
  }

  private func wrong(_ column: Int, _ wanted: String) -> StorageError {
    let names = ["nothing", "an integer", "a real", "a text", "a blob", "NULL"]
    let type = Int(sqlite3_column_type(handle, Int32(column)))
    let name = sqlite3_column_name(handle, Int32(column)).map { String(cString: $0) }
    return StorageError(
      .corrupt,
      "\(statement.name): column \(column) (\(name ?? "none")) is \(names[type]), not \(wanted)")
  }
}

/// SQLite's result codes in our words.
enum SQLiteFault {
  /// - Parameter code: an extended one or not.
  static func error(_ code: Int32, _ message: String, _ place: String) -> StorageError {
    let text = "\(place): \(message) (\(code))"
    return switch code & 0xff {
    case SQLITE_BUSY, SQLITE_LOCKED: StorageError(.busy, text)
    case SQLITE_FULL, SQLITE_NOMEM: StorageError(.full, text)
    case SQLITE_IOERR: StorageError(.io, text)
    case SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_FORMAT: StorageError(.corrupt, text)
    case SQLITE_CONSTRAINT: StorageError(.constraint(constraint(message)), text)
    case SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_READONLY, SQLITE_AUTH:
      StorageError(.unavailable, text)
    default: StorageError(.statement, text)
    }
  }

  static func error(_ error: any Error, _ place: String) -> StorageError {
    switch error {
    case let error as StorageError: error
    case let error as DatabaseError:
      self.error(error.extendedResultCode.rawValue, error.message ?? "", place)
    default: StorageError(.unavailable, "\(place): \(error)")
    }
  }

  /// What stands behind "… constraint failed: ": the name of a CHECK, the columns of a key.
  private static func constraint(_ message: String) -> String {
    guard let colon = message.firstIndex(of: ":") else { return message }
    return String(message[message.index(after: colon)...].drop { $0 == " " })
  }
}
