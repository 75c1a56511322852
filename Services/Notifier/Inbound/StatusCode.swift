/// An enhanced mail system status code (RFC 3463), such as 5.1.1.
struct StatusCode: Hashable, Sendable {
  let kind: Int
  let subject: Int
  let detail: Int

  /// What a failed mail says of its address.
  enum Fault: Hashable, Sendable {
    /// Nobody will ever be reached there.
    case address
    /// Somebody may be reached another time.
    case temporary
    /// The mail was not wanted, or is ours to mend; of the address it says nothing.
    case policy
  }

  init(_ kind: Int, _ subject: Int, _ detail: Int) {
    self.kind = kind
    self.subject = subject
    self.detail = detail
  }

  /// The first one in a text; what is longer than three digits is none.
  init?(in text: some StringProtocol) {
    let isBetween: (Character) -> Bool = { !$0.isASCII || " \t(;,#-<>=".contains($0) }
    for word in text.prefix(1024).split(whereSeparator: isBetween) {
      let parts = word.split(separator: ".", omittingEmptySubsequences: false)
      guard parts.count == 3, let first = parts[0].utf8.first, parts[0].utf8.count == 1,
        [0x32, 0x34, 0x35].contains(first),
        let subject = StatusCode.number(parts[1]), let detail = StatusCode.number(parts[2])
      else { continue }
      self.init(Int(first) - 0x30, subject, detail)
      return
    }
    return nil
  }

  private static func number(_ text: some StringProtocol) -> Int? {
    (1...3).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
      ? Int(text) : nil
  }

  /// Whether it says no more than its first digit.
  var isBare: Bool { subject == 0 && detail == 0 }

  /// By the registry of enhanced status codes (RFC 3463, RFC 5248); what is not listed counts as
  /// temporary, which suppresses only when it happens again and again.
  var fault: Fault {
    guard kind == 5 else { return .temporary }
    switch (subject, detail) {
    // Bad mailbox, bad system, bad syntax, ambiguous, moved without a new address, null MX.
    case (1, 0), (1, 1), (1, 2), (1, 3), (1, 4), (1, 6), (1, 10): return .address
    // Mailbox disabled for good.
    case (2, 1): return .address
    // Valid after all; the sender's address; a relay that is not fit.
    case (1, 5), (1, 7), (1, 8), (1, 9): return .policy
    // Too long for the mailbox or the system.
    case (2, 3), (3, 4): return .policy
    // Protocol, content, security and policy: the mail or its sender, not its address.
    case (5, _), (6, _), (7, _): return .policy
    // Full mailboxes, systems that do not answer, routes, expired queues.
    default: return .temporary
    }
  }
}

/// When bounces that may pass suppress an address.
enum BounceRule {
  /// Mails that came back within the span.
  static let countMax = 5
  /// In microseconds: 30 days.
  static let span: Int64 = 30 * 86_400 * 1_000_000
  /// How long nothing is sent then, in microseconds: 90 days.
  static let rest: Int64 = 90 * 86_400 * 1_000_000
}
