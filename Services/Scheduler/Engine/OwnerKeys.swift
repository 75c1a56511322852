internal import Delivery

/// The keys under which rows about a person stand.
enum OwnerKeys {
  static func owner(of enrolment: Enrolment) -> OwnerKey {
    OwnerKey.contact(store: enrolment.store, contact: enrolment.contact)
  }

  /// The contact; where none is known, the guest.
  static func owner(store: String, contact: String, guest: String) -> OwnerKey {
    contact.isEmpty
      ? OwnerKey.guest(store: store, guest: guest)
      : OwnerKey.contact(store: store, contact: contact)
  }
}
