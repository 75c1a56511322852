internal import Messages
internal import Stubs
internal import Transport
internal import Wire

/// What decisions do (F21).
extension SchedulerHandler {
  func setMode(
    _ request: SchedulerV1.SetModeRequest, _ call: ServerCall
  ) throws -> Reply<SchedulerV1.SetModeResponse> {
    guard [.draft, .dryRun, .test, .live].contains(request.mode) else {
      throw RPCError(
        .invalidArgument, "the mode is not known",
        fieldViolations: [.init(field: "mode", detail: "is \(request.mode)")])
    }
    let identity = call.identity.uri
    return .later {
      try await store(request.store)
      if !request.flow.isEmpty && flows.newest(request.flow, in: request.store) == nil {
        throw FlowRefusal.notFound
      }
      let command = try Command<SchedulerV1.SetModeResponse>(
        "SetMode", store: request.store, key: request.idempotencyKey, request)
      let set = try await edge {
        try await committer.run { writing -> CommonV1.SendMode? in
          var set: CommonV1.SendMode?
          _ = try command.run(writing) {
            set = try ModeStore.set(request, by: identity, writing)
            return SchedulerV1.SetModeResponse()
          }
          return set
        }
      }
      if let set { modes.put(set) }
      // Also where the command is a repeat: the one before may not have come this far.
      if let mode = modes.stated(request.flow, in: request.store) {
        try await tell(mode, call)
      }
      return .now(SchedulerV1.SetModeResponse())
    }
  }

  private func tell(_ mode: CommonV1.SendMode, _ call: ServerCall) async throws {
    do {
      try await peers.put([mode], call.onward())
    } catch {
      retell()
      throw RPCError(
        .unavailable, "the mode is set here, and who sends could not be told: repeat the call",
        retryAfter: .seconds(1), cause: error)
    }
  }
}
