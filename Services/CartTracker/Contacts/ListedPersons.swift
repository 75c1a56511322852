internal import Delivery
internal import Messages
internal import Storage

/// Reads what was folded of persons, for lists; what is not projected yet is not in it.
struct ListedPersons {
  let session: any StorageSession

  /// Identities that can be one person (P09).
  static let linkedMax = 32

  func person(_ key: PersonKey) throws -> Tracked.StoredPerson? {
    let values: [SQLValue] = [.integer(key.bucket), .blob(key.bytes)]
    return try session.first(CartStatements.listedPerson, values) { row in
      try Stored.decode(Tracked.StoredPerson.self, row.blob(0), "person")
    }
  }

  /// An identity with all that its links lead to, itself first; nil where it is not known.
  func group(_ identity: Identity) throws -> PersonGroup? {
    let key = identity.key
    guard let person = try person(key) else { return nil }
    var group = PersonGroup(members: [PersonGroup.Member(key: key, person: person)])
    var seen: Set<PersonKey> = [key]
    var next = 0
    while next < group.members.count {
      for link in group.members[next].person.links {
        let other =
          link.contact.isEmpty
          ? Identity(store: identity.store, kind: .guest, id: link.guest)
          : Identity(store: identity.store, kind: .contact, id: link.contact)
        let key = other.key
        guard group.members.count < ListedPersons.linkedMax, seen.insert(key).inserted else {
          continue
        }
        if let person = try self.person(key) {
          group.members.append(PersonGroup.Member(key: key, person: person))
        }
      }
      next += 1
    }
    return group
  }
}
