internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Synchronization
internal import Wire

/// Takes the scheduler's orders and cancellations, each once (`Send`).
final class OrderIntake: Sendable {
  static let source = "scheduler"

  private let database: DirectMailDatabase
  private let stores: StoreBook
  private let rules: OrderRules
  private let pieceLog: PieceLog
  private let heads: BatchHeads
  private let counts: DeliveryCounts
  private let clock: any WallClock
  private let cutOff: CutOff
  private let cost: CommonV1.Money?
  private let eraser: EraserDesk
  private let restores: RestoreGate

  init(
    database: DirectMailDatabase, stores: StoreBook, templates: TemplateBook, pieceLog: PieceLog,
    heads: BatchHeads, counts: DeliveryCounts, clock: any WallClock, cutOff: CutOff,
    cost: CommonV1.Money?, eraser: EraserDesk,
    restores: RestoreGate
  ) {
    self.database = database
    self.stores = stores
    rules = OrderRules(templates: templates)
    self.pieceLog = pieceLog
    self.heads = heads
    self.counts = counts
    self.clock = clock
    self.cutOff = cutOff
    self.cost = cost
    self.eraser = eraser
    self.restores = restores
  }

  private typealias Row = CommonV1.SendOrders.Row

  /// An order with all that can be said of it before its transaction.
  private struct Taking: Sendable {
    let key: PieceKey
    let order: CommonV1.SendOrder
    let body: [UInt8]
    let plan: BatchPlan
    /// The cut-off that it would have made when it was due.
    let firstCutOff: Int64
    /// Of the budget.
    let today: Int64
  }

  /// What a row comes to.
  private enum Plan: Sendable {
    case take(Taking)
    case cancel(PieceKey, CommonV1.CancelOrder)
    case erase(PersonEraser.Plan)
    case hold(String)
    case retry(String)

    var isErasure: Bool { if case .erase = self { true } else { false } }
  }

  /// - Throws: INVALID_ARGUMENT for positions or an outbox that are none; nothing is taken then.
  func take(_ request: CommonV1.SendOrders) async throws -> CommonV1.Receipts {
    let intake = try Intake(
      source: OrderIntake.source, outbox: request.outbox, positions: request.rows.map(\.position))
    let zones = await zones(of: request.rows)
    let now = clock.now
    var planned: [Plan] = []
    for row in request.rows { planned.append(try await plan(row, zones, now)) }
    let plans = planned
    var buckets = intake.buckets
    for case .take(let taking) in plans {
      buckets += [taking.key.bucket, StoreKey(taking.order.store).bucket]
    }
    for case .cancel(let key, let cancel) in plans {
      buckets += [key.bucket, StoreKey(cancel.store).bucket]
    }
    let erases = plans.contains(where: \.isErasure)
    // An erasure withdraws pieces and looks for addresses in all of them.
    let touched = erases ? Array(0...255) : buckets
    let joined = Joined()
    let taken = try await database.commit(touched, weight: 6 * plans.count) { session in
      try self.restores.beat.note(session, at: now.microseconds)
      return try intake.take(session, now: now.microseconds) { index in
        try self.apply(plans[index], now.microseconds, joined, session)
      }
    }
    if erases { try await eraser.emptyLog() }
    counts.add(received: taken.received)
    // Before the answer: whoever sees it knows that the cut-offs are seen as due.
    for (key, at) in joined.all { heads.note(key, at) }
    pieceLog.outcomes.wake(touched)
    return taken.receipts
  }

  /// Batches that pieces of one call joined: written by the transaction, read after it.
  private final class Joined: Sendable {
    private let batches = Mutex<[BatchKey: Int64]>([:])

    func add(_ key: BatchKey, _ at: Int64) { batches.withLock { $0[key] = at } }
    var all: [BatchKey: Int64] { batches.withLock { $0 } }
  }

  /// What is known of a store.
  private enum Known: Sendable {
    case zone(TimeZoneRules)
    case missing
    case unknown
  }

  private func zones(of rows: [Row]) async -> [String: Known] {
    var known: [String: Known] = [:]
    for row in rows {
      guard case .send(let order) = row.action, known[order.store] == nil else { continue }
      do {
        let store = try await stores.store(order.store)
        known[order.store] = .zone(StoreZones.zone(store))
      } catch let error as RPCError where error.code == .notFound {
        known[order.store] = .missing
      } catch {
        known[order.store] = .unknown
      }
    }
    return known
  }

  private func erase(
    _ plan: PersonEraser.Plan, _ now: Int64, _ session: any StorageSession
  ) throws -> Intake.Effect {
    let person = PersonEraser(session: session, hash: plan.hash, now: now, pieceLog: pieceLog)
    guard try PersonEraser.isReady(plan.order, session) else {
      return .retry("a batch is being handed over")
    }
    try eraser.journal.note(try person.erase(plan), session)
    return .stored
  }

  private func plan(
    _ row: Row, _ known: [String: Known], _ now: Instant
  ) async throws -> Plan {
    switch row.action {
    case nil: return .hold("neither an order nor a cancellation")
    case .erase(let order):
      do {
        return .erase(try await eraser.plan(order))
      } catch let error as RPCError where error.code != .notFound {
        return .retry("the store's settings cannot be read now")
      }
    case .cancel(let cancel):
      let bucket = row.position.flatMap { UInt8(exactly: $0.bucket) } ?? 0
      guard let key = PieceKey(bucket: bucket, text: cancel.id) else {
        return .hold("cancel.id is not a UUID")
      }
      return .cancel(key, cancel)
    case .send(let order):
      let zone: TimeZoneRules
      switch known[order.store] {
      case .zone(let found): zone = found
      case .missing: return .hold("send.store does not exist")
      default: return .retry("whether the store exists cannot be asked now")
      }
      if let problem = rules.problem(order) { return .hold(problem) }
      let bucket = OwnerKey.contact(store: order.store, contact: order.contact).bucket
      guard let key = PieceKey(bucket: bucket, text: order.id),
        let format = rules.templates.format(order.store, order.template),
        let due = try? order.dueAt.map({ try Instant($0) })
      else { return .hold("send.id is not a UUID") }
      let soonest = due - .microseconds(1)
      let planned = cutOff.next(after: now, from: due, zone)
      return .take(
        Taking(
          key: key, order: order, body: try Stored.encode(order),
          plan: BatchPlan(
            store: order.store, format: format, isSample: order.mode != .live,
            plannedAt: planned.microseconds),
          firstCutOff: cutOff.next(after: soonest, from: due, zone).microseconds,
          today: Budgets.day(now.microseconds, zone)))
    }
  }

  private func apply(
    _ plan: Plan, _ now: Int64, _ joined: Joined, _ session: any StorageSession
  ) throws -> Intake.Effect {
    switch plan {
    case .erase(let plan): return try erase(plan, now, session)
    case .hold(let problem): return .held(problem)
    case .retry(let problem): return .retry(problem)
    case .take(let taking):
      try take(taking, now, joined, session)
      return .stored
    case .cancel(let key, let cancel):
      if let piece = try PieceRow.find(key, session), piece.state == .accepted {
        _ = try pieceLog.move(
          piece, to: .withdrawn, cancel.reason, at: now, now: now, session)
      }
      return .stored
    }
  }

  private func take(
    _ taking: Taking, _ now: Int64, _ joined: Joined, _ session: any StorageSession
  ) throws {
    if try PieceRow.find(taking.key, session) != nil { return }
    let store = StoreKey(taking.order.store)
    var log = DirectMailV1.MailPiece(format: taking.plan.format, cost: cost)
    log.history = [.init(state: .accepted, at: .init(microseconds: now))]
    var reservedOn: Int64 = 0
    if restores.covers(taking.firstCutOff) {
      // The same order may have been taken, and printed, by what a restored backup does not know.
      return try end(taking, .restored, now, log, session)
    }
    // Samples cost nobody anything.
    if let cost, !taking.plan.isSample {
      if try Budgets.reserve(cost, store, today: taking.today, session) {
        reservedOn = taking.today
      } else {
        return try end(taking, .budget, now, log, session)
      }
    }
    let batch = try taking.plan.join(session)
    try add(taking, batch: batch.id, reservedOn: reservedOn, now, log, session)
    joined.add(batch, taking.plan.plannedAt)
  }

  /// It joins no batch.
  private func end(
    _ taking: Taking, _ reason: CommonV1.ReasonCode, _ now: Int64,
    _ log: DirectMailV1.MailPiece, _ session: any StorageSession
  ) throws {
    try add(taking, batch: [], reservedOn: 0, now, log, session)
    if let piece = try PieceRow.find(taking.key, session) {
      _ = try pieceLog.move(piece, to: .skipped, reason, at: now, now: now, session)
    }
  }

  private func add(
    _ taking: Taking, batch: [UInt8], reservedOn: Int64, _ now: Int64,
    _ log: DirectMailV1.MailPiece, _ session: any StorageSession
  ) throws {
    try session.execute(
      PieceStatements.take,
      [
        taking.key.bucketValue, taking.key.idValue, .text(taking.order.store),
        .text(taking.order.contact), .integer(DirectMailV1.PieceState.accepted.rawValue),
        .integer(0 as Int64), .blob(batch), .integer(taking.plan.plannedAt), .integer(now),
        .integer(reservedOn), .blob(taking.body), .blob(try Stored.encode(log)),
      ])
  }
}

/// Time zones of stores.
enum StoreZones {
  /// UTC where there is no such zone.
  static func zone(_ store: CartTrackerV1.Store) -> TimeZoneRules {
    (try? TimeZoneRules(name: store.settings?.timeZone ?? "")) ?? .utc
  }
}
