internal import Messages

/// What is to be known of a group before a fold, to tell what the fold changed.
struct ChangeBasis {
  struct Member {
    let tags: [Tracked.StoredTag]
    let profile: Tracked.ContactProfile?
    let purchases: [Tracked.StoredPurchase]
  }

  let members: [Member]
  /// The members that are one person with each, itself among them; empty where there is but one.
  let persons: [Set<Int>]
  /// The contact that each belongs to.
  let contacts: [Int?]

  /// - Parameter group: as it is stored, before any new row was looked at.
  init(_ group: PersonGroup) {
    members = group.members.map { member in
      Member(
        tags: member.person.tags, profile: member.person.profile?.profile,
        purchases: member.person.purchases)
    }
    persons = ChangeBasis.persons(group)
    contacts = group.members.indices.map { group.contact(of: $0) }
  }

  static func persons(_ group: PersonGroup) -> [Set<Int>] {
    if group.members.count == 1 { return [] }
    return group.members.indices.map { Set(group.linked(to: $0)) }
  }
}
