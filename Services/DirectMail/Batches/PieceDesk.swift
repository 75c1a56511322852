internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Wire

/// Withdrawals, and what the printer and the post report (D03, D07).
struct PieceDesk: Sendable {
  let database: DirectMailDatabase
  let pieceLog: PieceLog
  let journal: OptOutJournal
  let commands: Commands
  let stores: StoreBook
  let clock: any WallClock

  static let noPiece = RPCError(.notFound, "no mail piece of this id was ordered")

  static func find(
    _ store: String, _ id: String, _ session: any StorageSession
  ) throws -> PieceRow? {
    guard let id = UUIDText.bytes(id), let found = try PieceRow.find(id, session),
      found.order.store == store
    else { return nil }
    return found
  }

  func withdraw(
    _ request: DirectMailV1.WithdrawMailPieceRequest
  ) async throws -> DirectMailV1.MailPiece {
    try await commands.run(
      "WithdrawMailPiece", request.store, request.idempotencyKey, request
    ) { now in
      let found = try database.read { try PieceDesk.find(request.store, request.piece, $0) }
      guard let found else { throw PieceDesk.noPiece }
      let touched = [found.key.bucket, found.storeKey.bucket]
      let pieceLog = pieceLog
      return Commands.Effect(
        buckets: touched,
        apply: { session in
          guard let piece = try PieceRow.find(found.key, session) else { throw PieceDesk.noPiece }
          switch piece.state {
          case .withdrawn: return piece.contract
          case .accepted:
            _ = try pieceLog.move(
              piece, to: .withdrawn, .endedByStaff, at: now, now: now, note: request.note, session)
            return try PieceRow.find(found.key, session)?.contract ?? piece.contract
          default:
            throw RPCError(
              .failedPrecondition, "the piece is \(piece.state): its cut-off has passed")
          }
        }, after: { _ in pieceLog.outcomes.wake(touched) })
    }
  }

  func report(
    _ request: DirectMailV1.ReportPiecesRequest
  ) async throws -> DirectMailV1.ReportPiecesResponse {
    let reported: Set<DirectMailV1.PieceState> = [.printed, .inTransit, .delivered, .returned]
    for (index, entry) in request.entries.enumerated() where !reported.contains(entry.state) {
      throw RPCError(
        .invalidArgument, "entries[\(index)].state is none that is reported",
        fieldViolations: [
          .init(field: "entries[\(index)].state", detail: "PRINTED to RETURNED, is \(entry.state)")
        ])
    }
    let controller = try await stores.store(request.store).settings?.controller ?? ""
    return try await commands.run(
      "ReportPieces", request.store, request.idempotencyKey, request
    ) { now in
      let keys = try database.read { session in
        try request.entries.map {
          try PieceDesk.find(request.store, $0.piece, session)?.key
        }
      }
      // An address may be suppressed whatever its bucket.
      let buckets = Array(0...255 as ClosedRange<UInt8>)
      let (pieceLog, journal) = (pieceLog, journal)
      return Commands.Effect(
        buckets: buckets,
        apply: { session in
          var answer = DirectMailV1.ReportPiecesResponse()
          for (entry, key) in zip(request.entries, keys) {
            guard let key, let piece = try PieceRow.find(key, session) else {
              answer.unknown.append(entry.piece)
              continue
            }
            if try PieceDesk.note(
              entry, piece, controller, now, pieceLog, journal, session)
            {
              answer.changed += 1
            } else {
              answer.outdated += 1
            }
          }
          return answer
        }, after: { _ in pieceLog.outcomes.wake(buckets) })
    }
  }

  /// Whether a report is news about a piece that was handed over.
  private static func note(
    _ entry: DirectMailV1.ReportPiecesRequest.Entry, _ piece: PieceRow, _ controller: String,
    _ now: Int64, _ pieceLog: PieceLog, _ journal: OptOutJournal,
    _ session: any StorageSession
  ) throws -> Bool {
    let handedOver = DirectMailV1.PieceState.submitted.rawValue
    guard piece.state.rawValue >= handedOver,
      piece.state.rawValue < DirectMailV1.PieceState.returned.rawValue,
      entry.state.rawValue > piece.state.rawValue
    else { return false }
    let at = min(entry.at?.microseconds ?? now, now)
    let isMoved = try pieceLog.move(
      piece, to: entry.state, at: at, now: now, note: entry.note, session)
    if isMoved, entry.state == .returned,
      let address = try PieceContent.find(piece.key, session)?.address
    {
      try DirectMailV1.JournaledObjection(
        controller: controller,
        objection: .init(
          address: AddressComparison.place(address), cause: .returned,
          since: .init(microseconds: at), evidence: entry.note, piece: piece.key.text)
      ).put(journal, session)
    }
    return isMoved
  }
}

/// What stays of a letter when it is printed.
struct PieceContent: Sendable {
  /// Where its code leads; empty: nowhere.
  let url: String
  let address: CommonV1.Address

  static func find(_ key: PieceKey, _ session: any StorageSession) throws -> PieceContent? {
    try session.first(PieceStatements.content, [key.bucketValue, key.idValue]) { row in
      PieceContent(
        url: try row.text(1),
        address: try Stored.decode(CommonV1.Address.self, try row.blob(3), "content"))
    }
  }
}
