internal import Messages
internal import Storage

/// A store's carts and episodes in numbers (C18).
struct CartCounter {
  let store: String
  /// Of the carts counted; nil and none: all.
  let started: CommonV1.TimeRange?
  let kinds: [Tracked.CartKind]

  private static let stages: [Tracked.Stage] = [
    .browsing, .cart, .checkout, .shipping, .payment, .quoteRequested, .order,
  ]

  /// Carts of one bucket by what became of them, then by stage; see `add`.
  private static let cartColumns: String = {
    func count(_ condition: String) -> String { "COUNT(CASE WHEN \(condition) THEN 1 END)" }
    let columns =
      [
        "COUNT(*)", "COALESCE(SUM(c.episodes), 0)", count("c.episodes > 0"),
        count("c.state = 3 AND c.episodes > 0"), count("c.state = 3"), count("c.state = 4"),
        count("c.state = 5"), count("c.state IN (1, 2)"),
      ]
      + stages.flatMap { stage in
        [
          count("(c.stages & \(1 << stage.rawValue)) <> 0"),
          count("c.left_stage = \(stage.rawValue)"),
        ]
      }
    return columns.joined(separator: ", ")
  }()

  /// Counts over all buckets. Blocks.
  func counts(in session: any StorageSession) throws -> Tracked.CartCounts {
    var counts = Tracked.CartCounts()
    counts.stages = CartCounter.stages.map { Tracked.CartCounts.StageCount(stage: $0) }
    let carts = carts
    let reopened = reopened
    for bucket in ListPlan.buckets {
      let bucket = SQLValue.integer(bucket)
      try session.rows(carts.statement, [bucket] + carts.values) { row in
        try CartCounter.add(row, to: &counts)
        return true
      }
      try session.rows(reopened.statement, [bucket] + reopened.values) { row in
        counts.reopened += UInt64(try row.integer(0))
        return true
      }
    }
    return counts
  }

  private static func add(_ row: Row, to counts: inout Tracked.CartCounts) throws {
    func number(_ column: Int) throws -> UInt64 { UInt64(clamping: try row.integer(column)) }
    counts.carts += try number(0)
    counts.episodes += try number(1)
    counts.abandonedCarts += try number(2)
    counts.recovered += try number(3)
    counts.purchased += try number(4)
    counts.emptied += try number(5)
    counts.expired += try number(6)
    counts.open += try number(7)
    for index in counts.stages.indices {
      counts.stages[index].reached += try number(8 + 2 * index)
      counts.stages[index].left += try number(9 + 2 * index)
    }
  }

  private typealias Prepared = (statement: Statement, values: [SQLValue])

  private var carts: Prepared {
    let (condition, values) = cartCondition
    let sql = """
      SELECT \(CartCounter.cartColumns) FROM cart AS c \
      WHERE c.bucket = ?1 AND c.store = ?2\(condition)
      """
    return (Statement(name: "count carts", sql: sql, scope: .allBuckets), values)
  }

  /// Episodes followed by activity of their cart; withdrawn ones count nowhere.
  private var reopened: Prepared {
    let (condition, values) = cartCondition
    let join =
      condition.isEmpty
      ? ""
      : " JOIN cart AS c ON c.bucket = e.bucket AND c.person = e.person AND c.cart = e.cart"
    let sql = """
      SELECT COUNT(*) FROM episode AS e\(join) WHERE e.bucket = ?1 AND e.store = ?2 \
      AND e.followed = 1 AND e.state <> 6\(condition)
      """
    return (Statement(name: "count reopened", sql: sql, scope: .allBuckets), values)
  }

  private var cartCondition: (text: String, values: [SQLValue]) {
    var text = ""
    var values: [SQLValue] = [.text(store)]
    func bind(_ value: SQLValue) -> String {
      values.append(value)
      return "?\(values.count + 1)"
    }
    if let from = started?.from {
      text += " AND c.started_at >= \(bind(.integer(from.microsecondsUp)))"
    }
    if let to = started?.to { text += " AND c.started_at < \(bind(.integer(to.microsecondsUp)))" }
    if !kinds.isEmpty {
      let list = kinds.map { bind(.integer($0.rawValue)) }.joined(separator: ", ")
      text += " AND c.kind IN (\(list))"
    }
    return (text, values)
  }
}
