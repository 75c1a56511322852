internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Synchronization

/// Decides what is due: facts right before, then one transaction with decisions, new states and
/// rows for other services. What it cannot decide now stays due.
final class DueWorker: Worker {
  /// Rows of one transaction, about. More share the pages that they change, and keep the intake
  /// waiting longer.
  static let rowsMax = 4096

  let name = "due"

  private let ledger: Ledger
  private let modes: ModeRegistry
  private let source: any FactsSource
  private let book: StoreBook?
  private let closedChannels: Set<CommonV1.Channel>
  private let rowsMax: Int
  private let round = Mutex(DueRound())
  private let working = Atomic<Bool>(false)
  private let counted = Mutex(Counters())

  struct Counters: Sendable {
    var enrolments: UInt64 = 0
    var decisions: UInt64 = 0
  }

  /// - Parameters:
  ///   - book: is told of newer settings that facts were read under.
  ///   - closedChannels: that nothing can be sent on.
  init(
    ledger: Ledger, modes: ModeRegistry, source: any FactsSource, book: StoreBook? = nil,
    closedChannels: Set<CommonV1.Channel> = [], rowsMax: Int = DueWorker.rowsMax
  ) {
    precondition(rowsMax >= 1)
    self.ledger = ledger
    self.modes = modes
    self.source = source
    self.book = book
    self.closedChannels = closedChannels
    self.rowsMax = rowsMax
  }

  /// Nothing is due, and nothing is being decided.
  func isIdle(at now: Int64) -> Bool {
    !working.load(ordering: .acquiring)
      && (isHeld || (ledger.heads.earliest ?? .max) > now)
  }

  var counters: Counters { counted.withLock { $0 } }

  /// The database came from a backup: nothing is decided until somebody has looked at it (T31).
  private var isHeld: Bool { ledger.restores?.isHeld == true }

  func runOnce(now: Instant) throws -> NextRun {
    working.store(true, ordering: .releasing)
    defer { working.store(false, ordering: .releasing) }
    if isHeld { return .whenWoken }
    let now = now.microseconds
    let batch = try read(now)
    if batch.isEmpty { return try endRound(now) }
    do { try decide(batch, now) } catch {
      // Nothing of the batch stands in the table: it is due as before.
      round.withLock { $0 = DueRound() }
      throw error
    }
    return .again
  }

  /// All that is due was looked at.
  private func endRound(_ now: Int64) throws -> NextRun {
    let round = self.round.withLock { round in
      defer { round = DueRound() }
      return round
    }
    try raiseHeads(now)
    // What is left over is looked at again after a while.
    if let failure = round.failure { throw DueFailure(stores: round.away, cause: failure) }
    guard let next = ledger.heads.earliest else { return .whenWoken }
    return next <= now ? .again : .at(Instant(microseconds: next))
  }

  /// Heads of buckets of which all that is due was seen.
  private func raiseHeads(_ now: Int64) throws {
    let buckets = ledger.heads.due(by: now)
    if buckets.isEmpty { return }
    // With the lock to write, so that nobody lowers one in between.
    try ledger.engine.write { session in
      for bucket in buckets {
        ledger.heads.set(
          bucket,
          try session.first(EnrolmentStatements.firstDue, [.integer(bucket)]) {
            try $0.integer(0)
          })
      }
    }
  }

  // MARK: - One batch

  private struct Item {
    let row: EnrolmentRow
    let version: FlowVersion
    var facts: CartTrackerV1.Facts?
    /// It turned out that it cannot be decided without.
    var wantsFacts = false

    func isDue(before other: Item) -> Bool {
      (row.enrolment.dueAt ?? .min) < (other.row.enrolment.dueAt ?? .min)
    }
  }

  private func read(_ now: Int64) throws -> [Item] {
    try ledger.engine.read { session in
      let rows = try round.withLock { round in
        try round.next(
          ledger.heads, until: now, limit: rowsMax, isExact: ledger.isVirtual, session)
      }
      return try rows.map { row in
        Item(row: row, version: try ledger.flows.version(of: row.enrolment, session))
      }
    }
  }

  private func decide(_ batch: [Item], _ now: Int64) throws {
    let known = profiles(of: Set(batch.map(\.row.enrolment.store)))
    var ready = withFacts(batch.filter { known[$0.row.enrolment.store] != nil }) { batch in
      let rivals = Entrant.several(in: batch.map(\.row.enrolment))
      return batch.indices.filter { index in
        let enrolment = batch[index].row.enrolment
        return batch[index].version.needsFacts(enrolment)
          || enrolment.phase == .entering && rivals.contains(Entrant(enrolment))
      }
    }
    while !ready.isEmpty {
      let left = try decide(ready, known, now)
      ready = withFacts(left) { left in left.indices.filter { left[$0].wantsFacts } }
    }
  }

  /// In one transaction.
  ///
  /// - Returns: those that turn out to need facts, and, where the order of time is kept, what is
  ///   due after them: it may hang on them.
  private func decide(
    _ ready: [Item], _ known: [String: StoreProfile], _ now: Int64
  ) throws -> [Item] {
    let buckets = Set(ready.map(\.row.enrolment.bucket)).sorted()
    let (enrolments, decisions, left) = try ledger.write(now: now) { writing in
      for bucket in buckets { try writing.fence(bucket) }
      var enrolments = 0
      var left: [Item] = []
      for var item in ready {
        guard let store = known[item.row.enrolment.store] else { continue }
        if ledger.isVirtual && left.first?.isDue(before: item) == true {
          left.append(item)
          continue
        }
        switch try decide(item, store, writing) {
        case .changed: enrolments += 1
        case .unchanged: break
        case .needsFacts:
          item.wantsFacts = true
          left.append(item)
        }
      }
      return (enrolments, writing.decided, left)
    }
    counted.withLock { counters in
      counters.enrolments += UInt64(enrolments)
      counters.decisions += UInt64(decisions)
    }
    return left
  }

  /// Those that can be had; the others' enrolments are left over.
  private func profiles(of stores: Set<String>) -> [String: StoreProfile] {
    let asked = stores.subtracting(round.withLock { $0.withoutProfile })
    var known: [String: StoreProfile] = [:]
    for (store, answer) in source.profiles(of: asked).sorted(by: { $0.key < $1.key }) {
      switch answer {
      case .known(let profile):
        known[store] = profile
        continue
      case .unknown: leaveOver(store, StoreUnknown(store: store))
      case .away(let reason): leaveOver(store, TrackerAway(reason: reason))
      }
      round.withLock { _ = $0.withoutProfile.insert(store) }
    }
    return known
  }

  private enum Decided {
    case changed
    case unchanged
    case needsFacts
  }

  private func decide(_ item: Item, _ store: StoreProfile, _ writing: Writing) throws -> Decided {
    let before = item.row.enrolment
    // On a virtual clock each is decided at its own due time, however far the clock moved.
    let now = ledger.isVirtual ? min(before.dueAt ?? writing.now, writing.now) : writing.now
    // Of the version that the enrolment is in: a newer one may not be approved.
    let approval = ledger.flows.approval(before.flow, before.version, in: before.store)
    let mode = modes.inForce(before.flow, in: before.store, isApproved: approval != nil)
    let input = DecisionInput(
      now: now, mode: mode, facts: item.facts, store: store, closedChannels: closedChannels,
      unknownUntil: ledger.restores?.until ?? .min)
    let brakes = StoredBrakes(writing, modes)
    var machine = EnrolmentMachine(
      before, item.version, input, brakes: brakes, desk: StoredIncentiveDesk(writing))
    let others = before.phase == .entering ? try writing.others(than: before) : []
    let entry = others.map(\.enrolment).map { EntryRules.Other($0) }
    guard try machine.advance(others: entry) == .settled else {
      precondition(item.facts == nil, "facts were given, and asked for again")
      return .needsFacts
    }
    let isChanged = try writing.change(item.row, to: machine.enrolment, machine.effects)
    if isChanged {
      try brakes.commit(machine.enrolment, input)
      if let replaced = others.first(where: { $0.enrolment.id == machine.effects.replaced }) {
        try end(replaced, for: before, input, writing)
      }
      for order in machine.effects.orders where !order.coveredCarts.isEmpty {
        try noteCovered(Set(order.coveredCarts), by: before, writing)
      }
    }
    return isChanged ? .changed : .unchanged
  }

  /// A more valuable cart that was given up at the same instant has entered in its place (C28).
  private func end(
    _ row: EnrolmentRow, for other: Enrolment, _ input: DecisionInput, _ writing: Writing
  ) throws {
    let version = try ledger.flows.version(of: row.enrolment, writing.session)
    var machine = EnrolmentMachine(row.enrolment, version, input)
    machine.end(.merged, other: other.id)
    try writing.change(row, to: machine.enrolment, machine.effects)
  }

  /// Carts that did not enter because this one runs, and that its message also lists (C28).
  private func noteCovered(
    _ carts: Set<String>, by enrolment: Enrolment, _ writing: Writing
  ) throws {
    for row in try writing.others(than: enrolment) {
      var other = row.enrolment
      guard other.isOver, other.reason == .merged, other.other == enrolment.id,
        carts.contains(other.cart)
      else { continue }
      other.reason = .coveredBy
      try writing.change(row, to: other)
    }
  }

  // MARK: - Facts

  /// Those that can be decided now, with facts where they are needed.
  private func withFacts(_ batch: [Item], _ needing: ([Item]) -> [Int]) -> [Item] {
    var batch = batch
    let needing = needing(batch)
    if needing.isEmpty { return batch }
    // A store that got none in this round is asked about again in the next one.
    let away = round.withLock { $0.away }
    let wanting = needing.filter { !away.contains(batch[$0].row.enrolment.store) }
    var missing = Set(needing).subtracting(wanting)
    let calls = asks(batch, wanting)
    let answers = calls.isEmpty ? [] : source.facts(calls.map(\.ask))
    for (call, answer) in zip(calls, answers) {
      switch answer {
      case .success(let facts):
        for (index, fact) in zip(call.items, facts) {
          batch[index].facts = fact
          batch[index].wantsFacts = false
        }
        if let newest = facts.map(\.storeRevision).max() {
          book?.note(call.ask.store, revision: newest)
        }
      case .failure(let error):
        leaveOver(call.ask.store, error)
        missing.formUnion(call.items)
      }
    }
    if missing.isEmpty { return batch }
    return batch.indices.filter { !missing.contains($0) }.map { batch[$0] }
  }

  private func asks(
    _ batch: [Item], _ wanting: [Int]
  ) -> [(ask: FactsAsk, items: [Int])] {
    var byStore: [String: [Int]] = [:]
    for index in wanting { byStore[batch[index].row.enrolment.store, default: []].append(index) }
    return byStore.sorted { $0.key < $1.key }.flatMap { store, indices in
      stride(from: 0, to: indices.count, by: FactsAsk.subjectsMax).map { start in
        let part = Array(indices[start..<min(start + FactsAsk.subjectsMax, indices.count)])
        let subjects = part.map { index in
          let enrolment = batch[index].row.enrolment
          return CartTrackerV1.FactsSubject(
            contact: enrolment.contact, cart: enrolment.cart, uses: batch[index].version.uses)
        }
        return (FactsAsk(store: store, subjects: subjects), part)
      }
    }
  }

  /// Its enrolments stay due; those of this round that are still to come are not asked about.
  private func leaveOver(_ store: String, _ error: any Error) {
    round.withLock { round in
      round.away.insert(store)
      round.failure = round.failure ?? error
    }
  }
}

/// Who is about to enter a flow.
private struct Entrant: Hashable {
  let store: String
  let flow: String
  let contact: String

  init(_ enrolment: Enrolment) {
    (store, flow, contact) = (enrolment.store, enrolment.flow, enrolment.contact)
  }

  /// Who is about to enter more than once: the most valuable cart leads (C28).
  static func several(in enrolments: [Enrolment]) -> Set<Entrant> {
    var seen: Set<Entrant> = []
    var several: Set<Entrant> = []
    for enrolment in enrolments where enrolment.phase == .entering {
      let entrant = Entrant(enrolment)
      if !seen.insert(entrant).inserted { several.insert(entrant) }
    }
    return several
  }
}

/// Some of what is due could not be decided.
struct DueFailure: Error, CustomStringConvertible {
  let stores: Set<String>
  let cause: any Error

  var description: String {
    "what is due in \(stores.count) stores waits for the tracker: \(cause)"
  }
}

struct StoreUnknown: Error, CustomStringConvertible {
  let store: String
  var description: String { "the tracker knows no store \(store)" }
}

struct TrackerAway: Error, CustomStringConvertible {
  let reason: String
  var description: String { "the tracker does not answer: \(reason)" }
}
