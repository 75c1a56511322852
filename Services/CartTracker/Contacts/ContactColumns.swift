internal import Delivery
internal import Messages
internal import Storage

/// The row of the table `contact`: where a contact is found.
struct ContactColumns {
  let key: PersonKey
  let person: Tracked.StoredPerson

  /// Writes the row, whether there was one or not.
  func upsert(in session: any StorageSession) throws {
    try session.execute(CartStatements.upsertContact, values)
  }

  /// In the order of `CartStatements.upsertContact`.
  var values: [SQLValue] {
    [
      .integer(key.bucket), .blob(key.bytes), .text(person.store), .text(person.contact),
      .text(search),
    ]
  }

  /// Names, company and addresses, and the id.
  private var search: String {
    let profile = person.profile?.profile
    let names = CustomerNames(profile)
    return SearchText.joined(
      [person.contact, names.person, names.company, profile?.company ?? ""]
        + (profile?.contactDetails ?? []))
  }
}
