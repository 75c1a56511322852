internal import Messages
internal import Stubs
internal import Transport
internal import Wire

/// The shops that can be asked for changed carts (L06), by their configured names.
struct CartSources: Sendable {
  private let clients: [String: Client]

  init(_ clients: [String: Client] = [:]) { self.clients = clients }

  subscript(_ name: String) -> CartTrackerV1.CartSourceClient? {
    clients[name].map { CartTrackerV1.CartSourceClient($0) }
  }

  func close() { for client in clients.values { client.close() } }
}

extension CartTrackerHandler {
  /// Batches of a source to record at most in one call: a source that never ends does not hold it.
  private static let batchesMax = 100_000

  /// Asks the store's source for what changed since its watermark, and records it.
  func refresh(
    _ entry: StoreRegistry.Entry, _ call: ServerCall
  ) async throws -> Tracked.RefreshResponse {
    let name = entry.store.settings?.cartSource ?? ""
    guard !name.isEmpty, let source = sources[name] else {
      throw RPCError(
        .failedPrecondition,
        name.isEmpty
          ? "the store has no source of carts" : "the store's source of carts is not configured")
    }
    var request = Tracked.ListChangesRequest(store: entry.store.id)
    request.since = entry.watermark.map { Protobuf.Timestamp(instant: $0) }
    var response = Tracked.RefreshResponse()
    var carts: Set<String> = []
    let changes = try await source.listChanges(request, options: call.onward())
    var batches = 0
    while let batch = try await changes.next() {
      batches += 1
      guard batch.store == entry.store.id, batches <= Self.batchesMax else {
        throw RPCError(.failedPrecondition, "the source answered with what it was not asked for")
      }
      _ = try await recorder.record(batch, by: call.identity.uri)
      response.events += UInt64(batch.events.count)
      for event in batch.events {
        carts.insert(event.cart.isEmpty ? event.contact + "\u{0}" + event.guest : event.cart)
      }
    }
    response.changed = UInt64(carts.count)
    response.watermark = stores[entry.store.id]?.watermark.map { Protobuf.Timestamp(instant: $0) }
    return response
  }
}
