internal import Storage

/// What is read and written of addresses: suppressions, opt-outs, and whose they are.
enum AddressStatements {
  /// Whether nothing is sent to an address.
  static let suppression = Statement(
    name: "suppression",
    sql: """
      SELECT channel, address, cause, whole_controller, since, until, evidence, message
      FROM suppression WHERE bucket = ?1 AND address_key = ?2
      """)

  /// Suppresses an address.
  static let putSuppression = Statement(
    name: "put suppression",
    sql: """
      INSERT INTO suppression(bucket, address_key, scope, channel, address, cause,
        whole_controller, since, until, evidence, message)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
      ON CONFLICT(bucket, address_key) DO UPDATE SET cause = excluded.cause,
        since = excluded.since, until = excluded.until, evidence = excluded.evidence,
        message = excluded.message
      """)

  /// Lets an address be sent to again.
  static let removeSuppression = Statement(
    name: "remove suppression",
    sql: "DELETE FROM suppression WHERE bucket = ?1 AND address_key = ?2")

  /// Suppressions of a scope, newest first.
  static let suppressions = Statement(
    name: "suppressions",
    sql: """
      SELECT since, address_key, channel, address, cause, whole_controller, until, evidence, message
      FROM suppression WHERE bucket = ?1 AND scope = ?2 AND since <= ?3
      ORDER BY since DESC, address_key DESC
      """)

  /// All suppressions of a bucket, for writing the journal anew.
  static let ofBucket = Statement(
    name: "suppressions of bucket",
    sql: """
      SELECT scope, channel, address, cause, whole_controller, since, until, evidence, message,
        address_key
      FROM suppression WHERE bucket = ?1
      """)

  /// Notes a mail that came back for a reason that may pass.
  static let addSoftBounce = Statement(
    name: "add soft bounce",
    sql: """
      INSERT INTO soft_bounce(bucket, address_key, message, at) VALUES (?1, ?2, ?3, ?4)
      ON CONFLICT(bucket, address_key, message) DO NOTHING
      """)

  /// How many came back since an instant.
  static let softBounces = Statement(
    name: "soft bounces",
    sql: """
      SELECT count(message) FROM soft_bounce WHERE bucket = ?1 AND address_key = ?2 AND at >= ?3
      """)

  /// Forgets those that count no more.
  static let forgetSoftBounces = Statement(
    name: "forget soft bounces", sql: "DELETE FROM soft_bounce WHERE bucket = ?1 AND at < ?2")

  /// Notes who wrote last to a number or chat.
  static let putSender = Statement(
    name: "put sender to address",
    sql: """
      INSERT INTO address_sender(bucket, address_key, provider, controller, store, message,
        message_bucket, at)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
      ON CONFLICT(bucket, address_key, provider, controller) DO UPDATE SET store = excluded.store,
        message = excluded.message, message_bucket = excluded.message_bucket, at = excluded.at
      WHERE excluded.at >= address_sender.at
      """)

  /// Who wrote to a number or chat, the last one first.
  static let senders = Statement(
    name: "senders to address",
    sql: """
      SELECT provider, message_bucket, message FROM address_sender
      WHERE bucket = ?1 AND address_key = ?2 ORDER BY at DESC LIMIT 64
      """)

  /// Keeps the proof of an opt-out.
  static let addOptOut = Statement(
    name: "add opt-out",
    sql: """
      INSERT INTO opt_out(bucket, address_key, at, taken_at, kind, scope, channel, address,
        evidence, message)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
      ON CONFLICT(bucket, address_key, taken_at, at, kind, message) DO NOTHING
      """)

  /// Notes whose address it is.
  static let addContact = Statement(
    name: "add contact of address",
    sql: """
      INSERT INTO address_contact(bucket, address_key, store, contact) VALUES (?1, ?2, ?3, ?4)
      ON CONFLICT(bucket, address_key, store, contact) DO NOTHING
      """)

  /// Whose address it is.
  static let contacts = Statement(
    name: "contacts of address",
    sql: """
      SELECT store, contact FROM address_contact WHERE bucket = ?1 AND address_key = ?2 LIMIT 1000
      """)

  /// Every statement, for the rule test.
  static let all = [
    suppression, putSuppression, removeSuppression, suppressions, addOptOut, addContact, contacts,
    ofBucket, addSoftBounce, softBounces, forgetSoftBounces, putSender, senders,
  ]
}
