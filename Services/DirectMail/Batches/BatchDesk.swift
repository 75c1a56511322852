internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Transport
internal import Wire

/// Shows batches, closes one early, and gives their files (D06).
struct BatchDesk: Sendable {
  let database: DirectMailDatabase
  let commands: Commands
  let heads: BatchHeads
  let pieceLog: PieceLog
  let files: BatchFiles
  let clock: any WallClock
  let threads: ThreadPool

  private static let noBatch = RPCError(.notFound, "there is no batch of this id")
  private static let chunkSize = 256 << 10

  private static func find(
    _ store: String, _ id: String, _ session: any StorageSession
  ) throws -> BatchRow? {
    guard let key = BatchKey(bucket: StoreKey(store).bucket, text: id),
      let found = try BatchRow.find(key, session), found.store == store
    else { return nil }
    return found
  }

  /// With what is counted of one that is not closed.
  private static func contract(
    _ row: BatchRow, _ session: any StorageSession
  ) throws -> DirectMailV1.Batch {
    var batch = row.contract
    guard [.open, .closing, .held].contains(row.state) else { return batch }
    (batch.pieces, batch.cost) = try BatchPieces.sum(of: row.key, session)
    return batch
  }

  func get(_ request: DirectMailV1.GetBatchRequest) async throws -> DirectMailV1.Batch {
    try await threads.run {
      try database.read { session in
        guard let row = try BatchDesk.find(request.store, request.batch, session) else {
          throw BatchDesk.noBatch
        }
        return try BatchDesk.contract(row, session)
      }
    }
  }

  func list(
    _ request: DirectMailV1.ListBatchesRequest
  ) async throws -> DirectMailV1.ListBatchesResponse {
    try await threads.run {
      try database.read { session in try BatchDesk.list(request, session) }
    }
  }

  private static func list(
    _ request: DirectMailV1.ListBatchesRequest, _ session: any StorageSession
  ) throws -> DirectMailV1.ListBatchesResponse {
    var query = request
    query.page = nil
    let digest = try PageToken.digest(query, store: request.store)
    let limit = try PageLimit.rows(request.page)
    let after = try PageToken.byID(request.page, digest: digest)
    let from = request.cutOff?.from?.microseconds ?? .min
    let to = min(request.cutOff?.to.map { $0.microseconds - 1 } ?? .max, after?.number ?? .max)
    let store = StoreKey(request.store)
    var page: [BatchRow] = []
    try session.rows(
      BatchStatements.latest, [store.bucketValue, store.value, .integer(from), .integer(to)]
    ) { row in
      let batch = try BatchRow(row, bucket: store.bucket)
      let isAfter =
        after.map { (batch.cutOffAt, batch.key.text) < ($0.number, $0.text) } ?? true
      let isWanted =
        (request.states.isEmpty || request.states.contains(batch.state))
        && (request.formats.isEmpty || request.formats.contains(batch.format))
      if isAfter && isWanted { page.append(batch) }
      return page.count <= limit
    }
    let hasMore = page.count > limit
    if hasMore { page.removeLast() }
    let next = page.last.map {
      PageToken(digest: digest, number: $0.cutOffAt, text: $0.key.text).encoded
    }
    return .init(
      batches: try page.map { try contract($0, session) }, next: hasMore ? next ?? "" : "")
  }

  func close(
    _ request: DirectMailV1.CloseBatchRequest, by caller: String
  ) async throws -> DirectMailV1.Batch {
    try await commands.run(
      "CloseBatch", request.store, request.idempotencyKey, request
    ) { now in
      let found = try database.read { try BatchDesk.find(request.store, request.batch, $0) }
      guard let found else { throw BatchDesk.noBatch }
      return Commands.Effect(
        buckets: [found.key.bucket],
        apply: { session in
          try BatchApproval.end(found, by: caller, now, session)
          guard let batch = try BatchRow.find(found.key, session) else { throw BatchDesk.noBatch }
          return try BatchDesk.contract(batch, session)
        },
        after: { answer in
          if answer.state == .closing || answer.state == .held { heads.note(found.key, now) }
        })
    }
  }

  // MARK: - Held batches

  func approve(
    _ request: DirectMailV1.DecideBatchRequest, by caller: String
  ) async throws -> DirectMailV1.Batch {
    try await decide("ApproveBatch", request, by: caller) { batch, log, now, session in
      try BatchApproval.release(batch, log, now, session)
    }
  }

  func reject(
    _ request: DirectMailV1.DecideBatchRequest, by caller: String
  ) async throws -> DirectMailV1.Batch {
    try await decide("RejectBatch", request, by: caller) { [pieceLog] batch, log, now, session in
      var pieces: [PieceRow] = []
      try BatchPieces.each(of: batch.key, session) { pieces.append($0) }
      for piece in pieces {
        _ = try pieceLog.move(piece, to: .skipped, .budget, at: now, now: now, session)
      }
      var log = log
      log.closedAt = .init(microseconds: now)
      _ = try batch.move(to: .empty, log, session)
    }
  }

  private func decide(
    _ method: String, _ request: DirectMailV1.DecideBatchRequest, by caller: String,
    _ effect:
      @escaping @Sendable (
        _ batch: BatchRow, _ log: DirectMailV1.Batch, _ now: Int64, any StorageSession
      ) throws -> Void
  ) async throws -> DirectMailV1.Batch {
    let buckets = Array(0...255 as ClosedRange<UInt8>)
    return try await commands.run(
      method, request.store, request.idempotencyKey, request
    ) { now in
      Commands.Effect(
        buckets: buckets,
        apply: { session in
          guard let found = try BatchDesk.find(request.store, request.batch, session) else {
            throw BatchDesk.noBatch
          }
          try BatchApproval.check(found, by: caller, session)
          var log = found.log
          log.decidedBy = caller
          log.decidedAt = .init(microseconds: now)
          log.note = request.note
          try effect(found, log, now, session)
          guard let batch = try BatchRow.find(found.key, session) else { throw BatchDesk.noBatch }
          return try BatchDesk.contract(batch, session)
        },
        after: { answer in
          pieceLog.outcomes.wake(buckets)
          guard let key = BatchKey(bucket: StoreKey(request.store).bucket, text: answer.id) else {
            return
          }
          if answer.state == .closing { heads.note(key, now) } else { heads.forget(key) }
        })
    }
  }

  /// Sends a file from an offset on.
  func fetch(
    _ request: DirectMailV1.FetchBatchRequest,
    _ responses: ResponseWriter<DirectMailV1.Chunk>
  ) async throws {
    let names: [DirectMailV1.BatchFile: String] = [
      .pdf: BatchFiles.document, .manifestCSV: BatchFiles.csv, .manifestJSON: BatchFiles.json,
    ]
    guard let file = names[request.file] else {
      throw RPCError(
        .invalidArgument, "file is none",
        fieldViolations: [.init(field: "file", detail: "is \(request.file)")])
    }
    let key = try await threads.run {
      let found = try database.read { try BatchDesk.find(request.store, request.batch, $0) }
      guard let found else { throw BatchDesk.noBatch }
      guard [.closed, .submitted].contains(found.state) else {
        throw RPCError(.failedPrecondition, "the batch is \(found.state)")
      }
      if request.file == .pdf, found.state == .submitted, !files.hasDocument(found.key) {
        throw RPCError(
          .failedPrecondition, "the document is gone: it had a letter to somebody who was erased")
      }
      return found.key
    }
    var offset = request.offset
    while true {
      let at = offset
      let part = try await threads.run {
        try files.read(key, file, at: at, atMost: BatchDesk.chunkSize)
      }
      if part.isEmpty { return }
      try await responses.send(.init(data: part))
      offset += UInt64(part.count)
    }
  }
}
