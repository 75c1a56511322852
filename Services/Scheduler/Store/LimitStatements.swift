internal import Storage

/// What is read and written of what keeps flows from writing too much: sends counted, days of
/// flows, holdouts, and the salt that these are chosen with.
enum LimitStatements {
  /// Counts a send for one owner; nothing happens where it counts already.
  static let count = Statement(
    name: "count send",
    sql: """
      INSERT INTO send_count(bucket, owner, at, order_id, channel, dry, keys)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
      ON CONFLICT(bucket, owner, at, order_id) DO NOTHING
      """)

  /// An owner's newest sends after an instant on some channels, given as bits.
  static let counted = Statement(
    name: "counted sends",
    sql: """
      SELECT at, order_id FROM send_count
      WHERE bucket = ?1 AND owner = ?2 AND at > ?3 AND (channel & ?4) <> 0 AND dry <= ?5
      ORDER BY at DESC LIMIT ?6
      """)

  /// Under which other keys a contact's send counts.
  static let countedKeys = Statement(
    name: "keys of a counted send",
    sql: """
      SELECT keys FROM send_count WHERE bucket = ?1 AND owner = ?2 AND at = ?3 AND order_id = ?4
      """)

  /// A send counts no longer.
  static let release = Statement(
    name: "release send",
    sql: """
      DELETE FROM send_count WHERE bucket = ?1 AND owner = ?2 AND at = ?3 AND order_id = ?4
      """)

  /// Forgets sends that no cap looks at any more.
  static let forgetCounts = Statement(
    name: "forget counted sends", sql: "DELETE FROM send_count WHERE bucket = ?1 AND at < ?2")

  /// What a flow has ordered today.
  static let flowDay = Statement(
    name: "flow day",
    sql: "SELECT day, sent, halted FROM flow_day WHERE bucket = ?1 AND store = ?2 AND flow = ?3")

  /// Keeps it.
  static let putFlowDay = Statement(
    name: "put flow day",
    sql: """
      INSERT INTO flow_day(bucket, store, flow, day, sent, halted) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
      ON CONFLICT(bucket, store, flow) DO UPDATE SET day = excluded.day, sent = excluded.sent,
        halted = excluded.halted
      """)

  /// Its count begins anew.
  static let endFlowDay = Statement(
    name: "end flow day",
    sql: "DELETE FROM flow_day WHERE bucket = ?1 AND store = ?2 AND flow = ?3")

  /// Keeps who is held out.
  static let holdOut = Statement(
    name: "hold out",
    sql: """
      INSERT INTO holdout(bucket, store, flow, period, subject, enrolment, at, mode)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
      ON CONFLICT(bucket, store, flow, period, subject, enrolment) DO NOTHING
      """)

  /// Everybody whom a flow held out in a span, for reports.
  static let heldOut = Statement(
    name: "held out",
    sql: """
      SELECT period, subject, enrolment, at, mode FROM holdout
      WHERE bucket = ?1 AND store = ?2 AND flow = ?3 AND at >= ?4 AND at < ?5
      ORDER BY period, subject, enrolment
      """, scope: .allBuckets)

  /// Makes the salt; nothing happens where there is one.
  static let addSalt = Statement(
    name: "add salt",
    sql: "INSERT INTO salt(id, bytes) VALUES (1, ?1) ON CONFLICT(id) DO NOTHING",
    scope: .reference)

  /// The salt.
  static let salt = Statement(
    name: "salt", sql: "SELECT bytes FROM salt WHERE id = 1", scope: .reference)

  /// Every statement, for the rule test.
  static let all = [
    count, counted, countedKeys, release, forgetCounts, flowDay, putFlowDay, endFlowDay, holdOut,
    heldOut, addSalt, salt,
  ]
}
