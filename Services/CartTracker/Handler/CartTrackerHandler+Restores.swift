internal import Delivery
internal import Messages
internal import Transport
internal import Wire

/// What is done about a database that came from a backup (T31).
extension CartTrackerHandler {
  func listRestores(
    _ request: CommonV1.ListRestoresRequest, _ call: ServerCall
  ) throws -> Reply<CommonV1.ListRestoresResponse> {
    .later { .now(try await edge { try await restores.list(service: "cart-tracker") }) }
  }

  func releaseRestore(
    _ request: CommonV1.ReleaseRestoreRequest, _ call: ServerCall
  ) throws -> Reply<CommonV1.RestoredBackup> {
    .later {
      .now(
        try await edge {
          try await restores.release(request, by: call.identity.uri, now: now)
        })
    }
  }
}
