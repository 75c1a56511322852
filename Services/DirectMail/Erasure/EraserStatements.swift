internal import Storage

/// What an erasure changes (P10).
enum EraserStatements {
  /// A contact's pieces in a store.
  static let pieces = Statement(
    name: "pieces of contact",
    sql: """
      SELECT id, state, reason, batch, cut_off_at, taken_at, reserved_on, body, log
      FROM piece WHERE bucket = ?1 AND contact = ?2 AND store = ?3
      """)

  /// Takes what was printed out of a piece.
  static let redactPiece = Statement(
    name: "redact piece", sql: "UPDATE piece SET log = ?3 WHERE bucket = ?1 AND id = ?2")

  /// What a letter says and where it went.
  static let removeContent = Statement(
    name: "remove content", sql: "DELETE FROM content WHERE bucket = ?1 AND id = ?2")

  /// The objection under a key, with its controller.
  static let objection = Statement(
    name: "objection with controller",
    sql: """
      SELECT since, owner_key, contact, address, cause, evidence, piece, controller
      FROM objection WHERE bucket = ?1 AND owner_key = ?2
      """)

  static let removeObjection = Statement(
    name: "remove objection", sql: "DELETE FROM objection WHERE bucket = ?1 AND owner_key = ?2")

  /// The proof of a person's own objection.
  static let redactEvidence = Statement(
    name: "redact evidence",
    sql: """
      UPDATE objection SET evidence = '' WHERE bucket = ?1 AND owner_key = ?2 AND evidence <> ''
      """)

  /// The keys of a bucket's objections to addresses.
  static let addressKeys = Statement(
    name: "keys of address objections",
    sql: "SELECT owner_key FROM objection WHERE bucket = ?1 AND length(address) > 0")

  /// That an address is a contact's.
  static let removeContact = Statement(
    name: "remove contact of addresses",
    sql: "DELETE FROM address_contact WHERE bucket = ?1 AND store = ?2 AND contact = ?3")

  /// Every statement, for the rule test.
  static let all = [
    pieces, redactPiece, removeContent, objection, removeObjection, redactEvidence, addressKeys,
    removeContact,
  ]
}
