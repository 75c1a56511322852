internal import CPostgres
internal import Glibc

/// One connection to PostgreSQL in pipeline mode, and the only place where libpq is spoken:
/// statements whose answer nobody waits for go out with the next one that somebody does.
///
/// Belongs to the thread that uses it. After an error nothing runs until `recover`; one that is
/// lost stays so.
final class PostgresConnection {
  private let handle: OpaquePointer
  private let options: PostgresOptions
  private var names = PostgresNames()
  /// Statements that were sent and whose answers were not read, oldest first.
  private var waiting: [Waiting] = []
  private(set) var isLost = false
  private var isClosed = false

  private struct Waiting {
    let statement: Statement
    /// An answer that does not count: of a statement being prepared, or forgotten.
    let isOverhead: Bool
  }

  /// - Throws: `PostgresFault` to be cured by another attempt, where there is no server.
  init(address: String, _ options: PostgresOptions) throws {
    let (seconds, _) = options.connectTimeout.components
    // The address last: what it says itself counts.
    let settings = [
      ("application_name", options.applicationName), ("connect_timeout", "\(seconds)"),
      ("keepalives_idle", "10"), ("keepalives_interval", "5"), ("keepalives_count", "3"),
      ("tcp_user_timeout", "30000"), ("dbname", address), ("client_encoding", "UTF8"),
    ]
    var handle: OpaquePointer?
    PostgresConnection.withStrings(settings.map(\.0)) { keys in
      PostgresConnection.withStrings(settings.map(\.1)) { values in
        handle = PQconnectdbParams(keys, values, 1)
      }
    }
    guard let handle else { throw PostgresFault(StorageError(.full, "no memory to connect")) }
    self.handle = handle
    self.options = options
    guard PQstatus(handle) == CONNECTION_OK else {
      // With the address' own words, never with its password.
      let message = PostgresConnection.line(PQerrorMessage(handle))
      close()
      throw PostgresFault(StorageError(.unavailable, "PostgreSQL: \(message)"), .anew)
    }
    PQsetnonblocking(handle, 1)
    guard PQenterPipelineMode(handle) == 1 else { throw lost("no pipeline") }
    let (limit, part) = options.statementTimeout.components
    let milliseconds = limit * 1000 + part / 1_000_000_000_000_000
    for setting in [
      "statement_timeout = \(milliseconds)", "idle_in_transaction_session_timeout = 60000",
      "bytea_output = 'hex'", "timezone = 'UTC'",
    ] {
      try put(Statement(name: "set", sql: "SET \(setting)", scope: .engine), [])
    }
    try synchronise(PostgresStatements.sync)
  }

  deinit { close() }

  /// Nothing may be called afterwards.
  func close() {
    if isClosed { return }
    isClosed = true
    isLost = true
    PQfinish(handle)
  }

  // MARK: - Statements

  /// Sends a statement whose answer nobody waits for; its fault comes with a later call, by
  /// `synchronise` at the latest.
  func put(_ statement: Statement, _ values: [SQLValue]) throws {
    try send(statement, values)
    // The server's answers must not fill what both sides buffer.
    if waiting.count >= 512 { _ = try answer(statement) }
  }

  /// Sends a statement and waits for its answer, and so for those of all before it.
  func run(_ statement: Statement, _ values: [SQLValue]) throws -> PostgresResult {
    try send(statement, values)
    return try answer(statement)
  }

  /// Ends a pipeline: what was sent before has been answered.
  func synchronise(_ statement: Statement) throws {
    guard PQpipelineSync(handle) == 1 else { throw lost(statement.name) }
    var failure: (any Error)?
    while true {
      let result = try next(statement.name)
      if let result, PQresultStatus(result) == PGRES_PIPELINE_SYNC {
        PQclear(result)
        break
      }
      guard let result else {
        if !waiting.isEmpty { waiting.removeFirst() }
        continue
      }
      let known = waiting.first
      do {
        _ = try PostgresConnection.checked(result, known?.statement ?? statement)
      } catch { failure = failure ?? error }
    }
    waiting = []
    if let failure { throw failure }
  }

  /// The same for a text that is not worth preparing.
  func runOnce(_ sql: String, _ statement: Statement, _ values: [SQLValue]) throws
    -> PostgresResult
  {
    if isLost { throw lost(statement.name) }
    try sendValues(nil, sql, statement, values)
    waiting.append(Waiting(statement: statement, isOverhead: false))
    return try answer(statement)
  }

  /// After a fault: takes back the transaction, and makes the connection fit for another one.
  func recover() throws {
    if isLost { throw lost("recover") }
    do { try synchronise(PostgresStatements.sync) } catch {
      if isLost { throw error }
    }
    if PQtransactionStatus(handle) != PQTRANS_IDLE {
      _ = try runOnce("ROLLBACK", PostgresStatements.rollBack, [])
    }
    // What was to be prepared after the fault was not.
    _ = try runOnce("DEALLOCATE ALL", PostgresStatements.rollBack, [])
    names.forgetAll()
    try synchronise(PostgresStatements.sync)
  }

  private func send(_ statement: Statement, _ values: [SQLValue]) throws {
    if isLost { throw lost(statement.name) }
    let (name, change) = names.name(statement, values)
    switch change {
    case .known: break
    case .prepare(let sql, let count, let old):
      guard count == values.count else {
        names.forget(statement, values)
        throw PostgresFault(
          StorageError(
            .statement, "\(statement.name): \(values.count) values for \(count) parameters"))
      }
      if let old {
        try sendValues(nil, "DEALLOCATE \(old)", statement, [])
        waiting.append(Waiting(statement: statement, isOverhead: true))
      }
      let types = values.map { Oid(PostgresValues.type(of: $0)) }
      guard PQsendPrepare(handle, name, sql, Int32(types.count), types) == 1 else {
        throw lost(statement.name)
      }
      waiting.append(Waiting(statement: statement, isOverhead: true))
    }
    try sendValues(name, nil, statement, values)
    waiting.append(Waiting(statement: statement, isOverhead: false))
  }

  /// - Parameters:
  ///   - name: of one that was prepared; else `sql` is sent itself.
  private func sendValues(
    _ name: String?, _ sql: String?, _ statement: Statement, _ values: [SQLValue]
  ) throws {
    var bytes: [UInt8] = []
    var ranges: [Range<Int>?] = []
    for (index, value) in values.enumerated() {
      let start = bytes.count
      guard PostgresValues.append(value, to: &bytes) else {
        throw PostgresFault(
          StorageError(
            .statement, "\(statement.name): parameter \(index + 1) is a text with a zero byte"))
      }
      ranges.append(value == .null ? nil : start..<bytes.count)
    }
    let lengths = ranges.map { Int32($0?.count ?? 0) }
    let formats = [Int32](repeating: 1, count: values.count)
    // An empty value is no null pointer.
    bytes.append(0)
    let sent = bytes.withUnsafeBytes { raw -> Int32 in
      let base = raw.assumingMemoryBound(to: CChar.self).baseAddress
      let pointers = ranges.map { range in range.flatMap { base?.advanced(by: $0.lowerBound) } }
      if let name {
        return PQsendQueryPrepared(
          handle, name, Int32(values.count), pointers, lengths, formats, 1)
      }
      let types = values.map { Oid(PostgresValues.type(of: $0)) }
      return PQsendQueryParams(
        handle, sql, Int32(values.count), types, pointers, lengths, formats, 1)
    }
    if sent != 1 { throw lost(statement.name) }
  }

  // MARK: - Answers

  /// Reads until the last statement's answer is there.
  private func answer(_ statement: Statement) throws -> PostgresResult {
    guard PQsendFlushRequest(handle) == 1 else { throw lost(statement.name) }
    var last: PostgresResult?
    while let first = waiting.first {
      guard let result = try next(first.statement.name) else {
        waiting.removeFirst()
        continue
      }
      let checked = try PostgresConnection.checked(result, first.statement)
      if !first.isOverhead { last = checked }
    }
    guard let last else { throw lost(statement.name) }
    return last
  }

  private static func checked(
    _ result: OpaquePointer, _ statement: Statement
  ) throws -> PostgresResult {
    switch PQresultStatus(result) {
    case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
      return PostgresResult(result, statement)
    default:
      defer { PQclear(result) }
      throw PostgresFault(diagnosis(result), statement.name)
    }
  }

  /// The next answer of the server; nil between two statements'.
  private func next(_ statement: String) throws -> OpaquePointer? {
    let end = PostgresConnection.milliseconds + patience
    while true {
      let flushed = PQflush(handle)
      if flushed < 0 { throw lost(statement) }
      if flushed == 0 && PQisBusy(handle) == 0 { return PQgetResult(handle) }
      try poll(writes: flushed == 1, until: end, statement)
      guard PQconsumeInput(handle) == 1 else { throw lost(statement) }
    }
  }

  /// The server ends a statement before.
  private var patience: Int64 {
    let (seconds, _) = options.statementTimeout.components
    return (seconds + 10) * 1000
  }

  private func poll(writes: Bool, until end: Int64, _ statement: String) throws {
    var wanted = pollfd()
    wanted.fd = PQsocket(handle)
    wanted.events = Int16(POLLIN) | (writes ? Int16(POLLOUT) : 0)
    while true {
      let left = end - PostgresConnection.milliseconds
      if left <= 0 || wanted.fd < 0 { throw lost(statement) }
      let count = Glibc.poll(&wanted, 1, Int32(clamping: left))
      if count > 0 { return }
      if count < 0 && errno != EINTR { throw lost(statement) }
    }
  }

  private func lost(_ statement: String) -> PostgresFault {
    let message = isClosed ? "closed" : PostgresConnection.line(PQerrorMessage(handle))
    isLost = true
    return PostgresFault(
      StorageError(.io, "\(statement): the connection to PostgreSQL is lost: \(message)"), .anew)
  }

  private static var milliseconds: Int64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
  }

  private static func diagnosis(_ result: OpaquePointer) -> PostgresDiagnosis {
    func field(_ code: Int32) -> String {
      PQresultErrorField(result, code).map { String(cString: $0) } ?? ""
    }
    return PostgresDiagnosis(
      state: field(homing_pg_sqlstate), message: field(homing_pg_message),
      detail: field(homing_pg_detail), table: field(homing_pg_table),
      column: field(homing_pg_column), constraint: field(homing_pg_constraint))
  }

  private static func line(_ text: UnsafePointer<CChar>?) -> String {
    text.map { String(cString: $0) }?.split(whereSeparator: \.isNewline)
      .joined(separator: "; ") ?? ""
  }

  /// As C has lists of strings: the last is null.
  private static func withStrings(
    _ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Void
  ) {
    let copies = strings.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    let pointers = copies.map { UnsafePointer($0) } + [nil]
    pointers.withUnsafeBufferPointer { buffer in
      if let base = buffer.baseAddress { body(base) }
    }
  }
}

/// The rows that a statement gave; a row source that is moved from one to the next.
final class PostgresResult: RowSource {
  let statement: Statement
  private let handle: OpaquePointer
  private var row: Int32 = -1

  init(_ handle: OpaquePointer, _ statement: Statement) {
    self.handle = handle
    self.statement = statement
  }

  deinit { PQclear(handle) }

  /// Rows that were changed; of a statement with rows, how many they are.
  var changed: Int { Int(String(cString: PQcmdTuples(handle))) ?? 0 }

  /// Such as `COMMIT`.
  var command: String { String(cString: PQcmdStatus(handle)) }

  var rowCount: Int { Int(PQntuples(handle)) }

  /// Goes to the next row; false at the end.
  func advance() -> Bool {
    row += 1
    return row < PQntuples(handle)
  }

  var columnCount: Int { Int(PQnfields(handle)) }

  func isNull(_ column: Int) -> Bool { PQgetisnull(handle, row, Int32(column)) == 1 }

  func integer(_ column: Int) throws -> Int64 {
    guard let value = PostgresValues.integer(type(column), bytes(column)), !isNull(column) else {
      throw other(column, "an integer")
    }
    return value
  }

  func real(_ column: Int) throws -> Double {
    guard let value = PostgresValues.real(type(column), bytes(column)), !isNull(column) else {
      throw other(column, "a number")
    }
    return value
  }

  func text(_ column: Int) throws -> String {
    guard PostgresValues.isText(type(column)), !isNull(column) else {
      throw other(column, "a text")
    }
    return String(decoding: bytes(column), as: UTF8.self)
  }

  func blob(_ column: Int) throws -> [UInt8] {
    guard PostgresValues.isBytes(type(column)), !isNull(column) else {
      throw other(column, "a blob")
    }
    return Array(bytes(column))
  }

  private func type(_ column: Int) -> UInt32 { PQftype(handle, Int32(column)) }

  private func bytes(_ column: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(
      start: PQgetvalue(handle, row, Int32(column)),
      count: Int(PQgetlength(handle, row, Int32(column))))
  }

  private func other(_ column: Int, _ wanted: String) -> StorageError {
    let name = PQfname(handle, Int32(column)).map { String(cString: $0) } ?? ""
    let found = isNull(column) ? "NULL" : PostgresValues.name(type(column))
    return StorageError(
      .corrupt, "\(statement.name): column \(column) (\(name)) is \(found), not \(wanted)")
  }
}
