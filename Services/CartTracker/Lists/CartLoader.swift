internal import Delivery
internal import Messages
internal import Storage

/// Turns keys of a list into rows: their bodies are in the persons' states, or in the archive.
///
/// Decodes each person once, as long as it lives.
struct CartLoader {
  let store: String
  let shape: CartShape
  /// The store's; nil leaves out when a cart will be abandoned.
  let rules: StoreRules?
  private var persons: [[UInt8]: Tracked.StoredPerson] = [:]

  init(store: String, shape: CartShape, rules: StoreRules?) {
    self.store = store
    self.shape = shape
    self.rules = rules
  }

  /// What the table shows of a cart.
  private struct Shown {
    let contact: String
    let contactName: String
    let companyName: String
    let email: String
    let phone: String
    let version: UInt64
    let archived: [UInt8]?
  }

  /// The row; nil where it is gone or changed after `version`.
  ///
  /// - Throws: `StorageError.corrupt` where the list has a cart that is nowhere else.
  mutating func row(
    _ key: CartKey, version: UInt64, in session: any StorageSession
  ) throws -> Tracked.CartRow? {
    guard let shown = try shown(key, in: session), shown.version <= version else { return nil }
    let person = try person(key, in: session)
    var cart = person?.carts.first { $0.id == key.cart }
    if cart == nil, let archived = shown.archived {
      cart = try Stored.decode(Tracked.StoredCart.self, archived, "cart")
    }
    guard let cart else {
      throw StorageError(.corrupt, "a row of cart in bucket \(key.bucket) has no body")
    }
    let full = CartMessage.cart(
      cart, person: person ?? Tracked.StoredPerson(store: store), contact: shown.contact,
      rules: rules)
    return shape.row(
      Tracked.CartRow(
        cart: full, contactName: shown.contactName, email: shown.email, phone: shown.phone,
        companyName: shown.companyName))
  }

  private func shown(_ key: CartKey, in session: any StorageSession) throws -> Shown? {
    try session.first(CartStatements.shownCart, key.values) { row in
      Shown(
        contact: try row.text(0), contactName: try row.text(1), companyName: try row.text(2),
        email: try row.text(3), phone: try row.text(4),
        version: UInt64(bitPattern: try row.integer(5)), archived: try row.optionalBlob(6))
    }
  }

  private mutating func person(
    _ key: CartKey, in session: any StorageSession
  ) throws -> Tracked.StoredPerson? {
    if let person = persons[key.person] { return person }
    let values: [SQLValue] = [.integer(key.bucket), .blob(key.person)]
    let state = try session.first(CartStatements.listedPerson, values) { try $0.blob(0) }
    guard let state else { return nil }
    let person = try Stored.decode(Tracked.StoredPerson.self, state, "person")
    persons[key.person] = person
    return person
  }
}

extension Tracked.CartRow {
  /// About as many bytes as it takes on the wire.
  var bytesEstimate: Int {
    var bytes = 256 + contactName.utf8.count + email.utf8.count + companyName.utf8.count
    for line in cart?.lines ?? [] {
      bytes += 96 + line.id.utf8.count + line.sku.utf8.count + line.name.utf8.count
      bytes += line.imageURL.utf8.count + line.productURL.utf8.count
      bytes += line.configuration.utf8.count
    }
    for reason in cart?.reasons ?? [] {
      bytes += 8 + reason.events.reduce(0) { $0 + 2 + $1.utf8.count }
    }
    bytes += (cart?.header?.url.utf8.count ?? 0)
    return bytes
  }
}
