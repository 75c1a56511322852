internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage

/// Notes what became known of messages after their end, however it came in, and suppresses by rule
/// (M18): an address that does not exist at once, one that fails again and again for a while, a
/// complaint and an opt-out always.
struct FindingDesk: Sendable {
  let database: NotifierDatabase
  let messageLog: MessageLog
  let suppressions: SuppressionDesk
  let stores: StoreBook

  /// One thing that became known of one message.
  struct Finding: Sendable {
    let message: MessageRow
    let kind: CommonV1.OutcomeKind
    let at: Int64
    /// Of a bounce.
    var fault: StatusCode.Fault?
    /// What proves it.
    let evidence: String
    /// Tells outcomes of the same kind apart; the same one is known.
    let discriminator: String
  }

  /// What a transaction is to write, with what it may touch.
  struct Plan: Sendable {
    fileprivate var steps: [Step] = []
    fileprivate(set) var buckets: [UInt8] = []
  }

  fileprivate struct Step: Sendable {
    let finding: Finding
    let wish: SuppressionDesk.Wish?
    let waiting: [MessageKey]
  }

  struct Done: Sendable {
    var outcomes: UInt32 = 0
    var suppressed: UInt32 = 0
    var withdrawn: UInt32 = 0
  }

  /// What findings ask for. Reads; waits for cart-tracker where a store is not known yet.
  func plan(_ findings: [Finding], _ threads: ThreadPool) async throws -> Plan {
    var wishes: [SuppressionDesk.Wish?] = []
    for finding in findings { wishes.append(try await wish(finding)) }
    let wanted = wishes
    return try await threads.run {
      var plan = Plan()
      for (finding, wish) in zip(findings, wanted) {
        let waiting = try wish.map { try suppressions.waiting(for: [$0]) } ?? []
        plan.buckets.append(finding.message.key.bucket)
        if let wish { plan.buckets += suppressions.buckets([wish], waiting) }
        plan.steps.append(Step(finding: finding, wish: wish, waiting: waiting))
      }
      return plan
    }
  }

  /// In a transaction that has fenced the plan's buckets.
  func apply(_ plan: Plan, _ now: Int64, _ session: any StorageSession) throws -> Done {
    var done = Done()
    var wishes: [SuppressionDesk.Wish] = []
    var waiting: Set<MessageKey> = []
    for step in plan.steps {
      let finding = step.finding
      if try messageLog.learn(
        FindingDesk.outcome(finding), of: finding.message.key, now, session)
      {
        done.outcomes += 1
      }
      guard let wish = step.wish else { continue }
      if finding.fault == .temporary {
        guard try isTooOften(finding, wish, session) else { continue }
      }
      wishes.append(wish)
      waiting.formUnion(step.waiting)
    }
    let outcome = try suppressions.apply(wishes, Array(waiting), now, session)
    done.suppressed = outcome.added
    done.withdrawn = outcome.withdrawn
    return done
  }

  /// Writes what was found in something that came in, with its answer: once, whatever comes again.
  ///
  /// - Parameters:
  ///   - also: buckets that `write` touches.
  ///   - write: in the same transaction, with its time in microseconds.
  func keep(
    _ answer: NotifierV1.InboundAnswer, _ found: [Finding], _ digest: [UInt8],
    _ clock: any WallClock, _ threads: ThreadPool, also: [UInt8] = [],
    _ write: @escaping @Sendable (Int64, any StorageSession) throws -> Void = { _, _ in }
  ) async throws -> NotifierV1.InboundAnswer {
    let plan = try await plan(found, threads)
    return try await threads.run {
      let now = clock.now.microseconds
      let touched = plan.buckets + [digest[0]] + also
      let kept = try database.commitBlocking(touched, weight: 8) { session in
        if let known = try Inbound.known(digest, session) { return known }
        let done = try apply(plan, now, session)
        try write(now, session)
        var answer = answer
        answer.outcomes = done.outcomes
        answer.suppressed = done.suppressed
        answer.withdrawn = done.withdrawn
        try Inbound.keep(answer, digest, now, session)
        return answer
      }
      messageLog.outcomes.wake(touched)
      return kept
    }
  }

  /// Counts a bounce that may pass.
  private func isTooOften(
    _ finding: Finding, _ wish: SuppressionDesk.Wish, _ session: any StorageSession
  ) throws -> Bool {
    let (address, key) = (wish.keys.controller, finding.message.key)
    try session.execute(
      AddressStatements.addSoftBounce,
      [address.bucketValue, address.value, key.idValue, .integer(finding.at)])
    let count = try session.first(
      AddressStatements.softBounces,
      [address.bucketValue, address.value, .integer(finding.at - BounceRule.span)]
    ) { try $0.integer(0) }
    return count ?? 0 >= Int64(BounceRule.countMax)
  }

  private static func outcome(_ finding: Finding) -> CommonV1.Outcome {
    let reason: CommonV1.ReasonCode =
      finding.kind == .bounced
      ? (finding.fault == .address ? .badDestination : .providerRefused) : .unspecified
    return finding.message.due.outcome(
      finding.kind, reason, at: finding.at, discriminator: finding.discriminator)
  }

  /// The suppression that a finding asks for, or may ask for.
  private func wish(_ finding: Finding) async throws -> SuppressionDesk.Wish? {
    let cause: NotifierV1.SuppressionCause
    var until: Int64?
    switch finding.kind {
    case .bounced where finding.fault == .address: cause = .bounce
    case .bounced where finding.fault == .temporary:
      cause = .bounce
      until = finding.at + BounceRule.rest
    case .complained: cause = .complaint
    case .optedOut: cause = .optOut
    default: return nil
    }
    let message = finding.message
    guard message.order.channel.reachesContacts, !message.recipient.isEmpty else { return nil }
    let store = try await stores.store(message.order.store)
    return suppressions.wish(
      store, message.order.channel, message.recipient, cause: cause, isOfController: true,
      since: finding.at, until: until, evidence: finding.evidence, message: message.key.text,
      proof: cause == .optOut ? "reply" : nil)
  }
}

/// Mails and texts from outside, each taken once.
enum Inbound {
  /// How long the answer is known, in microseconds: 30 days.
  static let keptFor: Int64 = 30 * 86_400 * 1_000_000

  /// Of a text that is kept as evidence, in bytes.
  static let textSizeMax = 200

  /// The answer to the same mail or text before.
  static func known(
    _ digest: [UInt8], _ session: any StorageSession
  ) throws -> NotifierV1.InboundAnswer? {
    try session.first(
      ReferenceStatements.inbound, [.integer(digest[0]), .blob(digest)]
    ) { try Stored.decode(NotifierV1.InboundAnswer.self, try $0.blob(0), "inbound") }
  }

  static func keep(
    _ answer: NotifierV1.InboundAnswer, _ digest: [UInt8], _ now: Int64,
    _ session: any StorageSession
  ) throws {
    try session.execute(
      ReferenceStatements.addInbound,
      [.integer(digest[0]), .blob(digest), .integer(now), .blob(try Stored.encode(answer))])
  }

  /// 16 bytes over the parts with their lengths; the first is the bucket.
  static func digest(_ parts: [[UInt8]]) -> [UInt8] {
    var hash = SHA256()
    for part in parts {
      hash.update(withUnsafeBytes(of: UInt64(part.count).bigEndian) { Array($0) })
      hash.update(part)
    }
    return Array(hash.finish().prefix(16))
  }

  /// Cut to what evidence keeps, without control characters.
  static func quoted(_ text: some StringProtocol) -> String {
    var quoted = ""
    var size = 0
    for scalar in text.unicodeScalars {
      let isControl = scalar.properties.generalCategory == .control
      size += isControl ? 1 : UTF8.width(scalar)
      if size > textSizeMax { break }
      quoted.unicodeScalars.append(isControl ? " " : scalar)
    }
    return quoted
  }
}
