package import Storage

/// The tables of delivery between services, for the migrations and the catalogue of who has them.
package enum DeliveryStatements {
  /// What a service's migration makes the tables with. Append-only as migrations are: what was
  /// released never changes.
  package static let create = [outboxTable, headTable, inboxTable, deliveryTable]

  /// Rows to be sent. `problem` is NULL while a row waits; else the target refused it for good.
  private static let outboxTable = """
    CREATE TABLE outbox(
      bucket INTEGER NOT NULL CONSTRAINT outbox_bucket_range CHECK (bucket BETWEEN 0 AND 255),
      target TEXT NOT NULL,
      seq BIGINT NOT NULL CONSTRAINT outbox_seq_positive CHECK (seq > 0),
      created_at BIGINT NOT NULL,
      problem TEXT,
      body BLOB NOT NULL,
      PRIMARY KEY (bucket, target, seq)
    ) WITHOUT ROWID
    """

  /// The number of each bucket's next row; it outlasts the rows.
  private static let headTable = """
    CREATE TABLE outbox_head(
      bucket INTEGER NOT NULL CONSTRAINT outbox_head_bucket_range CHECK (bucket BETWEEN 0 AND 255),
      target TEXT NOT NULL,
      next_seq BIGINT NOT NULL CONSTRAINT outbox_head_seq_positive CHECK (next_seq > 0),
      PRIMARY KEY (bucket, target)
    ) WITHOUT ROWID
    """

  /// Rows that were taken, by their sender's numbers. `problem` is NULL for one whose effect stands
  /// in the same transaction; else it was refused for good.
  private static let inboxTable = """
    CREATE TABLE inbox(
      bucket INTEGER NOT NULL CONSTRAINT inbox_bucket_range CHECK (bucket BETWEEN 0 AND 255),
      source TEXT NOT NULL,
      outbox BLOB NOT NULL CONSTRAINT inbox_outbox_size CHECK (length(outbox) = 16),
      seq BIGINT NOT NULL CONSTRAINT inbox_seq_positive CHECK (seq > 0),
      at BIGINT NOT NULL,
      problem TEXT,
      PRIMARY KEY (bucket, source, outbox, seq)
    ) WITHOUT ROWID
    """

  /// The name of this database's outbox, and how many rows were ever taken.
  private static let deliveryTable = """
    CREATE TABLE delivery(
      id INTEGER NOT NULL PRIMARY KEY CONSTRAINT delivery_single CHECK (id = 1),
      outbox BLOB NOT NULL CONSTRAINT delivery_outbox_size CHECK (length(outbox) = 16),
      received BIGINT NOT NULL CONSTRAINT delivery_received_range CHECK (received >= 0)
    )
    """

  /// Takes the next numbers of a bucket's outbox; the number after them.
  static let advanceHead = Statement(
    name: "advance outbox head",
    sql: """
      INSERT INTO outbox_head(bucket, target, next_seq) VALUES (?1, ?2, ?3 + 1)
      ON CONFLICT(bucket, target) DO UPDATE SET next_seq = outbox_head.next_seq + ?3
      RETURNING next_seq
      """)

  /// Puts a row.
  static let put = Statement(
    name: "put outbox row",
    sql: "INSERT INTO outbox(bucket, target, seq, created_at, body) VALUES (?1, ?2, ?3, ?4, ?5)")

  /// The number of a bucket's next row.
  static let head = Statement(
    name: "outbox head", sql: "SELECT next_seq FROM outbox_head WHERE bucket = ?1 AND target = ?2")

  /// Rows of a bucket that wait, in their order.
  static let waiting = Statement(
    name: "waiting outbox rows",
    sql: """
      SELECT seq, created_at, body FROM outbox
      WHERE bucket = ?1 AND target = ?2 AND seq > ?3 AND problem IS NULL ORDER BY seq LIMIT ?4
      """)

  /// Forgets rows that the target has.
  static let forget = Statement(
    name: "forget outbox rows",
    sql: """
      DELETE FROM outbox WHERE bucket = ?1 AND target = ?2 AND seq > ?3 AND seq <= ?4
        AND problem IS NULL
      """)

  /// Keeps a row that the target refused for good.
  static let hold = Statement(
    name: "hold outbox row",
    sql: "UPDATE outbox SET problem = ?4 WHERE bucket = ?1 AND target = ?2 AND seq = ?3")

  /// All rows of a bucket, those refused for good too.
  static let every = Statement(
    name: "every outbox row",
    sql: "SELECT seq, body FROM outbox WHERE bucket = ?1 AND target = ?2 ORDER BY seq")

  /// Puts another body in a row's place.
  static let replace = Statement(
    name: "replace outbox row",
    sql: "UPDATE outbox SET body = ?4 WHERE bucket = ?1 AND target = ?2 AND seq = ?3")

  /// Notes a row; changes nothing where it was taken before.
  static let take = Statement(
    name: "take inbox row",
    sql: """
      INSERT INTO inbox(bucket, source, outbox, seq, at) VALUES (?1, ?2, ?3, ?4, ?5)
      ON CONFLICT(bucket, source, outbox, seq) DO NOTHING
      """)

  /// Notes that a row just taken was refused for good.
  static let refuse = Statement(
    name: "refuse inbox row",
    sql: """
      UPDATE inbox SET problem = ?5
      WHERE bucket = ?1 AND source = ?2 AND outbox = ?3 AND seq = ?4
      """)

  /// Takes back that a row was taken.
  static let untake = Statement(
    name: "untake inbox row",
    sql: "DELETE FROM inbox WHERE bucket = ?1 AND source = ?2 AND outbox = ?3 AND seq = ?4")

  /// Why a row that was taken was refused; NULL where it was not.
  static let refusal = Statement(
    name: "refusal of inbox row",
    sql: """
      SELECT problem FROM inbox WHERE bucket = ?1 AND source = ?2 AND outbox = ?3 AND seq = ?4
      """)

  /// Forgets rows that nobody will send again.
  static let trim = Statement(
    name: "trim inbox", sql: "DELETE FROM inbox WHERE bucket = ?1 AND at < ?2")

  /// The outbox's name, and how many rows were taken.
  static let counts = Statement(
    name: "delivery counts", sql: "SELECT outbox, received FROM delivery WHERE id = 1",
    scope: .reference)

  /// Names the outbox of a new database.
  static let name = Statement(
    name: "name outbox",
    sql: "INSERT INTO delivery(id, outbox, received) VALUES (1, ?1, 0) ON CONFLICT(id) DO NOTHING",
    scope: .reference)

  /// Gives the outbox another name.
  static let rename = Statement(
    name: "rename outbox", sql: "UPDATE delivery SET outbox = ?1 WHERE id = 1", scope: .reference)

  /// Counts rows that were taken.
  static let addReceived = Statement(
    name: "count received", sql: "UPDATE delivery SET received = received + ?1 WHERE id = 1",
    scope: .reference)

  /// Every statement, for the rule test.
  package static let all = [
    advanceHead, put, head, waiting, forget, hold, every, replace, take, refuse, untake, refusal,
    trim, counts,
    name, rename, addReceived,
  ]
}
