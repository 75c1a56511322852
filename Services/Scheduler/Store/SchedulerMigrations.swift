internal import Delivery
internal import Storage

/// The schema of scheduler.db. Append-only: a migration that was released never changes.
enum SchedulerMigrations {
  static let all = [
    Migration(
      number: 1, name: "scheduler",
      statements: [LeaseStatements.create] + DeliveryStatements.create + reference + enrolments
        + persons),
    Migration(number: 2, name: "pauses, approvals, audit", statements: brakes),
    Migration(number: 3, name: "caps, ceilings, holdouts", statements: limits),
    Migration(number: 4, name: "incentives", statements: IncentiveTables.create),
    Migration(
      number: 5, name: "erasures", statements: [OptOutStatements.create] + ErasedStatements.create),
    Migration(
      number: 6, name: "restores",
      statements: RestoreStatements.create + RestoreStatements.createReleases),
  ]

  private static func bucket(of table: String) -> String {
    "bucket INTEGER NOT NULL CONSTRAINT \(table)_bucket_range CHECK (bucket BETWEEN 0 AND 255)"
  }

  private static func id(_ column: String, of table: String) -> String {
    """
    \(column) BLOB NOT NULL
      CONSTRAINT \(table)_\(column)_size CHECK (length(\(column)) = 16)
    """
  }

  /// Small tables without buckets.
  private static let reference = [
    """
    CREATE TABLE flow_version(
      store TEXT NOT NULL,
      flow TEXT NOT NULL,
      version INTEGER NOT NULL CONSTRAINT flow_version_positive CHECK (version > 0),
      author TEXT NOT NULL,
      applied_at BIGINT NOT NULL,
      text TEXT NOT NULL CONSTRAINT flow_version_text_filled CHECK (length(text) > 0),
      PRIMARY KEY (store, flow, version)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE send_mode(
      store TEXT NOT NULL,
      flow TEXT NOT NULL,
      mode INTEGER NOT NULL CONSTRAINT send_mode_range CHECK (mode BETWEEN 1 AND 4),
      revision BIGINT NOT NULL CONSTRAINT send_mode_revision_positive CHECK (revision > 0),
      body BLOB NOT NULL,
      PRIMARY KEY (store, flow)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE progress(
      id INTEGER NOT NULL PRIMARY KEY CONSTRAINT progress_single CHECK (id = 1),
      clock BIGINT NOT NULL
    )
    """,
  ]

  /// What holds sending back.
  private static let brakes = [
    // One that was resumed stays, so that whoever missed it can be told.
    """
    CREATE TABLE pause(
      id TEXT NOT NULL PRIMARY KEY CONSTRAINT pause_id_size CHECK (length(id) = 36),
      store TEXT NOT NULL,
      channel INTEGER NOT NULL CONSTRAINT pause_channel_range CHECK (channel BETWEEN 0 AND 8),
      flow TEXT NOT NULL,
      template TEXT NOT NULL,
      holds INTEGER NOT NULL CONSTRAINT pause_holds_flag CHECK (holds BETWEEN 0 AND 1),
      revision BIGINT NOT NULL CONSTRAINT pause_revision_positive CHECK (revision > 0),
      since BIGINT NOT NULL,
      body BLOB NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE UNIQUE INDEX pause_holding ON pause(store, channel, flow, template) WHERE holds = 1
    """,
    """
    CREATE TABLE approval(
      store TEXT NOT NULL,
      flow TEXT NOT NULL,
      version INTEGER NOT NULL CONSTRAINT approval_version_positive CHECK (version > 0),
      approver TEXT NOT NULL CONSTRAINT approval_approver_filled CHECK (length(approver) > 0),
      approved_at BIGINT NOT NULL,
      note TEXT NOT NULL,
      PRIMARY KEY (store, flow, version)
    ) WITHOUT ROWID
    """,
    // In order of what happened; never changed.
    """
    CREATE TABLE audit(
      number BIGINT NOT NULL PRIMARY KEY
        CONSTRAINT audit_number_positive CHECK (number > 0),
      store TEXT NOT NULL,
      flow TEXT NOT NULL,
      at BIGINT NOT NULL,
      body BLOB NOT NULL
    ) WITHOUT ROWID
    """,
    "CREATE INDEX audit_by_store ON audit(store, number)",
  ]

  /// What keeps flows from writing too much.
  private static let limits = [
    // A send stands with every key that it counts for; `keys` of the contact's row are the others.
    """
    CREATE TABLE send_count(
      \(bucket(of: "send_count")),
      \(id("owner", of: "send_count")),
      at BIGINT NOT NULL,
      \(id("order_id", of: "send_count")),
      channel BIGINT NOT NULL CONSTRAINT send_count_channel_positive CHECK (channel > 0),
      dry INTEGER NOT NULL CONSTRAINT send_count_dry_flag CHECK (dry BETWEEN 0 AND 1),
      keys BLOB NOT NULL,
      PRIMARY KEY (bucket, owner, at, order_id)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE flow_day(
      \(bucket(of: "flow_day")),
      store TEXT NOT NULL,
      flow TEXT NOT NULL,
      day BIGINT NOT NULL,
      sent BIGINT NOT NULL CONSTRAINT flow_day_sent_range CHECK (sent >= 0),
      halted INTEGER NOT NULL CONSTRAINT flow_day_halted_flag CHECK (halted BETWEEN 0 AND 1),
      PRIMARY KEY (bucket, store, flow)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE holdout(
      \(bucket(of: "holdout")),
      store TEXT NOT NULL,
      flow TEXT NOT NULL,
      period BIGINT NOT NULL,
      \(id("subject", of: "holdout")),
      \(id("enrolment", of: "holdout")),
      at BIGINT NOT NULL,
      mode INTEGER NOT NULL CONSTRAINT holdout_mode_range CHECK (mode BETWEEN 1 AND 4),
      PRIMARY KEY (bucket, store, flow, period, subject, enrolment)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE salt(
      id INTEGER NOT NULL PRIMARY KEY CONSTRAINT salt_single CHECK (id = 1),
      bytes BLOB NOT NULL CONSTRAINT salt_size CHECK (length(bytes) = 16)
    )
    """,
  ]

  private static let enrolments = [
    // Those of a bucket in the order in which they were made: what is made at one time is due at
    // one time, so that a batch of due rows lies together.
    """
    CREATE TABLE enrolment(
      \(bucket(of: "enrolment")),
      number BIGINT NOT NULL,
      \(id("id", of: "enrolment")),
      store TEXT NOT NULL,
      flow TEXT NOT NULL,
      version INTEGER NOT NULL CONSTRAINT enrolment_version_positive CHECK (version > 0),
      cart TEXT NOT NULL,
      phase INTEGER NOT NULL CONSTRAINT enrolment_phase_range CHECK (phase BETWEEN 1 AND 4),
      reason INTEGER NOT NULL,
      started_at BIGINT NOT NULL,
      due_at BIGINT,
      revision INTEGER NOT NULL CONSTRAINT enrolment_revision_positive CHECK (revision > 0),
      body BLOB NOT NULL,
      CONSTRAINT enrolment_due_while_running CHECK ((due_at IS NULL) = (phase > 2)),
      PRIMARY KEY (bucket, number)
    ) WITHOUT ROWID
    """,
    "CREATE UNIQUE INDEX enrolment_by_id ON enrolment(bucket, id)",
    """
    CREATE INDEX enrolment_by_due ON enrolment(bucket, due_at, number) WHERE due_at IS NOT NULL
    """,
    "CREATE INDEX enrolment_by_cart ON enrolment(bucket, store, cart) WHERE cart <> ''",
    """
    CREATE TABLE decision(
      \(bucket(of: "decision")),
      store TEXT NOT NULL,
      decided_at BIGINT NOT NULL,
      \(id("id", of: "decision")),
      enrolment BIGINT NOT NULL,
      step TEXT NOT NULL,
      verdict INTEGER NOT NULL CONSTRAINT decision_verdict_range CHECK (verdict BETWEEN 1 AND 6),
      reason INTEGER NOT NULL,
      body BLOB NOT NULL,
      PRIMARY KEY (bucket, store, decided_at, id)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE outcome(
      \(bucket(of: "outcome")),
      \(id("order_id", of: "outcome")),
      \(id("id", of: "outcome")),
      at BIGINT NOT NULL,
      body BLOB NOT NULL,
      PRIMARY KEY (bucket, order_id, id)
    ) WITHOUT ROWID
    """,
  ]

  private static let persons = [
    // Each link stands with both identities.
    """
    CREATE TABLE link(
      \(bucket(of: "link")),
      \(id("person", of: "link")),
      \(id("other", of: "link")),
      PRIMARY KEY (bucket, person, other)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE purchase(
      \(bucket(of: "purchase")),
      \(id("person", of: "purchase")),
      at BIGINT NOT NULL,
      event TEXT NOT NULL,
      body BLOB NOT NULL,
      PRIMARY KEY (bucket, person, at, event)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE command(
      \(bucket(of: "command")),
      key TEXT NOT NULL,
      hash BLOB NOT NULL CONSTRAINT command_hash_size CHECK (length(hash) = 32),
      answer BLOB NOT NULL,
      at BIGINT NOT NULL,
      PRIMARY KEY (bucket, key)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX command_by_age ON command(bucket, at)",
  ]
}
