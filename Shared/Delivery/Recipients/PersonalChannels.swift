package import Messages

extension CommonV1.Channel {
  /// Those that reach a person, so that the law of the person's country is asked (F16); not staff,
  /// nor a webhook.
  package static let personal: [CommonV1.Channel] = [
    .email, .sms, .chat, .push, .letter, .postcard,
  ]

  package var needsBasis: Bool { CommonV1.Channel.personal.contains(self) }

  /// Those whose messages can tell of openings and clicks (M19).
  package var canBeTracked: Bool { self == .email || self == .sms || self == .chat }

  /// Letters and postcards are one kind to the law, and to whoever objects to them.
  package var legalKind: CommonV1.Channel { self == .postcard ? .letter : self }
}

extension CartTrackerV1.Use {
  /// Where no purpose is named, it is `recovery`.
  package static func of(_ channel: CommonV1.Channel, _ purpose: String) -> CartTrackerV1.Use {
    CartTrackerV1.Use(channel: channel, purpose: purpose.isEmpty ? "recovery" : purpose)
  }

  /// Noticing openings and clicks, a purpose of its own (F16, M19).
  package static func tracking(_ channel: CommonV1.Channel) -> CartTrackerV1.Use {
    .of(channel, "tracking")
  }
}

extension CartTrackerV1.Facts {
  /// Whether openings and clicks of a message may be noticed; not where nobody says that they may.
  package func allowsTracking(_ channel: CommonV1.Channel) -> Bool {
    bases.contains { $0.use == .tracking(channel) && $0.allowed }
  }
}

extension CommonV1.SendOrder {
  /// What cart-tracker is asked about right before the hand-off (X03).
  package var stopSubject: CartTrackerV1.StopSubject {
    CartTrackerV1.StopSubject(
      contact: contact, anchor: anchor, cart: cart, episode: episode,
      use: channel.needsBasis ? .of(channel, purpose) : nil,
      uses: channel.canBeTracked ? [.tracking(channel)] : [])
  }
}
