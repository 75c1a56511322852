internal import Storage

/// What is read and written of enrolments, their decisions and outcomes.
enum EnrolmentStatements {
  /// What `EnrolmentRow` is read from; the same in every statement below.
  private static let columns = """
    number, id, store, flow, version, cart, phase, reason, started_at, due_at, revision, body
    """

  /// Makes an enrolment; nothing happens where the same start has made it before.
  static let add = Statement(
    name: "add enrolment",
    sql: """
      INSERT INTO enrolment(bucket, number, id, store, flow, version, cart, phase, reason,
        started_at, due_at, revision, body)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 1, ?12)
      ON CONFLICT(bucket, id) DO NOTHING
      """)

  /// Changes an enrolment, unless somebody else has since it was read.
  static let change = Statement(
    name: "change enrolment",
    sql: """
      UPDATE enrolment SET version = ?4, phase = ?5, reason = ?6, started_at = ?7, due_at = ?8,
        revision = ?3 + 1, body = ?9
      WHERE bucket = ?1 AND number = ?2 AND revision = ?3
      """)

  /// One enrolment by its place.
  static let at = Statement(
    name: "enrolment at", sql: "SELECT \(columns) FROM enrolment WHERE bucket = ?1 AND number = ?2")

  /// One enrolment by its id.
  static let named = Statement(
    name: "enrolment named", sql: "SELECT \(columns) FROM enrolment WHERE bucket = ?1 AND id = ?2")

  /// The enrolments of a contact: their ids begin alike.
  static let ofOwner = Statement(
    name: "enrolments of owner",
    sql: """
      SELECT \(columns) FROM enrolment WHERE bucket = ?1 AND id >= ?2 AND id <= ?3 ORDER BY id
      """)

  /// The enrolments about a cart.
  static let ofCart = Statement(
    name: "enrolments of cart",
    sql: """
      SELECT \(columns) FROM enrolment
      WHERE bucket = ?1 AND store = ?2 AND cart = ?3 AND cart <> '' ORDER BY number
      """, scope: .allBuckets)

  /// Enrolments of a bucket that are due, in due order, behind a place in it.
  static let due = Statement(
    name: "due enrolments",
    sql: """
      SELECT \(columns) FROM enrolment
      WHERE bucket = ?1 AND due_at <= ?2 AND (due_at, number) > (?3, ?4)
      ORDER BY due_at, number LIMIT ?5
      """)

  /// When the first enrolment of a bucket is due.
  static let firstDue = Statement(
    name: "first due",
    sql: """
      SELECT due_at FROM enrolment WHERE bucket = ?1 AND due_at IS NOT NULL
      ORDER BY due_at LIMIT 1
      """)

  /// When the first enrolment of a bucket after an instant is due.
  static let nextDue = Statement(
    name: "next due",
    sql: "SELECT due_at FROM enrolment WHERE bucket = ?1 AND due_at > ?2 ORDER BY due_at LIMIT 1")

  /// The number of a bucket's newest enrolment.
  static let lastNumber = Statement(
    name: "last number", sql: "SELECT max(number) FROM enrolment WHERE bucket = ?1")

  /// Running enrolments of each version of a store's flows.
  static let running = Statement(
    name: "running enrolments",
    sql: """
      SELECT flow, version, count(*) FROM enrolment
      WHERE bucket = ?1 AND store = ?2 AND due_at IS NOT NULL GROUP BY flow, version
      """, scope: .allBuckets)

  /// Running enrolments of one version, in their order, behind one.
  static let ofVersion = Statement(
    name: "enrolments of version",
    sql: """
      SELECT \(columns) FROM enrolment
      WHERE bucket = ?1 AND number > ?2 AND store = ?3 AND flow = ?4 AND version = ?5
        AND due_at IS NOT NULL
      ORDER BY number LIMIT ?6
      """)

  /// Every enrolment of a store that was made in a span, for reports.
  static let startedWithin = Statement(
    name: "enrolments started within",
    sql: """
      SELECT \(columns) FROM enrolment
      WHERE bucket = ?1 AND store = ?2 AND started_at >= ?3 AND started_at < ?4
      ORDER BY number
      """, scope: .allBuckets)

  /// The enrolments of a store, newest first; an empty flow is any.
  static let newest = Statement(
    name: "newest enrolments",
    sql: """
      SELECT \(columns) FROM enrolment
      WHERE bucket = ?1 AND number <= ?2 AND store = ?3 AND (?4 = '' OR flow = ?4)
      ORDER BY number DESC
      """, scope: .allBuckets)

  /// The decisions of a store in a span, oldest first; an empty step is any.
  static let decisions = Statement(
    name: "decisions",
    sql: """
      SELECT decided_at, id, enrolment, step, verdict, reason, body FROM decision
      WHERE bucket = ?1 AND store = ?2 AND decided_at >= ?3 AND decided_at < ?4
        AND (?5 = '' OR step = ?5)
      ORDER BY decided_at, id
      """, scope: .allBuckets)

  /// The purchases of everybody in a bucket, for reports.
  static let allPurchases = Statement(
    name: "all purchases",
    sql: "SELECT person, at, body FROM purchase WHERE bucket = ?1 ORDER BY person, at, event",
    scope: .allBuckets)

  /// Keeps a decision.
  static let addDecision = Statement(
    name: "add decision",
    sql: """
      INSERT INTO decision(bucket, store, decided_at, id, enrolment, step, verdict, reason, body)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
      """)

  /// Takes away the record of a step that was deferred and is decided now.
  static let removeDecision = Statement(
    name: "remove decision",
    sql: """
      DELETE FROM decision WHERE bucket = ?1 AND store = ?2 AND decided_at = ?3 AND id = ?4
      """)

  /// One decision.
  static let decision = Statement(
    name: "decision",
    sql: """
      SELECT decided_at, id, enrolment, step, verdict, reason, body FROM decision
      WHERE bucket = ?1 AND store = ?2 AND decided_at = ?3 AND id = ?4
      """)

  /// The decisions of a store at an instant.
  static let decisionsAt = Statement(
    name: "decisions at",
    sql: """
      SELECT decided_at, id, enrolment, step, verdict, reason, body FROM decision
      WHERE bucket = ?1 AND store = ?2 AND decided_at = ?3 ORDER BY id
      """)

  /// Keeps an outcome; nothing happens where it is known.
  static let addOutcome = Statement(
    name: "add outcome",
    sql: """
      INSERT INTO outcome(bucket, order_id, id, at, body) VALUES (?1, ?2, ?3, ?4, ?5)
      ON CONFLICT(bucket, order_id, id) DO NOTHING
      """)

  /// How many outcomes of an order are kept.
  static let outcomeCount = Statement(
    name: "outcome count",
    sql: "SELECT count(*) FROM outcome WHERE bucket = ?1 AND order_id = ?2")

  /// The outcomes of an order, oldest first.
  static let outcomes = Statement(
    name: "outcomes",
    sql: "SELECT body FROM outcome WHERE bucket = ?1 AND order_id = ?2 ORDER BY at, id")

  /// Every statement, for the rule test.
  static let all = [
    add, change, at, named, ofOwner, ofCart, due, firstDue, nextDue, lastNumber, running, ofVersion,
    startedWithin, newest, decisions, allPurchases, addDecision, removeDecision, decision,
    decisionsAt, addOutcome, outcomeCount,
    outcomes,
  ]
}
