internal import Messages
internal import Stubs
internal import Synchronization
internal import Transport
internal import Wire

/// What a replay asks of the services it drives.
protocol ReplayServices: Sendable {
  func record(
    _ request: CartTrackerV1.RecordRequest
  ) async throws -> CartTrackerV1.RecordResponse
  /// Nil where there is no such store.
  func store(_ id: String) async throws -> CartTrackerV1.Store?
  func putStore(_ request: CartTrackerV1.PutStoreRequest) async throws -> CartTrackerV1.Store
  func countCarts(_ store: String) async throws -> CartTrackerV1.CartCounts
  func listEpisodes(
    _ request: CartTrackerV1.ListEpisodesRequest
  ) async throws -> CartTrackerV1.ListEpisodesResponse
  /// Moves every process's clock.
  func advance(to instant: Protobuf.Timestamp) async throws
  /// Where every process stands.
  func statuses() async throws -> [ClockV1.StatusResponse]
}

/// Services that run, reached over their RPCs.
final class RunningServices: ReplayServices {
  private struct Clients {
    let cartTracker: CartTrackerV1.CartTrackerClient
    let clocks: [ClockV1.ClockClient]
  }

  private let clients: Mutex<Clients>
  /// A call that takes longer is lost.
  private let options = CallOptions(timeout: .seconds(120))

  init(_ cartTracker: any Channel) {
    clients = Mutex(RunningServices.clients(cartTracker))
  }

  /// Goes on with a process that was started anew.
  func replace(_ cartTracker: any Channel) {
    clients.withLock { $0 = RunningServices.clients(cartTracker) }
  }

  private static func clients(_ cartTracker: any Channel) -> Clients {
    Clients(
      cartTracker: CartTrackerV1.CartTrackerClient(cartTracker),
      clocks: [ClockV1.ClockClient(cartTracker)])
  }

  private var cartTracker: CartTrackerV1.CartTrackerClient { clients.withLock { $0.cartTracker } }

  func record(
    _ request: CartTrackerV1.RecordRequest
  ) async throws -> CartTrackerV1.RecordResponse {
    try await cartTracker.record(request, options: options)
  }

  func store(_ id: String) async throws -> CartTrackerV1.Store? {
    do {
      return try await cartTracker.getStore(.init(store: id), options: options)
    } catch let error as RPCError where error.code == .notFound {
      return nil
    }
  }

  func putStore(
    _ request: CartTrackerV1.PutStoreRequest
  ) async throws -> CartTrackerV1.Store {
    try await cartTracker.putStore(request, options: options)
  }

  func countCarts(_ store: String) async throws -> CartTrackerV1.CartCounts {
    try await cartTracker.countCarts(.init(store: store), options: options)
  }

  func listEpisodes(
    _ request: CartTrackerV1.ListEpisodesRequest
  ) async throws -> CartTrackerV1.ListEpisodesResponse {
    try await cartTracker.listEpisodes(request, options: options)
  }

  func advance(to instant: Protobuf.Timestamp) async throws {
    for clock in clients.withLock({ $0.clocks }) {
      _ = try await clock.advance(.init(to: instant), options: options)
    }
  }

  func statuses() async throws -> [ClockV1.StatusResponse] {
    var statuses: [ClockV1.StatusResponse] = []
    for clock in clients.withLock({ $0.clocks }) {
      statuses.append(try await clock.status(.init(), options: options))
    }
    return statuses
  }
}
