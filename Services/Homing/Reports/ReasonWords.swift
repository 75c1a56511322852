internal import Messages

/// Reasons in words for people who read reports (R08).
enum ReasonWords {
  static func of(_ reason: CommonV1.ReasonCode) -> String {
    words[reason] ?? MessageTexts.reason.name(reason).replacing("_", with: " ")
  }

  private static let words: [CommonV1.ReasonCode: String] = [
    .purchased: "bought already", .episodeWithdrawn: "the silence was taken back",
    .cartActive: "the cart was in use again", .cartEmptied: "the cart was emptied",
    .cartExpired: "the cart had expired", .detectionOff: "the store's detection was off",
    .tooOld: "known too late", .stale: "the step's own time had passed",
    .feedStale: "the shop's feed was behind", .reEntry: "enrolled not long ago",
    .merged: "goes on in another enrolment", .coveredBy: "told in another cart's message",
    .holdout: "in the control group", .noConsent: "no consent", .suppressed: "opted out",
    .objection: "objected", .frequencyCap: "had enough messages", .quietHours: "quiet hours",
    .sendWindow: "outside the send window", .ceiling: "the ceiling was reached",
    .paused: "paused", .mode: "the mode sends nothing",
    .notATestAddress: "no test address", .noDestination: "no address for the channel",
    .badDestination: "the address cannot be reached", .missingValue: "a value was missing",
    .outOfStock: "out of stock", .quoteExpired: "the quote had expired",
    .budget: "the budget was used up", .margin: "the margin was too small",
    .incentiveLimit: "had an incentive already", .noMatch: "no branch fitted",
    .flowEnded: "came to the flow's end", .flowNotActive: "the flow was not active",
    .endedByStaff: "ended by staff", .erased: "erased",
    .notReadable: "permission could not be read",
    .providerRefused: "the provider refused it",
    .providerUnreachable: "the provider was not reached",
    .tlsRequired: "the other side had no TLS", .channelOff: "the channel was off",
    .glyphMissing: "a letter could not be printed",
    .conditionNotMet: "the flow's condition was not met",
    .notOpen: "the shop says that it is not open any more",
    .incentiveEnded: "the incentive was closed or over", .noCodeLeft: "no code was left",
    .restored: "before a restored backup",
  ]
}
