internal import Messages

/// The fields of a contact's profile by the names that flows use.
enum ProfileFields {
  /// Names of the fields, then of the attributes, that have another value: an attribute has its own
  /// name.
  static func changed(
    from old: Tracked.ContactProfile, to new: Tracked.ContactProfile
  ) -> [String] {
    var names: [String] = []
    func compare<Value: Equatable>(
      _ name: String, _ path: KeyPath<Tracked.ContactProfile, Value>
    ) {
      if old[keyPath: path] != new[keyPath: path] { names.append(name) }
    }
    compare("given_name", \.givenName)
    compare("family_name", \.familyName)
    compare("title", \.title)
    compare("salutation", \.salutation)
    compare("company", \.company)
    compare("company_name", \.companyName)
    compare("locale", \.locale)
    compare("time_zone", \.timeZone)
    compare("destinations", \.destinations)
    compare("address", \.address)
    compare("consents", \.consents)
    if old.attributes != new.attributes {
      let before = Dictionary(old.attributes.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
      let after = Dictionary(new.attributes.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
      names += Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }.sorted()
    }
    return Array(names.prefix(128))
  }
}
