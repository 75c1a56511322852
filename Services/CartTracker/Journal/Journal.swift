internal import Delivery
internal import Messages
internal import Storage
internal import Synchronization
internal import Wire

/// A record to append to a person's log.
struct JournalEntry: Sendable {
  let person: PersonKey
  /// A `LogRecord`.
  let body: [UInt8]
}

/// A command with its answer, kept so that a repeat has the same effect: none.
struct CommandRow: Sendable {
  let bucket: UInt8
  let key: String
  let hash: [UInt8]
  let answer: [UInt8]
  let at: Int64
}

/// The log of all events, the truth of this service: what it acknowledged is on disk.
///
/// One thread appends; whoever calls at the same time shares a commit.
final class Journal: Sendable {
  /// What one caller wants in one transaction.
  private enum Work: Sendable {
    case entries([JournalEntry], CommandRow?)
    case heartbeat(store: String, source: String, until: Int64)
    case store(Tracked.Store, CommandRow)

    var weight: Int {
      if case .entries(let entries, _) = self { entries.count } else { 1 }
    }
  }

  private struct State {
    var position: UInt64 = 0
    var sequences = [UInt64](repeating: 0, count: 256)
    var epoch: Int64 = 0
    var onAppend: @Sendable () -> Void = {}
  }

  let tail: Tail
  private let engine: any StorageEngine
  private let state = Mutex(State())
  private let group: Mutex<GroupCommit<Work, Void>?>
  private let threadName: String?
  private let fatal: @Sendable (StorageError) -> Void

  /// - Parameters:
  ///   - threadName: nil: everything happens in the caller.
  ///   - fatal: called when a commit may or may not be on disk: the process has to stop and to
  ///     recover.
  init(
    engine: any StorageEngine, limits: Tail.Limits = .init(), threadName: String?,
    fatal: @escaping @Sendable (StorageError) -> Void
  ) {
    self.engine = engine
    tail = Tail(limits: limits)
    group = Mutex(nil)
    self.threadName = threadName
    self.fatal = fatal
  }

  // MARK: - Start and end

  /// Reads where the log ends, and what of it is not in the tables yet. Before anything else.
  ///
  /// - Parameters:
  ///   - projected: the last position in the tables.
  ///   - sequences: the number of each bucket's last row there.
  func recover(after projected: UInt64, sequences: [UInt64]) throws {
    precondition(sequences.count == 256)
    var (position, sequences) = (projected, sequences)
    tail.begin(at: projected)
    let epoch = try engine.write { session in
      try session.execute(JournalStatements.takeOver)
      return try session.first(JournalStatements.epoch) { try $0.integer(0) }
    }
    guard let epoch else { throw StorageError(.corrupt, "the log has no owner's row") }
    try engine.read { session in
      let end = try session.first(JournalStatements.lastPosition) { try $0.optionalInteger(0) }
      guard UInt64((end ?? nil) ?? 0) >= projected else {
        throw StorageError(.corrupt, "the log ends before position \(projected) of the tables")
      }
      while true {
        var rows: [TailRow] = []
        try session.rows(JournalStatements.rowsAfter, [.integer(position), .integer(4096)]) { row in
          let read = try Journal.row(row)
          guard read.position == position + 1, read.seq == sequences[Int(read.bucket)] + 1 else {
            throw StorageError(.corrupt, "the log has a gap before position \(read.position)")
          }
          position = read.position
          sequences[Int(read.bucket)] = read.seq
          rows.append(read)
          return true
        }
        if rows.isEmpty { break }
        tail.append(rows)
      }
    }
    state.withLock { state in
      state.position = position
      state.sequences = sequences
      state.epoch = epoch
    }
    let commits = try GroupCommit<Work, Void>(
      name: threadName, weight: { $0.weight }, fatal: fatal,
      commit: { [weak self] works in
        guard let self else { throw StorageError(.closed, "the journal is gone") }
        return try self.commit(works)
      })
    group.withLock { $0 = commits }
  }

  private static func row(_ row: Row) throws -> TailRow {
    let person = try PersonKey(bytes: row.blob(3))
    let (position, bucket) = (try row.integer(0), try row.integer(1))
    guard bucket == Int64(person.bucket) else {
      throw StorageError(.corrupt, "the log's position \(position) stands in bucket \(bucket)")
    }
    return TailRow(
      position: UInt64(bitPattern: position), bucket: person.bucket,
      seq: UInt64(bitPattern: try row.integer(2)), person: person, body: try row.blob(4))
  }

  /// Called after each group, on the journal's thread: wakes the projector.
  func onAppend(_ call: @escaping @Sendable () -> Void) { state.withLock { $0.onAppend = call } }

  func close() { group.withLock { $0 }?.close() }

  // MARK: - Writing

  /// Returns when the entries are on disk, in this order, each in its person's bucket.
  ///
  /// - Throws: RESOURCE_EXHAUSTED while too much waits to be projected.
  func append(_ entries: [JournalEntry]) async throws {
    try tail.checkRoom()
    try await running().submit(.entries(entries, nil))
  }

  /// The same with the command that they are the effect of; on a thread that may block.
  func appendBlocking(_ entries: [JournalEntry], command: CommandRow) throws {
    try tail.checkRoom()
    try running().submitBlocking(.entries(entries, command))
  }

  func heartbeat(store: String, source: String, until: Int64) async throws {
    try await running().submit(.heartbeat(store: store, source: source, until: until))
  }

  /// On a thread that may block.
  func putStore(_ store: Tracked.Store, command: CommandRow) throws {
    try running().submitBlocking(.store(store, command))
  }

  private func running() throws -> GroupCommit<Work, Void> {
    guard let group = group.withLock({ $0 }) else {
      throw StorageError(.closed, "the journal is not open")
    }
    return group
  }

  /// One transaction for the whole group.
  private func commit(_ works: [Work]) throws -> [Void] {
    let epoch = state.withLock { $0.epoch }
    var (position, sequences) = state.withLock { ($0.position, $0.sequences) }
    var rows: [TailRow] = []
    rows.reserveCapacity(works.reduce(0) { $0 + $1.weight })
    try engine.write { session in
      try Journal.checkEpoch(epoch, in: session)
      for work in works {
        switch work {
        case .entries(let entries, let command):
          for entry in entries {
            let bucket = Int(entry.person.bucket)
            position += 1
            sequences[bucket] += 1
            let row = TailRow(
              position: position, bucket: entry.person.bucket, seq: sequences[bucket],
              person: entry.person, body: entry.body)
            try Journal.insert(row, in: session)
            rows.append(row)
          }
          if let command { try Journal.insert(command, in: session) }
        case .heartbeat(let store, let source, let until):
          try session.execute(
            JournalStatements.heartbeat, [.text(store), .text(source), .integer(until)])
        case .store(let store, let command):
          try Journal.put(store, in: session)
          try Journal.insert(command, in: session)
        }
      }
    }
    tail.append(rows)
    let onAppend = state.withLock { state in
      state.position = position
      state.sequences = sequences
      return state.onAppend
    }
    onAppend()
    return works.map { _ in }
  }

  /// The transaction has the file's only lock for writing, so what it reads here holds to its end.
  private static func checkEpoch(_ epoch: Int64, in session: any StorageSession) throws {
    let now = try session.first(JournalStatements.epoch) { try $0.integer(0) }
    if now != epoch {
      throw StorageError(.fenced, "the log is no longer in epoch \(epoch) but \(now ?? 0)")
    }
  }

  private static func insert(_ row: TailRow, in session: any StorageSession) throws {
    try session.execute(
      JournalStatements.append,
      [
        .integer(row.position), .integer(row.bucket), .integer(row.seq), row.person.value,
        .blob(row.body),
      ])
  }

  private static func insert(_ command: CommandRow, in session: any StorageSession) throws {
    try session.execute(
      JournalStatements.addCommand,
      [
        .integer(command.bucket), .text(command.key), .blob(command.hash), .blob(command.answer),
        .integer(command.at),
      ])
    try session.execute(
      JournalStatements.forgetCommands,
      [.integer(command.bucket), .integer(command.at.addingClamped(-Commands.keptFor))])
  }

  private static func put(_ store: Tracked.Store, in session: any StorageSession) throws {
    let body = SQLValue.blob(try Stored.encode(store))
    try session.execute(
      JournalStatements.putStore, [.text(store.id), .integer(store.revision), body])
    try session.execute(
      JournalStatements.addRevision,
      [
        .text(store.id), .integer(store.revision),
        .integer(store.changedAt?.microseconds ?? 0), body,
      ])
  }

  // MARK: - Reading

  /// The rows at these positions, in their order.
  func events(positions: [UInt64]) throws -> [(position: UInt64, body: [UInt8])] {
    if positions.isEmpty { return [] }
    return try engine.read { session in
      try positions.map { position in
        guard
          let body = try session.first(
            JournalStatements.body, [.integer(position)], { try $0.blob(0) })
        else { throw StorageError(.corrupt, "the log has no position \(position)") }
        return (position, body)
      }
    }
  }

  /// Where a row stands in its bucket.
  func bucketPosition(of position: UInt64) throws -> CommonV1.Position {
    try engine.read { session in
      try session.first(JournalStatements.place, [.integer(position)]) { row in
        CommonV1.Position(
          bucket: UInt32(truncatingIfNeeded: try row.integer(0)),
          seq: UInt64(bitPattern: try row.integer(1)))
      }
    } ?? CommonV1.Position()
  }

  /// The last acknowledged row of a bucket.
  func lastPosition(ofBucket bucket: UInt8) -> CommonV1.Position {
    CommonV1.Position(
      bucket: UInt32(bucket), seq: state.withLock { $0.sequences[Int(bucket)] })
  }

  func lookupCommand(bucket: UInt8, key: String) throws -> (hash: [UInt8], answer: [UInt8])? {
    try engine.read { session in
      try session.first(JournalStatements.command, [.integer(bucket), .text(key)]) { row in
        (try row.blob(0), try row.blob(1))
      }
    }
  }

  /// Every store and heartbeat into the registry, at a start.
  func load(into stores: StoreRegistry) throws {
    try engine.read { session in
      for body in try session.all(JournalStatements.stores, [], { try $0.blob(0) }) {
        try stores.put(try Stored.decode(Tracked.Store.self, body, "store"))
      }
      try session.rows(JournalStatements.heartbeats, []) { row in
        stores.heartbeat(try row.text(0), source: try row.text(1), until: try row.integer(2))
        return true
      }
    }
  }
}
