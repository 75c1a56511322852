/// Storage in a PostgreSQL database, or in one that speaks as it does.
///
/// One connection writes, one transaction at a time; others read, each over a snapshot. Where
/// another instance's transaction was in the way, or the server was away, a transaction is run
/// again from its beginning, so that `body` may run more than once. A commit whose answer was lost
/// is `uncertain`.
package final class PostgresEngine: StorageEngine {
  private struct State {
    var isClosed = false
    /// A commit was lost: nothing may be written any more.
    var failure: StorageError?
    var idle: [PostgresConnection] = []
    var readers = 0
    var writer: PostgresConnection?
    var isWriting = false
  }

  private let address: String
  private let options: PostgresOptions
  private let state: Monitor<State>
  private let pause = Monitor(())

  /// - Parameter address: a connection URI or string as libpq reads it: several hosts, TLS, all.
  /// - Throws: `unavailable` where no server answers.
  package init(address: String, _ options: PostgresOptions = PostgresOptions()) throws {
    options.validate()
    self.address = address
    self.options = options
    do {
      let writer = try PostgresConnection(address: address, options)
      state = Monitor(State(writer: writer))
    } catch let fault as PostgresFault { throw fault.error }
  }

  deinit { close() }

  package func write<R>(_ body: (any StorageSession) throws -> R) throws -> R {
    try takeWriting()
    defer {
      state.withLock { $0.isWriting = false }
      state.wakeAll()
    }
    return try attempts { attempt in
      let connection = try writer(anew: attempt > 0)
      return try transaction(connection, PostgresStatements.begin, isWriting: true, body)
    }
  }

  package func read<R>(_ body: (any StorageSession) throws -> R) throws -> R {
    try attempts { _ in
      let connection = try takeReader()
      defer { giveReader(connection) }
      return try transaction(connection, PostgresStatements.beginRead, isWriting: false, body)
    }
  }

  /// PostgreSQL frees what was overwritten by its own vacuum, and its log by its own archive rules.
  package func emptyLog() throws {
    if state.withLock({ $0.isClosed }) { throw StorageError.isClosed }
  }

  package func close() {
    let connections = state.withLock { state -> [PostgresConnection] in
      defer {
        state.isClosed = true
        state.idle = []
      }
      return state.isClosed ? [] : state.idle
    }
    for connection in connections { connection.close() }
    // The writer after what it is doing, readers when they are given back.
    let writer = state.wait { state -> PostgresConnection?? in
      if state.isWriting { return nil }
      defer { state.writer = nil }
      return .some(state.writer)
    }
    writer?.close()
    state.wakeAll()
  }

  // MARK: - Transactions

  private func transaction<R>(
    _ connection: PostgresConnection, _ begin: Statement, isWriting: Bool,
    _ body: (any StorageSession) throws -> R
  ) throws -> R {
    let session = PostgresSession(connection)
    do {
      try session.put(begin, [])
      let result = try body(session)
      if let fault = session.fault { throw fault.error }
      try isWriting ? commit(connection, session) : end(connection, session)
      return result
    } catch {
      let fault = session.fault
      try? connection.recover()
      // A fault that the body made another error of is one all the same.
      if let fault, fault.cure != .none { throw fault }
      throw error
    }
  }

  private func end(_ connection: PostgresConnection, _ session: PostgresSession) throws {
    try session.guarded {
      try connection.put(PostgresStatements.rollBack, [])
      try connection.synchronise(PostgresStatements.rollBack)
    }
  }

  private func commit(_ connection: PostgresConnection, _ session: PostgresSession) throws {
    // Whatever was put has happened, or tells why not, before the commit is sent.
    try session.guarded { _ = try connection.run(PostgresStatements.ready, []) }
    do {
      let command = try connection.run(PostgresStatements.commit, []).command
      try connection.synchronise(PostgresStatements.commit)
      if command != "COMMIT" {
        throw StorageError(.io, "commit: the server took the transaction back")
      }
    } catch let fault as PostgresFault {
      if fault.cure == .again { return try session.guarded { throw fault } }
      if !connection.isLost { throw fault.error }
      let failure = StorageError(.uncertain, fault.error.message)
      state.withLock { $0.failure = failure }
      throw failure
    }
  }

  /// Runs it again while there is a cure.
  private func attempts<R>(_ body: (Int) throws -> R) throws -> R {
    var waited = Duration.zero
    var attempt = 0
    while true {
      do { return try body(attempt) } catch let fault as PostgresFault {
        attempt += 1
        let span = Duration.milliseconds(min(1000, 5 << min(attempt, 8)))
        waited += span
        let isOver =
          switch fault.cure {
          case .none: true
          case .again: attempt >= options.attempts
          case .anew: waited > options.patience
          }
        if isOver || state.withLock({ $0.isClosed }) { throw fault.error }
        let _: Void? = pause.wait(atMost: span) { _ in nil }
      }
    }
  }

  // MARK: - Connections

  private func takeWriting() throws {
    try state.wait { state -> Void? in
      if state.isClosed { throw StorageError.isClosed }
      if let failure = state.failure { throw failure }
      if state.isWriting { return nil }
      state.isWriting = true
      return ()
    }
  }

  /// - Precondition: this thread is the one that writes.
  private func writer(anew: Bool) throws -> PostgresConnection {
    let known = state.withLock { $0.writer }
    if let known, !known.isLost { return known }
    known?.close()
    let connection = try PostgresConnection(address: address, options)
    let isClosed = state.withLock { state in
      state.writer = connection
      return state.isClosed
    }
    if isClosed { throw StorageError.isClosed }
    return connection
  }

  private func takeReader() throws -> PostgresConnection {
    let idle = try state.wait { state -> PostgresConnection?? in
      if state.isClosed { throw StorageError.isClosed }
      if let connection = state.idle.popLast() { return .some(connection) }
      if state.readers >= options.readers { return nil }
      state.readers += 1
      return .some(nil)
    }
    if let idle { return idle }
    do { return try PostgresConnection(address: address, options) } catch {
      state.withLock { $0.readers -= 1 }
      state.wakeOne()
      throw error
    }
  }

  private func giveReader(_ connection: PostgresConnection) {
    let isKept = state.withLock { state in
      if state.isClosed || connection.isLost {
        state.readers -= 1
        return false
      }
      state.idle.append(connection)
      return true
    }
    if !isKept { connection.close() }
    state.wakeOne()
  }
}

/// What the engine says itself.
enum PostgresStatements {
  /// Begins a transaction; its statements see what was committed before each of them.
  static let begin = Statement(
    name: "begin", sql: "BEGIN ISOLATION LEVEL READ COMMITTED", scope: .engine)
  /// Begins a transaction over one snapshot.
  static let beginRead = Statement(
    name: "beginRead", sql: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", scope: .engine)
  /// Has an answer, so that all before it have been answered.
  static let ready = Statement(name: "ready", sql: "SELECT 1", scope: .engine)
  /// Makes all durable.
  static let commit = Statement(name: "commit", sql: "COMMIT", scope: .engine)
  /// Takes all back.
  static let rollBack = Statement(name: "rollBack", sql: "ROLLBACK", scope: .engine)
  /// No statement: the end of a pipeline.
  static let sync = Statement(name: "sync", sql: "SYNC", scope: .engine)
}
