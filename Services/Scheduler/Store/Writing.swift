internal import Delivery
internal import Messages
internal import Storage

/// One transaction of the owner: every change of enrolments goes through it, with its decisions and
/// the rows for other services. Used by one thread, and not after its transaction.
final class Writing {
  /// Our own services that rows are put for.
  enum Target: String, Sendable, CaseIterable {
    case notifier = "notifier"
    case directMail = "direct-mail"
    case tracker = "cart-tracker"
    /// The shops' Rewards, by their configured names.
    case shop = "shop"
  }

  private struct Lane: Hashable {
    let target: Target
    let bucket: UInt8
  }

  let session: any StorageSession
  /// Microseconds.
  let now: Int64
  let flows: FlowRegistry
  private let ledger: Ledger
  private var fenced: Set<UInt8> = []
  private var bodies: [Lane: [[UInt8]]] = [:]
  /// Buckets whose first due instant may be another after the commit, with the earliest one set;
  /// and whether one was taken away.
  private(set) var due: [UInt8: Int64] = [:]
  private(set) var put: [Target: Set<UInt8>] = [:]
  private(set) var decided = 0
  private(set) var isErasure = false
  var days = FlowDays()
  /// Flows that this transaction pauses.
  var halted: [HaltedFlow] = []

  init(_ session: any StorageSession, ledger: Ledger, flows: FlowRegistry, now: Int64) {
    self.session = session
    self.ledger = ledger
    self.flows = flows
    self.now = now
  }

  var isVirtual: Bool { ledger.isVirtual }
  /// What holdouts are chosen with.
  var salt: [UInt8] { ledger.salt }

  /// Before the first write to a bucket.
  func fence(_ bucket: UInt8) throws {
    if fenced.insert(bucket).inserted { try ledger.lease.fence(session, bucket) }
  }

  // MARK: - Enrolments

  func enrolment(_ id: Identifier) throws -> EnrolmentRow? {
    try session.first(EnrolmentStatements.named, [.integer(id.bucket), id.value]) {
      try EnrolmentRow($0, bucket: id.bucket)
    }
  }

  /// Those of a contact or guest in the store, oldest first.
  func enrolments(of owner: OwnerKey, in store: String) throws -> [EnrolmentRow] {
    let (first, last) = Identifier.range(of: owner)
    return try session.all(
      EnrolmentStatements.ofOwner, [.integer(owner.bucket), first.value, last.value]
    ) { try EnrolmentRow($0, bucket: owner.bucket) }
    .filter { $0.enrolment.store == store }
    .sorted { $0.enrolment.place.number < $1.enrolment.place.number }
  }

  /// The same person's other enrolments in the flow, by any linked identity (P09).
  func others(than enrolment: Enrolment) throws -> [EnrolmentRow] {
    try linked(with: OwnerKeys.owner(of: enrolment)).flatMap { person in
      try enrolments(of: person, in: enrolment.store).filter {
        $0.enrolment.flow == enrolment.flow && $0.enrolment.id != enrolment.id
      }
    }
  }

  /// Makes an enrolment; its place is given here.
  ///
  /// - Returns: false where the same start has made it before.
  @discardableResult
  func add(_ enrolment: Enrolment) throws -> Bool {
    let bucket = enrolment.id.bucket
    try fence(bucket)
    let number = ledger.nextNumber(in: bucket, now: now)
    let changed = try session.execute(
      EnrolmentStatements.add,
      [
        .integer(bucket), .integer(number), enrolment.id.value, .text(enrolment.store),
        .text(enrolment.flow), .integer(enrolment.version), .text(enrolment.cart),
        .integer(enrolment.phase.rawValue), .integer(enrolment.reason.rawValue),
        .integer(enrolment.startedAt), .optional(enrolment.dueAt),
        .blob(EnrolmentRow.body(enrolment)),
      ])
    if let dueAt = enrolment.dueAt { noteDue(bucket, dueAt) }
    return changed == 1
  }

  /// Stores what a row has become, with what that asks for.
  ///
  /// - Returns: false where somebody changed the row since it was read; then nothing is stored.
  @discardableResult
  func change(
    _ row: EnrolmentRow, to enrolment: Enrolment, _ effects: Effects = Effects()
  ) throws -> Bool {
    let bucket = enrolment.bucket
    try fence(bucket)
    let changed = try session.execute(
      EnrolmentStatements.change,
      [
        .integer(bucket), .integer(enrolment.place.number), .integer(row.revision),
        .integer(enrolment.version), .integer(enrolment.phase.rawValue),
        .integer(enrolment.reason.rawValue), .integer(enrolment.startedAt),
        .optional(enrolment.dueAt), .blob(EnrolmentRow.body(enrolment)),
      ])
    guard changed == 1 else { return false }
    if let dueAt = enrolment.dueAt { noteDue(bucket, dueAt) }
    for decision in effects.decisions {
      if let replaced = decision.replaces {
        try session.execute(
          EnrolmentStatements.removeDecision,
          [.integer(bucket), .text(enrolment.store), .integer(replaced), decision.id.value])
      }
      try session.execute(
        EnrolmentStatements.addDecision, DecisionRow.values(decision, enrolment))
    }
    decided += effects.decisions.count
    for action in effects.actions { try put(action, bucket) }
    for change in effects.gifts { try apply(change) }
    if enrolment.isOver, !row.enrolment.isOver, let gift = enrolment.incentive?.gift {
      try settle(gift)
    }
    return true
  }

  private func noteDue(_ bucket: UInt8, _ at: Int64) {
    due[bucket] = min(due[bucket] ?? .max, at)
  }

  // MARK: - Rows for others

  private func put(_ action: Effects.Action, _ bucket: UInt8) throws {
    let (target, body) =
      switch action {
      case .send(let order):
        (
          Writing.target(of: order.channel),
          try Stored.encode(CommonV1.SendOrders.Row(action: .send(order)))
        )
      case .cancel(let order):
        (
          Writing.target(of: order.channel),
          try Stored.encode(CommonV1.SendOrders.Row(action: .cancel(order)))
        )
      case .tag(let request): (Target.tracker, try Stored.encode(request))
      }
    bodies[Lane(target: target, bucket: bucket), default: []].append(body)
  }

  /// For a shop's Rewards.
  func put(_ reward: SchedulerV1.RewardRow, bucket: UInt8) throws {
    try fence(bucket)
    bodies[Lane(target: .shop, bucket: bucket), default: []].append(try Stored.encode(reward))
  }

  /// For whoever writes to people.
  func put(_ order: CommonV1.ErasePerson, bucket: UInt8) throws {
    isErasure = true
    let body = try Stored.encode(CommonV1.SendOrders.Row(action: .erase(order)))
    for target in [Target.notifier, .directMail] where ledger.outboxes[target] != nil {
      bodies[Lane(target: target, bucket: bucket), default: []].append(body)
    }
  }

  /// On disk before the change is (T31).
  func noteErasure(_ order: CommonV1.ErasePerson) throws {
    try ledger.erasures?.note([order.withoutAddresses], session)
  }

  private static func target(of channel: CommonV1.Channel) -> Target {
    channel == .letter || channel == .postcard ? .directMail : .notifier
  }

  /// Writes days of flows and puts the rows for other services: the last thing of a transaction.
  func finish() throws {
    for bucket in days.buckets.sorted() { try fence(bucket) }
    try days.write(session)
    for (lane, bodies) in bodies {
      try ledger.outboxes[lane.target]?.put(session, bucket: lane.bucket, bodies, now: now)
      put[lane.target, default: []].insert(lane.bucket)
    }
    bodies = [:]
    if ledger.isVirtual { try session.execute(SchedulerStatements.putClock, [.integer(now)]) }
  }

  // MARK: - Persons

  /// The keys of an identity and of all that are linked with it, itself first.
  func linked(with owner: OwnerKey) throws -> [OwnerKey] {
    try PersonLinks.linked(with: owner, in: session)
  }
}

/// Who is one person, as the tracker told.
enum PersonLinks {
  /// As many as the contract allows; of more the tracker refuses every hand-off.
  private static let keysMax = 32

  static func linked(
    with owner: OwnerKey, in session: any StorageSession
  ) throws -> [OwnerKey] {
    var found = [owner]
    var next = 0
    while next < found.count && found.count < keysMax {
      let person = found[next]
      next += 1
      let others = try session.all(
        SchedulerStatements.links, [person.bucketValue, person.value]
      ) { try OwnerKey(bytes: $0.blob(0)) }
      for other in others where !found.contains(other) { found.append(other) }
    }
    return found
  }
}
