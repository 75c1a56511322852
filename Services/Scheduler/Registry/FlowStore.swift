internal import Messages
internal import Storage
internal import Wire

/// Versions of flows in their table, and enrolments that are moved between them.
enum FlowStore {
  /// One version of a flow of a store.
  struct Key: Hashable {
    let flow: String
    let version: UInt32

    init(flow: String, version: UInt32) {
      self.flow = flow
      self.version = version
    }

    init(_ entry: FlowRegistry.Entry) {
      self.init(flow: entry.version.name, version: entry.version.number)
    }
  }

  /// Makes the text the newest version; the same text again makes none. In a transaction; the
  /// registry is to be told after it.
  static func apply(
    _ definition: FlowDefinition, _ request: SchedulerV1.ApplyFlowRequest, by author: String,
    _ writing: Writing
  ) throws -> FlowRegistry.Entry {
    let newest = try writing.flows.newest(definition.name, in: request.store, writing.session)
    if let newest, newest.text == request.text { return newest }
    let number = newest?.version.number ?? 0
    guard request.version == number else {
      throw RPCError(
        .aborted, "the flow is at version \(number), the text was made from \(request.version)",
        fieldViolations: [.init(field: "version", detail: "is \(request.version), not \(number)")])
    }
    let entry = FlowRegistry.Entry(
      version: FlowVersion(store: request.store, number: number + 1, definition: definition),
      text: request.text, author: author, appliedAt: writing.now)
    try writing.session.execute(
      SchedulerStatements.addFlow,
      [
        .text(request.store), .text(definition.name), .integer(number + 1), .text(author),
        .integer(writing.now), .text(request.text),
      ])
    try AuditStore.add(
      .init(
        identity: author, store: request.store, flow: definition.name, version: number + 1,
        act: .applied), writing)
    return entry
  }

  /// Running enrolments of every version. Reads all buckets.
  static func running(
    in store: String, _ session: any StorageSession
  ) throws -> [Key: UInt64] {
    var counts: [Key: UInt64] = [:]
    for bucket in 0..<256 {
      try session.rows(EnrolmentStatements.running, [.integer(bucket), .text(store)]) { row in
        let key = Key(
          flow: try row.text(0), version: UInt32(truncatingIfNeeded: try row.integer(1)))
        counts[key, default: 0] += UInt64(try row.integer(2))
        return true
      }
    }
    return counts
  }

  /// Where a flow stands in its list: by name, or by version with the newest first.
  static func position(
    _ entry: FlowRegistry.Entry, in request: SchedulerV1.ListFlowsRequest
  ) -> ListKey {
    request.flow.isEmpty
      ? ListKey(number: 0, text: entry.version.name)
      : ListKey(number: -Int64(entry.version.number), text: "")
  }

  /// A problem for each send whose template the store does not have.
  static func missing(
    _ templates: KnownTemplates, in flow: FlowDefinition
  ) -> [SchedulerV1.Problem] {
    flow.steps.enumerated().compactMap { index, step in
      // A webhook may have none.
      guard case .send(let send) = step.action, templates.channels.contains(send.channel),
        !(send.channel == .webhook && send.template.isEmpty),
        !templates.names.contains(TemplateName(channel: send.channel, name: send.template))
      else { return nil }
      let others = templates.names.filter { $0.channel == send.channel }.map(\.name).sorted()
      let known = others.isEmpty ? "none" : others.prefix(8).joined(separator: ", ")
      return SchedulerV1.Problem(
        line: UInt32(step.line), column: UInt32(step.column), field: "\(step.name).template",
        problem: "the store has no template \(send.template) on this channel; it has: \(known)")
    }
  }

  // MARK: - Moving

  private static let moveRows = 512

  /// The two versions of a move.
  static func versions(
    of request: SchedulerV1.MoveEnrolmentsRequest, _ flows: FlowRegistry,
    _ session: any StorageSession
  ) throws -> VersionMove {
    func version(_ number: UInt32) throws -> FlowVersion {
      let entry = try flows.entry(request.flow, number, in: request.store, session)
      guard let entry else { throw FlowRefusal.notFound }
      return entry.version
    }
    return VersionMove(
      from: try version(request.fromVersion), to: try version(request.toVersion))
  }

  /// Moves the running enrolments of a bucket from one version to another, step by step name (F14).
  /// Those that wait at a step that the new version does not have, or that is of another kind
  /// there, stay. Done again, it moves what is left.
  static func move(
    _ move: VersionMove, in bucket: UInt8, _ writing: Writing
  ) throws -> SchedulerV1.MoveEnrolmentsResponse {
    var answer = SchedulerV1.MoveEnrolmentsResponse()
    if move.from.number == move.to.number { return answer }
    var after = Int64.min
    while true {
      let rows = try writing.session.all(
        EnrolmentStatements.ofVersion,
        [
          .integer(bucket), .integer(after), .text(move.from.store), .text(move.from.name),
          .integer(move.from.number), .integer(moveRows),
        ]
      ) { try EnrolmentRow($0, bucket: bucket) }
      for row in rows {
        after = row.enrolment.place.number
        guard let moved = move.moved(row.enrolment) else {
          answer.kept += 1
          continue
        }
        try writing.change(row, to: moved)
        answer.moved += 1
      }
      if rows.count < moveRows { return answer }
    }
  }
}

/// Takes enrolments from one version of a flow to another. Pure.
struct VersionMove {
  let from: FlowVersion
  let to: FlowVersion

  /// Nil where it cannot be moved.
  func moved(_ enrolment: Enrolment) -> Enrolment? {
    var moved = enrolment
    moved.version = to.number
    if let step = enrolment.step {
      guard let target = to.step(named: from.name(of: step)), isSameWait(step, target) else {
        return nil
      }
      moved.step = target
    }
    // Decisions about steps that the new version has are decisions about its steps.
    for index in moved.visits.indices where moved.visits[index].version == from.number {
      guard let target = to.step(named: from.name(of: moved.visits[index].step)) else { continue }
      moved.visits[index].version = to.number
      moved.visits[index].step = target
    }
    if let given = enrolment.incentive, given.version == from.number,
      let target = to.step(named: from.name(of: given.step))
    {
      moved.incentive = .init(
        version: to.number, step: target, at: given.at, gift: given.gift)
    }
    if let failed = enrolment.failedSend {
      moved.failedSend = to.step(named: from.name(of: failed))
    }
    return moved
  }

  private func isSameWait(_ old: Int, _ new: Int) -> Bool {
    switch (from.definition.steps[old].action, to.definition.steps[new].action) {
    case (.pause, .pause), (.evaluateEvent, .evaluateEvent): true
    // A send that a cap or a ceiling defers.
    case (.send(let old), .send(let new)): old.channel == new.channel
    default: false
    }
  }
}
