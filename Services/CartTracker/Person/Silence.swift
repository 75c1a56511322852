internal import Messages

/// When and by which rule a silence becomes an abandonment: pure, exact (C05–C08, C14).
struct Abandonment: Equatable {
  let at: Int64
  let trigger: Tracked.Trigger
  /// Nil for a deadline.
  let window: Tracked.Window?
}

extension Tracked.StoredCart {
  /// What the present silence leads to if nothing follows; nil for a cart that is closed, empty, or
  /// abandoned already.
  ///
  /// A deadline ahead takes the window's place: until then the cart is not given up. Leaving the
  /// checkout outweighs both. An event at exactly that instant comes after it.
  func abandonment(_ rules: StoreRules) -> Abandonment? {
    guard state == .open, !lines.isEmpty else { return nil }
    if checkoutLeft && paymentPendingUntil <= (active?.at ?? 0) {
      let grace = Tracked.Window(
        length: .span(Protobuf.Duration(.microseconds(rules.checkoutGrace))))
      return Abandonment(
        at: quietFrom.addingClamped(rules.checkoutGrace), trigger: .checkoutLeft, window: grace)
    }
    if deadline > quietFrom { return Abandonment(at: deadline, trigger: .deadline, window: nil) }
    let window = rules.window(for: kind)
    return Abandonment(
      at: rules.end(of: window, from: quietFrom), trigger: .inactivity, window: window)
  }

  /// When it is forgotten if nothing follows (C01).
  func expiry(_ rules: StoreRules) -> Int64? {
    isOpen ? quietFrom.addingClamped(rules.cartExpiry) : nil
  }

  /// The next instant at which time alone changes something; nil: never.
  func due(_ rules: StoreRules) -> Int64? {
    var due = expiry(rules)?.addingClamped(rules.lateness)
    func take(_ instant: Int64) { due = min(due ?? instant, instant) }
    if let since = rules.detectsSince {
      if let abandonment = abandonment(rules) {
        take(max(abandonment.at, since).addingClamped(rules.lateness))
      }
      for episode in episodes where episode.knownAt == 0 {
        take(episode.abandonedAt.addingClamped(rules.lateness))
      }
    }
    return due
  }

  /// The newest episode that was not withdrawn.
  var newestEpisode: Tracked.StoredEpisode? { episodes.last }

  /// What is true of the cart at its abandonment, as an episode of it.
  func episode(_ abandonment: Abandonment, enrols: Bool) -> Tracked.StoredEpisode {
    var episode = Tracked.StoredEpisode()
    episode.anchor = active
    episode.trigger = abandonment.trigger
    episode.state = .running
    episode.abandonedAt = abandonment.at
    episode.enrols = enrols
    episode.kind = kind
    episode.stage = stage
    episode.totals = CartTotals.totals(of: lines)
    episode.reasons = reasons
    episode.company = header?.company ?? ""
    episode.window = abandonment.window
    episode.cart = id
    return episode
  }
}
