internal import Messages
internal import ServiceKit
internal import Storage
internal import Wire

/// Codes that were scanned: notes each once, tells the scheduler, and says where they lead.
struct ScanDesk: Sendable {
  let database: DirectMailDatabase
  let pieceLog: PieceLog
  let links: LetterLinks
  let clock: any WallClock
  let threads: ThreadPool

  private static let noToken = RPCError(.notFound, "the code is not one of ours, or too old")

  func resolve(
    _ request: DirectMailV1.ResolveLinkRequest
  ) async throws -> DirectMailV1.ResolveLinkResponse {
    guard let key = links.piece(request.token, .cart, now: clock.now) else {
      throw ScanDesk.noToken
    }
    return try await threads.run {
      let found = try database.read { session in
        (try PieceRow.find(key, session), try PieceContent.find(key, session))
      }
      // One that was withdrawn or failed is void (D10), and was not printed.
      guard case let (piece?, content?) = found, !content.url.isEmpty,
        (DirectMailV1.PieceState.rendered.rawValue...DirectMailV1.PieceState.returned.rawValue)
          .contains(piece.state.rawValue)
      else { throw ScanDesk.noToken }
      let answer = DirectMailV1.ResolveLinkResponse(url: content.url, store: piece.order.store)
      if request.prefetch { return answer }
      let now = clock.now.microseconds
      let at = min(request.at?.microseconds ?? now, now)
      try database.commitBlocking([key.bucket], weight: 3) { session in
        let added = try session.execute(
          PieceStatements.addVisit,
          [key.bucketValue, key.idValue, .text(request.request), .integer(at)])
        if added == 0 { return }
        var outcome = piece.outcome(.clicked, at: at, discriminator: request.request)
        // Nobody's mail scanner reads paper.
        outcome.actor = .human
        outcome.link = "cart_link"
        try pieceLog.outcomes.put(outcome, key.bucket, now, session)
      }
      pieceLog.outcomes.wake([key.bucket])
      return answer
    }
  }
}
