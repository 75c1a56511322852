internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage

/// All that a row says of a mail piece.
struct PieceRow: Sendable {
  let key: PieceKey
  var state: DirectMailV1.PieceState
  var reason: CommonV1.ReasonCode
  /// 16 bytes; none where it ended before it joined one.
  var batch: [UInt8]
  var cutOffAt: Int64
  let takenAt: Int64
  /// The day whose budget has its cost, as 20260302; 0: none.
  let reservedOn: Int64
  let order: CommonV1.SendOrder
  /// What has no column of its own: everything but order, state, reason, batch, times.
  var log: DirectMailV1.MailPiece

  /// Columns as `PieceStatements.piece` lists them.
  init(_ row: Row, bucket: UInt8) throws {
    guard let key = PieceKey(bucket: bucket, id: try row.blob(0)) else {
      throw StorageError(.corrupt, "a piece's id has not 16 bytes")
    }
    self.key = key
    state = .init(rawValue: Int32(truncatingIfNeeded: try row.integer(1)))
    reason = .init(rawValue: Int32(truncatingIfNeeded: try row.integer(2)))
    batch = try row.blob(3)
    cutOffAt = try row.integer(4)
    takenAt = try row.integer(5)
    reservedOn = try row.integer(6)
    order = try Stored.decode(CommonV1.SendOrder.self, try row.blob(7), "piece")
    log = try Stored.decode(DirectMailV1.MailPiece.self, try row.blob(8), "piece")
  }

  static func find(_ key: PieceKey, _ session: any StorageSession) throws -> PieceRow? {
    try session.first(PieceStatements.piece, [key.bucketValue, key.idValue]) {
      try PieceRow($0, bucket: key.bucket)
    }
  }

  /// A piece of which only the id is known.
  static func find(_ id: [UInt8], _ session: any StorageSession) throws -> PieceRow? {
    for bucket in 0...255 as ClosedRange<UInt8> {
      guard let key = PieceKey(bucket: bucket, id: id) else { return nil }
      if let found = try find(key, session) { return found }
    }
    return nil
  }

  var expiresAt: Int64 { order.expiresAt?.microseconds ?? .min }
  var storeKey: StoreKey { StoreKey(order.store) }

  var contract: DirectMailV1.MailPiece {
    var piece = log
    piece.order = order
    piece.state = state
    piece.reason = reason
    piece.batch = batch.isEmpty ? "" : UUIDText.text(batch)
    piece.cutOffAt = batch.isEmpty ? nil : .init(microseconds: cutOffAt)
    piece.takenAt = .init(microseconds: takenAt)
    return piece
  }
}

/// A store's own rows: batches and budgets.
struct StoreKey: Sendable, Hashable {
  let store: String
  let bucket: UInt8

  init(_ store: String) {
    self.store = store
    bucket = OwnerKey(scope: store, kind: .address, id: "batches").bucket
  }

  var bucketValue: SQLValue { .integer(bucket) }
  var value: SQLValue { .text(store) }
}
