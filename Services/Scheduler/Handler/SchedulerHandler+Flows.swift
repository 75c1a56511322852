internal import Messages
internal import Storage
internal import Stubs
internal import Transport
internal import Wire

/// Flows and their versions (F14).
extension SchedulerHandler {
  func checkFlow(
    _ request: SchedulerV1.CheckFlowRequest, _ call: ServerCall
  ) throws -> Reply<SchedulerV1.CheckFlowResponse> {
    .later {
      try await store(request.store)
      let (definition, problems) = await read(request.text, request.store, call)
      guard let definition, problems.isEmpty else {
        return .now(SchedulerV1.CheckFlowResponse(problems: Array(problems.prefix(100))))
      }
      let flow = SchedulerV1.Flow(
        store: request.store, name: definition.name, start: definition.start.contract,
        mode: modes.inForce(definition.name, in: request.store, isApproved: false),
        text: request.text,
        steps: FlowGraph.steps(definition))
      return .now(SchedulerV1.CheckFlowResponse(flow: flow))
    }
  }

  func applyFlow(
    _ request: SchedulerV1.ApplyFlowRequest, _ call: ServerCall
  ) throws -> Reply<SchedulerV1.Flow> {
    .later {
      try await store(request.store)
      let (definition, problems) = await read(request.text, request.store, call)
      guard let definition, problems.isEmpty else { throw FlowRefusal.error(problems) }
      let command = try Command<SchedulerV1.Flow>(
        "ApplyFlow", store: request.store, key: request.idempotencyKey, request)
      let author = call.identity.uri
      let (answer, entry) = try await edge {
        try await committer.run { writing -> (SchedulerV1.Flow, FlowRegistry.Entry?) in
          var entry: FlowRegistry.Entry?
          let answer = try command.run(writing) {
            let applied = try FlowStore.apply(definition, request, by: author, writing)
            entry = applied
            return message(applied, running: 0)
          }
          return (answer, entry)
        }
      }
      if let entry { flows.put(entry) }
      return .now(answer)
    }
  }

  func getFlow(
    _ request: SchedulerV1.GetFlowRequest, _ call: ServerCall
  ) throws -> Reply<SchedulerV1.Flow> {
    .later {
      try await store(request.store)
      return .now(
        try await reading { session in
          let newest = flows.newest(request.flow, in: request.store)
          let entry =
            request.version == 0
            ? newest
            : try flows.entry(request.flow, request.version, in: request.store, session)
          guard let entry else { throw FlowRefusal.notFound }
          let running = try FlowStore.running(in: request.store, session)
          return message(entry, running: running[FlowStore.Key(entry)] ?? 0)
        })
    }
  }

  func listFlows(
    _ request: SchedulerV1.ListFlowsRequest, _ call: ServerCall
  ) throws -> Reply<SchedulerV1.ListFlowsResponse> {
    let page = try ListPage(request.page, of: request.flow, store: request.store, "flows")
    return .later {
      try await store(request.store)
      return .now(
        try await reading { session in
          let entries = try listed(request, session)
          let running = try FlowStore.running(in: request.store, session)
          let rest = entries.drop { entry in
            page.key.map { FlowStore.position(entry, in: request) <= $0 } ?? false
          }
          var answer = SchedulerV1.ListFlowsResponse(
            flows: rest.prefix(page.limit).map { entry in
              var flow = message(entry, running: running[FlowStore.Key(entry)] ?? 0)
              (flow.text, flow.steps) = ("", [])
              return flow
            })
          if rest.count > page.limit {
            let last = rest[rest.startIndex + page.limit - 1]
            answer.next = page.token(FlowStore.position(last, in: request))
          }
          return answer
        })
    }
  }

  /// The newest of each by name, or the versions of one, newest first.
  private func listed(
    _ request: SchedulerV1.ListFlowsRequest, _ session: any StorageSession
  ) throws -> [FlowRegistry.Entry] {
    if request.flow.isEmpty { return flows.all(in: request.store) }
    guard let newest = flows.newest(request.flow, in: request.store) else { return [] }
    return try (1...newest.version.number).reversed().compactMap { number in
      try flows.entry(request.flow, number, in: request.store, session)
    }
  }

  func message(_ entry: FlowRegistry.Entry, running: UInt64) -> SchedulerV1.Flow {
    let version = entry.version
    let approval = flows.approval(version.name, version.number, in: version.store)
    return message(entry, running: running, approval: approval)
  }

  func message(
    _ entry: FlowRegistry.Entry, running: UInt64, approval: FlowRegistry.Approval?
  ) -> SchedulerV1.Flow {
    let version = entry.version
    return SchedulerV1.Flow(
      store: version.store, name: version.name, version: version.number,
      start: version.definition.start.contract,
      mode: modes.inForce(version.name, in: version.store, isApproved: approval != nil),
      text: entry.text, steps: FlowGraph.steps(version.definition), author: entry.author,
      appliedAt: Micros.timestamp(entry.appliedAt), running: running,
      approver: approval?.approver ?? "",
      approvedAt: approval.map { Micros.timestamp($0.at) })
  }

  /// What a text says, or what is wrong with it. Templates are looked for where their services
  /// answer.
  private func read(
    _ text: String, _ store: String, _ call: ServerCall
  ) async -> (FlowDefinition?, [SchedulerV1.Problem]) {
    let definition: FlowDefinition
    do throws(FlowProblems) { definition = try FlowReader.read(text) } catch {
      return (nil, error.list.map(\.contract))
    }
    let templates = await peers.templates(of: store, call.onward())
    return (definition, FlowStore.missing(templates, in: definition))
  }

  // MARK: - Moving

  func moveEnrolments(
    _ request: SchedulerV1.MoveEnrolmentsRequest, _ call: ServerCall
  ) throws -> Reply<SchedulerV1.MoveEnrolmentsResponse> {
    .later {
      try await store(request.store)
      let command = try Command<SchedulerV1.MoveEnrolmentsResponse>(
        "MoveEnrolments", store: request.store, key: request.idempotencyKey, request)
      return .now(try await edge { try await move(request, command, by: call.identity.uri) })
    }
  }

  /// Bucket by bucket, so that nobody waits long for the writer; what a call that broke off has
  /// moved, its repeat no longer finds.
  private func move(
    _ request: SchedulerV1.MoveEnrolmentsRequest,
    _ command: Command<SchedulerV1.MoveEnrolmentsResponse>, by identity: String
  ) async throws -> SchedulerV1.MoveEnrolmentsResponse {
    let known = try await committer.run { try command.answer($0) }
    if let known { return known }
    let versions = try await reading { try FlowStore.versions(of: request, flows, $0) }
    var sum = SchedulerV1.MoveEnrolmentsResponse()
    for bucket in UInt8.min...UInt8.max {
      let part = try await committer.run(rows: 512) {
        try FlowStore.move(versions, in: bucket, $0)
      }
      sum.moved += part.moved
      sum.kept += part.kept
    }
    let answer = sum
    return try await committer.run { writing in
      try command.run(writing) {
        try AuditStore.add(
          .init(
            identity: identity, store: request.store, flow: request.flow,
            version: request.toVersion, act: .moved,
            detail: "version \(request.fromVersion) → \(request.toVersion): "
              + "\(answer.moved) moved, \(answer.kept) kept"), writing)
        return answer
      }
    }
  }
}
