internal import Storage

/// What is read and written of what holds sending back: pauses, approvals, and the audit.
enum BrakeStatements {
  /// Keeps a pause as it is now.
  static let putPause = Statement(
    name: "put pause",
    sql: """
      INSERT INTO pause(id, store, channel, flow, template, holds, revision, since, body)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
      ON CONFLICT(id) DO UPDATE SET holds = excluded.holds, revision = excluded.revision,
        body = excluded.body
      """, scope: .reference)

  /// The pause that holds exactly this.
  static let holdingPause = Statement(
    name: "holding pause",
    sql: """
      SELECT body FROM pause
      WHERE store = ?1 AND channel = ?2 AND flow = ?3 AND template = ?4 AND holds = 1
      """, scope: .reference)

  /// Every pause, past ones too.
  static let pauses = Statement(
    name: "pauses", sql: "SELECT body FROM pause ORDER BY since, id", scope: .reference)

  /// Lets a version go live; nothing where it was let before.
  static let addApproval = Statement(
    name: "add approval",
    sql: """
      INSERT INTO approval(store, flow, version, approver, approved_at, note)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(store, flow, version) DO NOTHING
      """, scope: .reference)

  /// Who let a version go live.
  static let approval = Statement(
    name: "approval",
    sql: """
      SELECT approver, approved_at FROM approval WHERE store = ?1 AND flow = ?2 AND version = ?3
      """, scope: .reference)

  /// Every approval.
  static let approvals = Statement(
    name: "approvals",
    sql: """
      SELECT store, flow, version, approver, approved_at FROM approval
      ORDER BY store, flow, version
      """, scope: .reference)

  /// Keeps what somebody changed.
  static let addAudit = Statement(
    name: "add audit",
    sql: "INSERT INTO audit(number, store, flow, at, body) VALUES (?1, ?2, ?3, ?4, ?5)",
    scope: .reference)

  /// The number of the newest entry.
  static let lastAudit = Statement(
    name: "last audit", sql: "SELECT number FROM audit ORDER BY number DESC LIMIT 1",
    scope: .reference)

  /// Entries of a store and those of every store, newest first.
  static let audit = Statement(
    name: "audit",
    sql: """
      SELECT number, body FROM audit
      WHERE (store = ?1 OR store = '') AND (?2 = '' OR flow = ?2) AND at >= ?3 AND at < ?4
        AND number < ?5
      ORDER BY number DESC LIMIT ?6
      """, scope: .reference)

  /// Every statement, for the rule test.
  static let all = [
    putPause, holdingPause, pauses, addApproval, approval, approvals, addAudit, lastAudit, audit,
  ]
}
