@testable internal import Delivery
internal import Logging
internal import Messages
internal import ServiceKit
internal import Storage
internal import Synchronization
internal import TestSupport
internal import Wire

/// Where rows are kept in a test.
enum EngineKind: CaseIterable, Sendable {
  case file, memory
}

/// An outbox with its tables, a clock that a test moves, and a target in this process.
struct DeliveryFixture: Sendable {
  let folder: TemporaryFolder
  let engine: SQLiteEngine
  let counts = DeliveryCounts()
  let clock = VirtualClock(at: Instant(microseconds: 1_000_000_000))
  let outbox = Outbox(target: "scheduler")

  init(_ kind: EngineKind, folder: TemporaryFolder? = nil) throws {
    self.folder = try folder ?? TemporaryFolder()
    var options = SQLiteOptions()
    options.flushes = false
    engine =
      kind == .file
      ? try SQLiteEngine.file(self.folder.file("service.db"), options)
      : try SQLiteEngine.inMemory()
    try Migrator([Migration(number: 1, name: "delivery", statements: DeliveryStatements.create)])
      .migrate(engine)
    var chance = SplitMix64(seed: 1)
    try counts.load(engine, now: clock.now, chance: &chance)
  }

  /// A sender whose steps a test takes one by one; its calls end within a step.
  func pump(
    to target: StubTarget, _ change: (inout OutboxSender.Configuration) -> Void = { _ in }
  ) -> OutboxPump {
    var configuration = OutboxSender.Configuration()
    configuration.seed = 5
    change(&configuration)
    let pump = OutboxPump(
      outbox, engine: engine, counts: counts, configuration: configuration, clock: clock,
      log: Logger(label: "test"), send: { try target.take($0) })
    pump.noteCommitted(0...255)
    return pump
  }

  /// Commits rows: one for each bucket named, as often as it is named, with its place as the body.
  func put(_ buckets: [UInt8]) throws {
    try engine.write { session in
      for (index, bucket) in buckets.enumerated() {
        try outbox.put(session, bucket: bucket, [Array("\(index)".utf8)], now: Int64(index))
      }
    }
  }

  /// Rows of the table in their order; `held` where the target refused them.
  func rows() throws -> [String] {
    let statement = Statement(
      name: "rows", sql: "SELECT bucket, seq, problem FROM outbox ORDER BY bucket, seq",
      scope: .allBuckets)
    return try engine.read { session in
      try session.all(statement) { row in
        let problem = try row.optionalText(2).map { " " + $0 } ?? ""
        return "\(try row.integer(0))/\(try row.integer(1))\(problem)"
      }
    }
  }
}

extension OutboxPump {
  /// Steps until there is nothing to do at the clock's instant; what it waits for.
  @discardableResult
  func run(_ clock: VirtualClock) throws -> NextRun {
    while true {
      let next = try runOnce(now: clock.now)
      if next != .again { return next }
    }
  }
}

/// Another service's intake, in this process: keeps what it took, and answers as a test says.
final class StubTarget: Sendable {
  typealias Verdict = CommonV1.Receipt.Verdict

  private struct State {
    var calls: [[OutboxRow]] = []
    var taken: [UInt8: [UInt64]] = [:]
    var known: Set<String> = []
    var answer: @Sendable (OutboxRow) throws -> Verdict = { _ in .stored }
  }

  private let state = Mutex(State())
  /// One entry for each row that was new.
  let stored = TestSupport.Journal<OutboxRow>()

  /// How it answers rows that are new, from now on.
  func answer(_ answer: @escaping @Sendable (OutboxRow) throws -> Verdict) {
    state.withLock { $0.answer = answer }
  }

  var calls: [[OutboxRow]] { state.withLock { $0.calls } }
  /// New rows by bucket, in the order in which they were taken.
  var taken: [UInt8: [UInt64]] { state.withLock { $0.taken } }

  /// All or nothing, as an intake's transaction is.
  func take(_ rows: [OutboxRow]) throws -> [CommonV1.Receipt] {
    let (receipts, new) = try state.withLock { state in
      state.calls.append(rows)
      var next = state
      var stalled: Set<UInt8> = []
      var new: [OutboxRow] = []
      let receipts = try rows.map { row in
        var verdict = Verdict.retry
        let key = "\(row.bucket)/\(row.seq)"
        if state.known.contains(key) {
          verdict = .repeated
        } else if !stalled.contains(row.bucket) {
          verdict = try state.answer(row)
        }
        if verdict == .retry { stalled.insert(row.bucket) }
        if verdict == .stored {
          next.known.insert(key)
          next.taken[row.bucket, default: []].append(row.seq)
          new.append(row)
        }
        return StubTarget.receipt(row, verdict, verdict == .stored ? "" : "\(verdict)")
      }
      state = next
      return (receipts, new)
    }
    for row in new { stored.add(row) }
    return receipts
  }

  static func receipt(
    _ row: OutboxRow, _ verdict: Verdict, _ problem: String = ""
  ) -> CommonV1.Receipt {
    CommonV1.Receipt(
      position: CommonV1.Position(bucket: UInt32(row.bucket), seq: row.seq), verdict: verdict,
      problem: problem)
  }
}
