internal import Delivery
internal import Storage

/// The schema of journal.db. Append-only: a migration that was released never changes.
enum JournalMigrations {
  static let all = [
    Migration(
      number: 1, name: "journal",
      statements: [
        // By an ascending position over all buckets: an append at 256 places would write 256 pages.
        """
        CREATE TABLE log(
          position INTEGER PRIMARY KEY,
          bucket INTEGER NOT NULL CONSTRAINT log_bucket_range CHECK (bucket BETWEEN 0 AND 255),
          seq INTEGER NOT NULL CONSTRAINT log_seq_positive CHECK (seq > 0),
          person BLOB NOT NULL CONSTRAINT log_person_size CHECK (length(person) = 16),
          body BLOB NOT NULL CONSTRAINT log_body_filled CHECK (length(body) > 0),
          CONSTRAINT log_position_positive CHECK (position > 0)
        )
        """,
        """
        CREATE TABLE store(
          id TEXT NOT NULL PRIMARY KEY,
          revision INTEGER NOT NULL CONSTRAINT store_revision_positive CHECK (revision > 0),
          body BLOB NOT NULL
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE store_revision(
          id TEXT NOT NULL,
          revision INTEGER NOT NULL,
          changed_at INTEGER NOT NULL,
          body BLOB NOT NULL,
          PRIMARY KEY (id, revision)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE heartbeat(
          store TEXT NOT NULL,
          source TEXT NOT NULL,
          until INTEGER NOT NULL,
          PRIMARY KEY (store, source)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE command(
          bucket INTEGER NOT NULL CONSTRAINT command_bucket_range CHECK (bucket BETWEEN 0 AND 255),
          key TEXT NOT NULL,
          hash BLOB NOT NULL CONSTRAINT command_hash_size CHECK (length(hash) = 32),
          answer BLOB NOT NULL,
          at INTEGER NOT NULL,
          PRIMARY KEY (bucket, key)
        ) WITHOUT ROWID
        """,
        "CREATE INDEX command_by_age ON command(bucket, at)",
        """
        CREATE TABLE journal_owner(
          id INTEGER PRIMARY KEY CONSTRAINT journal_owner_single CHECK (id = 1),
          epoch INTEGER NOT NULL CONSTRAINT journal_owner_epoch_range CHECK (epoch >= 0)
        )
        """,
        "INSERT INTO journal_owner(id, epoch) VALUES (1, 0)",
      ]),
    Migration(
      number: 2, name: "erasures",
      statements: [OptOutStatements.create] + LogErasureStatements.create),
  ]
}
