internal import Messages
internal import Storage
internal import Wire

/// Approvals of flows' versions in their table (F21). In a transaction; the registry is to be told
/// after it.
enum ApprovalStore {
  /// Lets a version go live; one that was let before stays as it was.
  ///
  /// - Throws: NOT_FOUND, or FAILED_PRECONDITION by the version's author.
  static func approve(
    _ request: SchedulerV1.ApproveFlowRequest, by approver: String, _ writing: Writing
  ) throws -> (entry: FlowRegistry.Entry, approval: FlowRegistry.Approval) {
    let entry = try writing.flows.entry(
      request.flow, request.version, in: request.store, writing.session)
    guard let entry else { throw FlowRefusal.notFound }
    guard entry.author != approver else {
      throw RPCError(
        .failedPrecondition, "a version is approved by somebody else than its author",
        fieldViolations: [.init(field: "version", detail: "is the caller's own")])
    }
    if let known = try approval(request.flow, request.version, in: request.store, writing.session) {
      return (entry, known)
    }
    let approval = FlowRegistry.Approval(approver: approver, at: writing.now)
    try writing.session.execute(
      BrakeStatements.addApproval,
      [
        .text(request.store), .text(request.flow), .integer(request.version), .text(approver),
        .integer(writing.now), .text(request.note),
      ])
    try AuditStore.add(
      .init(
        identity: approver, store: request.store, flow: request.flow, version: request.version,
        act: .approved, note: request.note), writing)
    return (entry, approval)
  }

  /// - Throws: FAILED_PRECONDITION where the newest version of the flow is not approved.
  static func requireApproved(
    _ flow: String, in store: String, _ writing: Writing
  ) throws {
    guard let newest = try writing.flows.newest(flow, in: store, writing.session) else {
      throw FlowRefusal.notFound
    }
    let number = newest.version.number
    guard try approval(flow, number, in: store, writing.session) != nil else {
      throw RPCError(
        .failedPrecondition,
        "version \(number) of the flow is not approved by somebody else than its author",
        fieldViolations: [.init(field: "mode", detail: "is LIVE")])
    }
  }

  private static func approval(
    _ flow: String, _ version: UInt32, in store: String, _ session: any StorageSession
  ) throws -> FlowRegistry.Approval? {
    try session.first(
      BrakeStatements.approval, [.text(store), .text(flow), .integer(version)]
    ) { FlowRegistry.Approval(approver: try $0.text(0), at: try $0.integer(1)) }
  }
}
