internal import Messages

/// Contacts as the contract has them.
enum ContactMessage {
  /// - Parameter linked: the other identities that are the same person.
  static func contact(
    _ person: Tracked.StoredPerson, linked: [Tracked.StoredPerson] = []
  ) -> Tracked.Contact {
    var message = Tracked.Contact()
    message.store = person.store
    message.id = person.contact
    message.profile = person.profile?.profile
    message.tags = inOrder(person.tags.filter(\.present).map(\.name))
    message.linked = inOrder(linked.map { $0.contact.isEmpty ? $0.guest : $0.contact })
    message.knownSince = Protobuf.Timestamp(microseconds: person.knownSince)
    message.changedAt = Protobuf.Timestamp(microseconds: person.changedAt)
    message.erasedAt = Protobuf.Timestamp(microseconds: person.erasedAt)
    message.history = history([person] + linked)
    return message
  }

  /// The contact that a group was loaded for, with those that are one with it.
  static func contact(_ group: PersonGroup) -> Tracked.Contact {
    let others = group.linked(to: 0).dropFirst().map { group.members[$0].person }
    return contact(group.members[0].person, linked: Array(others))
  }

  /// What they bought together, less what was reversed (C10); nil where that is nothing.
  static func history(_ persons: [Tracked.StoredPerson]) -> Tracked.PurchaseHistory? {
    let first = persons.lazy.map(\.firstOrderAt).filter { $0 != 0 }.min() ?? 0
    let last = persons.lazy.map(\.lastOrderAt).max() ?? 0
    if first == 0 && last == 0 { return nil }
    return Tracked.PurchaseHistory(
      orders: persons.reduce(0) { $0 &+ $1.orders },
      firstAt: Protobuf.Timestamp(microseconds: first),
      lastAt: Protobuf.Timestamp(microseconds: last),
      totals: CartTotals.sum(persons.flatMap(\.orderTotals)))
  }

  private static func inOrder(_ texts: [String]) -> [String] {
    texts.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}
