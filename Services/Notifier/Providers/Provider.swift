internal import Messages
internal import ServiceKit
internal import Storage

/// Takes messages to where people get them.
///
/// It is given as many at once as it has slots, each after its intent is durable.
protocol Provider: AnyObject, Sendable {
  /// As configured; stands in the execution log.
  var name: String { get }
  /// Messages that it takes at once.
  var slots: Int { get }
  /// Whether the same message may be handed over again under its id and reaches its person once.
  var isIdempotent: Bool { get }
  /// How failed calls are made again.
  var retries: RetryRule { get }

  /// - Throws: what it lacks. Blocks.
  func start() throws
  /// Hands messages over. Each parcel's `done` is called once, on any thread.
  func send(_ parcels: [Parcel])
  /// Ends what runs; returns when nothing does. Each parcel not done yet may never be.
  func stop() async
  /// Writes what belongs to a message that was taken, in the transaction of that result.
  func store(_ parcel: Parcel, _ session: any StorageSession, now: Int64) throws
}

extension Provider {
  var isIdempotent: Bool { true }
  var retries: RetryRule { RetryRule() }
  func start() throws {}
  func stop() async {}
  func store(_ parcel: Parcel, _ session: any StorageSession, now: Int64) throws {}
}

/// One message as a provider gets it.
struct Parcel: Sendable {
  let key: MessageKey
  let order: CommonV1.SendOrder
  /// An address; for a webhook the endpoint's name.
  let recipient: String
  let locale: String
  let content: Content
  let done: @Sendable (ProviderResult) -> Void

  var id: String { order.id }
}

/// What was made of a message.
enum Content: Sendable {
  case email(EmailContent)
  case text(String)
  case webhook([UInt8])

  /// As the execution log shows it: RFC 5322, or the text or body.
  var bytes: [UInt8] {
    switch self {
    case .email(let email): email.bytes
    case .text(let text): Array(text.utf8)
    case .webhook(let body): body
    }
  }
}

/// How one call of a provider ended.
struct ProviderResult: Sendable, Hashable {
  enum Fate: Sendable, Hashable {
    /// The provider has it.
    case taken
    /// It never will have it.
    case refused
    /// It surely has it not; may be tried again, not before the span given.
    case later(CommonV1.ReasonCode, after: Duration?)
    /// Nobody knows.
    case unsure
  }

  var fate: Fate
  /// SMTP or HTTP status; 0 where none came.
  var status: UInt32 = 0
  /// What it said.
  var answer = ""
  /// Its own id of the message.
  var providerID = ""

  /// Bytes of `answer` and `providerID` at most.
  static let textMax = 1024

  init(_ fate: Fate, status: UInt32 = 0, answer: String = "", providerID: String = "") {
    self.fate = fate
    self.status = status
    self.answer = ProviderResult.cut(answer)
    self.providerID = ProviderResult.cut(providerID)
  }

  private static func cut(_ text: String) -> String {
    let safe = text.unicodeScalars.map { scalar in
      scalar.properties.generalCategory == .control ? " " : String(scalar)
    }.joined()
    guard safe.utf8.count > textMax else { return safe }
    var end = safe.utf8.index(safe.startIndex, offsetBy: textMax)
    while end > safe.startIndex, end.samePosition(in: safe.unicodeScalars) == nil {
      end = safe.utf8.index(before: end)
    }
    return String(safe[..<end])
  }
}

/// How often and when a call is made again.
struct RetryRule: Sendable, Hashable {
  /// Calls that the provider answered with "later", or whose fate nobody knows, at most. Those that
  /// did not reach it are limited by the order's expiry alone.
  var callsMax = 12
  var backoff = Backoff(first: .seconds(5), most: .seconds(900))
  /// What a provider may ask for at most.
  var askedMax = Duration.seconds(3600)

  /// When to try again after so many failures in a row.
  func delay(failures: Int, asked: Duration?, _ chance: inout SplitMix64) -> Duration {
    let own = backoff.delay(failures: max(1, failures), &chance)
    guard let asked else { return own }
    return max(own, min(asked, askedMax))
  }
}
