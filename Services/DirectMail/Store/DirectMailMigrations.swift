internal import Delivery
internal import Storage

/// The schema of direct-mail.db. Append-only: a migration that was released never changes.
enum DirectMailMigrations {
  static let all = [
    Migration(
      number: 1, name: "mail pieces",
      statements: [LeaseStatements.create] + DeliveryStatements.create + pieces + batches
        + objections + reference),
    Migration(number: 2, name: "pauses", statements: [PauseStatements.create]),
    Migration(number: 3, name: "opt-out journal", statements: [OptOutStatements.create]),
    Migration(number: 4, name: "erasures", statements: erasures),
    Migration(number: 5, name: "batch approval", statements: approval),
    Migration(
      number: 6, name: "restores",
      statements: RestoreStatements.create + RestoreStatements.createReleases),
  ]

  /// Over what cost a batch is held, and who said so.
  private static let approval = [
    """
    ALTER TABLE budget ADD COLUMN approval_over BIGINT
      CONSTRAINT budget_approval_range CHECK (approval_over IS NULL OR approval_over >= 0)
    """,
    "ALTER TABLE budget ADD COLUMN approval_set_by TEXT NOT NULL DEFAULT ''",
    "CREATE INDEX batch_held ON batch(bucket, id) WHERE state = 6",
  ]

  /// Who was erased, and the secret under which their addresses are kept.
  private static let erasures =
    ErasedStatements.create + [
      """
      ALTER TABLE direct_mail ADD COLUMN hash_key BLOB CONSTRAINT direct_mail_hash_key_size
        CHECK (hash_key IS NULL OR length(hash_key) = 32)
      """
    ]

  private static func bucket(of table: String) -> String {
    "bucket INTEGER NOT NULL CONSTRAINT \(table)_bucket_range CHECK (bucket BETWEEN 0 AND 255)"
  }

  private static func id(of table: String, _ column: String = "id") -> String {
    "\(column) BLOB NOT NULL CONSTRAINT \(table)_\(column)_size CHECK (length(\(column)) = 16)"
  }

  private static let pieces = [
    // An empty `batch`: it ended before it joined one. `reserved_on`: the day whose budget has its
    // cost, as 20260302; 0: none.
    """
    CREATE TABLE piece(
      \(bucket(of: "piece")),
      \(id(of: "piece")),
      store TEXT NOT NULL,
      contact TEXT NOT NULL,
      state INTEGER NOT NULL CONSTRAINT piece_state_range CHECK (state BETWEEN 1 AND 11),
      reason INTEGER NOT NULL,
      batch BLOB NOT NULL CONSTRAINT piece_batch_size CHECK (length(batch) IN (0, 16)),
      cut_off_at BIGINT NOT NULL,
      taken_at BIGINT NOT NULL,
      reserved_on INTEGER NOT NULL,
      body BLOB NOT NULL,
      log BLOB NOT NULL,
      PRIMARY KEY (bucket, id),
      CONSTRAINT piece_in_batch CHECK (state = 1 OR state > 8 OR length(batch) = 16)
    )
    """,
    "CREATE INDEX piece_by_batch ON piece(bucket, batch, id)",
    "CREATE INDEX piece_by_time ON piece(bucket, store, taken_at, id)",
    "CREATE INDEX piece_by_contact ON piece(bucket, contact, store, taken_at)",
    // What a letter says from its grant on, so that it can be printed again; where its code leads.
    """
    CREATE TABLE content(
      \(bucket(of: "content")),
      \(id(of: "content")),
      at BIGINT NOT NULL,
      url TEXT NOT NULL,
      template_locale TEXT NOT NULL,
      address BLOB NOT NULL,
      facts BLOB NOT NULL,
      PRIMARY KEY (bucket, id)
    )
    """,
    // One request of a browser.
    """
    CREATE TABLE visit(
      \(bucket(of: "visit")),
      \(id(of: "visit", "piece")),
      request TEXT NOT NULL,
      at BIGINT NOT NULL,
      PRIMARY KEY (bucket, piece, request)
    ) WITHOUT ROWID
    """,
  ]

  private static let batches = [
    """
    CREATE TABLE batch(
      \(bucket(of: "batch")),
      \(id(of: "batch")),
      store TEXT NOT NULL,
      format INTEGER NOT NULL,
      sample INTEGER NOT NULL CONSTRAINT batch_sample_flag CHECK (sample IN (0, 1)),
      planned_at BIGINT NOT NULL,
      number INTEGER NOT NULL CONSTRAINT batch_number_positive CHECK (number > 0),
      cut_off_at BIGINT NOT NULL,
      state INTEGER NOT NULL CONSTRAINT batch_state_range CHECK (state BETWEEN 1 AND 6),
      closing_at BIGINT,
      settings BLOB NOT NULL,
      body BLOB NOT NULL,
      PRIMARY KEY (bucket, id),
      CONSTRAINT batch_closing CHECK ((state > 1) = (closing_at IS NOT NULL))
    )
    """,
    """
    CREATE UNIQUE INDEX batch_by_plan
    ON batch(bucket, store, format, sample, planned_at, number)
    """,
    "CREATE INDEX batch_by_cut_off ON batch(bucket, store, cut_off_at, id)",
    "CREATE INDEX batch_to_do ON batch(bucket, cut_off_at) WHERE state <= 3",
    """
    CREATE TABLE budget(
      \(bucket(of: "budget")),
      store TEXT NOT NULL,
      currency TEXT NOT NULL CONSTRAINT budget_currency_size CHECK (length(currency) = 3),
      daily BIGINT,
      total BIGINT,
      spent BIGINT NOT NULL CONSTRAINT budget_spent_range CHECK (spent >= 0),
      day INTEGER NOT NULL,
      spent_today BIGINT NOT NULL CONSTRAINT budget_today_range CHECK (spent_today >= 0),
      PRIMARY KEY (bucket, store, currency)
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
  ]

  private static let objections = [
    // Of a controller: an empty contact for those of an address, an empty address for the others.
    """
    CREATE TABLE objection(
      \(bucket(of: "objection")),
      \(id(of: "objection", "owner_key")),
      controller TEXT NOT NULL,
      contact TEXT NOT NULL,
      address BLOB NOT NULL,
      cause INTEGER NOT NULL CONSTRAINT objection_cause_range CHECK (cause BETWEEN 1 AND 3),
      since BIGINT NOT NULL,
      evidence TEXT NOT NULL,
      piece TEXT NOT NULL,
      PRIMARY KEY (bucket, owner_key)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX objection_by_time ON objection(bucket, controller, since)",
    // Whose letters an address has got, and when the last began; 0: samples only.
    """
    CREATE TABLE address_contact(
      \(bucket(of: "address_contact")),
      \(id(of: "address_contact", "owner_key")),
      store TEXT NOT NULL,
      contact TEXT NOT NULL,
      last_at BIGINT NOT NULL,
      PRIMARY KEY (bucket, owner_key, store, contact)
    ) WITHOUT ROWID
    """,
  ]

  private static let reference = [
    """
    CREATE TABLE template(
      store TEXT NOT NULL,
      name TEXT NOT NULL,
      locale TEXT NOT NULL,
      version INTEGER NOT NULL CONSTRAINT template_version_positive CHECK (version > 0),
      is_newest INTEGER NOT NULL CONSTRAINT template_newest_flag CHECK (is_newest IN (0, 1)),
      body BLOB NOT NULL,
      PRIMARY KEY (store, name, locale, version)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE mode(
      store TEXT NOT NULL,
      flow TEXT NOT NULL,
      revision BIGINT NOT NULL CONSTRAINT mode_revision_positive CHECK (revision > 0),
      body BLOB NOT NULL,
      PRIMARY KEY (store, flow)
    ) WITHOUT ROWID
    """,
    // The instant of this database.
    """
    CREATE TABLE direct_mail(
      id INTEGER NOT NULL PRIMARY KEY CONSTRAINT direct_mail_single CHECK (id = 1),
      clock BIGINT NOT NULL
    )
    """,
  ]
}
