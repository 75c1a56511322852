internal import Delivery
internal import Messages
internal import Storage
internal import Wire

/// One list: a statement that is run for each bucket, or for each of a few persons, and what its
/// answers have in common, so that they can be merged.
struct ListPlan: Sendable {
  let order: ListOrder
  /// Of the query that it was made from.
  let digest: [UInt8]
  /// Rows come out of an index in order: reading a few is cheap wherever they lie.
  let isIndexed: Bool
  private let name: String
  private let table: String
  /// Nil: all buckets.
  private let persons: [PersonKey]?
  private var conditions: [String] = []
  /// From the parameter after bucket and person on.
  private var values: [SQLValue] = []

  static let buckets = 0..<256

  /// - Parameter persons: whose rows alone are listed; nil: everybody's.
  init(
    _ name: String, table: String, order: ListOrder, isIndexed: Bool, digest: [UInt8],
    persons: [PersonKey]? = nil
  ) {
    self.name = name
    self.table = table
    self.order = order
    self.isIndexed = isIndexed
    self.digest = digest
    self.persons = persons
  }

  // MARK: - Conditions

  /// Adds a condition.
  ///
  /// - Parameter condition: gives its text; is handed what makes a parameter of a value.
  mutating func require(_ condition: (_ bind: (SQLValue) -> String) -> String) {
    var values = values
    let offset = persons == nil ? 1 : 2
    conditions.append(
      condition { value in
        values.append(value)
        return "?\(values.count + offset)"
      })
    self.values = values
  }

  /// One of the numbers; no condition where there are none.
  mutating func require(_ column: String, in numbers: [Int32]) {
    if numbers.isEmpty { return }
    require { bind in
      "\(column) IN (\(numbers.map { bind(.integer($0)) }.joined(separator: ", ")))"
    }
  }

  /// The text somewhere in a folded column; no condition where it is empty.
  mutating func require(_ column: String, contains text: String) {
    if text.isEmpty { return }
    require { bind in "\(column) LIKE \(bind(.text(SearchText.pattern(text)))) ESCAPE '\\'" }
  }

  /// Within the range, its end excluded; no condition where it is open on both sides.
  mutating func require(_ column: String, within range: CommonV1.TimeRange) {
    if let from = range.from { require { "\(column) >= \($0(.integer(from.microsecondsUp)))" } }
    if let to = range.to { require { "\(column) < \($0(.integer(to.microsecondsUp)))" } }
  }

  // MARK: - Rows

  /// The statement with its values without bucket and person.
  ///
  /// - Parameters:
  ///   - version: rows that changed after it are left out; nil: none are.
  func statement(
    after position: ListPosition?, version: UInt64?, limit: Int
  ) -> (statement: Statement, values: [SQLValue]) {
    var plan = self
    if let version { plan.require { "version <= \($0(.integer(version)))" } }
    if let position {
      let order = order
      plan.require { order.isBehind(position, bind: $0) }
    }
    plan.values.append(.integer(limit))
    let owner = persons == nil ? "bucket = ?1" : "bucket = ?1 AND person = ?2"
    let conditions = ([owner] + plan.conditions).joined(separator: " AND ")
    let sql = """
      SELECT \(order.columns) FROM \(table) WHERE \(conditions) \
      ORDER BY \(order.orderBy) LIMIT ?\(plan.values.count + (persons == nil ? 1 : 2))
      """
    return (Statement(name: name, sql: sql, scope: .allBuckets), plan.values)
  }

  /// The first rows behind a position, of all buckets together.
  ///
  /// Each bucket is read only as far as it may still have one of them.
  func positions(
    after position: ListPosition?, version: UInt64?, limit: Int, in session: any StorageSession
  ) throws -> [ListPosition] {
    let (statement, values) = statement(after: position, version: version, limit: limit)
    var top = TopPositions(order: order, limit: limit)
    for owner in owners {
      try session.rows(statement, owner + values) { row in top.insert(try order.position(row)) }
    }
    return top.sorted()
  }

  private var owners: [[SQLValue]] {
    guard let persons else { return ListPlan.buckets.map { [.integer($0)] } }
    return persons.map { [.integer($0.bucket), .blob($0.bytes)] }
  }

  // MARK: - Pages

  static let rowsDefault = 100
  static let rowsMax = 1000

  /// Where a page begins and how long it is.
  struct Page {
    let token: PageToken?
    let limit: Int
  }

  /// - Throws: INVALID_ARGUMENT for a page too long, or one of another query.
  func page(_ page: CommonV1.Page?) throws(RPCError) -> Page {
    let limit = Int(page?.limit ?? 0)
    if limit > ListPlan.rowsMax {
      let detail = "is \(limit), at most \(ListPlan.rowsMax) are allowed"
      throw RPCError(
        .invalidArgument, "page.limit \(detail)",
        fieldViolations: [.init(field: "page.limit", detail: detail)])
    }
    let after = page?.after ?? ""
    return Page(
      token: after.isEmpty ? nil : try PageToken(after, digest: digest, order: order),
      limit: limit == 0 ? ListPlan.rowsDefault : limit)
  }
}

extension Protobuf.Timestamp {
  /// Since 1970, rounded up: an instant of whole microseconds is before this one exactly if it is
  /// below.
  var microsecondsUp: Int64 { seconds * 1_000_000 + (Int64(nanos) + 999) / 1000 }
}
