/// Tables of incentives: terms, what they have come to, pools, codes, gifts (M11, M12).
enum IncentiveTables {
  private static func bucket(of table: String) -> String {
    "bucket INTEGER NOT NULL CONSTRAINT \(table)_bucket_range CHECK (bucket BETWEEN 0 AND 255)"
  }

  private static func id(_ column: String, of table: String) -> String {
    """
    \(column) BLOB NOT NULL
      CONSTRAINT \(table)_\(column)_size CHECK (length(\(column)) = 16)
    """
  }

  private static func dry(of table: String) -> String {
    "dry INTEGER NOT NULL CONSTRAINT \(table)_dry_flag CHECK (dry BETWEEN 0 AND 1)"
  }

  static let create = terms + codes + gifts

  private static let terms = [
    """
    CREATE TABLE incentive(
      store TEXT NOT NULL,
      name TEXT NOT NULL CONSTRAINT incentive_name_filled CHECK (length(name) > 0),
      code TEXT NOT NULL,
      revision BIGINT NOT NULL CONSTRAINT incentive_revision_positive CHECK (revision > 0),
      body BLOB NOT NULL,
      PRIMARY KEY (store, name)
    ) WITHOUT ROWID
    """,
    "CREATE UNIQUE INDEX incentive_by_code ON incentive(store, code) WHERE code <> ''",
    // How many gifts are in each state; the owner is the incentive.
    """
    CREATE TABLE incentive_count(
      \(bucket(of: "incentive_count")),
      \(id("owner", of: "incentive_count")),
      \(dry(of: "incentive_count")),
      reserved BIGINT NOT NULL CONSTRAINT incentive_count_reserved_range CHECK (reserved >= 0),
      outstanding BIGINT NOT NULL
        CONSTRAINT incentive_count_outstanding_range CHECK (outstanding >= 0),
      redeemed BIGINT NOT NULL CONSTRAINT incentive_count_redeemed_range CHECK (redeemed >= 0),
      PRIMARY KEY (bucket, owner, dry)
    ) WITHOUT ROWID
    """,
    // Billionths of a unit.
    """
    CREATE TABLE incentive_worth(
      \(bucket(of: "incentive_worth")),
      \(id("owner", of: "incentive_worth")),
      \(dry(of: "incentive_worth")),
      currency TEXT NOT NULL CONSTRAINT incentive_worth_currency_size CHECK (length(currency) = 3),
      reserved BIGINT NOT NULL CONSTRAINT incentive_worth_reserved_range CHECK (reserved >= 0),
      spent BIGINT NOT NULL CONSTRAINT incentive_worth_spent_range CHECK (spent >= 0),
      PRIMARY KEY (bucket, owner, dry, currency)
    ) WITHOUT ROWID
    """,
  ]

  private static let codes = [
    // The owner is the incentive; a code leaves when it is given.
    """
    CREATE TABLE pool_code(
      \(bucket(of: "pool_code")),
      \(id("owner", of: "pool_code")),
      number BIGINT NOT NULL,
      code TEXT NOT NULL,
      normal TEXT NOT NULL CONSTRAINT pool_code_normal_filled CHECK (length(normal) > 0),
      PRIMARY KEY (bucket, owner, number)
    ) WITHOUT ROWID
    """,
    "CREATE UNIQUE INDEX pool_code_by_code ON pool_code(bucket, owner, normal)",
    // The owner is the code. While nobody has it, the gift is sixteen zeros.
    """
    CREATE TABLE gift_code(
      \(bucket(of: "gift_code")),
      \(id("owner", of: "gift_code")),
      cart TEXT NOT NULL,
      \(id("gift", of: "gift_code")),
      incentive TEXT NOT NULL,
      void INTEGER NOT NULL CONSTRAINT gift_code_void_flag CHECK (void BETWEEN 0 AND 1),
      PRIMARY KEY (bucket, owner, cart, gift)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX gift_code_by_gift ON gift_code(bucket, owner, gift)",
    """
    CREATE TABLE redemption(
      \(bucket(of: "redemption")),
      \(id("owner", of: "redemption")),
      order_name TEXT NOT NULL CONSTRAINT redemption_order_filled CHECK (length(order_name) > 0),
      \(id("gift", of: "redemption")),
      at BIGINT NOT NULL,
      currency TEXT NOT NULL,
      value BIGINT NOT NULL CONSTRAINT redemption_value_range CHECK (value >= 0),
      reversed INTEGER NOT NULL
        CONSTRAINT redemption_reversed_flag CHECK (reversed BETWEEN 0 AND 1),
      PRIMARY KEY (bucket, owner, order_name)
    ) WITHOUT ROWID
    """,
  ]

  private static let gifts = [
    // The owner is the contact; `keys` are the others that it counts for.
    """
    CREATE TABLE gift(
      \(bucket(of: "gift")),
      \(id("id", of: "gift")),
      \(id("owner", of: "gift")),
      store TEXT NOT NULL,
      incentive TEXT NOT NULL,
      contact TEXT NOT NULL,
      code TEXT NOT NULL,
      state INTEGER NOT NULL CONSTRAINT gift_state_range CHECK (state BETWEEN 1 AND 6),
      \(dry(of: "gift")),
      given_at BIGINT NOT NULL,
      valid_until BIGINT NOT NULL,
      ends_at BIGINT,
      carried BIGINT NOT NULL CONSTRAINT gift_carried_range CHECK (carried >= 0),
      currency TEXT NOT NULL,
      liability BIGINT NOT NULL CONSTRAINT gift_liability_range CHECK (liability >= 0),
      redeemed_by TEXT NOT NULL,
      value BIGINT NOT NULL CONSTRAINT gift_value_range CHECK (value >= 0),
      keys BLOB NOT NULL,
      body BLOB NOT NULL,
      CONSTRAINT gift_redeemed_by_somebody CHECK ((state = 3) = (length(redeemed_by) > 0)),
      PRIMARY KEY (bucket, id)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX gift_by_owner ON gift(bucket, owner, given_at)",
    "CREATE INDEX gift_by_end ON gift(bucket, ends_at, id) WHERE ends_at IS NOT NULL",
    """
    CREATE TABLE gift_order(
      \(bucket(of: "gift_order")),
      \(id("order_id", of: "gift_order")),
      \(id("gift", of: "gift_order")),
      open INTEGER NOT NULL CONSTRAINT gift_order_open_flag CHECK (open BETWEEN 0 AND 1),
      PRIMARY KEY (bucket, order_id)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE gift_count(
      \(bucket(of: "gift_count")),
      \(id("owner", of: "gift_count")),
      at BIGINT NOT NULL,
      \(id("gift", of: "gift_count")),
      \(dry(of: "gift_count")),
      PRIMARY KEY (bucket, owner, at, gift)
    ) WITHOUT ROWID
    """,
  ]
}
