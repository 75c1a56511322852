internal import Messages
internal import ServiceKit
internal import Storage
internal import Wire

/// Takes the callbacks of providers (`TakeReport`): deliveries, bounces, complaints, replies.
///
/// One shape for all: the headers `Homing-Timestamp` (seconds since 1970) and `Homing-Signature`
/// (`v1=` and the HMAC-SHA-256 of timestamp, `.` and body in hexadecimal digits, under the
/// provider's `hook-secret-file`), and as body
/// `{"events": [{"message": UUID, "kind": KIND, "at": SECONDS, "permanent": FLAG, "text": TEXT}]}`
/// with a kind of `delivered`, `bounced`, `complained`, `replied`, `opted_out`. A bounce that is
/// permanent, and a complaint, suppress the address; so does a reply that says STOP, as an opt-out
/// (M18).
struct ReportDesk: Sendable {
  /// How far a callback's time may lie from ours; older ones are refused, and forgotten.
  static let ageMax = Duration.seconds(300)
  static let eventsMax = 1000
  /// In the languages of our shops; of a reply that says nothing else.
  static let stopWords: Set<String> = [
    "stop", "stopp", "stopall", "unsubscribe", "cancel", "end", "quit", "abmelden", "arret",
    "baja",
  ]

  let database: NotifierDatabase
  let messageLog: MessageLog
  let suppressions: SuppressionDesk
  let stores: StoreBook
  let clock: any WallClock
  let threads: ThreadPool
  /// Keys of callbacks by the provider's name.
  let secrets: [String: Secret<String>]

  private struct Event: Sendable {
    let id: [UInt8]
    let kind: CommonV1.OutcomeKind
    let at: Int64
    let isPermanent: Bool
    let text: String
  }

  func take(
    _ request: NotifierV1.TakeReportRequest
  ) async throws -> NotifierV1.TakeReportResponse {
    try check(request)
    let events = try ReportDesk.events(request.body, now: clock.now.microseconds)
    let known = try await threads.run {
      try database.read { session in
        try events.map { event in try event.flatMap { try MessageRow.find($0.id, session) } }
      }
    }
    var plans: [(message: MessageRow, event: Event, wish: SuppressionDesk.Wish?)] = []
    for (event, message) in zip(events, known) {
      guard let event, let message, message.endedAt != nil else { continue }
      plans.append((message, event, try await wish(event, message)))
    }
    let (learnt, ignored) = (plans, UInt32(events.count - plans.count))
    let digest = Array(SHA256.hash(Array(request.provider.utf8) + [0] + request.body).prefix(16))
    return try await threads.run {
      let wishes = learnt.compactMap(\.wish)
      let waiting = Array(Set(try suppressions.waiting(for: wishes)))
      let touched =
        suppressions.buckets(wishes, waiting) + learnt.map(\.message.key.bucket) + [digest[0]]
      let now = clock.now.microseconds
      let answer = try database.commitBlocking(touched, weight: 8) { session in
        let place: [SQLValue] = [.integer(digest[0]), .blob(digest)]
        let before = try session.first(ReferenceStatements.callback, place) { row in
          NotifierV1.TakeReportResponse(
            outcomes: UInt32(try row.integer(0)), ignored: UInt32(try row.integer(1)))
        }
        if let before { return before }
        var new: UInt32 = 0
        for (message, event, _) in learnt {
          let outcome = ReportDesk.outcome(event, message)
          if try messageLog.learn(outcome, of: message.key, now, session) { new += 1 }
        }
        _ = try suppressions.apply(wishes, waiting, now, session)
        try session.execute(
          ReferenceStatements.addCallback,
          place + [.text(request.provider), .integer(now), .integer(new), .integer(ignored)])
        return NotifierV1.TakeReportResponse(outcomes: new, ignored: ignored)
      }
      messageLog.outcomes.wake(touched)
      return answer
    }
  }

  private static func outcome(_ event: Event, _ message: MessageRow) -> CommonV1.Outcome {
    let reason: CommonV1.ReasonCode =
      event.kind == .bounced
      ? (event.isPermanent ? .badDestination : .providerRefused) : .unspecified
    return message.due.outcome(event.kind, reason, at: event.at, discriminator: "\(event.at)")
  }

  /// The suppression that an event asks for.
  private func wish(
    _ event: Event, _ message: MessageRow
  ) async throws -> SuppressionDesk.Wish? {
    let cause: NotifierV1.SuppressionCause
    switch event.kind {
    case .bounced where event.isPermanent: cause = .bounce
    case .complained: cause = .complaint
    case .optedOut: cause = .optOut
    default: return nil
    }
    guard message.order.channel.reachesContacts, !message.recipient.isEmpty else { return nil }
    let store = try await stores.store(message.order.store)
    return suppressions.wish(
      store, message.order.channel, message.recipient, cause: cause, isOfController: true,
      since: event.at, evidence: "callback: \(event.kind) \(event.text)",
      message: message.key.text, proof: cause == .optOut ? "reply" : nil)
  }

  // MARK: - Reading

  private static let refusal = RPCError(
    .unauthenticated, "the callback is not signed by its provider, or too old")

  private func check(_ request: NotifierV1.TakeReportRequest) throws(RPCError) {
    func header(_ name: String) -> String? {
      let found = request.headers.filter { $0.name.lowercased() == name }
      return found.count == 1 ? found[0].value : nil
    }
    guard let secret = secrets[request.provider], let stamp = header("homing-timestamp"),
      let signature = header("homing-signature"), signature.hasPrefix("v1="),
      let seconds = Int64(stamp), stamp.utf8.count <= 12
    else { throw ReportDesk.refusal }
    let age = clock.now - Instant(seconds: seconds)
    guard age <= ReportDesk.ageMax, age >= .zero - ReportDesk.ageMax else {
      throw ReportDesk.refusal
    }
    let expected = HMAC.sha256(
      Array(secret.reveal().utf8), Array(stamp.utf8) + [UInt8(ascii: ".")] + request.body)
    guard HMAC.isSame(HMAC.hexadecimal(expected), String(signature.dropFirst(3)).lowercased())
    else { throw ReportDesk.refusal }
  }

  /// Nil for each event that is about nothing of ours, or of a kind that is not known.
  private static func events(_ body: [UInt8], now: Int64) throws(RPCError) -> [Event?] {
    guard let json = try? JSON(body), let list = json["events"]?.list, list.count <= eventsMax
    else {
      throw RPCError(
        .invalidArgument, "body is no list of events",
        fieldViolations: [
          .init(field: "body", detail: "an object with at most \(eventsMax) events is expected")
        ])
    }
    return list.map { item in
      let kinds: [String: CommonV1.OutcomeKind] = [
        "delivered": .delivered, "bounced": .bounced, "complained": .complained,
        "replied": .replied, "opted_out": .optedOut,
      ]
      guard let id = item["message"]?.text.flatMap(UUIDText.bytes),
        var kind = item["kind"]?.text.flatMap({ kinds[$0] })
      else { return nil }
      let text = String((item["text"]?.text ?? "").prefix(256))
      let word = text.lowercased().filter { $0.isLetter }
      if kind == .replied && stopWords.contains(word) { kind = .optedOut }
      let seconds = item["at"]?.number.map { min(max($0, 0), 253_402_300_799) }
      let at = seconds.map { Int64($0 * 1_000_000) } ?? now
      return Event(
        id: id, kind: kind, at: min(at, now), isPermanent: item["permanent"]?.flag ?? false,
        text: text)
    }
  }
}

/// HMAC-SHA-256 (RFC 2104).
enum HMAC {
  static func sha256(_ key: [UInt8], _ message: [UInt8]) -> [UInt8] {
    let key = key.count > 64 ? SHA256.hash(key) : key
    let padded = key + [UInt8](repeating: 0, count: 64 - key.count)
    return SHA256.hash(
      padded.map { $0 ^ 0x5C } + SHA256.hash(padded.map { $0 ^ 0x36 } + message))
  }

  static func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// In a time that tells nothing of where they differ.
  static func isSame(_ a: String, _ b: String) -> Bool {
    let (a, b) = (Array(a.utf8), Array(b.utf8))
    return a.count == b.count && zip(a, b).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
