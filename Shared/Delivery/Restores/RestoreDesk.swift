package import Messages
package import Storage
internal import Wire

/// Lists and releases restores for a service's handler (T31).
package struct RestoreDesk: Sendable {
  package let gate: RestoreGate
  private let engine: any StorageEngine
  private let thread: ThreadPool

  /// - Parameter thread: on which it may block.
  package init(gate: RestoreGate, engine: any StorageEngine, thread: ThreadPool) {
    self.gate = gate
    self.engine = engine
    self.thread = thread
  }

  package func list(service: String) async throws -> CommonV1.ListRestoresResponse {
    try await thread.run {
      CommonV1.ListRestoresResponse(
        service: service, restores: try engine.read { try gate.list($0) })
    }
  }

  /// - Throws: NOT_FOUND where none was found then.
  package func release(
    _ request: CommonV1.ReleaseRestoreRequest, by author: String, now: Int64
  ) async throws -> CommonV1.RestoredBackup {
    let released = try await thread.run {
      try gate.release(request, by: author, now: now, in: engine)
    }
    guard let released else { throw RPCError(.notFound, "no restore was found at that instant") }
    return released
  }
}
