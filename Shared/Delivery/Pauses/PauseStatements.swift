package import Storage

/// The table of pauses of a service that hands messages over.
package enum PauseStatements {
  /// What a service's migration makes the table with. Append-only as migrations are.
  package static let create = """
    CREATE TABLE pause(
      id TEXT NOT NULL PRIMARY KEY CONSTRAINT pause_id_filled CHECK (length(id) > 0),
      revision BIGINT NOT NULL CONSTRAINT pause_revision_positive CHECK (revision > 0),
      body BLOB NOT NULL
    ) WITHOUT ROWID
    """

  /// Every pause, past ones too.
  static let pauses = Statement(name: "pauses", sql: "SELECT body FROM pause", scope: .reference)

  /// Keeps a pause, unless a newer revision of it is known.
  static let put = Statement(
    name: "put pause",
    sql: """
      INSERT INTO pause(id, revision, body) VALUES (?1, ?2, ?3)
      ON CONFLICT(id) DO UPDATE SET revision = excluded.revision, body = excluded.body
      WHERE excluded.revision > pause.revision
      """, scope: .reference)

  /// Every statement, for the rule test.
  package static let all = [pauses, put]
}
