internal import Delivery
internal import Storage

/// The schema of carts.db: what is made from the journal. Append-only: a migration that was
/// released never changes.
enum CartsMigrations {
  static let all = [
    Migration(number: 1, name: "persons", statements: [LeaseStatements.create] + persons),
    Migration(number: 2, name: "lists", statements: lists),
    Migration(number: 3, name: "delivery", statements: DeliveryStatements.create),
    Migration(number: 4, name: "companies", statements: companies),
    Migration(
      number: 5, name: "restores",
      statements: RestoreStatements.create + RestoreStatements.createReleases),
  ]

  private static func bucket(of table: String) -> String {
    "bucket INTEGER NOT NULL CONSTRAINT \(table)_bucket_range CHECK (bucket BETWEEN 0 AND 255)"
  }

  private static func person(of table: String) -> String {
    "person BLOB NOT NULL CONSTRAINT \(table)_person_size CHECK (length(person) = 16)"
  }

  private static let persons = [
    """
    CREATE TABLE bucket_cursor(
      \(bucket(of: "bucket_cursor")),
      seq INTEGER NOT NULL,
      change_seq INTEGER NOT NULL,
      PRIMARY KEY (bucket)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE projected(
      id INTEGER PRIMARY KEY CONSTRAINT projected_single CHECK (id = 1),
      position INTEGER NOT NULL CONSTRAINT projected_position_range CHECK (position >= 0),
      settled INTEGER NOT NULL,
      clock INTEGER NOT NULL,
      version INTEGER NOT NULL CONSTRAINT projected_version_positive CHECK (version > 0)
    )
    """,
    """
    CREATE TABLE person(
      \(bucket(of: "person")),
      \(person(of: "person")),
      due_at INTEGER,
      state BLOB NOT NULL,
      PRIMARY KEY (bucket, person)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE history(
      \(bucket(of: "history")),
      \(person(of: "history")),
      hash INTEGER NOT NULL,
      position INTEGER NOT NULL CONSTRAINT history_position_positive CHECK (position > 0),
      at INTEGER NOT NULL,
      PRIMARY KEY (bucket, person, hash, position)
    ) WITHOUT ROWID
    """,
  ]

  private static let companies = [
    """
    CREATE TABLE company_purchase(
      \(bucket(of: "company_purchase")),
      company BLOB NOT NULL
        CONSTRAINT company_purchase_company_size CHECK (length(company) = 16),
      at INTEGER NOT NULL,
      \(person(of: "company_purchase")),
      event TEXT NOT NULL,
      void INTEGER NOT NULL CONSTRAINT company_purchase_void_flag CHECK (void IN (0, 1)),
      body BLOB NOT NULL,
      PRIMARY KEY (bucket, company, at, person, event)
    ) WITHOUT ROWID
    """
  ]

  private static let lists = [
    cart,
    "CREATE INDEX cart_by_id ON cart(bucket, store, cart)",
    """
    CREATE INDEX cart_by_abandonment
    ON cart(bucket, store, abandoned_at DESC, cart, person, state, version) WHERE state = 2
    """,
    """
    CREATE TABLE episode(
      \(bucket(of: "episode")),
      \(person(of: "episode")),
      id BLOB NOT NULL CONSTRAINT episode_id_size CHECK (length(id) = 16),
      store TEXT NOT NULL,
      cart TEXT NOT NULL,
      contact TEXT NOT NULL,
      state INTEGER NOT NULL CONSTRAINT episode_state_range CHECK (state BETWEEN 1 AND 6),
      kind INTEGER NOT NULL,
      trigger_kind INTEGER NOT NULL,
      abandoned_at INTEGER NOT NULL,
      followed INTEGER NOT NULL CONSTRAINT episode_followed_flag CHECK (followed IN (0, 1)),
      revision INTEGER NOT NULL CONSTRAINT episode_revision_positive CHECK (revision > 0),
      body BLOB NOT NULL,
      PRIMARY KEY (bucket, person, id)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX episode_by_time ON episode(bucket, store, abandoned_at, id)",
    """
    CREATE TABLE contact(
      \(bucket(of: "contact")),
      \(person(of: "contact")),
      store TEXT NOT NULL,
      id TEXT NOT NULL,
      search TEXT NOT NULL,
      PRIMARY KEY (bucket, person)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX contact_by_id ON contact(bucket, store, id)",
    """
    CREATE TABLE contact_tag(
      \(bucket(of: "contact_tag")),
      store TEXT NOT NULL,
      tag TEXT NOT NULL,
      contact TEXT NOT NULL,
      PRIMARY KEY (bucket, store, tag, contact)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE change(
      \(bucket(of: "change")),
      seq INTEGER NOT NULL CONSTRAINT change_seq_positive CHECK (seq > 0),
      at INTEGER NOT NULL,
      store TEXT NOT NULL,
      body BLOB NOT NULL,
      PRIMARY KEY (bucket, seq)
    ) WITHOUT ROWID
    """,
  ]

  private static let cart = """
    CREATE TABLE cart(
      \(bucket(of: "cart")),
      \(person(of: "cart")),
      cart TEXT NOT NULL,
      store TEXT NOT NULL,
      contact TEXT NOT NULL,
      state INTEGER NOT NULL CONSTRAINT cart_state_range CHECK (state BETWEEN 1 AND 5),
      kind INTEGER NOT NULL,
      place INTEGER NOT NULL,
      offer_class INTEGER NOT NULL,
      stage INTEGER NOT NULL,
      stages INTEGER NOT NULL,
      left_stage INTEGER NOT NULL,
      reasons INTEGER NOT NULL,
      company TEXT NOT NULL,
      score INTEGER NOT NULL CONSTRAINT cart_score_range CHECK (score BETWEEN 0 AND 100),
      started_at INTEGER NOT NULL,
      last_activity_at INTEGER NOT NULL,
      closed_at INTEGER,
      abandoned_at INTEGER,
      episodes INTEGER NOT NULL CONSTRAINT cart_episodes_range CHECK (episodes >= 0),
      quantity REAL NOT NULL,
      total_units INTEGER NOT NULL,
      total_nanos INTEGER NOT NULL,
      currency TEXT NOT NULL,
      contact_name TEXT NOT NULL,
      company_name TEXT NOT NULL,
      email TEXT NOT NULL,
      phone TEXT NOT NULL,
      products TEXT NOT NULL,
      skus TEXT NOT NULL,
      customer TEXT NOT NULL,
      details TEXT NOT NULL,
      totals TEXT NOT NULL,
      version INTEGER NOT NULL,
      archived BLOB,
      PRIMARY KEY (bucket, person, cart)
    ) WITHOUT ROWID
    """
}
