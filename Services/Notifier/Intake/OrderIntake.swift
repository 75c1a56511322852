internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Synchronization
internal import Wire

/// Takes the scheduler's orders and cancellations, each once (`Send`).
final class OrderIntake: Sendable {
  static let source = "scheduler"

  private let database: NotifierDatabase
  private let stores: StoreBook
  private let rules: OrderRules
  private let messageLog: MessageLog
  private let restored: RestoredBackup
  private let eraser: EraserDesk
  private let counts: DeliveryCounts
  private let clock: any WallClock

  init(
    database: NotifierDatabase, stores: StoreBook, rules: OrderRules, messageLog: MessageLog,
    restored: RestoredBackup, eraser: EraserDesk, counts: DeliveryCounts, clock: any WallClock
  ) {
    self.database = database
    self.stores = stores
    self.rules = rules
    self.messageLog = messageLog
    self.restored = restored
    self.eraser = eraser
    self.counts = counts
    self.clock = clock
  }

  private typealias Row = CommonV1.SendOrders.Row

  /// What a row comes to, as far as can be said before its transaction.
  private enum Plan: Sendable {
    case take(MessageKey, CommonV1.SendOrder, body: [UInt8])
    case cancel(MessageKey, CommonV1.CancelOrder)
    case erase(PersonEraser.Plan)
    case hold(String)
    case retry(String)

    var isErasure: Bool { if case .erase = self { true } else { false } }
  }

  /// - Throws: INVALID_ARGUMENT for positions or an outbox that are none; nothing is taken then.
  func take(_ request: CommonV1.SendOrders) async throws -> CommonV1.Receipts {
    let intake = try Intake(
      source: OrderIntake.source, outbox: request.outbox, positions: request.rows.map(\.position))
    let known = await knownStores(request.rows)
    var planned: [Plan] = []
    for row in request.rows { planned.append(try await plan(row, known)) }
    let plans = planned
    var buckets = intake.buckets
    for case .take(let key, _, _) in plans { buckets.append(key.bucket) }
    for case .erase(let plan) in plans { buckets += plan.buckets }
    let now = clock.now.microseconds
    let (log, journal, touched) = (messageLog, eraser.journal, buckets)
    let restored = restored
    let taken = try await database.commit(touched, weight: 4 * plans.count) { session in
      try intake.take(session, now: now) { index in
        try OrderIntake.apply(plans[index], now, log, restored, journal, session)
      }
    }
    if plans.contains(where: \.isErasure) { try await eraser.emptyLog() }
    counts.add(received: taken.received)
    // Before the answer: whoever sees it knows that the messages are seen as due.
    for case .take(let key, let order, _) in plans {
      messageLog.heads.note(key.bucket, order.channel, order.dueAt?.microseconds ?? 0)
    }
    messageLog.outcomes.wake(touched)
    return taken.receipts
  }

  /// Whether each store exists; nil where that cannot be said now.
  private func knownStores(_ rows: [Row]) async -> [String: Bool?] {
    var known: [String: Bool?] = [:]
    for row in rows {
      guard case .send(let order) = row.action, known[order.store] == nil else { continue }
      do {
        _ = try await stores.store(order.store)
        known[order.store] = true
      } catch let error as RPCError where error.code == .notFound {
        known[order.store] = false
      } catch {
        known.updateValue(nil, forKey: order.store)
      }
    }
    return known
  }

  private func plan(_ row: Row, _ known: [String: Bool?]) async throws -> Plan {
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
      guard let key = MessageKey(bucket: bucket, text: cancel.id) else {
        return .hold("cancel.id is not a UUID")
      }
      return .cancel(key, cancel)
    case .send(let order):
      let exists: Bool? = known[order.store].flatMap { $0 }
      guard let exists else { return .retry("whether the store exists cannot be asked now") }
      if !exists { return .hold("send.store does not exist") }
      if let problem = rules.problem(order) { return .hold(problem) }
      let bucket = OwnerKey.contact(store: order.store, contact: order.contact).bucket
      guard let key = MessageKey(bucket: bucket, text: order.id) else {
        return .hold("send.id is not a UUID")
      }
      return .take(key, order, body: try Stored.encode(order))
    }
  }

  private static func apply(
    _ plan: Plan, _ now: Int64, _ log: MessageLog, _ restored: RestoredBackup,
    _ journal: OptOutJournal, _ session: any StorageSession
  ) throws -> Intake.Effect {
    switch plan {
    case .erase(let plan):
      let eraser = PersonEraser(session: session, hash: plan.hash, now: now, messageLog: log)
      guard try eraser.isReady(plan.order) else { return .retry("a hand-off is under way") }
      try journal.note(try eraser.erase(plan), session)
      return .stored
    case .hold(let problem): return .held(problem)
    case .retry(let problem): return .retry(problem)
    case .take(let key, let order, let body):
      let dueAt = order.dueAt?.microseconds ?? now
      let taken = try session.execute(
        MessageStatements.take,
        [
          key.bucketValue, key.idValue, .text(order.store), .text(order.contact),
          .integer(order.channel.rawValue), .integer(dueAt), .integer(now), .blob(body), .blob([]),
        ])
      // The same order may have been taken, and sent, by what a restored backup does not know.
      if taken == 1 && restored.covers(dueAt) {
        _ = try log.finish(
          DueMessage(key: key, order: order), .end(.unknown, .restored), now, session)
      }
      return .stored
    case .cancel(let key, let cancel):
      try log.withdraw(key, cancel.reason, now, session)
      return .stored
    }
  }
}

extension MessageLog {
  /// Ends a message that waits; false where its hand-off has begun or it has ended.
  @discardableResult
  func withdraw(
    _ key: MessageKey, _ reason: CommonV1.ReasonCode, _ now: Int64, _ session: any StorageSession
  ) throws -> Bool {
    let found = try session.first(
      MessageStatements.standing, [key.bucketValue, key.idValue]
    ) { row -> DueMessage? in
      guard try row.integer(0) == 1 else { return nil }
      return try DueMessage(
        key: key, body: row.blob(3), failures: Int(row.integer(2)), isUnsure: row.integer(1) == 1,
        log: row.blob(4))
    }
    guard let message = found ?? nil else { return false }
    let end: NotifierV1.MessageState = message.isUnsure ? .unknown : .withdrawn
    return try finish(message, .end(end, reason), now, session)
  }
}
