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
  /// Whose personal fields the answer may hold.
  var person: PersonKey?
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
    /// Nil: said by the erasure journal and not by a command.
    case erase([Erasing], known: Int64, CommandRow?)
    case forgetAddresses([PersonKey])

    var weight: Int {
      switch self {
      case .entries(let entries, _): entries.count
      case .erase(let persons, _, _): max(1, persons.count)
      default: 1
      }
    }
  }

  private struct State {
    var position: UInt64 = 0
    var sequences = [UInt64](repeating: 0, count: 256)
    var epoch: Int64 = 0
    var onAppend: @Sendable () -> Void = {}
    /// Nothing personal of them is stored any more.
    var erased: Set<PersonKey> = []
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
    let erased = try erasedPersons()
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
      state.erased = erased
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

  /// Redacts what the log has of these persons, and appends that they are erased; on a thread that
  /// may block. One who is erased already stays so.
  ///
  /// - Parameter known: up to where the table has what stands in the erasure journal.
  func eraseBlocking(_ persons: [Erasing], known: Int64, command: CommandRow?) throws {
    try running().submitBlocking(.erase(persons, known: known, command))
  }

  /// The scheduler's outbox has them; on a thread that may block.
  func forgetAddressesBlocking(of persons: [PersonKey]) throws {
    try running().submitBlocking(.forgetAddresses(persons))
  }

  /// Nothing personal may be stored of them.
  func isErased(_ person: PersonKey) -> Bool { state.withLock { $0.erased.contains(person) } }

  private func running() throws -> GroupCommit<Work, Void> {
    guard let group = group.withLock({ $0 }) else {
      throw StorageError(.closed, "the journal is not open")
    }
    return group
  }

  /// One transaction for the whole group.
  private func commit(_ works: [Work]) throws -> [Void] {
    var (epoch, erased) = state.withLock { ($0.epoch, $0.erased) }
    var (position, sequences) = state.withLock { ($0.position, $0.sequences) }
    var rows: [TailRow] = []
    rows.reserveCapacity(works.reduce(0) { $0 + $1.weight })
    func next(_ person: PersonKey, _ body: [UInt8]) -> TailRow {
      let bucket = Int(person.bucket)
      position += 1
      sequences[bucket] += 1
      return TailRow(
        position: position, bucket: person.bucket, seq: sequences[bucket], person: person,
        body: body)
    }
    try engine.write { session in
      try Journal.checkEpoch(epoch, in: session)
      for work in works {
        switch work {
        case .entries(let entries, let command):
          for entry in entries {
            let body =
              erased.contains(entry.person) ? try Journal.redacted(entry.body) : entry.body
            let row = next(entry.person, body)
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
        case .erase(let persons, let known, let command):
          try session.execute(OptOutStatements.putPosition, [.integer(known)])
          for person in persons where erased.insert(person.identity.key).inserted {
            let row = next(person.identity.key, try person.record)
            try LogEraser(session: session).erase(person, position: row.position)
            try Journal.insert(row, in: session)
            rows.append(row)
          }
          if let command { try Journal.insert(command, in: session) }
        case .forgetAddresses(let persons):
          for person in persons { try LogEraser(session: session).forgetAddresses(of: person) }
        }
      }
    }
    // Before the tail has the rows: what folds an erasure knows of it.
    state.withLock { $0.erased = erased }
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
        .integer(command.at), command.person?.value ?? .null,
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

  private static func redacted(_ body: [UInt8]) throws -> [UInt8] {
    try Stored.encode(Stored.decode(Tracked.LogRecord.self, body, "log").redacted)
  }

  // MARK: - Reading

  private func erasedPersons() throws -> Set<PersonKey> {
    try engine.read { session in
      var persons: Set<PersonKey> = []
      for bucket in 0..<256 {
        try session.rows(LogErasureStatements.persons, [.integer(bucket)]) { row in
          persons.insert(try PersonKey(bytes: row.blob(0)))
          return true
        }
      }
      return persons
    }
  }

  /// Up to where the table has what stands in the erasure journal; nil before the first line.
  func erasuresKnown() throws -> Int64? {
    try engine.read { session in
      try session.first(OptOutStatements.position) { try $0.integer(0) }
    }
  }

  func erasedOrders() throws -> [CommonV1.ErasePerson] {
    try state.withLock { $0.erased }.sorted().compactMap { try erasure(of: $0)?.order }
  }

  /// What is known of one who was erased; nil of all others.
  func erasure(of person: PersonKey) throws -> Tracked.StoredErasure? {
    try engine.read { session in
      try session.first(LogErasureStatements.erasure, [person.bucketValue, person.value]) { row in
        try Stored.decode(Tracked.StoredErasure.self, row.blob(0), "erasure")
      }
    }
  }

  /// The identities of an erasure.
  func erasures(id: [UInt8]) throws -> [Tracked.StoredErasure] {
    try engine.read { session in
      try (0..<256).flatMap { bucket in
        try session.all(LogErasureStatements.ofID, [.integer(bucket), .blob(id)]) { row in
          try Stored.decode(Tracked.StoredErasure.self, row.blob(0), "erasure")
        }
      }
    }
  }

  /// Where rows of a person stand, up to the last one there is; a look at the whole log.
  func positions(of person: PersonKey) throws -> (positions: [UInt64], until: UInt64) {
    let until = state.withLock { $0.position }
    let positions = try engine.read { session in
      try session.all(
        LogErasureStatements.positions, [person.bucketValue, person.value, .integer(0)]
      ) { UInt64(bitPattern: try $0.integer(0)) }
    }
    return (positions.filter { $0 <= until }, until)
  }

  /// What was overwritten stands in no file of the journal any more.
  func emptyLog() throws { try engine.emptyLogPatiently() }

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
