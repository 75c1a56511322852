package import Messages

extension CommonV1.ErasePerson {
  package var hasAddresses: Bool { !destinations.isEmpty || !addresses.isEmpty }

  /// As it may be kept: where somebody could be written to stands in no service afterwards (P10).
  package var withoutAddresses: CommonV1.ErasePerson {
    var order = self
    order.destinations = []
    order.addresses = []
    return order
  }

  /// Of the rows about the identity.
  package var owner: OwnerKey {
    contact.isEmpty
      ? .guest(store: store, guest: guest) : .contact(store: store, contact: contact)
  }
}

extension CommonV1.Erasure {
  /// One entry for each kind, in the order met.
  package static func sum(_ parts: [Redacted]) -> [Redacted] {
    var sums: [Redacted] = []
    for part in parts where part.rows > 0 {
      if let index = sums.firstIndex(where: { $0.what == part.what }) {
        sums[index].rows += part.rows
      } else {
        sums.append(part)
      }
    }
    return sums
  }
}
