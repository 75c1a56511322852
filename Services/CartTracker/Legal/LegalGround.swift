internal import Messages

/// What a rule pack may ask for before somebody is written to (F16); the raw values are the packs'
/// words.
enum LegalGround: String, CaseIterable {
  case noObjection = "no-objection"
  case consent
  case doubleOptIn = "double-opt-in"
  case customerNotice = "customer-notice"
  case customerNoticeAndPurchase = "customer-notice+purchase"

  /// Whether there is what it asks for.
  func isGiven(by evidence: ConsentEvidence) -> Bool {
    switch self {
    case .noObjection: !evidence.isWithdrawn || evidence.express != nil
    case .consent: evidence.express != nil
    case .doubleOptIn: evidence.confirmed != nil
    case .customerNotice: evidence.notice != nil
    case .customerNoticeAndPurchase: evidence.notice != nil && evidence.hasBought
    }
  }

  /// The consent that it rests on.
  func proof(in evidence: ConsentEvidence) -> Tracked.Consent? {
    switch self {
    case .noObjection, .consent: evidence.express
    case .doubleOptIn: evidence.confirmed
    case .customerNotice, .customerNoticeAndPurchase: evidence.notice
    }
  }
}
