internal import Storage

/// What is read and written of batches and budgets.
enum BatchStatements {
  /// The open batch of a plan.
  static let open = Statement(
    name: "open batch",
    sql: """
      SELECT id, cut_off_at FROM batch
      WHERE bucket = ?1 AND store = ?2 AND format = ?3 AND sample = ?4 AND planned_at = ?5
        AND state = 1
      ORDER BY number DESC LIMIT 1
      """)

  /// How many batches a plan has had.
  static let lastNumber = Statement(
    name: "last number of batch",
    sql: """
      SELECT number FROM batch
      WHERE bucket = ?1 AND store = ?2 AND format = ?3 AND sample = ?4 AND planned_at = ?5
      ORDER BY number DESC LIMIT 1
      """)

  /// Opens a batch.
  static let add = Statement(
    name: "add batch",
    sql: """
      INSERT INTO batch(bucket, id, store, format, sample, planned_at, number, cut_off_at, state,
        closing_at, settings, body)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?6, 1, NULL, ?8, ?8)
      """)

  /// All of a batch.
  static let batch = Statement(
    name: "batch",
    sql: """
      SELECT id, store, format, sample, cut_off_at, state, closing_at, settings, body
      FROM batch WHERE bucket = ?1 AND id = ?2
      """)

  /// A store's batches, latest cut-off first.
  static let latest = Statement(
    name: "latest batches",
    sql: """
      SELECT id, store, format, sample, cut_off_at, state, closing_at, settings, body
      FROM batch WHERE bucket = ?1 AND store = ?2 AND cut_off_at >= ?3 AND cut_off_at <= ?4
      ORDER BY cut_off_at DESC, id DESC
      """)

  /// Batches that are not handed over yet.
  static let toDo = Statement(
    name: "batches to do",
    sql: "SELECT id, cut_off_at, state FROM batch WHERE bucket = ?1 AND state <= 3")

  /// Lets no piece join any more.
  static let beginClosing = Statement(
    name: "begin closing",
    sql: """
      UPDATE batch SET state = 2, closing_at = ?3, cut_off_at = ?4
      WHERE bucket = ?1 AND id = ?2 AND state = 1
      """)

  /// Lets no piece join any more, and waits for approval; `body` says over which limit.
  static let hold = Statement(
    name: "hold batch",
    sql: """
      UPDATE batch SET state = 6, closing_at = ?3, cut_off_at = ?4, body = ?5
      WHERE bucket = ?1 AND id = ?2 AND state = 1
      """)

  /// Lets a held batch close.
  static let release = Statement(
    name: "release batch",
    sql: """
      UPDATE batch SET state = 2, closing_at = ?3, body = ?4
      WHERE bucket = ?1 AND id = ?2 AND state = 6
      """)

  /// Batches that wait for approval.
  static let held = Statement(
    name: "held batches", sql: "SELECT id FROM batch WHERE bucket = ?1 AND state = 6")

  /// Keeps the settings that all of its letters are made with.
  static let putSettings = Statement(
    name: "put settings of batch",
    sql: "UPDATE batch SET settings = ?3 WHERE bucket = ?1 AND id = ?2 AND length(settings) = 0")

  /// Moves a batch on, where it has the state expected.
  static let move = Statement(
    name: "move batch",
    sql: "UPDATE batch SET state = ?4, body = ?5 WHERE bucket = ?1 AND id = ?2 AND state = ?3")

  /// A budget.
  static let budget = Statement(
    name: "budget",
    sql: """
      SELECT currency, daily, total, spent, day, spent_today, approval_over, approval_set_by
      FROM budget WHERE bucket = ?1 AND store = ?2 AND currency = ?3
      """)

  /// A store's budgets in order of their currencies.
  static let budgets = Statement(
    name: "budgets",
    sql: """
      SELECT currency, daily, total, spent, day, spent_today, approval_over, approval_set_by
      FROM budget WHERE bucket = ?1 AND store = ?2 ORDER BY currency
      """)

  /// Sets a budget's limits.
  static let putLimits = Statement(
    name: "put limits",
    sql: """
      INSERT INTO budget(bucket, store, currency, daily, total, spent, day, spent_today,
        approval_over, approval_set_by)
      VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, 0, ?6, ?7)
      ON CONFLICT(bucket, store, currency) DO UPDATE SET daily = excluded.daily,
        total = excluded.total, approval_over = excluded.approval_over,
        approval_set_by = excluded.approval_set_by
      """)

  /// Notes what is spent.
  static let putSpent = Statement(
    name: "put spent",
    sql: """
      UPDATE budget SET spent = ?4, day = ?5, spent_today = ?6
      WHERE bucket = ?1 AND store = ?2 AND currency = ?3
      """)

  /// Every statement, for the rule test.
  static let all = [
    open, lastNumber, add, batch, latest, toDo, beginClosing, hold, release, held, putSettings,
    move, budget, budgets,
    putLimits, putSpent,
  ]
}
