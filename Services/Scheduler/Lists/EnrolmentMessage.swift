internal import Delivery
internal import Messages
internal import Storage

/// Enrolments and decisions as answers.
enum EnrolmentMessage {
  static func state(_ phase: Enrolment.Phase) -> SchedulerV1.EnrolmentState {
    switch phase {
    case .entering, .waiting: .running
    case .ended: .ended
    case .refused: .refused
    }
  }

  static func enrolment(_ enrolment: Enrolment, _ version: FlowVersion) -> SchedulerV1.Enrolment {
    SchedulerV1.Enrolment(
      id: enrolment.id.text, store: enrolment.store, flow: enrolment.flow,
      flowVersion: enrolment.version, contact: enrolment.contact, cart: enrolment.cart,
      episode: enrolment.episode, anchor: enrolment.anchor.message,
      state: state(enrolment.phase), reason: enrolment.reason,
      startedAt: Micros.timestamp(enrolment.startedAt),
      endedAt: enrolment.endedAt.map { Micros.timestamp($0) },
      step: enrolment.step.map { version.name(of: $0) } ?? "",
      dueAt: enrolment.dueAt.map { Micros.timestamp($0) },
      variants: enrolment.variants.map { "\($0.step)=\($0.branch)" },
      other: enrolment.other?.text ?? "")
  }

  static func decision(
    _ read: DecisionRow.Read, _ enrolment: Enrolment, in session: any StorageSession
  ) throws -> SchedulerV1.Decision {
    let record = read.record
    return SchedulerV1.Decision(
      id: record.id.text, store: enrolment.store, enrolment: enrolment.id.text,
      flow: enrolment.flow, flowVersion: read.version, step: record.step,
      verdict: record.verdict, reason: record.reason, dueAt: Micros.timestamp(record.dueAt),
      decidedAt: Micros.timestamp(record.decidedAt),
      deferredUntil: record.deferredUntil.map { Micros.timestamp($0) }, branch: record.branch,
      channel: record.channel, template: record.template, order: record.order?.text ?? "",
      facts: record.facts, positions: record.positions,
      outcomes: try record.order.map { try outcomes(of: $0, in: session) } ?? [],
      contact: enrolment.contact, cart: enrolment.cart, anchor: enrolment.anchor.message)
  }

  static func outcomes(
    of order: Identifier, in session: any StorageSession
  ) throws -> [CommonV1.Outcome] {
    try session.all(EnrolmentStatements.outcomes, [.integer(order.bucket), order.value]) {
      try Stored.decode(CommonV1.Outcome.self, $0.blob(0), "outcome")
    }
  }
}

/// Reads of enrolments with their decisions.
struct EnrolmentReader {
  let session: any StorageSession
  let flows: FlowRegistry

  func enrolment(_ id: Identifier, in store: String) throws -> Enrolment? {
    let row = try session.first(
      EnrolmentStatements.named, [.integer(id.bucket), id.value]
    ) { try EnrolmentRow($0, bucket: id.bucket) }
    guard let row, row.enrolment.store == store else { return nil }
    return row.enrolment
  }

  func enrolment(at place: EnrolmentPlace) throws -> Enrolment {
    let row = try session.first(
      EnrolmentStatements.at, [.integer(place.bucket), .integer(place.number)]
    ) { try EnrolmentRow($0, bucket: place.bucket) }
    guard let row else {
      throw StorageError(.corrupt, "a decision in bucket \(place.bucket) has no enrolment")
    }
    return row.enrolment
  }

  /// In the order in which they were made.
  func decisions(of enrolment: Enrolment) throws -> [DecisionRow.Read] {
    try enrolment.visits.compactMap { visit in
      let entry = try flows.entry(enrolment.flow, visit.version, in: enrolment.store, session)
      guard let step = entry?.version.name(of: visit.step) else { return nil }
      let id = Identifier.decision(of: enrolment.id, step: step)
      return try session.first(
        EnrolmentStatements.decision,
        [
          .integer(enrolment.bucket), .text(enrolment.store), .integer(visit.decidedAt), id.value,
        ]
      ) { try DecisionRow.read($0) }
    }
  }

  func message(_ enrolment: Enrolment) throws -> SchedulerV1.Enrolment {
    EnrolmentMessage.enrolment(enrolment, try flows.version(of: enrolment, session))
  }
}
