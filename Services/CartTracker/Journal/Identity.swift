internal import Delivery

/// What the tracker calls the owner key of an identity's rows.
typealias PersonKey = OwnerKey

/// Whose events they are: a contact of a store, or a guest of whom only a device or session is
/// known.
struct Identity: Hashable, Sendable {
  enum Kind: Sendable {
    case contact
    case guest
  }

  let store: String
  let kind: Kind
  let id: String
  let key: PersonKey

  init(store: String, kind: Kind, id: String) {
    let key =
      switch kind {
      case .contact: PersonKey.contact(store: store, contact: id)
      case .guest: PersonKey.guest(store: store, guest: id)
      }
    self.init(store: store, kind: kind, id: id, key: key)
  }

  /// - Parameter key: the one that belongs to it, where it is known already.
  init(store: String, kind: Kind, id: String, key: PersonKey) {
    self.store = store
    self.kind = kind
    self.id = id
    self.key = key
  }
}
