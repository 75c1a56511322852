internal import Delivery
internal import Storage

/// The schema of notifier.db. Append-only: a migration that was released never changes.
enum NotifierMigrations {
  static let all = [
    Migration(
      number: 1, name: "messages",
      statements: [LeaseStatements.create] + DeliveryStatements.create + messages + addresses
        + reference),
    Migration(number: 2, name: "pauses", statements: pauses),
    Migration(number: 3, name: "inbound", statements: [OptOutStatements.create] + inbound),
    Migration(number: 4, name: "erasures", statements: ErasedStatements.create),
    Migration(number: 5, name: "restores", statements: RestoreStatements.create),
    Migration(number: 6, name: "releases", statements: RestoreStatements.createReleases),
  ]

  private static func bucket(of table: String) -> String {
    "bucket INTEGER NOT NULL CONSTRAINT \(table)_bucket_range CHECK (bucket BETWEEN 0 AND 255)"
  }

  private static func id(of table: String, _ column: String = "id") -> String {
    "\(column) BLOB NOT NULL CONSTRAINT \(table)_\(column)_size CHECK (length(\(column)) = 16)"
  }

  /// What is held back, and how what waits for its end is found.
  private static let pauses = [
    PauseStatements.create,
    "CREATE INDEX message_paused ON message(bucket, next_at) WHERE state = 1 AND reason = 21",
  ]

  /// What comes back by itself, and what a reply is found by.
  private static let inbound = [
    // Mails and texts that were taken, with what was made of them.
    """
    CREATE TABLE inbound(
      \(bucket(of: "inbound")),
      \(id(of: "inbound", "digest")),
      at BIGINT NOT NULL,
      answer BLOB NOT NULL,
      PRIMARY KEY (bucket, digest)
    ) WITHOUT ROWID
    """,
    // Bounces that may pass, by the address for all stores of its controller.
    """
    CREATE TABLE soft_bounce(
      \(bucket(of: "soft_bounce")),
      \(id(of: "soft_bounce", "address_key")),
      \(id(of: "soft_bounce", "message")),
      at BIGINT NOT NULL,
      PRIMARY KEY (bucket, address_key, message)
    ) WITHOUT ROWID
    """,
    // The last message that each controller sent to a number or chat through a provider.
    """
    CREATE TABLE address_sender(
      \(bucket(of: "address_sender")),
      \(id(of: "address_sender", "address_key")),
      provider TEXT NOT NULL,
      controller TEXT NOT NULL,
      store TEXT NOT NULL,
      \(id(of: "address_sender", "message")),
      message_bucket INTEGER NOT NULL CONSTRAINT address_sender_message_bucket
        CHECK (message_bucket BETWEEN 0 AND 255),
      at BIGINT NOT NULL,
      PRIMARY KEY (bucket, address_key, provider, controller)
    ) WITHOUT ROWID
    """,
  ]

  private static let messages = [
    // In order of their arrival, so that taking one is an append.
    """
    CREATE TABLE message(
      \(bucket(of: "message")),
      \(id(of: "message")),
      store TEXT NOT NULL,
      contact TEXT NOT NULL,
      channel INTEGER NOT NULL CONSTRAINT message_channel_range CHECK (channel BETWEEN 1 AND 6),
      state INTEGER NOT NULL CONSTRAINT message_state_range CHECK (state BETWEEN 1 AND 7),
      reason INTEGER NOT NULL,
      is_unsure INTEGER NOT NULL CONSTRAINT message_unsure_flag CHECK (is_unsure IN (0, 1)),
      next_at BIGINT NOT NULL,
      taken_at BIGINT NOT NULL,
      ended_at BIGINT,
      failures INTEGER NOT NULL CONSTRAINT message_failures_range CHECK (failures >= 0),
      provider TEXT NOT NULL,
      recipient TEXT NOT NULL,
      locale TEXT NOT NULL,
      template_version INTEGER NOT NULL,
      body BLOB NOT NULL,
      log BLOB NOT NULL,
      PRIMARY KEY (bucket, id),
      CONSTRAINT message_end CHECK ((state > 2) = (ended_at IS NOT NULL))
    )
    """,
    "CREATE INDEX message_due ON message(bucket, channel, next_at) WHERE state = 1",
    "CREATE INDEX message_sending ON message(bucket, id) WHERE state = 2",
    "CREATE INDEX message_by_time ON message(bucket, store, taken_at, id)",
    "CREATE INDEX message_by_contact ON message(bucket, contact, store, taken_at)",
    // What was handed over, and where its tracked links lead.
    """
    CREATE TABLE content(
      \(bucket(of: "content")),
      \(id(of: "content")),
      at BIGINT NOT NULL,
      links BLOB NOT NULL,
      body BLOB NOT NULL,
      PRIMARY KEY (bucket, id)
    )
    """,
    "CREATE INDEX content_by_time ON content(bucket, at)",
    // What became known after a message's end.
    """
    CREATE TABLE outcome(
      \(bucket(of: "outcome")),
      \(id(of: "outcome", "message")),
      \(id(of: "outcome")),
      at BIGINT NOT NULL,
      kind INTEGER NOT NULL,
      body BLOB NOT NULL,
      PRIMARY KEY (bucket, message, id)
    ) WITHOUT ROWID
    """,
    // One request of a browser, with what the filter of machines looks at.
    """
    CREATE TABLE visit(
      \(bucket(of: "visit")),
      \(id(of: "visit", "message")),
      kind INTEGER NOT NULL CONSTRAINT visit_kind_range CHECK (kind IN (1, 2)),
      request TEXT NOT NULL,
      at BIGINT NOT NULL,
      link INTEGER NOT NULL,
      actor INTEGER NOT NULL CONSTRAINT visit_actor_range CHECK (actor IN (1, 2)),
      agent_class INTEGER NOT NULL,
      agent BLOB NOT NULL,
      address BLOB NOT NULL,
      PRIMARY KEY (bucket, message, kind, request)
    ) WITHOUT ROWID
    """,
    // The inbox of staff (M03).
    """
    CREATE TABLE note(
      \(bucket(of: "note")),
      \(id(of: "note", "message")),
      recipient TEXT NOT NULL,
      store TEXT NOT NULL,
      at BIGINT NOT NULL,
      text TEXT NOT NULL,
      read_at BIGINT,
      acknowledged_at BIGINT,
      PRIMARY KEY (bucket, message, recipient)
    ) WITHOUT ROWID
    """,
  ]

  private static let addresses = [
    """
    CREATE TABLE suppression(
      \(bucket(of: "suppression")),
      \(id(of: "suppression", "address_key")),
      scope TEXT NOT NULL,
      channel INTEGER NOT NULL,
      address TEXT NOT NULL,
      cause INTEGER NOT NULL CONSTRAINT suppression_cause_range CHECK (cause BETWEEN 1 AND 6),
      whole_controller INTEGER NOT NULL
        CONSTRAINT suppression_whole_flag CHECK (whole_controller IN (0, 1)),
      since BIGINT NOT NULL,
      until BIGINT,
      evidence TEXT NOT NULL,
      message TEXT NOT NULL,
      PRIMARY KEY (bucket, address_key)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX suppression_by_time ON suppression(bucket, scope, since)",
    // Only ever appended to: what a person asked for, and what an operator took back.
    """
    CREATE TABLE opt_out(
      \(bucket(of: "opt_out")),
      \(id(of: "opt_out", "address_key")),
      at BIGINT NOT NULL,
      taken_at BIGINT NOT NULL,
      kind TEXT NOT NULL CONSTRAINT opt_out_kind CHECK
        (kind IN ('opt-out', 'one-click', 'page', 'reply', 'removed')),
      scope TEXT NOT NULL,
      channel INTEGER NOT NULL,
      address TEXT NOT NULL,
      evidence TEXT NOT NULL,
      message TEXT NOT NULL,
      PRIMARY KEY (bucket, address_key, taken_at, at, kind, message)
    ) WITHOUT ROWID
    """,
    // Whose messages an address has got.
    """
    CREATE TABLE address_contact(
      \(bucket(of: "address_contact")),
      \(id(of: "address_contact", "address_key")),
      store TEXT NOT NULL,
      contact TEXT NOT NULL,
      PRIMARY KEY (bucket, address_key, store, contact)
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
    // Callbacks of providers that were taken.
    """
    CREATE TABLE callback(
      \(bucket(of: "callback")),
      \(id(of: "callback", "digest")),
      provider TEXT NOT NULL,
      at BIGINT NOT NULL,
      outcomes INTEGER NOT NULL,
      ignored INTEGER NOT NULL,
      PRIMARY KEY (bucket, digest)
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
    // Keys and instants of this database.
    """
    CREATE TABLE notifier(
      id INTEGER NOT NULL PRIMARY KEY CONSTRAINT notifier_single CHECK (id = 1),
      clock BIGINT NOT NULL,
      hash_key BLOB NOT NULL CONSTRAINT notifier_hash_key_size CHECK (length(hash_key) = 32)
    )
    """,
  ]
}
