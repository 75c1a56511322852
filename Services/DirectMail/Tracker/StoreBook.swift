internal import Messages
internal import Stubs
internal import Synchronization
internal import Transport
internal import Wire

/// What the direct-mail asks of cart-tracker.
protocol StopSource: Sendable {
  /// - Throws: `RPCError`.
  func checkStop(
    _ request: CartTrackerV1.CheckStopRequest
  ) async throws -> CartTrackerV1.CheckStopResponse
  func store(_ id: String) async throws -> CartTrackerV1.Store
  func facts(_ request: CartTrackerV1.FactsRequest) async throws -> CartTrackerV1.FactsResponse
}

/// Asks over the network.
struct TrackerClient: StopSource {
  /// Less than a grant lives: a later answer would be of no use.
  static let stopTimeout = Duration.milliseconds(900)
  static let timeout = Duration.seconds(5)

  let client: CartTrackerV1.CartTrackerClient

  init(_ channel: any Channel) { client = CartTrackerV1.CartTrackerClient(channel) }

  func checkStop(
    _ request: CartTrackerV1.CheckStopRequest
  ) async throws -> CartTrackerV1.CheckStopResponse {
    try await client.checkStop(request, options: CallOptions(timeout: TrackerClient.stopTimeout))
  }

  func store(_ id: String) async throws -> CartTrackerV1.Store {
    try await client.getStore(
      .init(store: id), options: CallOptions(timeout: TrackerClient.timeout))
  }

  func facts(_ request: CartTrackerV1.FactsRequest) async throws -> CartTrackerV1.FactsResponse {
    try await client.facts(request, options: CallOptions(timeout: TrackerClient.timeout))
  }
}

/// Copies of stores, asked for again when facts tell of a newer revision.
final class StoreBook: Sendable {
  /// More are forgotten at random: a copy costs one call.
  private static let countMax = 4096

  private let source: any StopSource
  private let stores = Mutex<[String: CartTrackerV1.Store]>([:])

  init(_ source: any StopSource) { self.source = source }

  /// - Parameter revision: the least that is good enough.
  /// - Throws: NOT_FOUND for a store that does not exist; UNAVAILABLE and the like where nobody
  ///   can tell now.
  func store(_ id: String, revision: UInt32 = 0) async throws -> CartTrackerV1.Store {
    if let known = stores.withLock({ $0[id] }), known.revision >= revision { return known }
    let store = try await source.store(id)
    guard store.id == id, store.settings != nil else {
      throw RPCError(.internalError, "cart-tracker answered another store")
    }
    stores.withLock { stores in
      if stores.count >= StoreBook.countMax, let any = stores.keys.first { stores[any] = nil }
      stores[id] = store
    }
    return store
  }

  /// A copy, if there is one.
  func known(_ id: String) -> CartTrackerV1.Store? { stores.withLock { $0[id] } }
}
