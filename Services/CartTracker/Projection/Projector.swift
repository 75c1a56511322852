internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Synchronization

/// Turns the log into tables, and time into episodes: one thread, one owner of all its buckets.
///
/// What it commits goes on exactly where the last commit ended; between commits nothing is lost,
/// since the log has it.
final class Projector: Sendable {
  /// Log rows folded in one transaction: so many at most, or a share of what waits. The more wait,
  /// the more of them are of one person, which is read and written once.
  static let rowsMax = 8192
  static let rowsMaxBehind = 131_072
  /// Persons settled in one transaction at most; more where many are due and no order between
  /// them is kept, since neighbours share pages.
  static let settledMax = 2048
  static let settledMaxBehind = 8192

  /// Rows that leave memory worth giving back.
  private static let burstRows: UInt64 = 65_536

  /// How long watchers may be away and miss nothing.
  static let changesKept = 7 * StoreRules.day
  private static let trimInterval = StoreRules.day / 24

  struct State {
    /// When changes were last forgotten.
    var trimmedAt: Int64?
    var timers = DueTimers()
    var position: UInt64 = 0
    var sequences = [UInt64](repeating: 0, count: 256)
    var changes = [UInt64](repeating: 0, count: 256)
    /// A pass over all persons after a store's settings changed: the next person to look at.
    var pass: Pass?
    /// Sum of the stores' revisions that all persons were settled with.
    var settled: Int64 = 0
    /// Rises with each commit: what rows were changed by it, lists can tell.
    var version: UInt64 = 0
    /// Where a virtual clock stands; every commit keeps it.
    var clock: Int64 = 0
    var isWorking = false
    var foldedRows: UInt64 = 0
    /// Of them, those whose memory was given back.
    var givenBackRows: UInt64 = 0
    var episodes: UInt64 = 0
    var anew: UInt64 = 0
  }

  struct Pass {
    let revisions: Int64
    var bucket = 0
    var after = [UInt8]()
    var isAtEnd: Bool { bucket > 255 }
  }

  let carts: any StorageEngine
  let journal: Journal
  let stores: StoreRegistry
  let lease: BucketLease
  /// On a virtual clock each timer is decided at its own due time, however far the clock moved.
  let isVirtual: Bool
  /// Nil where nobody is told of changes.
  let changeOutbox: ChangeOutbox?
  /// Nil where no restore is looked for.
  private let beat: RestoreBeat?
  private let state = Mutex(State())
  private let waiters = PositionWaiters()

  init(
    carts: any StorageEngine, journal: Journal, stores: StoreRegistry, lease: BucketLease,
    isVirtual: Bool, changeOutbox: ChangeOutbox? = nil, beat: RestoreBeat? = nil
  ) {
    self.carts = carts
    self.journal = journal
    self.stores = stores
    self.lease = lease
    self.isVirtual = isVirtual
    self.changeOutbox = changeOutbox
    self.beat = beat
  }

  // MARK: - Start

  /// Reads where the last commit ended, and every timer. Before anything else.
  func recover() throws {
    let recovered = try carts.read { session in
      var state = State()
      try session.rows(ProjectionStatements.projected, []) { row in
        state.position = UInt64(bitPattern: try row.integer(0))
        state.settled = try row.integer(1)
        state.clock = try row.integer(2)
        state.version = UInt64(bitPattern: try row.integer(3))
        return false
      }
      for bucket in 0..<256 {
        try session.rows(ProjectionStatements.cursors, [.integer(Int64(bucket))]) { row in
          state.sequences[bucket] = UInt64(bitPattern: try row.integer(0))
          state.changes[bucket] = UInt64(bitPattern: try row.integer(1))
          return false
        }
        try session.rows(ProjectionStatements.dueTimes, [.integer(Int64(bucket))]) { row in
          state.timers.load(try PersonKey(bytes: row.blob(0)), try row.integer(1))
          return true
        }
      }
      state.timers.loaded()
      return state
    }
    state.withLock { $0 = recovered }
    resettle()
  }

  /// Log position up to which the tables are made, and the number of each bucket's last row there.
  var projected: (position: UInt64, sequences: [UInt64], clock: Int64) {
    state.withLock { ($0.position, $0.sequences, $0.clock) }
  }

  /// Looks at every person again, after a store's settings changed.
  func resettle() {
    let revisions = stores.all.reduce(0) { $0 + Int64($1.store.revision) }
    state.withLock { state in
      if state.settled != revisions { state.pass = Pass(revisions: revisions) }
    }
  }

  // MARK: - Work

  enum Next: Equatable {
    case again
    case at(Int64)
    case whenWoken
  }

  /// One step: new rows first, then what time has made due, then a pass that is under way.
  func runOnce(now: Int64) throws -> Next {
    state.withLock { state in
      state.isWorking = true
      state.clock = max(state.clock, now)
    }
    defer { state.withLock { $0.isWorking = false } }
    let share = min(Projector.rowsMaxBehind, journal.tail.count / 4)
    let rows = journal.tail.take(max(Projector.rowsMax, share))
    if !rows.isEmpty {
      try project(rows, now)
      return .again
    }
    let limit = isVirtual ? Projector.settledMax : Projector.settledMaxBehind
    let due = state.withLock { $0.timers.take(until: now, limit: limit) }
    if !due.isEmpty {
      do {
        try settle(due, now)
      } catch {
        // Nothing was committed: they are due as before.
        state.withLock { state in for (at, key) in due { state.timers.set(key, at) } }
        throw error
      }
      return .again
    }
    if try goOnWithPass(now) { return .again }
    try trimChanges(now)
    giveBackMemory()
    return state.withLock { $0.timers.next().map { .at($0) } ?? .whenWoken }
  }

  /// When a burst is over, what its rows took.
  private func giveBackMemory() {
    let isDue = state.withLock { state in
      let isDue = state.foldedRows &- state.givenBackRows >= Projector.burstRows
      if isDue { state.givenBackRows = state.foldedRows }
      return isDue
    }
    if isDue { Memory.giveBack() }
  }

  /// Once an hour, and never before anything else: changes older than watchers may ask for go.
  private func trimChanges(_ now: Int64) throws {
    let isDue = state.withLock { state in
      let isDue = state.trimmedAt.map { now - $0 >= Projector.trimInterval } ?? true
      if isDue { state.trimmedAt = now }
      return isDue
    }
    guard isDue else { return }
    let oldest = SQLValue.integer(now.addingClamped(-Projector.changesKept))
    try carts.write { session in
      for bucket in 0..<256 {
        try session.execute(ProjectionStatements.trimChanges, [.integer(bucket), oldest])
      }
    }
  }

  private func project(_ rows: [TailRow], _ now: Int64) throws {
    var pending: [PersonKey: [TailRow]] = [:]
    for row in rows { pending[row.person, default: []].append(row) }
    let last = rows[rows.count - 1].position
    let keys = pending.keys.sorted()
    var batch = Batch(self, pending: pending, position: last)
    try carts.write { session in
      try beat?.note(session, at: now)
      for bucket in Set(rows.map(\.bucket)).sorted() {
        try lease.fence(session, bucket)
      }
      for key in keys where !batch.isDone(key) {
        try batch.fold(rowsOf: key, now: now, in: session)
      }
      try batch.finish(rows, now: now, in: session)
    }
    commit(batch)
    journal.tail.drop(through: last)
    waiters.reached(last)
  }

  /// Decides what is due: in due order and each at its own due time where the clock is virtual,
  /// else in the order in which persons are stored.
  private func settle(_ due: [(at: Int64, key: PersonKey)], _ now: Int64) throws {
    let due = isVirtual ? due : due.sorted { $0.key < $1.key }
    var batch = Batch(self, pending: [:], position: state.withLock { $0.position })
    try carts.write { session in
      try beat?.note(session, at: now)
      for bucket in Set(due.map(\.key.bucket)).sorted() {
        try lease.fence(session, bucket)
      }
      for (at, key) in due where !batch.isDone(key) {
        let rows = PersonRows(carts: session, journal: journal)
        guard let person = try rows.person(key) else { continue }
        try batch.fold(Identity(person), now: isVirtual ? at : now, in: session)
      }
      try batch.finish([], now: now, in: session)
    }
    commit(batch)
  }

  /// Looks at the next persons; those folded under other settings are settled under the present
  /// ones. False where no pass is under way.
  private func goOnWithPass(_ now: Int64) throws -> Bool {
    guard var pass = state.withLock({ $0.pass }) else { return false }
    let identities = try carts.read { try nextOfPass(&pass, in: $0) }
    if !identities.isEmpty {
      var batch = Batch(self, pending: [:], position: state.withLock { $0.position })
      try carts.write { session in
        for bucket in Set(identities.map(\.key.bucket)).sorted() {
          try lease.fence(session, bucket)
        }
        for identity in identities where !batch.isDone(identity.key) {
          try batch.fold(identity, now: now, in: session)
        }
        try batch.finish([], now: now, in: session)
      }
      commit(batch)
    }
    if pass.isAtEnd { try finish(pass) }
    state.withLock { state in
      // Another change of settings begins another pass.
      if state.pass?.revisions == pass.revisions { state.pass = pass.isAtEnd ? nil : pass }
    }
    return true
  }

  private func nextOfPass(
    _ pass: inout Pass, in session: any StorageSession
  ) throws -> [Identity] {
    var identities: [Identity] = []
    var seen = 0
    while !pass.isAtEnd && seen < Projector.settledMax {
      let before = seen
      try session.rows(
        ProjectionStatements.personsAfter,
        [.integer(pass.bucket), .blob(pass.after), .integer(Projector.settledMax - seen)]
      ) { row in
        seen += 1
        pass.after = try row.blob(0)
        let person = try Stored.decode(Tracked.StoredPerson.self, row.blob(1), "person")
        if person.storeRevision != stores[person.store]?.store.revision ?? 0 {
          identities.append(Identity(person))
        }
        return true
      }
      if seen == before {
        pass.bucket += 1
        pass.after = []
      }
    }
    return identities
  }

  private func finish(_ pass: Pass) throws {
    let (position, clock, version) = state.withLock { ($0.position, $0.clock, $0.version) }
    _ = try carts.write { session in
      try session.execute(
        ProjectionStatements.putProjected,
        [
          .integer(Int64(position)), .integer(pass.revisions), .integer(clock),
          .integer(max(1, version)),
        ])
    }
    state.withLock { $0.settled = pass.revisions }
  }

  private func commit(_ batch: Batch) {
    state.withLock { state in
      state.position = max(state.position, batch.position)
      state.version = batch.version
      for (bucket, seq) in batch.sequences { state.sequences[Int(bucket)] = seq }
      for (bucket, seq) in batch.changes { state.changes[Int(bucket)] = seq }
      for (key, at) in batch.due { state.timers.set(key, at) }
      state.foldedRows += UInt64(batch.counted)
      state.episodes += UInt64(batch.episodes)
      state.anew += UInt64(batch.anew)
    }
    if batch.episodes > 0 { waiters.changed() }
    // Before this step ends: its rows are never out of sight of who asks whether all is idle.
    let told = batch.told.buckets
    if !told.isEmpty { changeOutbox?.onCommit(told) }
  }

  // MARK: - What others ask

  /// The number of each bucket's last change.
  var changesSoFar: [UInt64] { state.withLock { $0.changes } }

  fileprivate func change(_ bucket: UInt8) -> UInt64 {
    state.withLock { $0.changes[Int(bucket)] }
  }

  fileprivate var version: UInt64 { state.withLock { $0.version } }

  fileprivate var settledRevisions: (settled: Int64, clock: Int64) {
    state.withLock { ($0.settled, $0.clock) }
  }

  /// Waits until every row up to this position is in the tables.
  func reached(_ position: UInt64) async {
    await waiters.wait(until: position) { self.projected.position }
  }

  /// Ends when an episode changed after the call began, or the wait is over.
  var changes: PositionWaiters { waiters }

  /// Nothing waits to be projected, nothing is due, no pass is under way.
  func isIdle(at now: Int64) -> Bool {
    guard journal.tail.isEmpty else { return false }
    return state.withLock { state in
      !state.isWorking && state.pass == nil && (state.timers.next().map { $0 > now } ?? true)
    }
  }

  func nextDue(after now: Int64) -> Int64? {
    state.withLock { state in state.timers.next().map { max($0, now) } }
  }

  var counters: (rows: UInt64, episodes: UInt64, anew: UInt64, timers: Int) {
    state.withLock { ($0.foldedRows, $0.episodes, $0.anew, $0.timers.count) }
  }
}

/// What one transaction of the projector does.
private struct Batch {
  private let projector: Projector
  private let pending: [PersonKey: [TailRow]]
  let position: UInt64
  let version: UInt64
  private var done: Set<PersonKey> = []
  private(set) var due: [(key: PersonKey, at: Int64?)] = []
  private(set) var changes: [UInt8: UInt64] = [:]
  private(set) var told = PendingChanges()
  private(set) var sequences: [UInt8: UInt64] = [:]
  private(set) var counted = 0
  private(set) var episodes = 0
  private(set) var anew = 0

  init(
    _ projector: Projector, pending: [PersonKey: [TailRow]], position: UInt64
  ) {
    self.projector = projector
    self.pending = pending
    self.position = position
    version = projector.version + 1
  }

  func isDone(_ key: PersonKey) -> Bool { done.contains(key) }

  /// Folds a person of whom there are new rows.
  mutating func fold(rowsOf key: PersonKey, now: Int64, in session: any StorageSession) throws {
    let rows = try (pending[key] ?? []).map { try GroupFolder.PendingRow($0) }
    guard let first = rows.first else { return }
    try fold(Identity(first.record, key: key), first: rows, now: now, in: session)
  }

  /// - Parameter first: the identity's own new rows.
  mutating func fold(
    _ identity: Identity, first: [GroupFolder.PendingRow] = [], now: Int64,
    in session: any StorageSession
  ) throws {
    guard let entry = projector.stores[identity.store] else {
      throw StorageError(.corrupt, "the log has rows of a store that does not exist")
    }
    let rows = PersonRows(carts: session, journal: projector.journal)
    let pending = pending
    var folder = GroupFolder(rows: rows, rules: entry.rules) { key in
      if key == identity.key && !first.isEmpty { return first }
      return try (pending[key] ?? []).map { try GroupFolder.PendingRow($0) }
    }
    folder.tellsChanges = projector.changeOutbox != nil
    let outcome = try folder.fold(identity, now: now)
    for member in outcome.result.group.members { done.insert(member.key) }
    counted += outcome.counted
    if outcome.isAnew { anew += 1 }
    episodes += outcome.result.episodes.count
    for (member, before) in zip(outcome.result.group.members, outcome.before)
    where member.person.erasedAt != 0 && !before.isErased {
      try projector.changeOutbox?.redact(member.key, in: session)
    }
    if let changes = outcome.changes { try told.add(changes, projector.journal) }
    let writer = PersonWriter(
      session: session, lease: projector.lease, store: entry.store, version: version, now: now)
    try writer.write(outcome.result, before: outcome.before) { bucket in
      let next = (changes[bucket] ?? projector.change(bucket)) + 1
      changes[bucket] = next
      return next
    }
    for (member, at) in zip(outcome.result.group.members, outcome.result.due) {
      due.append((member.key, at))
    }
  }

  /// Moves the cursors; they commit with the rows.
  mutating func finish(_ rows: [TailRow], now: Int64, in session: any StorageSession) throws {
    if let outbox = projector.changeOutbox { try told.put(outbox, session, now: now) }
    for row in rows { sequences[row.bucket] = row.seq }
    let known = projector.projected.sequences
    for bucket in Set(sequences.keys).union(changes.keys).sorted() {
      let seq = sequences[bucket] ?? known[Int(bucket)]
      try session.execute(
        ProjectionStatements.putCursor,
        [
          .integer(Int64(bucket)), .integer(Int64(seq)),
          .integer(Int64(changes[bucket] ?? projector.change(bucket))),
        ])
    }
    let (settled, clock) = projector.settledRevisions
    try session.execute(
      ProjectionStatements.putProjected,
      [.integer(position), .integer(settled), .integer(clock), .integer(version)])
  }
}
