package import Storage

/// Up to where a database has what stands in the opt-out journal.
package enum OptOutStatements {
  /// What a service's migration makes the table with. Append-only as migrations are.
  package static let create = """
    CREATE TABLE opt_out_journal(
      id INTEGER NOT NULL PRIMARY KEY CONSTRAINT opt_out_journal_single CHECK (id = 1),
      position BIGINT NOT NULL CONSTRAINT opt_out_journal_position CHECK (position >= 0)
    )
    """

  /// Where the first line begins that the database does not have.
  package static let position = Statement(
    name: "journal position", sql: "SELECT position FROM opt_out_journal WHERE id = 1",
    scope: .reference)

  /// In the transaction of what stands in the line before.
  package static let putPosition = Statement(
    name: "put journal position",
    sql: """
      INSERT INTO opt_out_journal(id, position) VALUES (1, ?1)
      ON CONFLICT(id) DO UPDATE SET position = excluded.position
      """, scope: .reference)

  /// Every statement, for the rule test.
  package static let all = [position, putPosition]
}
