package import Messages

extension CommonV1.Channel {
  /// Reaches a person, so that the law of the person's country is asked (F16); not staff, nor a
  /// webhook.
  package var needsBasis: Bool {
    switch self {
    case .email, .sms, .chat, .push, .letter, .postcard: true
    default: false
    }
  }

  /// Letters and postcards are one kind to the law, and to whoever objects to them.
  package var legalKind: CommonV1.Channel { self == .postcard ? .letter : self }
}

extension CommonV1.SendOrder {
  /// What cart-tracker is asked about right before the hand-off (X03).
  package var stopSubject: CartTrackerV1.StopSubject {
    CartTrackerV1.StopSubject(
      contact: contact, anchor: anchor, cart: cart, episode: episode,
      use: channel.needsBasis ? CartTrackerV1.Use(channel: channel, purpose: purpose) : nil)
  }
}
