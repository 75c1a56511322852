internal import Delivery
internal import Logging
internal import Messages
internal import ServiceKit
internal import Storage
internal import Stubs
internal import Transport
internal import Wire

/// Serves `homing.scheduler.v1.Scheduler`: one function for each method, validate → domain →
/// answer. What blocks runs on the readers' threads or in the committer's transactions.
struct SchedulerHandler: SchedulerV1.SchedulerService {
  let ledger: Ledger
  let committer: Committer
  let flows: FlowRegistry
  let modes: ModeRegistry
  let pauses: PauseRegistry
  let book: StoreBook
  let peers: Peers
  let readers: ThreadPool
  let clock: any WallClock
  let log: Logger
  /// Has what whoever sends could not be told now told again, until they have heard.
  let retell: @Sendable () -> Void
  /// Has what is due looked at.
  let wakeDue: @Sendable () -> Void

  var now: Int64 { clock.now.microseconds }

  // MARK: - Intake

  func takeChanges(
    _ request: SchedulerV1.TakeChangesRequest, _ call: ServerCall
  ) throws -> Reply<CommonV1.Receipts> {
    let intake = try Intake(
      source: "cart-tracker", outbox: request.outbox, positions: request.changes.map(\.position))
    return .later {
      let stores = await book.profiles(of: Set(request.changes.map(\.store)))
      let receipts =
        try await taking(intake, request.changes.count) { writing in
          let changes = ChangeIntake(writing: writing, stores: stores)
          return { try changes.apply(request.changes[$0]) }
        }
      if request.changes.contains(where: \.isErasure) {
        try await edge { try await readers.run { try ledger.engine.emptyLogPatiently() } }
      }
      return .now(receipts)
    }
  }

  func takeOutcomes(
    _ request: SchedulerV1.TakeOutcomesRequest, _ call: ServerCall
  ) throws -> Reply<CommonV1.Receipts> {
    // Who calls tells whose outbox it is; two services number their rows alike.
    let source = call.identity.uri.split(separator: "/").last.map(String.init) ?? ""
    let intake = try Intake(
      source: source.isEmpty ? "notifier" : source, outbox: request.outbox,
      positions: request.rows.map(\.position))
    return .later {
      .now(
        try await taking(intake, request.rows.count) { writing in
          let outcomes = OutcomeIntake(writing: writing)
          return { try outcomes.apply(request.rows[$0]) }
        })
    }
  }

  private func taking(
    _ intake: Intake, _ rows: Int,
    _ effect: @escaping @Sendable (Writing) -> (Int) throws -> Intake.Effect
  ) async throws -> CommonV1.Receipts {
    let taken = try await edge {
      try await committer.run(rows: max(1, rows)) { writing in
        for bucket in intake.buckets { try writing.fence(bucket) }
        return try intake.take(writing.session, now: writing.now, effect(writing))
      }
    }
    ledger.counts.add(received: taken.received)
    return taken.receipts
  }
}

extension SchedulerHandler {
  /// Runs `body` on a reader's thread over one snapshot.
  func reading<R: Sendable>(
    _ body: @escaping @Sendable (any StorageSession) throws -> R
  ) async throws -> R {
    try await edge { try await readers.run { [ledger] in try ledger.engine.read(body) } }
  }

  /// Where errors of the rooms below get their status: what storage says is for the log.
  func edge<R>(_ body: () async throws -> R) async throws -> R {
    do {
      return try await body()
    } catch let error as StorageError {
      throw storageStatus(error)
    }
  }

  private func storageStatus(_ error: StorageError) -> RPCError {
    switch error.code {
    case .busy, .closed, .fenced, .uncertain:
      return RPCError(.unavailable, "not now", retryAfter: .milliseconds(200), cause: error)
    case .full:
      return RPCError(
        .resourceExhausted, "no room to store it", retryAfter: .seconds(1), cause: error)
    default:
      log.error("storage failed", metadata: ["error": "\(error)"])
      return RPCError(.internalError, "stored data could not be used", cause: error)
    }
  }

  /// - Throws: NOT_FOUND where the tracker knows no such store, UNAVAILABLE where it does not
  ///   answer and never has.
  @discardableResult
  func store(_ id: String) async throws(RPCError) -> StoreProfile {
    switch await book.profile(of: id) {
    case .known(let profile): return profile
    case .unknown: throw RPCError(.notFound, "there is no store of this name")
    case .away:
      throw RPCError(
        .unavailable, "the store's settings cannot be read now", retryAfter: .seconds(1))
    }
  }
}
