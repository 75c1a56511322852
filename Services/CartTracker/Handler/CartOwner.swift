internal import Delivery
internal import Messages
internal import Storage

/// Whose cart an id is: over all buckets, since an id says nothing of its owner.
enum CartOwner {
  /// The most recently active, should there be several. Blocks.
  static func find(_ cart: String, in store: String, _ reader: PersonReader) throws -> Identity? {
    try reader.carts.read { session in
      var newest: (person: PersonKey, at: Int64)?
      for bucket in 0..<256 {
        try session.rows(
          ProjectionStatements.cartOwner, [.integer(Int64(bucket)), .text(store), .text(cart)]
        ) { row in
          let at = try row.integer(1)
          if newest.map({ $0.at < at }) ?? true {
            newest = (try PersonKey(bytes: row.blob(0)), at)
          }
          return true
        }
      }
      guard let key = newest?.person else { return nil }
      let rows = PersonRows(carts: session, journal: reader.journal)
      return try rows.person(key).map { Identity($0) }
    }
  }
}
