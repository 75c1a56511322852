package import Storage

/// The number in the database, and what was found at starts.
package enum RestoreStatements {
  /// What a service's migration makes the tables with. Append-only as migrations are.
  package static let create = [
    """
    CREATE TABLE beat(
      id INTEGER NOT NULL PRIMARY KEY CONSTRAINT beat_single CHECK (id = 1),
      number BIGINT NOT NULL CONSTRAINT beat_number_range CHECK (number >= 0)
    )
    """,
    // What was due by `until` may have been done without a trace here.
    """
    CREATE TABLE restored(
      found_at BIGINT NOT NULL PRIMARY KEY,
      until BIGINT NOT NULL
    ) WITHOUT ROWID
    """,
  ]

  /// A migration that comes after `create`: who released it. 0 and 1 of `decides_steps`: whether
  /// steps of then are decided after all.
  package static let createReleases = [
    "ALTER TABLE restored ADD COLUMN released_at BIGINT",
    "ALTER TABLE restored ADD COLUMN released_by TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE restored ADD COLUMN decides_steps INTEGER NOT NULL DEFAULT 0",
  ]

  static let number = Statement(
    name: "beat", sql: "SELECT number FROM beat WHERE id = 1", scope: .reference)

  static let put = Statement(
    name: "put beat",
    sql: """
      INSERT INTO beat(id, number) VALUES (1, ?1)
      ON CONFLICT(id) DO UPDATE SET number = excluded.number
      """, scope: .reference)

  /// Keeps that a restored database was found.
  package static let addRestored = Statement(
    name: "add restored",
    sql: """
      INSERT INTO restored(found_at, until, released_at) VALUES (?1, ?2, ?3)
      ON CONFLICT(found_at) DO UPDATE SET until = excluded.until
      """, scope: .reference)

  static let list = Statement(
    name: "list restores",
    sql: """
      SELECT found_at, until, released_at, released_by, decides_steps FROM restored
      ORDER BY found_at DESC LIMIT 64
      """, scope: .reference)

  static let release = Statement(
    name: "release restore",
    sql: """
      UPDATE restored SET released_at = ?2, released_by = ?3, decides_steps = ?4
      WHERE found_at = ?1 AND released_at IS NULL
      """, scope: .reference)

  /// Every statement, for the rule test.
  package static let all = [number, put, addRestored, list, release]
}
