internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage

/// Which batch: its id, and the bucket of its store.
typealias BatchKey = PieceKey

/// All that a row says of a batch.
struct BatchRow: Sendable {
  let key: BatchKey
  let store: String
  let format: DirectMailV1.Format
  let isSample: Bool
  let cutOffAt: Int64
  let state: DirectMailV1.BatchState
  /// When it began to close: the date on its letters.
  let closingAt: Int64?
  /// What its letters are made with; nil before they are.
  let settings: CartTrackerV1.Store?
  /// What has no column of its own: everything from CLOSED on.
  var log: DirectMailV1.Batch

  /// Columns as `BatchStatements.batch` lists them.
  init(_ row: Row, bucket: UInt8) throws {
    guard let key = BatchKey(bucket: bucket, id: try row.blob(0)) else {
      throw StorageError(.corrupt, "a batch's id has not 16 bytes")
    }
    self.key = key
    store = try row.text(1)
    format = .init(rawValue: Int32(truncatingIfNeeded: try row.integer(2)))
    isSample = try row.integer(3) == 1
    cutOffAt = try row.integer(4)
    state = .init(rawValue: Int32(truncatingIfNeeded: try row.integer(5)))
    closingAt = try row.optionalInteger(6)
    let settings = try row.blob(7)
    self.settings =
      settings.isEmpty ? nil : try Stored.decode(CartTrackerV1.Store.self, settings, "batch")
    log = try Stored.decode(DirectMailV1.Batch.self, try row.blob(8), "batch")
  }

  static func find(_ key: BatchKey, _ session: any StorageSession) throws -> BatchRow? {
    try session.first(BatchStatements.batch, [key.bucketValue, key.idValue]) {
      try BatchRow($0, bucket: key.bucket)
    }
  }

  /// Without what is counted of one that is not closed.
  var contract: DirectMailV1.Batch {
    var batch = log
    batch.id = key.text
    batch.store = store
    batch.format = format
    batch.cutOffAt = .init(microseconds: cutOffAt)
    batch.state = state
    batch.sample = isSample
    return batch
  }

  /// Moves it on in a transaction; false where it has moved meanwhile.
  func move(
    to state: DirectMailV1.BatchState, _ log: DirectMailV1.Batch, _ session: any StorageSession
  ) throws -> Bool {
    try session.execute(
      BatchStatements.move,
      [
        key.bucketValue, key.idValue, .integer(self.state.rawValue), .integer(state.rawValue),
        .blob(try Stored.encode(log)),
      ]) == 1
  }
}

/// Which batches there are to be for a piece.
struct BatchPlan: Sendable, Hashable {
  let store: String
  let format: DirectMailV1.Format
  let isSample: Bool
  /// The cut-off by the calendar; `CloseBatch` may bring it forward.
  let plannedAt: Int64

  private var values: [SQLValue] {
    let store = StoreKey(store)
    return [
      store.bucketValue, store.value, .integer(format.rawValue), .flag(isSample),
      .integer(plannedAt),
    ]
  }

  /// The open batch of the plan, made where there is none; in a transaction.
  ///
  /// - Returns: with its cut-off.
  func join(_ session: any StorageSession) throws -> BatchKey {
    let bucket = StoreKey(store).bucket
    let open = try session.first(BatchStatements.open, values) { try $0.blob(0) }
    if let open {
      guard let key = BatchKey(bucket: bucket, id: open) else {
        throw StorageError(.corrupt, "a batch's id has not 16 bytes")
      }
      return key
    }
    let last = try session.first(BatchStatements.lastNumber, values) { try $0.integer(0) } ?? 0
    let name = "\(format.rawValue) \(isSample) \(plannedAt) \(last + 1)"
    guard let key = BatchKey(bucket: bucket, text: DerivedID.of("batch", store, name)) else {
      preconditionFailure("a derived id is a UUID")
    }
    try session.execute(
      BatchStatements.add,
      [values[0], key.idValue] + values[1...] + [.integer(last + 1), .blob([])])
    return key
  }
}
