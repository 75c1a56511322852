internal import Storage

/// Who was erased, in journal.db.
enum LogErasureStatements {
  /// What the migration makes.
  static let create = [
    // One row an identity; `body` has its addresses until the scheduler's outbox has them.
    """
    CREATE TABLE erasure(
      bucket INTEGER NOT NULL CONSTRAINT erasure_bucket_range CHECK (bucket BETWEEN 0 AND 255),
      person BLOB NOT NULL CONSTRAINT erasure_person_size CHECK (length(person) = 16),
      id BLOB NOT NULL CONSTRAINT erasure_id_size CHECK (length(id) = 16),
      body BLOB NOT NULL,
      PRIMARY KEY (bucket, person)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX erasure_by_id ON erasure(bucket, id)",
    // Whose personal fields the answer of a command may hold.
    """
    ALTER TABLE command ADD COLUMN person BLOB
      CONSTRAINT command_person_size CHECK (person IS NULL OR length(person) = 16)
    """,
    "CREATE INDEX command_by_person ON command(bucket, person) WHERE person IS NOT NULL",
  ]

  /// Everyone who was erased.
  static let persons = Statement(
    name: "erased persons", sql: "SELECT person FROM erasure WHERE bucket = ?1", scope: .bucket)

  /// What is known of one.
  static let erasure = Statement(
    name: "erasure", sql: "SELECT body FROM erasure WHERE bucket = ?1 AND person = ?2",
    scope: .bucket)

  /// Its identities in a bucket.
  static let ofID = Statement(
    name: "erasure of an id", sql: "SELECT body FROM erasure WHERE bucket = ?1 AND id = ?2",
    scope: .bucket)

  /// Keeps an erased identity.
  static let put = Statement(
    name: "put erasure",
    sql: """
      INSERT INTO erasure(bucket, person, id, body) VALUES (?1, ?2, ?3, ?4)
      ON CONFLICT(bucket, person) DO UPDATE SET body = excluded.body
      """, scope: .bucket)

  /// Where rows of a person stand in the log, after a position: a look at all of them, since the
  /// log has no index that every append would have to keep.
  static let positions = Statement(
    name: "log positions of a person",
    sql: "SELECT position FROM log WHERE bucket = ?1 AND person = ?2 AND position > ?3",
    scope: .bucket)

  /// Puts another record in the place of one.
  static let replace = Statement(
    name: "replace log row", sql: "UPDATE log SET body = ?2 WHERE position = ?1", scope: .engine)

  /// Empties the answers of commands about a person: a repeat is still known as one.
  static let emptyAnswers = Statement(
    name: "empty answers",
    sql: """
      UPDATE command SET answer = x'' WHERE bucket = ?1 AND person = ?2 AND length(answer) > 0
      """, scope: .bucket)

  /// Every statement, for the rule test.
  static let all = [persons, erasure, ofID, put, positions, replace, emptyAnswers]
}
