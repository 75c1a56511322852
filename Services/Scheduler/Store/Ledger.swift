internal import Delivery
internal import ServiceKit
internal import Storage
internal import Synchronization

/// The scheduler's database as its owner has it: transactions, numbers of new enrolments, and when
/// the first enrolment of each bucket is due.
final class Ledger: Sendable {
  let engine: any StorageEngine
  let lease: BucketLease
  let flows: FlowRegistry
  let outboxes: [Writing.Target: Outbox]
  let counts: DeliveryCounts
  /// Nil where nobody will miss it.
  let erasures: OptOutJournal?
  /// Nil where no restore is looked for.
  let restores: RestoreGate?
  /// Each commit then keeps where the clock stands.
  let isVirtual: Bool
  private let numbers = Mutex([Int64](repeating: 0, count: 256))
  let heads = DueHeads()
  private let kept = Mutex<[UInt8]>([])
  private let onCommit: @Sendable (Committed) -> Void

  /// What a commit had in it, for whoever goes on from it.
  struct Committed: Sendable {
    let put: [Writing.Target: Set<UInt8>]
    /// The earliest instant at which something that it changed is due; nil: nothing is.
    let due: Int64?
    /// Flows that it paused.
    let halted: [HaltedFlow]
    /// Somebody was erased: rows carry their addresses.
    let isErasure: Bool
  }

  /// - Parameter targets: for which rows are put.
  init(
    engine: any StorageEngine, lease: BucketLease, flows: FlowRegistry,
    targets: Set<Writing.Target>, isVirtual: Bool, erasures: OptOutJournal? = nil,
    restores: RestoreGate? = nil,
    onCommit: @escaping @Sendable (Committed) -> Void = { _ in }
  ) {
    self.engine = engine
    self.lease = lease
    self.flows = flows
    self.isVirtual = isVirtual
    self.erasures = erasures
    self.restores = restores
    self.onCommit = onCommit
    counts = DeliveryCounts()
    outboxes = Dictionary(
      uniqueKeysWithValues: targets.map { ($0, Outbox(target: $0.rawValue)) })
  }

  /// Reads numbers and heads; before anything else. Blocks.
  ///
  /// - Returns: where a virtual clock stands.
  func load(now: Instant, chance: inout SplitMix64) throws -> Int64 {
    try counts.load(engine, now: now, chance: &chance)
    let salt = try Salt.load(engine, chance: &chance)
    kept.withLock { $0 = salt }
    let (numbers, clock) = try engine.read { session in
      var numbers = [Int64](repeating: 0, count: 256)
      for bucket in 0..<256 {
        let value = SQLValue.integer(bucket)
        numbers[bucket] =
          try session.first(EnrolmentStatements.lastNumber, [value]) {
            try $0.optionalInteger(0)
          }.flatMap { $0 } ?? 0
        heads.set(
          UInt8(bucket),
          try session.first(EnrolmentStatements.firstDue, [value]) { try $0.integer(0) })
      }
      return (numbers, try session.first(SchedulerStatements.clock) { try $0.integer(0) } ?? 0)
    }
    self.numbers.withLock { $0 = numbers }
    return clock
  }

  /// What holdouts are chosen with.
  ///
  /// - Precondition: `load` has returned.
  var salt: [UInt8] {
    let salt = kept.withLock { $0 }
    precondition(!salt.isEmpty, "the salt is there from the start on")
    return salt
  }

  /// Runs one transaction and tells of it. Blocks.
  func write<R>(now: Int64, _ body: (Writing) throws -> R) throws -> R {
    let (result, writing) = try engine.write { session in
      try restores?.beat.note(session, at: now)
      let writing = Writing(session, ledger: self, flows: flows, now: now)
      let result = try body(writing)
      try writing.finish()
      // Before the commit, so that whoever raises a head in the next transaction finds it lowered.
      // A head too low is looked at once in vain.
      for (bucket, at) in writing.due { heads.lower(bucket, to: at) }
      return (result, writing)
    }
    onCommit(
      Committed(
        put: writing.put, due: writing.due.values.min(), halted: writing.halted,
        isErasure: writing.isErasure))
    return result
  }

  /// The next number of a bucket: the microsecond, or one more than the last. Within a transaction.
  func nextNumber(in bucket: UInt8, now: Int64) -> Int64 {
    numbers.withLock { numbers in
      let next = max(now, numbers[Int(bucket)] + 1)
      numbers[Int(bucket)] = next
      return next
    }
  }
}

/// When the first enrolment of each bucket is due: never later than it is, so that none is missed.
final class DueHeads: Sendable {
  private let heads = Mutex([Int64](repeating: .max, count: 256))

  /// - Parameter at: nil: nothing of the bucket is due ever.
  func set(_ bucket: UInt8, _ at: Int64?) {
    heads.withLock { $0[Int(bucket)] = at ?? .max }
  }

  func lower(_ bucket: UInt8, to at: Int64) {
    heads.withLock { $0[Int(bucket)] = min($0[Int(bucket)], at) }
  }

  func head(_ bucket: UInt8) -> Int64 { heads.withLock { $0[Int(bucket)] } }

  /// Nil where nothing is due ever.
  var earliest: Int64? {
    let first = heads.withLock { $0.min() } ?? .max
    return first == .max ? nil : first
  }

  func due(by now: Int64) -> [UInt8] {
    heads.withLock { heads in
      heads.indices.filter { heads[$0] <= now }.map { UInt8($0) }
    }
  }
}
