internal import Messages
internal import Stubs
internal import Transport
internal import Wire

/// Pauses (F22).
extension SchedulerHandler {
  func pause(
    _ request: SchedulerV1.PauseRequest, _ call: ServerCall
  ) throws -> Reply<CommonV1.Pause> {
    let scope = PauseScope(request)
    try check(scope)
    let author = call.identity.uri
    return .later {
      try await checkThere(scope)
      let command = try Command<CommonV1.Pause>(
        "Pause", store: request.store, key: request.idempotencyKey, request)
      return .now(
        try await change(call, command) { try PauseStore.hold(scope, request, by: author, $0) })
    }
  }

  func resume(
    _ request: SchedulerV1.ResumeRequest, _ call: ServerCall
  ) throws -> Reply<CommonV1.Pause> {
    let scope = PauseScope(request)
    try check(scope)
    let author = call.identity.uri
    return .later {
      let command = try Command<CommonV1.Pause>(
        "Resume", store: request.store, key: request.idempotencyKey, request)
      return .now(
        try await change(call, command) {
          try PauseStore.resume(scope, note: request.note, by: author, $0)
        })
    }
  }

  func listPauses(
    _ request: SchedulerV1.ListPausesRequest, _ call: ServerCall
  ) throws -> Reply<SchedulerV1.ListPausesResponse> {
    let listed = pauses.all.filter { pause in
      // What holds everywhere holds in the store too.
      (request.store.isEmpty || pause.store.isEmpty || pause.store == request.store)
        && (pause.holds || request.withPast)
    }
    return .now(.init(pauses: listed))
  }

  /// Stored, then in force here, then told to whoever sends.
  private func change(
    _ call: ServerCall, _ command: Command<CommonV1.Pause>,
    _ effect: @escaping @Sendable (Writing) throws -> CommonV1.Pause
  ) async throws -> CommonV1.Pause {
    let answer = try await edge {
      try await committer.run { writing in try command.run(writing) { try effect(writing) } }
    }
    pauses.put(answer)
    // Also where the command is a repeat: the one before may not have come this far. What has
    // become of the pause since is what is told.
    do {
      try await peers.put([pauses.pause(answer.id) ?? answer], call.onward())
    } catch {
      retell()
      throw RPCError(
        .unavailable, "the pause is stored, and who sends could not be told: repeat the call",
        retryAfter: .seconds(1), cause: error)
    }
    return answer
  }

  private func check(_ scope: PauseScope) throws(RPCError) {
    if scope.channel != .unspecified && !peers.channels.contains(scope.channel) {
      throw RPCError(
        .invalidArgument, "no service sends on this channel",
        fieldViolations: [.init(field: "channel", detail: "is \(scope.channel)")])
    }
    guard scope.store.isEmpty else { return }
    for (field, value) in [("flow", scope.flow), ("template", scope.template)]
    where !value.isEmpty {
      throw RPCError(
        .invalidArgument, "a \(field) is one of a store, and none is named",
        fieldViolations: [.init(field: field, detail: "needs a store")])
    }
  }

  /// A misspelt name would hold nothing.
  private func checkThere(_ scope: PauseScope) async throws {
    if scope.store.isEmpty { return }
    try await store(scope.store)
    if !scope.flow.isEmpty && flows.newest(scope.flow, in: scope.store) == nil {
      throw FlowRefusal.notFound
    }
  }
}
