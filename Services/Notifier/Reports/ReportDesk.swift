internal import Messages
internal import ServiceKit
internal import Storage
internal import Wire

/// Takes the callbacks of providers (`TakeReport`): deliveries, bounces, complaints, replies.
///
/// One shape for all: the headers `Homing-Timestamp` (seconds since 1970) and `Homing-Signature`
/// (`v1=` and the HMAC-SHA-256 of timestamp, `.` and body in hexadecimal digits, under the
/// provider's `hook-secret-file`), and as body
/// `{"events": [{"message": UUID, "kind": KIND, "at": SECONDS, "permanent": FLAG, "code": CODE,
/// "text": TEXT}]}` with a kind of `delivered`, `bounced`, `complained`, `replied`, `opted_out`. An
/// enhanced status code (RFC 3463) says more than `permanent`, and comes before it. What suppresses
/// is `FindingDesk`'s rule; a reply that says STOP is an opt-out (M18).
///
/// A text that names no message of ours has the kind `received`: `{"kind": "received", "id": ID,
/// "from": NUMBER, "to": NUMBER, "text": TEXT, "at": SECONDS}`; it is `ReplyDesk`'s.
struct ReportDesk: Sendable {
  /// How far a callback's time may lie from ours; older ones are refused, and forgotten.
  static let ageMax = Duration.seconds(300)
  static let eventsMax = 1000

  let database: NotifierDatabase
  let messageLog: MessageLog
  let findings: FindingDesk
  let replies: ReplyDesk
  let clock: any WallClock
  let threads: ThreadPool
  /// Keys of callbacks by the provider's name.
  let secrets: [String: Secret<String>]

  private enum Event: Sendable {
    case known(Report)
    case text(ReplyDesk.Text)
  }

  private struct Report: Sendable {
    let id: [UInt8]
    let kind: CommonV1.OutcomeKind
    let at: Int64
    let fault: StatusCode.Fault?
    let text: String
  }

  func take(
    _ request: NotifierV1.TakeReportRequest
  ) async throws -> NotifierV1.TakeReportResponse {
    try check(request)
    let events = try ReportDesk.events(request, now: clock.now.microseconds)
    var outcomes: UInt32 = 0
    var taken = 0
    var reports: [Report] = []
    for event in events {
      switch event {
      case .known(let report): reports.append(report)
      case .text(let text):
        let answer = try await replies.take(text)
        outcomes += answer.outcomes
        taken += answer.messages.isEmpty ? 0 : 1
      case nil: break
      }
    }
    let found = try await find(reports)
    let ignored = UInt32(events.count - taken - found.count)
    return try await keep(request, found, before: outcomes, ignored: ignored)
  }

  /// Those about messages of ours that have ended.
  private func find(_ reports: [Report]) async throws -> [FindingDesk.Finding] {
    try await threads.run {
      try database.read { session in
        try reports.compactMap { report in
          guard let message = try MessageRow.find(report.id, session), message.endedAt != nil
          else { return nil }
          return FindingDesk.Finding(
            message: message, kind: report.kind, at: report.at, fault: report.fault,
            evidence: "callback: \(report.kind) \(report.text)",
            discriminator: "\(report.at)")
        }
      }
    }
  }

  private func keep(
    _ request: NotifierV1.TakeReportRequest, _ found: [FindingDesk.Finding], before: UInt32,
    ignored: UInt32
  ) async throws -> NotifierV1.TakeReportResponse {
    let plan = try await findings.plan(found, threads)
    let digest = Array(SHA256.hash(Array(request.provider.utf8) + [0] + request.body).prefix(16))
    return try await threads.run {
      let touched = plan.buckets + [digest[0]]
      let now = clock.now.microseconds
      let answer = try database.commitBlocking(touched, weight: 8) { session in
        let place: [SQLValue] = [.integer(digest[0]), .blob(digest)]
        let known = try session.first(ReferenceStatements.callback, place) { row in
          NotifierV1.TakeReportResponse(
            outcomes: UInt32(try row.integer(0)), ignored: UInt32(try row.integer(1)))
        }
        if let known { return known }
        let new = before + (try findings.apply(plan, now, session)).outcomes
        try session.execute(
          ReferenceStatements.addCallback,
          place + [.text(request.provider), .integer(now), .integer(new), .integer(ignored)])
        return NotifierV1.TakeReportResponse(outcomes: new, ignored: ignored)
      }
      messageLog.outcomes.wake(touched)
      return answer
    }
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
  private static func events(
    _ request: NotifierV1.TakeReportRequest, now: Int64
  ) throws(RPCError) -> [Event?] {
    guard let json = try? JSON(request.body), let list = json["events"]?.list,
      list.count <= eventsMax
    else {
      throw RPCError(
        .invalidArgument, "body is no list of events",
        fieldViolations: [
          .init(field: "body", detail: "an object with at most \(eventsMax) events is expected")
        ])
    }
    return list.map { item in
      let seconds = item["at"]?.number.map { min(max($0, 0), 253_402_300_799) }
      let at = min(seconds.map { Int64($0 * 1_000_000) } ?? now, now)
      return item["kind"]?.text == "received"
        ? text(item, request.provider, at) : report(item, at)
    }
  }

  private static func report(_ item: JSON, _ at: Int64) -> Event? {
    let kinds: [String: CommonV1.OutcomeKind] = [
      "delivered": .delivered, "bounced": .bounced, "complained": .complained,
      "replied": .replied, "opted_out": .optedOut,
    ]
    guard let id = item["message"]?.text.flatMap(UUIDText.bytes),
      var kind = item["kind"]?.text.flatMap({ kinds[$0] })
    else { return nil }
    let text = item["text"]?.text ?? ""
    if kind == .replied && StopWords.meaning(text) == .stop { kind = .optedOut }
    var fault: StatusCode.Fault?
    if kind == .bounced {
      let isPermanent = item["permanent"]?.flag ?? false
      let code = item["code"]?.text.flatMap { StatusCode(in: $0) }
      fault = code?.fault ?? (isPermanent ? .address : .temporary)
    }
    return .known(
      Report(id: id, kind: kind, at: at, fault: fault, text: Inbound.quoted(text)))
  }

  private static func text(_ item: JSON, _ provider: String, _ at: Int64) -> Event? {
    guard let id = item["id"]?.text, (1...256).contains(id.utf8.count),
      let sender = item["from"]?.text, (1...512).contains(sender.utf8.count)
    else { return nil }
    return .text(
      ReplyDesk.Text(
        provider: provider, sender: sender, text: item["text"]?.text ?? "", id: id, at: at))
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
