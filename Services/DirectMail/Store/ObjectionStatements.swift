internal import Storage

/// What is read and written of objections and of whose addresses are.
enum ObjectionStatements {
  /// An objection.
  static let objection = Statement(
    name: "objection",
    sql: """
      SELECT since, owner_key, contact, address, cause, evidence, piece
      FROM objection WHERE bucket = ?1 AND owner_key = ?2
      """)

  /// Adds one; one that is there stays, but for a person's word over a returned piece.
  static let put = Statement(
    name: "put objection",
    sql: """
      INSERT INTO objection(bucket, owner_key, controller, contact, address, cause, since,
        evidence, piece)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
      ON CONFLICT(bucket, owner_key) DO UPDATE SET cause = excluded.cause,
        evidence = excluded.evidence, piece = excluded.piece
      WHERE objection.cause <> 1 AND excluded.cause = 1
      """)

  /// All objections of a bucket, for writing the journal anew.
  static let ofBucket = Statement(
    name: "objections of bucket",
    sql: """
      SELECT since, owner_key, contact, address, cause, evidence, piece, controller
      FROM objection WHERE bucket = ?1
      """)

  /// A controller's objections, newest first.
  static let newest = Statement(
    name: "newest objections",
    sql: """
      SELECT since, owner_key, contact, address, cause, evidence, piece
      FROM objection WHERE bucket = ?1 AND controller = ?2 AND since <= ?3
      ORDER BY since DESC, owner_key DESC
      """)

  /// Notes whose address it is, and that a letter goes to it.
  static let addContact = Statement(
    name: "add contact of address",
    sql: """
      INSERT INTO address_contact(bucket, owner_key, store, contact, last_at)
      VALUES (?1, ?2, ?3, ?4, ?5)
      ON CONFLICT(bucket, owner_key, store, contact) DO UPDATE SET last_at = excluded.last_at
      WHERE excluded.last_at > address_contact.last_at
      """)

  /// Whose address it is.
  static let contacts = Statement(
    name: "contacts of address",
    sql: """
      SELECT store, contact FROM address_contact WHERE bucket = ?1 AND owner_key = ?2 LIMIT 1000
      """)

  /// Whether an address got a letter after an instant.
  static let letterAfter = Statement(
    name: "letter after",
    sql: """
      SELECT last_at FROM address_contact
      WHERE bucket = ?1 AND owner_key = ?2 AND last_at > ?3 LIMIT 1
      """)

  /// Every statement, for the rule test.
  static let all = [objection, put, ofBucket, newest, addContact, contacts, letterAfter]
}
