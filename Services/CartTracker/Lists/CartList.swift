internal import Messages
internal import Storage

/// Pages of carts (L01–L05): what does not change while they are read is seen exactly once, what
/// changes at most once.
struct CartList {
  let plan: CartQueryPlan
  let rules: StoreRules?

  /// Bytes after which a page ends early, so that its answer fits into a frame.
  static let bytesMax = 2 << 20

  /// One page. Blocks; one call is one snapshot.
  ///
  /// - Throws: INVALID_ARGUMENT for a page that is not of this query.
  func page(
    _ page: CommonV1.Page?, in session: any StorageSession
  ) throws -> Tracked.ListCartsResponse {
    let page = try plan.list.page(page)
    let version = try page.token?.version ?? ListVersion.current(in: session)
    let positions = try plan.list.positions(
      after: page.token?.position, version: page.token == nil ? nil : version,
      limit: page.limit + 1, in: session)
    var loader = CartLoader(store: plan.store, shape: plan.shape, rules: rules)
    var answer = Tracked.ListCartsResponse()
    var bytes = 0
    var last: ListPosition?
    for position in positions.prefix(page.limit) {
      if bytes > CartList.bytesMax { break }
      last = position
      // The first page takes every row, whatever its version.
      let limit = page.token == nil ? UInt64(Int64.max) : version
      guard let row = try loader.row(plan.key(position), version: limit, in: session) else {
        continue
      }
      bytes += row.bytesEstimate
      answer.rows.append(row)
    }
    if let last, last != positions.last {
      answer.next = PageToken(digest: plan.list.digest, version: version, position: last).text
    }
    return answer
  }
}

/// Log position up to which a snapshot's rows are made.
enum ListVersion {
  static func current(in session: any StorageSession) throws -> UInt64 {
    try session.first(CartStatements.listedVersion) { UInt64(bitPattern: try $0.integer(0)) } ?? 0
  }
}

/// All carts of a query, some rows at a time, in flat memory (L07).
///
/// Each step is a snapshot of its own, so that a slow reader holds nothing up; with the same
/// promise as pages.
struct CartExport {
  private let plan: CartQueryPlan
  private let shape: CartShape
  private let rules: StoreRules?
  private var version: UInt64?
  private var waiting: ArraySlice<ListPosition> = []
  private var last: ListPosition?
  private var isAtEnd = false

  /// Rows of a step at most; it ends before where they are large.
  static let rowsMax = 250
  /// Bytes after which a step ends.
  static let bytesMax = 1 << 20
  /// Positions kept in memory where no index gives the order, about 16 MiB: each time they run out
  /// the whole store is looked through again.
  static let positionsMax = 65_536
  /// Positions kept where an index gives the order.
  static let indexedPositionsMax = 8192

  /// - Parameter shape: nil: what the query asks for.
  init(_ plan: CartQueryPlan, rules: StoreRules?, shape: CartShape? = nil) {
    self.plan = plan
    self.rules = rules
    self.shape = shape ?? plan.shape
  }

  /// The next rows; none at the end. Blocks.
  mutating func next(in session: any StorageSession) throws -> [Tracked.CartRow] {
    var loader = CartLoader(store: plan.store, shape: shape, rules: rules)
    var rows: [Tracked.CartRow] = []
    var bytes = 0
    while rows.count < CartExport.rowsMax && bytes < CartExport.bytesMax {
      if waiting.isEmpty && !rows.isEmpty { break }
      guard let position = try nextPosition(in: session) else { break }
      let key = plan.key(position)
      guard let row = try loader.row(key, version: version ?? 0, in: session) else { continue }
      bytes += row.bytesEstimate
      rows.append(row)
    }
    return rows
  }

  private mutating func nextPosition(in session: any StorageSession) throws -> ListPosition? {
    if waiting.isEmpty && !isAtEnd {
      let version = try version ?? ListVersion.current(in: session)
      self.version = version
      let limit = plan.list.isIndexed ? CartExport.indexedPositionsMax : CartExport.positionsMax
      waiting = try plan.list.positions(
        after: last, version: version, limit: limit, in: session)[...]
      isAtEnd = waiting.count < limit
      last = waiting.last ?? last
    }
    return waiting.popFirst()
  }
}
