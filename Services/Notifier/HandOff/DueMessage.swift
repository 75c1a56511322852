internal import Delivery
internal import Messages
internal import Storage
internal import Wire

/// A message whose time has come, as it was read.
struct DueMessage: Sendable {
  /// The order by reference: messages move from queue to queue.
  private final class Taken: Sendable {
    let order: CommonV1.SendOrder
    init(_ order: CommonV1.SendOrder) { self.order = order }
  }

  let key: MessageKey
  private let taken: Taken
  /// Calls in a row that failed.
  var failures: Int
  /// A call was made whose fate nobody knows.
  var isUnsure: Bool
  /// Why it waited last.
  var reason: CommonV1.ReasonCode
  /// Of the hand-off that was begun last.
  var grant: CommonV1.Grant?
  /// Calls of the provider, oldest first.
  var attempts: [NotifierV1.OutboundMessage.Attempt]

  /// Attempts that are kept.
  static let attemptsMax = 32

  init(
    key: MessageKey, order: CommonV1.SendOrder, failures: Int = 0, isUnsure: Bool = false,
    reason: CommonV1.ReasonCode = .unspecified, grant: CommonV1.Grant? = nil,
    attempts: [NotifierV1.OutboundMessage.Attempt] = []
  ) {
    self.key = key
    taken = Taken(order)
    self.failures = failures
    self.isUnsure = isUnsure
    self.reason = reason
    self.grant = grant
    self.attempts = attempts
  }

  /// - Parameter log: what `log` encoded.
  /// - Throws: `StorageError` where the row is damaged.
  init(
    key: MessageKey, body: [UInt8], failures: Int, isUnsure: Bool, log: [UInt8],
    reason: CommonV1.ReasonCode = .unspecified
  ) throws {
    let known = try Stored.decode(NotifierV1.OutboundMessage.self, log, "message")
    self.init(
      key: key, order: try Stored.decode(CommonV1.SendOrder.self, body, "message"),
      failures: failures, isUnsure: isUnsure, reason: reason, grant: known.grant,
      attempts: known.attempts)
  }

  var order: CommonV1.SendOrder { taken.order }
  var expiresAt: Int64 { taken.order.expiresAt?.microseconds ?? .min }

  /// Grant and attempts, as the row keeps them.
  var log: [UInt8] {
    get throws {
      if grant == nil && attempts.isEmpty { return [] }
      return try Stored.encode(NotifierV1.OutboundMessage(grant: grant, attempts: attempts))
    }
  }

  mutating func add(_ attempt: NotifierV1.OutboundMessage.Attempt) {
    attempts.append(attempt)
    if attempts.count > DueMessage.attemptsMax { attempts.removeFirst() }
  }

  /// An outcome of it, with the id that it always has.
  func outcome(
    _ kind: CommonV1.OutcomeKind, _ reason: CommonV1.ReasonCode = .unspecified, at: Int64,
    discriminator: String = ""
  ) -> CommonV1.Outcome {
    CommonV1.Outcome(
      order: order.id, store: order.store, enrolment: order.enrolment, step: order.step,
      channel: order.channel, kind: kind, at: .init(microseconds: at), reason: reason,
      id: DerivedID.of("outcome", order.id, "\(kind.rawValue)", discriminator))
  }
}

/// A message that may go out now, and what goes out.
struct ReadyMessage: Sendable {
  var due: DueMessage
  let grant: CommonV1.Grant
  /// When its permission was asked for.
  let asked: MonotonicInstant
  let recipient: String
  let addresses: AddressKeys
  /// Of the store.
  var controller = ""
  let locale: String
  let templateVersion: UInt32
  let content: Content
  let links: [TrackedLink]

  /// How long a grant lives at most, whatever it says.
  static let lifetimeMax = Duration.seconds(1)

  var lifetime: Duration {
    guard let span = grant.lifetime else { return ReadyMessage.lifetimeMax }
    let given = Duration.seconds(span.seconds) + .nanoseconds(Int64(span.nanos))
    return min(max(given, .zero), ReadyMessage.lifetimeMax)
  }

  /// Whether the hand-off may begin under this grant.
  func isFresh(_ now: MonotonicInstant) -> Bool { now - asked < lifetime }
}

/// What was decided about a message before its hand-off.
enum Permission: Sendable {
  case ready(ReadyMessage)
  /// Ends it.
  case skip(CommonV1.ReasonCode)
  /// Not before the instant, in microseconds.
  case wait(CommonV1.ReasonCode, until: Int64)
}
