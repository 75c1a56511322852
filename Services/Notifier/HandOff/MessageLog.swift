internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Stubs

/// Writes what becomes of messages, each change with the outcome that the scheduler is told.
///
/// Every function commits with others and then calls `done` on the writer's thread.
struct MessageLog: Sendable {
  /// What came of the wish to begin a hand-off.
  enum Begun: Sendable {
    case begun
    /// It was cancelled, or has ended, meanwhile.
    case gone
    /// Nothing is sent to its address; it has ended.
    case suppressed
  }

  let database: NotifierDatabase
  let outcomes: OutcomeReports
  let heads: DueHeads
  let clock: any WallClock
  let beat: RestoreBeat
  /// Zero: contents are not kept, only where their links lead.
  let keepsContent: Bool

  // MARK: - Intents

  /// Writes the intents of messages: from then on each counts as sent until its result is there.
  func begin(
    _ messages: [ReadyMessage], _ provider: String,
    _ done: @escaping @Sendable (Result<[Begun], any Error>) -> Void
  ) {
    let now = clock.now.microseconds
    var buckets: [UInt8] = []
    for message in messages {
      buckets.append(message.due.key.bucket)
      buckets.append(message.addresses.controller.bucket)
      if message.due.order.channel.isAnswered { buckets.append(message.addresses.anybody.bucket) }
    }
    let touched = buckets
    database.submit(
      touched, weight: messages.count * 3,
      { session in
        try beat.note(session, at: now)
        let hash = try AddressHash.load(session)
        return try messages.map { try begin($0, provider, hash, now, session) }
      },
      done: { result in
        outcomes.wake(touched)
        done(result)
      })
  }

  private func begin(
    _ message: ReadyMessage, _ provider: String, _ hash: AddressHash, _ now: Int64,
    _ session: any StorageSession
  ) throws -> Begun {
    let due = message.due
    if due.order.channel.reachesContacts,
      try Suppressions.inForce(message.addresses, hash, at: now, session) != nil
    {
      let isEnded = try finish(
        due, .end(due.isUnsure ? .unknown : .skipped, .suppressed), now, session)
      return isEnded ? .suppressed : .gone
    }
    var begun = due
    begun.grant = message.grant
    let key = due.key
    let changed = try session.execute(
      MessageStatements.begin,
      [
        key.bucketValue, key.idValue, .text(provider), .text(message.recipient),
        .text(message.locale), .integer(message.templateVersion), .blob(try begun.log),
      ])
    guard changed == 1 else { return .gone }
    if !message.links.isEmpty || keepsContent {
      try session.execute(
        MessageStatements.putContent,
        [
          key.bucketValue, key.idValue, .integer(now),
          .blob(LinkTargets.encode(message.links)),
          .blob(keepsContent ? message.content.bytes : []),
        ])
    }
    if due.order.channel.reachesContacts {
      let address = message.addresses.controller
      try session.execute(
        AddressStatements.addContact,
        [
          address.bucketValue, address.value, .text(due.order.store), .text(due.order.contact),
        ])
    }
    if due.order.channel.isAnswered { try noteSender(message, provider, now, session) }
    return .begun
  }

  /// So that a reply finds whom it is for.
  private func noteSender(
    _ message: ReadyMessage, _ provider: String, _ now: Int64, _ session: any StorageSession
  ) throws {
    let (address, key) = (message.addresses.anybody, message.due.key)
    try session.execute(
      AddressStatements.putSender,
      [
        address.bucketValue, address.value, .text(provider), .text(message.controller),
        .text(message.due.order.store), key.idValue, key.bucketValue, .integer(now),
      ])
  }

  // MARK: - Ends and waits

  enum Change: Sendable {
    case end(NotifierV1.MessageState, CommonV1.ReasonCode)
    /// Not before the instant, in microseconds. The reason is told where it is a new one.
    case wait(CommonV1.ReasonCode, until: Int64, isNews: Bool)

    /// When the message is due again; nil: it has ended.
    var until: Int64? { if case .wait(_, let until, _) = self { until } else { nil } }
  }

  /// The caller notes when a message that waits is due again, once it can be taken again.
  ///
  /// - Parameter also: what belongs to the same transaction.
  func write(
    _ message: DueMessage, _ change: Change,
    also: @escaping @Sendable (any StorageSession) throws -> Void = { _ in },
    _ done: @escaping @Sendable (Result<Bool, any Error>) -> Void
  ) {
    let now = clock.now.microseconds
    database.submit(
      [message.key.bucket], weight: 3,
      { session in
        let isDone = try finish(message, change, now, session)
        if isDone { try also(session) }
        return isDone
      },
      done: { result in
        outcomes.wake([message.key.bucket])
        done(result)
      })
  }

  /// False where the message has ended before.
  func finish(
    _ message: DueMessage, _ change: Change, _ now: Int64, _ session: any StorageSession
  ) throws -> Bool {
    let key = message.key
    let log = SQLValue.blob(try message.log)
    switch change {
    case .end(let state, let reason):
      let changed = try session.execute(
        MessageStatements.end,
        [
          key.bucketValue, key.idValue, .integer(state.rawValue), .integer(reason.rawValue),
          .integer(now), .integer(message.failures), log,
        ])
      guard changed == 1 else { return false }
      try outcomes.put(MessageLog.end(message, state, reason, at: now), key.bucket, now, session)
    case .wait(let reason, let until, let isNews):
      let changed = try session.execute(
        MessageStatements.wait,
        [
          key.bucketValue, key.idValue, .integer(reason.rawValue), .integer(until),
          .integer(message.failures), .flag(message.isUnsure), log,
        ])
      guard changed == 1 else { return false }
      if isNews {
        var outcome = message.outcome(
          .deferred, reason, at: now, discriminator: "\(reason.rawValue)")
        outcome.deferredUntil = .init(microseconds: until)
        try outcomes.put(outcome, key.bucket, now, session)
      }
    }
    return true
  }

  /// The outcome that ends a message.
  static func end(
    _ message: DueMessage, _ state: NotifierV1.MessageState, _ reason: CommonV1.ReasonCode,
    at now: Int64
  ) -> CommonV1.Outcome {
    var outcome = message.outcome(state.outcome, reason, at: now)
    if state == .handedOver || state == .unknown { outcome.grant = message.grant }
    return outcome
  }
}

/// Outcomes on their way to the scheduler.
struct OutcomeReports: Sendable {
  static let target = "scheduler"

  private let outbox = Outbox(target: OutcomeReports.target)
  /// Nil where nobody is told.
  let sender: OutboxSender?

  /// In the transaction of the change that it tells of.
  func put(
    _ outcome: CommonV1.Outcome, _ bucket: UInt8, _ now: Int64, _ session: any StorageSession
  ) throws {
    guard sender != nil else { return }
    let row = SchedulerV1.TakeOutcomesRequest.Row(outcome: outcome)
    try outbox.put(session, bucket: bucket, [try Stored.encode(row)], now: now)
  }

  /// After the commit.
  func wake(_ buckets: [UInt8]) { sender?.wake(buckets) }

  var isIdle: Bool { sender?.isIdle ?? true }
}

extension CommonV1.Channel {
  /// Whether it leads to a contact, who may object to it.
  var reachesContacts: Bool { self != .internal && self != .webhook }

  /// Whether people answer to it with texts that name no message of ours.
  var isAnswered: Bool { self == .sms || self == .chat }

  /// The channels that the notifier serves, by their numbers on the wire.
  static let digital: ClosedRange<Int32> = 1...6
}

extension NotifierV1.MessageState {
  /// What the scheduler is told of a final one.
  var outcome: CommonV1.OutcomeKind {
    switch self {
    case .handedOver: .handedOver
    case .unknown: .unknown
    case .skipped: .skipped
    case .withdrawn: .withdrawn
    default: .failed
    }
  }
}
