internal import Storage

/// What an erasure changes (P10).
enum EraserStatements {
  /// A contact's messages in a store.
  static let messages = Statement(
    name: "messages of contact",
    sql: """
      SELECT id, state, recipient, log FROM message
      WHERE bucket = ?1 AND contact = ?2 AND store = ?3
      """)

  /// Where they went.
  static let recipients = Statement(
    name: "recipients of contact",
    sql: """
      SELECT DISTINCT channel, recipient FROM message
      WHERE bucket = ?1 AND contact = ?2 AND store = ?3
      """)

  /// Takes the recipient out of a message, and what providers said.
  static let redactMessage = Statement(
    name: "redact message",
    sql: "UPDATE message SET recipient = '', log = ?3 WHERE bucket = ?1 AND id = ?2")

  /// What was handed over, and where its links lead.
  static let removeContent = Statement(
    name: "remove content", sql: "DELETE FROM content WHERE bucket = ?1 AND id = ?2")

  /// With what a visitor came.
  static let redactVisits = Statement(
    name: "redact visits",
    sql: """
      UPDATE visit SET agent = x'', address = x''
      WHERE bucket = ?1 AND message = ?2 AND length(agent) + length(address) > 0
      """)

  /// What staff were told.
  static let redactNotes = Statement(
    name: "redact notes",
    sql: "UPDATE note SET text = '' WHERE bucket = ?1 AND message = ?2 AND length(text) > 0")

  /// Bounces of an address that may pass.
  static let removeSoftBounces = Statement(
    name: "remove soft bounces",
    sql: "DELETE FROM soft_bounce WHERE bucket = ?1 AND address_key = ?2")

  /// Who wrote to an address.
  static let removeSender = Statement(
    name: "remove sender to address",
    sql: "DELETE FROM address_sender WHERE bucket = ?1 AND address_key = ?2 AND message = ?3")

  /// That an address is a contact's.
  static let removeContact = Statement(
    name: "remove contact of address",
    sql: """
      DELETE FROM address_contact
      WHERE bucket = ?1 AND address_key = ?2 AND store = ?3 AND contact = ?4
      """)

  /// That any address of a bucket is a contact's.
  static let removeContactEverywhere = Statement(
    name: "remove contact of addresses",
    sql: "DELETE FROM address_contact WHERE bucket = ?1 AND store = ?2 AND contact = ?3")

  /// The keys of a bucket's suppressions that are under no hash.
  static let suppressionKeys = Statement(
    name: "keys of suppressions",
    sql: """
      SELECT address_key FROM suppression WHERE bucket = ?1 AND length(address) > 0
      ORDER BY address_key
      """)

  /// The scope of a suppression.
  static let scope = Statement(
    name: "scope of suppression",
    sql: "SELECT scope FROM suppression WHERE bucket = ?1 AND address_key = ?2")

  /// The proofs of an address.
  static let optOuts = Statement(
    name: "opt-outs of address",
    sql: """
      SELECT at, taken_at, kind, scope, channel, message FROM opt_out
      WHERE bucket = ?1 AND address_key = ?2
      """)

  /// Takes them away from under the address.
  static let removeOptOuts = Statement(
    name: "remove opt-outs of address",
    sql: "DELETE FROM opt_out WHERE bucket = ?1 AND address_key = ?2")

  /// Every statement, for the rule test.
  static let all = [
    messages, recipients, redactMessage, removeContent, redactVisits, redactNotes,
    removeSoftBounces,
    removeSender, removeContact, removeContactEverywhere, suppressionKeys, scope, optOuts,
    removeOptOuts,
  ]
}
