internal import Storage

/// What the journal reads and writes in journal.db.
enum JournalStatements {
  /// Begins the epoch of a new owner: the one before can append no more.
  static let takeOver = Statement(
    name: "take over", sql: "UPDATE journal_owner SET epoch = epoch + 1 WHERE id = 1",
    scope: .engine)

  /// Whose epoch it is; read by every transaction, which costs no page as a raised fence would.
  static let epoch = Statement(
    name: "epoch", sql: "SELECT epoch FROM journal_owner WHERE id = 1", scope: .engine)

  /// Appends a row to the log: ascending, whatever its bucket.
  static let append = Statement(
    name: "append",
    sql: "INSERT INTO log(position, bucket, seq, person, body) VALUES (?1, ?2, ?3, ?4, ?5)",
    scope: .engine)

  /// Where the log ends.
  static let lastPosition = Statement(
    name: "last position", sql: "SELECT max(position) FROM log", scope: .engine)

  /// Rows after a position, oldest first.
  static let rowsAfter = Statement(
    name: "rows after",
    sql: """
      SELECT position, bucket, seq, person, body FROM log WHERE position > ?1
      ORDER BY position LIMIT ?2
      """, scope: .engine)

  /// One row's record.
  static let body = Statement(
    name: "body", sql: "SELECT body FROM log WHERE position = ?1", scope: .engine)

  /// Where a row stands in its bucket.
  static let place = Statement(
    name: "place", sql: "SELECT bucket, seq FROM log WHERE position = ?1", scope: .engine)

  /// A source has reported completely up to an instant.
  static let heartbeat = Statement(
    name: "heartbeat",
    sql: """
      INSERT INTO heartbeat(store, source, until) VALUES (?1, ?2, ?3)
      ON CONFLICT(store, source) DO UPDATE SET until = excluded.until
      WHERE excluded.until > heartbeat.until
      """, scope: .reference)

  /// Every heartbeat.
  static let heartbeats = Statement(
    name: "heartbeats", sql: "SELECT store, source, until FROM heartbeat", scope: .reference)

  /// Every store in its newest revision.
  static let stores = Statement(name: "stores", sql: "SELECT body FROM store", scope: .reference)

  /// Makes or changes a store.
  static let putStore = Statement(
    name: "put store",
    sql: """
      INSERT INTO store(id, revision, body) VALUES (?1, ?2, ?3)
      ON CONFLICT(id) DO UPDATE SET revision = excluded.revision, body = excluded.body
      """, scope: .reference)

  /// Keeps each revision of a store, for its history.
  static let addRevision = Statement(
    name: "add revision",
    sql: "INSERT INTO store_revision(id, revision, changed_at, body) VALUES (?1, ?2, ?3, ?4)",
    scope: .reference)

  /// Keeps a command with its answer.
  static let addCommand = Statement(
    name: "add command",
    sql: """
      INSERT INTO command(bucket, key, hash, answer, at, person) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
      """,
    scope: .bucket)

  /// A command that is known.
  static let command = Statement(
    name: "command", sql: "SELECT hash, answer FROM command WHERE bucket = ?1 AND key = ?2",
    scope: .bucket)

  /// Forgets commands whose repeats are no longer expected.
  static let forgetCommands = Statement(
    name: "forget commands", sql: "DELETE FROM command WHERE bucket = ?1 AND at < ?2",
    scope: .bucket)

  /// Every statement, for the rule test.
  static let all = [
    takeOver, epoch, append, lastPosition, rowsAfter, body, place, heartbeat, heartbeats, stores,
    putStore,
    addRevision, addCommand, command, forgetCommands,
  ]
}
