package import Storage

/// Who was erased (P10), as each service that is told of it keeps it.
package enum ErasedStatements {
  /// What a service's migration makes the table with. Append-only as migrations are.
  package static let create = [
    """
    CREATE TABLE erased(
      bucket INTEGER NOT NULL CONSTRAINT erased_bucket_range CHECK (bucket BETWEEN 0 AND 255),
      owner BLOB NOT NULL CONSTRAINT erased_owner_size CHECK (length(owner) = 16),
      id BLOB NOT NULL CONSTRAINT erased_id_size CHECK (length(id) = 16),
      request BLOB NOT NULL,
      receipt BLOB NOT NULL,
      PRIMARY KEY (bucket, owner)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX erased_by_id ON erased(bucket, id)",
  ]

  /// Keeps an erased identity; the first erasure of it stays.
  static let put = Statement(
    name: "put erased",
    sql: """
      INSERT INTO erased(bucket, owner, id, request, receipt) VALUES (?1, ?2, ?3, ?4, ?5)
      ON CONFLICT(bucket, owner) DO NOTHING
      """)

  /// Whether an identity was erased.
  static let known = Statement(
    name: "known erased", sql: "SELECT 1 FROM erased WHERE bucket = ?1 AND owner = ?2")

  /// The identities of an erasure.
  static let ofID = Statement(
    name: "erased of an id", sql: "SELECT receipt FROM erased WHERE bucket = ?1 AND id = ?2")

  /// All of a bucket, for a journal that is written anew.
  static let ofBucket = Statement(
    name: "erased of a bucket", sql: "SELECT request FROM erased WHERE bucket = ?1")

  /// Every statement, for the rule test.
  package static let all = [put, known, ofID, ofBucket]
}
