internal import Storage

/// What is read and written of incentives: terms, what they have come to, pools, codes, gifts.
enum IncentiveStatements {
  /// What `Gift` is read from; the same in every statement below.
  private static let columns = """
    id, owner, store, incentive, contact, code, state, dry, given_at, valid_until, ends_at,
    carried, currency, liability, redeemed_by, value, keys, body
    """

  // MARK: - Terms

  /// Keeps the terms of an incentive.
  static let put = Statement(
    name: "put incentive",
    sql: """
      INSERT INTO incentive(store, name, code, revision, body) VALUES (?1, ?2, ?3, ?4, ?5)
      ON CONFLICT(store, name) DO UPDATE SET code = excluded.code, revision = excluded.revision,
        body = excluded.body
      """, scope: .reference)

  /// The terms of one.
  static let named = Statement(
    name: "incentive",
    sql: "SELECT revision, body FROM incentive WHERE store = ?1 AND name = ?2",
    scope: .reference)

  /// Which incentive has this fixed code.
  static let withCode = Statement(
    name: "incentive with code",
    sql: "SELECT name FROM incentive WHERE store = ?1 AND code = ?2 AND code <> ''",
    scope: .reference)

  /// Those of a store.
  static let ofStore = Statement(
    name: "incentives of store",
    sql: "SELECT revision, body FROM incentive WHERE store = ?1 ORDER BY name LIMIT 1024",
    scope: .reference)

  // MARK: - What they have come to

  /// How often it was given.
  static let counts = Statement(
    name: "incentive counts",
    sql: """
      SELECT reserved, outstanding, redeemed FROM incentive_count
      WHERE bucket = ?1 AND owner = ?2 AND dry = ?3
      """)

  /// Keeps how often it was given.
  static let putCounts = Statement(
    name: "put incentive counts",
    sql: """
      INSERT INTO incentive_count(bucket, owner, dry, reserved, outstanding, redeemed)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6)
      ON CONFLICT(bucket, owner, dry) DO UPDATE SET reserved = excluded.reserved,
        outstanding = excluded.outstanding, redeemed = excluded.redeemed
      """)

  /// What it is worth in each currency, in billionths.
  static let worth = Statement(
    name: "incentive worth",
    sql: """
      SELECT currency, reserved, spent FROM incentive_worth
      WHERE bucket = ?1 AND owner = ?2 AND dry = ?3 ORDER BY currency
      """)

  /// Keeps what it is worth in a currency.
  static let putWorth = Statement(
    name: "put incentive worth",
    sql: """
      INSERT INTO incentive_worth(bucket, owner, dry, currency, reserved, spent)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6)
      ON CONFLICT(bucket, owner, dry, currency) DO UPDATE SET reserved = excluded.reserved,
        spent = excluded.spent
      """)

  // MARK: - Pools and codes

  /// The number of the last code of a pool.
  static let lastOfPool = Statement(
    name: "last of pool",
    sql: """
      SELECT number FROM pool_code WHERE bucket = ?1 AND owner = ?2 ORDER BY number DESC LIMIT 1
      """)

  /// Puts a code into a pool.
  static let addToPool = Statement(
    name: "add to pool",
    sql: """
      INSERT INTO pool_code(bucket, owner, number, code, normal) VALUES (?1, ?2, ?3, ?4, ?5)
      """)

  /// The first code of a pool.
  static let firstOfPool = Statement(
    name: "first of pool",
    sql: """
      SELECT number, code FROM pool_code WHERE bucket = ?1 AND owner = ?2 ORDER BY number LIMIT 1
      """)

  /// Takes a code out of a pool.
  static let dropFromPool = Statement(
    name: "drop from pool",
    sql: "DELETE FROM pool_code WHERE bucket = ?1 AND owner = ?2 AND normal = ?3")

  /// How many codes a pool has.
  static let poolLeft = Statement(
    name: "pool left", sql: "SELECT count(*) FROM pool_code WHERE bucket = ?1 AND owner = ?2")

  /// Says what a code is of: of a gift and its cart, or of a pool while nobody has it.
  static let addCode = Statement(
    name: "add code",
    sql: """
      INSERT INTO gift_code(bucket, owner, cart, gift, incentive, void)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6)
      ON CONFLICT(bucket, owner, cart, gift) DO UPDATE SET void = excluded.void
      """)

  /// Takes that back.
  static let removeCode = Statement(
    name: "remove code",
    sql: "DELETE FROM gift_code WHERE bucket = ?1 AND owner = ?2 AND gift = ?3")

  /// What a code is of; a fixed one is of many.
  static let code = Statement(
    name: "code",
    sql: """
      SELECT gift, incentive, void FROM gift_code WHERE bucket = ?1 AND owner = ?2
      ORDER BY cart, gift LIMIT 8
      """)

  /// What a code is of that goes with a cart.
  static let codeOfCart = Statement(
    name: "code of cart",
    sql: """
      SELECT gift, incentive, void FROM gift_code
      WHERE bucket = ?1 AND owner = ?2 AND cart = ?3 ORDER BY gift LIMIT 8
      """)

  // MARK: - Gifts

  /// Keeps a gift as it is now.
  static let putGift = Statement(
    name: "put gift",
    sql: """
      INSERT INTO gift(bucket, id, owner, store, incentive, contact, code, state, dry, given_at,
        valid_until, ends_at, carried, currency, liability, redeemed_by, value, keys, body)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)
      ON CONFLICT(bucket, id) DO UPDATE SET code = excluded.code, state = excluded.state,
        dry = excluded.dry, given_at = excluded.given_at, valid_until = excluded.valid_until,
        ends_at = excluded.ends_at, carried = excluded.carried, currency = excluded.currency,
        liability = excluded.liability, redeemed_by = excluded.redeemed_by,
        value = excluded.value, keys = excluded.keys, body = excluded.body
      """)

  /// One gift.
  static let gift = Statement(
    name: "gift", sql: "SELECT \(columns) FROM gift WHERE bucket = ?1 AND id = ?2")

  /// A contact's gifts, newest first.
  static let ofOwner = Statement(
    name: "gifts of owner",
    sql: """
      SELECT \(columns) FROM gift WHERE bucket = ?1 AND owner = ?2
      ORDER BY given_at DESC, id LIMIT 256
      """)

  /// Gifts of a bucket whose time is over.
  static let ended = Statement(
    name: "ended gifts",
    sql: """
      SELECT \(columns) FROM gift WHERE bucket = ?1 AND ends_at <= ?2 ORDER BY ends_at, id LIMIT ?3
      """)

  /// Which gift an order carries.
  static let ofOrder = Statement(
    name: "gift of order",
    sql: "SELECT gift, open FROM gift_order WHERE bucket = ?1 AND order_id = ?2")

  /// Says that an order carries a gift, and whether it is under way.
  static let putOrder = Statement(
    name: "put gift order",
    sql: """
      INSERT INTO gift_order(bucket, order_id, gift, open) VALUES (?1, ?2, ?3, ?4)
      ON CONFLICT(bucket, order_id) DO UPDATE SET open = excluded.open
      """)

  // MARK: - Limits

  /// Counts a gift for a person or company; nothing happens where it counts already.
  static let count = Statement(
    name: "count gift",
    sql: """
      INSERT INTO gift_count(bucket, owner, at, gift, dry) VALUES (?1, ?2, ?3, ?4, ?5)
      ON CONFLICT(bucket, owner, at, gift) DO NOTHING
      """)

  /// A gift counts no longer.
  static let discount = Statement(
    name: "discount gift",
    sql: "DELETE FROM gift_count WHERE bucket = ?1 AND owner = ?2 AND at = ?3 AND gift = ?4")

  /// The newest gift of a person or company after an instant.
  static let counted = Statement(
    name: "counted gift",
    sql: """
      SELECT at FROM gift_count
      WHERE bucket = ?1 AND owner = ?2 AND at > ?3 AND dry <= ?4 AND gift <> ?5
      ORDER BY at DESC LIMIT 1
      """)

  // MARK: - Redemptions

  /// Keeps what an order redeemed.
  static let putRedemption = Statement(
    name: "put redemption",
    sql: """
      INSERT INTO redemption(bucket, owner, order_name, gift, at, currency, value, reversed)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
      ON CONFLICT(bucket, owner, order_name) DO UPDATE SET gift = excluded.gift, at = excluded.at,
        currency = excluded.currency, value = excluded.value, reversed = excluded.reversed
      """)

  /// What an order redeemed with a code.
  static let redemption = Statement(
    name: "redemption",
    sql: """
      SELECT gift, at, currency, value, reversed FROM redemption
      WHERE bucket = ?1 AND owner = ?2 AND order_name = ?3
      """)

  /// Every statement, for the rule test.
  static let all = [
    put, named, withCode, ofStore, counts, putCounts, worth, putWorth, lastOfPool, addToPool,
    firstOfPool, dropFromPool, poolLeft, addCode, removeCode, code, codeOfCart,
    putGift, gift, ofOwner, ended, ofOrder, putOrder, count, discount, counted, putRedemption,
    redemption,
  ]
}
