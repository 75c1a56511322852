internal import Delivery
internal import Messages

/// Whether the law of a person's country allows to write to it (F16): pure, over what was read of
/// the person. What no rule allows is not allowed.
struct BasisRule {
  /// Where no purpose is named.
  static let standardPurpose = "recovery"

  let packs: RulePacks
  let rules: StoreRules
  let now: Int64

  /// Of the person that a group was loaded for.
  func basis(_ use: Tracked.Use, _ group: PersonGroup) -> Tracked.LegalBasis {
    let use = BasisRule.named(use)
    let pack = packs.pack(for: RecipientPlace.country(of: BasisRule.profile(group)))
    return basis(use, pack, evidence(use, group))
  }

  func evidence(_ use: Tracked.Use, _ group: PersonGroup) -> ConsentEvidence {
    let use = BasisRule.named(use)
    let linked = group.linked(to: 0)
    return ConsentEvidence(
      of: BasisRule.profile(group)?.consents ?? [],
      linked: linked.flatMap { group.members[$0].person.profile?.profile?.consents ?? [] },
      channel: use.channel, purpose: use.purpose, controller: rules.controller,
      hasBought: linked.contains { group.members[$0].person.orders > 0 }, now: now)
  }

  private static func named(_ use: Tracked.Use) -> Tracked.Use {
    Tracked.Use(
      channel: use.channel, purpose: use.purpose.isEmpty ? standardPurpose : use.purpose)
  }

  private static func profile(_ group: PersonGroup) -> Tracked.ContactProfile? {
    group.contact(of: 0).flatMap { group.members[$0].person.profile?.profile }
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
