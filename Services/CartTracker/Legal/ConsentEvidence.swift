internal import Delivery
internal import Messages

/// What a person's consents say about one channel and purpose at one instant (F16). Pure.
///
/// A consent stands unless something said no at the same instant or later; a no holds for the
/// purposes it names, or for all. Given or confirmed in the future counts as not given.
struct ConsentEvidence {
  /// Stands for every purpose where something is withdrawn; no consent is given so.
  static let everyPurpose = "*"

  /// The latest express consent that stands, and the latest of them that was confirmed.
  private(set) var express: Tracked.Consent?
  private(set) var confirmed: Tracked.Consent?
  /// The latest notice that stands.
  private(set) var notice: Tracked.Consent?
  /// The latest no; nil where nobody ever said it.
  private(set) var withdrawal: Tracked.Consent?
  let hasBought: Bool

  var isWithdrawn: Bool { withdrawal != nil }

  /// - Parameters:
  ///   - own: consents of the contact that is to be written to.
  ///   - linked: those of the other identities that are the same person: a no of theirs counts.
  ///   - controller: the store's; what names another one is no concern.
  init(
    of own: [Tracked.Consent], linked: [Tracked.Consent], channel: CommonV1.Channel,
    purpose: String, controller: String, hasBought: Bool, now: Int64
  ) {
    self.hasBought = hasBought
    func concerns(_ consent: Tracked.Consent) -> Bool {
      consent.channel.legalKind == channel.legalKind
        && (consent.controller.isEmpty || consent.controller == controller)
    }
    for consent in own + linked where concerns(consent) {
      guard let at = consent.withdrawnAt?.microseconds,
        consent.purpose == purpose || consent.purpose == Self.everyPurpose
      else { continue }
      if at >= withdrawal?.withdrawnAt?.microseconds ?? .min { withdrawal = consent }
    }
    let no = withdrawal?.withdrawnAt?.microseconds ?? .min
    for consent in own where concerns(consent) && consent.purpose == purpose {
      guard let given = consent.givenAt?.microseconds, given > no, given <= now else { continue }
      take(consent, now)
    }
  }

  private mutating func take(_ consent: Tracked.Consent, _ now: Int64) {
    if consent.kind == .customerNotice {
      if consent.isLater(than: notice) { notice = consent }
      return
    }
    if consent.isLater(than: express) { express = consent }
    guard let at = consent.confirmedAt?.microseconds, at <= now else { return }
    if consent.isLater(than: confirmed) { confirmed = consent }
  }
}

extension Tracked.Consent {
  /// Of equal ones the confirmed one is later.
  fileprivate func isLater(than other: Tracked.Consent?) -> Bool {
    guard let other else { return true }
    let (mine, theirs) = (givenAt?.microseconds ?? 0, other.givenAt?.microseconds ?? 0)
    return mine == theirs ? confirmedAt != nil || other.confirmedAt == nil : mine > theirs
  }
}
