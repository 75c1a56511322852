internal import Delivery
internal import Messages

/// Whether the law of a person's country allows to write to it (F16): pure, over what was read of
/// the person. What no rule allows is not allowed.
struct BasisRule {
  let packs: RulePacks
  let rules: StoreRules
  let now: Int64

  /// What a person's identities say together, for any number of uses.
  struct Person {
    let own: [Tracked.Consent]
    /// Of the other identities.
    let linked: [Tracked.Consent]
    let hasBought: Bool
    let country: String?

    /// The one that a group was loaded for.
    init(_ group: PersonGroup) {
      func profile(_ member: Int) -> Tracked.ContactProfile? {
        group.members[member].person.profile?.profile
      }
      let contact = group.contact(of: 0)
      let linked = group.linked(to: 0)
      own = contact.flatMap(profile)?.consents ?? []
      self.linked = linked.filter { $0 != contact }.flatMap { profile($0)?.consents ?? [] }
      hasBought = linked.contains { group.members[$0].person.orders > 0 }
      country = RecipientPlace.country(of: contact.flatMap(profile))
    }
  }

  func basis(_ use: Tracked.Use, _ person: Person) -> Tracked.LegalBasis {
    let use = Tracked.Use.of(use.channel, use.purpose)
    return basis(use, packs.pack(for: person.country), evidence(use, person))
  }

  /// - Parameter use: with its purpose.
  func evidence(_ use: Tracked.Use, _ person: Person) -> ConsentEvidence {
    ConsentEvidence(
      of: person.own, linked: person.linked, channel: use.channel, purpose: use.purpose,
      controller: rules.controller, hasBought: person.hasBought, now: now)
  }

  func basis(
    _ use: Tracked.Use, _ pack: RulePack, _ evidence: ConsentEvidence
  ) -> Tracked.LegalBasis {
    let grounds = pack.grounds(use.channel, use.purpose)
    var basis = Tracked.LegalBasis(
      use: use, country: pack.country, packVersion: pack.version,
      asksFor: grounds.isEmpty ? "not allowed" : grounds.map(\.rawValue).joined(separator: " or "))
    if let ground = grounds.first(where: { $0.isGiven(by: evidence) }) {
      basis.allowed = true
      basis.restsOn = ground.rawValue
      basis.consent = ground.proof(in: evidence)
      return basis
    }
    basis.consent = evidence.express ?? evidence.notice ?? evidence.withdrawal
    let isByPost = use.channel.legalKind == .letter
    basis.reason = isByPost && evidence.isWithdrawn ? .objection : .noConsent
    return basis
  }
}
