internal import Delivery
internal import Messages
internal import Storage

/// What was stored of persons, read in one snapshot or transaction.
struct PersonRows {
  let carts: any StorageSession
  /// Reads the log; its rows never change, so another snapshot than that of `carts` will do.
  let journal: Journal

  func person(_ key: PersonKey) throws -> Tracked.StoredPerson? {
    var person: Tracked.StoredPerson?
    try carts.rows(ProjectionStatements.person, [key.bucketValue, key.value]) { row in
      person = try Stored.decode(Tracked.StoredPerson.self, row.blob(0), "person")
      return false
    }
    return person
  }

  /// Every announced episode of a person, withdrawn ones too.
  func episodes(of key: PersonKey) throws -> [Tracked.StoredEpisode] {
    var episodes: [Tracked.StoredEpisode] = []
    try carts.rows(ProjectionStatements.episodes, [key.bucketValue, key.value]) { row in
      episodes.append(try Stored.decode(Tracked.StoredEpisode.self, row.blob(0), "episode"))
      return true
    }
    return episodes
  }

  /// A closed cart that was moved out of its person's state.
  func archivedCart(_ id: String, of key: PersonKey) throws -> Tracked.StoredCart? {
    var cart: Tracked.StoredCart?
    try carts.rows(
      ProjectionStatements.archivedCart, [key.bucketValue, key.value, .text(id)]
    ) { row in
      cart = try row.optionalBlob(0).map { try Stored.decode(Tracked.StoredCart.self, $0, "cart") }
      return false
    }
    return cart
  }

  /// The latest purchase since `instant` by somebody of a company that `use` is true for.
  func companyPurchase(
    _ company: OwnerKey, since instant: Int64,
    where use: (PersonKey, Tracked.StoredCompanyPurchase) -> Bool
  ) throws -> Tracked.StoredCompanyPurchase? {
    var found: Tracked.StoredCompanyPurchase?
    try carts.rows(
      ProjectionStatements.companyPurchases,
      [company.bucketValue, company.value, .integer(instant)]
    ) { row in
      let body = try Stored.decode(
        Tracked.StoredCompanyPurchase.self, row.blob(1), "company purchase")
      if use(try PersonKey(bytes: row.blob(0)), body) { found = body }
      return found == nil
    }
    return found
  }

  /// The ids of all closed carts that were moved out of their person's state.
  func archivedCarts(of key: PersonKey) throws -> [String] {
    try carts.all(ProjectionStatements.archivedCarts, [key.bucketValue, key.value]) {
      try $0.text(0)
    }
  }

  /// Log positions of the person's events with this hash, beyond those in its state.
  func positions(of key: PersonKey, hash: UInt64) throws -> [UInt64] {
    var positions: [UInt64] = []
    try carts.rows(
      ProjectionStatements.historyOfHash,
      [key.bucketValue, key.value, .integer(Int64(bitPattern: hash))]
    ) { row in
      positions.append(UInt64(bitPattern: try row.integer(0)))
      return true
    }
    return positions
  }

  /// Log positions of all events of the person beyond those in its state.
  func positions(of key: PersonKey) throws -> [UInt64] {
    var positions: [UInt64] = []
    try carts.rows(ProjectionStatements.history, [key.bucketValue, key.value]) { row in
      positions.append(UInt64(bitPattern: try row.integer(0)))
      return true
    }
    return positions
  }

  /// The records at these log positions, in their order.
  func records(at positions: [UInt64]) throws -> [(position: UInt64, record: Tracked.LogRecord)] {
    try journal.events(positions: positions.sorted()).map { row in
      (row.position, try Stored.decode(Tracked.LogRecord.self, row.body, "log"))
    }
  }
}
