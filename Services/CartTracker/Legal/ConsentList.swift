internal import Delivery
internal import Messages

/// A contact's consents, and what they allow.
struct ConsentList {
  let rules: StoreRules
  let now: Int64

  /// Judged where nothing is asked for.
  static let standardUses: [Tracked.Use] = [.email, .sms, .chat, .push, .letter].map {
    Tracked.Use.of($0, "")
  }

  /// Of the contact that the group was loaded for.
  func answer(_ group: PersonGroup, uses: [Tracked.Use]) -> Tracked.ListConsentsResponse {
    let law = BasisRule(packs: .shipped, rules: rules, now: now)
    let profile = group.members[0].person.profile?.profile
    let person = BasisRule.Person(group)
    return Tracked.ListConsentsResponse(
      consents: profile?.consents ?? [],
      bases: (uses.isEmpty ? Self.standardUses : uses).map { law.basis($0, person) })
  }
}

/// Each consent that was ever reported of a contact, with where it came from (X07).
enum ConsentProofs {
  /// - Parameter events: of the contact, as stored; those of another person are left out.
  static func proofs(
    of contact: String, _ events: [Tracked.StoredEvent]
  ) -> [Tracked.ConsentProof] {
    events.flatMap { stored -> [Tracked.ConsentProof] in
      guard let event = stored.event, event.contact == contact, stored.standing != .conflict,
        case .contactUpserted(let upsert) = event.kind
      else { return [] }
      return (upsert.profile?.consents ?? []).map { consent in
        Tracked.ConsentProof(
          contact: contact, consent: consent, event: event.id, receivedAt: stored.receivedAt,
          position: stored.position, identity: stored.identity, source: stored.source)
      }
    }
  }
}
