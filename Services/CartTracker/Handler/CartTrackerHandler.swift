internal import Delivery
internal import Logging
internal import Messages
internal import ServiceKit
internal import Storage
internal import Stubs
internal import Transport
internal import Wire

/// Serves `homing.cart_tracker.v1.CartTracker`: one function for each method, validate → domain →
/// answer. What blocks runs on the readers' threads or the commands' thread.
struct CartTrackerHandler: CartTrackerV1.CartTrackerService {
  let recorder: Recorder
  let reader: PersonReader
  let commands: Commands
  let projector: Projector
  let stores: StoreRegistry
  let readers: ThreadPool
  let sources: CartSources
  let restores: RestoreDesk
  let clock: any WallClock
  let log: Logger

  var now: Int64 { clock.now.microseconds }

  func record(
    _ request: Tracked.RecordRequest, _ call: ServerCall
  ) throws -> Reply<Tracked.RecordResponse> {
    .later { .now(try await edge { try await recorder.record(request, by: call.identity.uri) }) }
  }

  // MARK: - Stores

  func putStore(
    _ request: Tracked.PutStoreRequest, _ call: ServerCall
  ) throws -> Reply<Tracked.Store> {
    .later { .now(try await edge { try await commands.putStore(request) }) }
  }

  func getStore(
    _ request: Tracked.GetStoreRequest, _ call: ServerCall
  ) throws -> Reply<Tracked.Store> {
    .now(try recorder.store(request.store).message)
  }

  func listStores(
    _ request: Tracked.ListStoresRequest, _ call: ServerCall
  ) throws -> Reply<Tracked.ListStoresResponse> {
    let limit = try Page.limit(request.page)
    let after = request.page?.after ?? ""
    let left = stores.all.drop { !after.isEmpty && $0.store.id <= after }
    let page = left.prefix(limit)
    let hasMore = left.count > page.count
    return .now(
      Tracked.ListStoresResponse(
        stores: page.map(\.message), next: hasMore ? page.last?.store.id ?? "" : ""))
  }

  // MARK: - Commands

  func declareAbandoned(
    _ request: Tracked.DeclareAbandonedRequest, _ call: ServerCall
  ) throws -> Reply<Tracked.Episode> {
    .later {
      .now(try await edge { try await commands.declare(request, by: call.identity.uri) })
    }
  }

  func upsertContacts(
    _ request: Tracked.UpsertContactsRequest, _ call: ServerCall
  ) throws -> Reply<Tracked.UpsertContactsResponse> {
    .later {
      .now(try await edge { try await commands.upsert(request, by: call.identity.uri) })
    }
  }

  func tagContact(
    _ request: Tracked.TagContactRequest, _ call: ServerCall
  ) throws -> Reply<Tracked.Contact> {
    .later { .now(try await edge { try await commands.tag(request, by: call.identity.uri) }) }
  }

  func link(_ request: Tracked.LinkRequest, _ call: ServerCall) throws -> Reply<Tracked.Contact> {
    .later { .now(try await edge { try await commands.link(request, by: call.identity.uri) }) }
  }

  func unlink(
    _ request: Tracked.UnlinkRequest, _ call: ServerCall
  ) throws -> Reply<Tracked.Contact> {
    .later { .now(try await edge { try await commands.unlink(request, by: call.identity.uri) }) }
  }

  func refresh(
    _ request: Tracked.RefreshRequest, _ call: ServerCall
  ) throws -> Reply<Tracked.RefreshResponse> {
    let store = try recorder.store(request.store)
    return .later { .now(try await edge { try await refresh(store, call) }) }
  }
}

extension CartTrackerHandler {
  /// Runs `body` on a reader's thread.
  func reading<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
    try await edge { try await readers.run(body) }
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
}

extension StoreRegistry.Entry {
  /// With what is known by now.
  var message: Tracked.Store {
    var store = store
    store.watermark = watermark.map { Protobuf.Timestamp(instant: $0) }
    return store
  }
}

/// Pages of lists (`homing.common.v1.Page`).
enum Page {
  static let limitMax: UInt32 = 1000
  static let limitDefault = 100

  /// - Throws: INVALID_ARGUMENT for more rows than a page may have.
  static func limit(_ page: CommonV1.Page?) throws(RPCError) -> Int {
    guard let limit = page?.limit, limit > 0 else { return limitDefault }
    guard limit <= limitMax else {
      throw RPCError(
        .invalidArgument, "a page has at most \(limitMax) rows",
        fieldViolations: [
          .init(field: "page.limit", detail: "at most \(limitMax), is \(limit)")
        ])
    }
    return Int(limit)
  }
}
