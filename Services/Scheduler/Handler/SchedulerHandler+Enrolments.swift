internal import Delivery
internal import Messages
internal import Storage
internal import Stubs
internal import Transport
internal import Wire

/// Enrolments and decisions as lists, and the end of an enrolment by hand.
extension SchedulerHandler {
  func listEnrolments(
    _ request: SchedulerV1.ListEnrolmentsRequest, _ call: ServerCall
  ) throws -> Reply<SchedulerV1.ListEnrolmentsResponse> {
    let page = try ListPage(request.page, request, { $0.page = nil }, store: request.store)
    return .later {
      try await store(request.store)
      return .now(
        try await reading { session in
          try EnrolmentList(request: request, session: session, flows: flows).page(page)
        })
    }
  }

  func getEnrolment(
    _ request: SchedulerV1.GetEnrolmentRequest, _ call: ServerCall
  ) throws -> Reply<SchedulerV1.GetEnrolmentResponse> {
    let id = try SchedulerHandler.enrolmentID(request.enrolment)
    return .later {
      .now(
        try await reading { session in
          let reader = EnrolmentReader(session: session, flows: flows)
          guard let enrolment = try reader.enrolment(id, in: request.store) else {
            throw SchedulerHandler.noEnrolment
          }
          return SchedulerV1.GetEnrolmentResponse(
            enrolment: try reader.message(enrolment),
            decisions: try reader.decisions(of: enrolment).map {
              try EnrolmentMessage.decision($0, enrolment, in: session)
            })
        })
    }
  }

  func listDecisions(
    _ request: SchedulerV1.ListDecisionsRequest, _ call: ServerCall
  ) throws -> Reply<SchedulerV1.ListDecisionsResponse> {
    let page = try ListPage(request.page, request, { $0.page = nil }, store: request.store)
    return .later {
      try await store(request.store)
      return .now(
        try await reading { session in
          try DecisionList(request: request, session: session, flows: flows).page(page)
        })
    }
  }

  func endEnrolment(
    _ request: SchedulerV1.EndEnrolmentRequest, _ call: ServerCall
  ) throws -> Reply<SchedulerV1.Enrolment> {
    let id = try SchedulerHandler.enrolmentID(request.enrolment)
    return .later {
      let profile = try await store(request.store)
      let command = try Command<SchedulerV1.Enrolment>(
        "EndEnrolment", store: request.store, key: request.idempotencyKey, request)
      return .now(
        try await edge {
          try await committer.run { writing in
            try command.run(writing) { try end(id, in: profile, by: call.identity.uri, writing) }
          }
        })
    }
  }

  private func end(
    _ id: Identifier, in store: StoreProfile, by identity: String, _ writing: Writing
  ) throws -> SchedulerV1.Enrolment {
    guard let row = try writing.enrolment(id), row.enrolment.store == store.store else {
      throw SchedulerHandler.noEnrolment
    }
    let version = try flows.version(of: row.enrolment, writing.session)
    if row.enrolment.isOver { return EnrolmentMessage.enrolment(row.enrolment, version) }
    var machine = EnrolmentMachine(
      row.enrolment, version, DecisionInput(now: writing.now, mode: .dryRun, store: store))
    machine.end(.endedByStaff)
    try writing.change(row, to: machine.enrolment, machine.effects)
    try AuditStore.add(
      .init(
        identity: identity, store: store.store, flow: row.enrolment.flow,
        version: row.enrolment.version, act: .ended, detail: "enrolment \(id.text)"), writing)
    return EnrolmentMessage.enrolment(machine.enrolment, version)
  }

  private static func enrolmentID(_ text: String) throws(RPCError) -> Identifier {
    guard let id = Identifier(text: text) else {
      throw RPCError(
        .invalidArgument, "the enrolment's id is no UUID",
        fieldViolations: [.init(field: "enrolment", detail: "has \(text.utf8.count) bytes")])
    }
    return id
  }

  static let noEnrolment = RPCError(.notFound, "the store has no enrolment of this id")
}
