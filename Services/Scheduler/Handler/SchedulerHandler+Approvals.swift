internal import Messages
internal import Stubs
internal import Transport
internal import Wire

/// Who lets flows go live, and who changed what sends (F21).
extension SchedulerHandler {
  func approveFlow(
    _ request: SchedulerV1.ApproveFlowRequest, _ call: ServerCall
  ) throws -> Reply<SchedulerV1.Flow> {
    let approver = call.identity.uri
    return .later {
      try await store(request.store)
      let command = try Command<SchedulerV1.Flow>(
        "ApproveFlow", store: request.store, key: request.idempotencyKey, request)
      let (answer, approval) = try await edge {
        try await committer.run { writing -> (SchedulerV1.Flow, FlowRegistry.Approval?) in
          var approval: FlowRegistry.Approval?
          let answer = try command.run(writing) {
            let approved = try ApprovalStore.approve(request, by: approver, writing)
            approval = approved.approval
            return message(approved.entry, running: 0, approval: approved.approval)
          }
          return (answer, approval)
        }
      }
      if let approval {
        flows.approve(request.flow, request.version, in: request.store, approval)
      }
      return .now(answer)
    }
  }

  func listAudit(
    _ request: SchedulerV1.ListAuditRequest, _ call: ServerCall
  ) throws -> Reply<SchedulerV1.ListAuditResponse> {
    let page = try ListPage(request.page, request, { $0.page = nil }, store: request.store)
    return .later {
      try await store(request.store)
      return .now(try await reading { try AuditStore.list(request, page, $0) })
    }
  }
}
