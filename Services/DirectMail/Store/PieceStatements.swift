internal import Storage

/// What is read and written of mail pieces.
enum PieceStatements {
  /// Takes an order; changes nothing where its id is known.
  static let take = Statement(
    name: "take piece",
    sql: """
      INSERT INTO piece(bucket, id, store, contact, state, reason, batch, cut_off_at, taken_at,
        reserved_on, body, log)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
      ON CONFLICT(bucket, id) DO NOTHING
      """)

  /// Moves a piece to another state or batch, where it has the state expected.
  static let move = Statement(
    name: "move piece",
    sql: """
      UPDATE piece SET state = ?4, reason = ?5, batch = ?6, cut_off_at = ?7, log = ?8
      WHERE bucket = ?1 AND id = ?2 AND state = ?3
      """)

  /// All of a piece.
  static let piece = Statement(
    name: "piece",
    sql: """
      SELECT id, state, reason, batch, cut_off_at, taken_at, reserved_on, body, log
      FROM piece WHERE bucket = ?1 AND id = ?2
      """)

  /// A batch's pieces in order of their ids.
  static let ofBatch = Statement(
    name: "pieces of batch",
    sql: """
      SELECT id, state, reason, batch, cut_off_at, taken_at, reserved_on, body, log
      FROM piece WHERE bucket = ?1 AND batch = ?2 AND id > ?3 AND state <= 4 ORDER BY id LIMIT ?4
      """)

  /// Whose codes begin alike.
  static let idsBetween = Statement(
    name: "ids between",
    sql: "SELECT id FROM piece WHERE bucket = ?1 AND id >= ?2 AND id <= ?3 LIMIT 16")

  /// A store's pieces, newest first.
  static let newest = Statement(
    name: "newest pieces",
    sql: """
      SELECT id, state, reason, batch, cut_off_at, taken_at, reserved_on, body, log
      FROM piece WHERE bucket = ?1 AND store = ?2 AND taken_at >= ?3 AND taken_at <= ?4
      ORDER BY taken_at DESC, id DESC
      """)

  /// A contact's pieces, newest first.
  static let newestOfContact = Statement(
    name: "newest pieces of contact",
    sql: """
      SELECT id, state, reason, batch, cut_off_at, taken_at, reserved_on, body, log
      FROM piece
      WHERE bucket = ?1 AND store = ?2 AND taken_at >= ?3 AND taken_at <= ?4 AND contact = ?5
      ORDER BY taken_at DESC, id DESC
      """)

  /// A contact's pieces that can be withdrawn.
  static let waitingOfContact = Statement(
    name: "waiting pieces of contact",
    sql: "SELECT id FROM piece WHERE bucket = ?1 AND contact = ?2 AND store = ?3 AND state = 1")

  /// Keeps what a letter says.
  static let putContent = Statement(
    name: "put content",
    sql: """
      INSERT INTO content(bucket, id, at, url, template_locale, address, facts)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
      ON CONFLICT(bucket, id) DO NOTHING
      """)

  /// What a letter says.
  static let content = Statement(
    name: "content",
    sql:
      "SELECT at, url, template_locale, address, facts FROM content WHERE bucket = ?1 AND id = ?2")

  /// Forgets what a printed letter says; where its code leads and where it went stay.
  static let forgetFacts = Statement(
    name: "forget facts", sql: "UPDATE content SET facts = ?3 WHERE bucket = ?1 AND id = ?2")

  /// Notes a scan; nothing where it was known.
  static let addVisit = Statement(
    name: "add visit",
    sql: """
      INSERT INTO visit(bucket, piece, request, at) VALUES (?1, ?2, ?3, ?4)
      ON CONFLICT(bucket, piece, request) DO NOTHING
      """)

  /// Every statement, for the rule test.
  static let all = [
    take, move, piece, ofBatch, idsBetween, newest, newestOfContact, waitingOfContact, putContent,
    content, forgetFacts, addVisit,
  ]
}
