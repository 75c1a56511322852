internal import Delivery
internal import Messages
internal import Transport
internal import Wire

/// What is done about a database that came from a backup (T31).
extension SchedulerHandler {
  func listRestores(
    _ request: CommonV1.ListRestoresRequest, _ call: ServerCall
  ) throws -> Reply<CommonV1.ListRestoresResponse> {
    .later { .now(try await edge { try await restores.list(service: "scheduler") }) }
  }

  func releaseRestore(
    _ request: CommonV1.ReleaseRestoreRequest, _ call: ServerCall
  ) throws -> Reply<CommonV1.RestoredBackup> {
    .later {
      let released = try await edge {
        try await restores.release(request, by: call.identity.uri, now: now)
      }
      wakeDue()
      return .now(released)
    }
  }

  private var restores: RestoreDesk {
    get throws {
      guard let gate = ledger.restores else {
        throw RPCError(.unimplemented, "this scheduler looks for no restores")
      }
      return RestoreDesk(gate: gate, engine: ledger.engine, thread: readers)
    }
  }
}
