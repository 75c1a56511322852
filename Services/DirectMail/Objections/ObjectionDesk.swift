internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Wire

/// Who must not get mail any more (D10): permanent, and of all stores of a controller.
struct ObjectionDesk: Sendable {
  let database: DirectMailDatabase
  let journal: OptOutJournal
  let pieceLog: PieceLog
  let stores: StoreBook
  let links: LetterLinks
  let commands: Commands
  let clock: any WallClock
  let threads: ThreadPool

  private static let noToken = RPCError(.notFound, "the code is not one of ours")

  /// One person or address.
  private struct Wish: Sendable {
    let key: OwnerKey
    let contact: String
    let address: CommonV1.Address?
    let cause: DirectMailV1.ObjectionCause
    let since: Int64
    let evidence: String
    let piece: String

    /// Of an address only where it is: not who lives there.
    var objection: DirectMailV1.Objection {
      .init(
        contact: contact, address: address.map(AddressComparison.place), cause: cause,
        since: .init(microseconds: since), evidence: evidence, piece: piece)
    }
  }

  func put(
    _ request: DirectMailV1.PutObjectionsRequest
  ) async throws -> DirectMailV1.PutObjectionsResponse {
    let controller = try await stores.store(request.store).settings?.controller ?? ""
    let now = clock.now.microseconds
    var wishes: [Wish] = []
    for (index, item) in request.objections.enumerated() {
      guard (1...3).contains(item.cause.rawValue) else {
        throw BudgetDesk.refusal("objections[\(index)].cause", "is none")
      }
      guard !item.contact.isEmpty || item.address != nil else {
        throw BudgetDesk.refusal("objections[\(index)].contact", "or address is required")
      }
      let since = min(item.since?.microseconds ?? now, now)
      wishes += ObjectionDesk.wishes(
        controller, item.contact, item.address, item.cause, since, item.evidence, item.piece)
    }
    let all = wishes
    return try await commands.run(
      "PutObjections", request.store, request.idempotencyKey, request
    ) { now in
      let waiting = try waiting(request.store, all)
      let touched = buckets(all, waiting, request.store)
      return Commands.Effect(
        buckets: touched,
        apply: { try apply(controller, all, waiting, now, $0) },
        after: { _ in pieceLog.outcomes.wake(touched) })
    }
  }

  /// The printed code was used, or what it stands for.
  func object(
    _ request: DirectMailV1.ObjectRequest
  ) async throws -> DirectMailV1.PutObjectionsResponse {
    let piece = try await threads.run { try database.read { try find(request.token, $0) } }
    guard let (piece, content) = piece else { throw ObjectionDesk.noToken }
    let controller = try await stores.store(piece.order.store).settings?.controller ?? ""
    let at = min(request.at?.microseconds ?? .max, clock.now.microseconds)
    let wishes = ObjectionDesk.wishes(
      controller, piece.order.contact, content.address, .person, at, request.evidence,
      piece.key.text)
    return try await threads.run {
      let waiting = try waiting(piece.order.store, wishes)
      let touched = buckets(wishes, waiting, piece.order.store) + [piece.key.bucket]
      let now = clock.now.microseconds
      let done = try database.commitBlocking(touched, weight: 8) { session in
        let done = try apply(controller, wishes, waiting, now, session)
        if done.added > 0 {
          try pieceLog.outcomes.put(
            piece.outcome(.optedOut, at: at), piece.key.bucket, now, session)
        }
        return done
      }
      pieceLog.outcomes.wake(touched)
      return done
    }
  }

  /// The piece of a link's token, or of a code as it was typed.
  private func find(
    _ token: String, _ session: any StorageSession
  ) throws -> (PieceRow, PieceContent)? {
    var keys: [PieceKey] = []
    if let key = links.piece(token, .objection, now: clock.now) {
      keys = [key]
    } else if let prefix = links.codePrefix(token) {
      let (low, high) = (
        prefix + [UInt8](repeating: 0, count: 11), prefix + [UInt8](repeating: 255, count: 11)
      )
      for bucket in 0...255 as ClosedRange<UInt8> {
        keys += try session.all(
          PieceStatements.idsBetween, [.integer(bucket), .blob(low), .blob(high)]
        ) { PieceKey(bucket: bucket, id: try $0.blob(0)) }.compactMap { $0 }
      }
      keys.removeAll { !links.isCode(token, of: $0) }
    }
    guard let key = keys.first, let piece = try PieceRow.find(key, session),
      let content = try PieceContent.find(key, session)
    else { return nil }
    return (piece, content)
  }

  // MARK: - In a transaction

  private static func wishes(
    _ controller: String, _ contact: String, _ address: CommonV1.Address?,
    _ cause: DirectMailV1.ObjectionCause, _ since: Int64, _ evidence: String, _ piece: String
  ) -> [Wish] {
    var wishes: [Wish] = []
    if !contact.isEmpty {
      wishes.append(
        Wish(
          key: ObjectionKeys.contact(controller, contact), contact: contact, address: nil,
          cause: cause, since: since, evidence: evidence, piece: piece))
    }
    if let address {
      wishes.append(
        Wish(
          key: ObjectionKeys.address(controller, address), contact: "", address: address,
          cause: cause, since: since, evidence: evidence, piece: piece))
    }
    return wishes
  }

  /// Pieces that may be withdrawn: those of the contacts, and of who got letters at the addresses.
  /// Others are found at their cut-off.
  private func waiting(_ store: String, _ wishes: [Wish]) throws -> [PieceKey] {
    try database.read { session in
      var found: Set<PieceKey> = []
      for wish in wishes {
        var owners = [(store, wish.contact)]
        if wish.address != nil {
          owners = try session.all(
            ObjectionStatements.contacts, [wish.key.bucketValue, wish.key.value]
          ) { (try $0.text(0), try $0.text(1)) }
        }
        for (store, contact) in owners {
          let bucket = OwnerKey.contact(store: store, contact: contact).bucket
          let ids = try session.all(
            PieceStatements.waitingOfContact, [.integer(bucket), .text(contact), .text(store)]
          ) { try $0.blob(0) }
          found.formUnion(ids.compactMap { PieceKey(bucket: bucket, id: $0) })
        }
      }
      return found.sorted { $0.text < $1.text }
    }
  }

  /// Budgets get back what withdrawn pieces had, so stores' buckets count too.
  private func buckets(_ wishes: [Wish], _ waiting: [PieceKey], _ store: String) -> [UInt8] {
    if !waiting.isEmpty { return Array(0...255) }
    return wishes.map(\.key.bucket) + [StoreKey(store).bucket]
  }

  private func apply(
    _ controller: String, _ wishes: [Wish], _ waiting: [PieceKey], _ now: Int64,
    _ session: any StorageSession
  ) throws -> DirectMailV1.PutObjectionsResponse {
    var answer = DirectMailV1.PutObjectionsResponse()
    var changed: [DirectMailV1.JournaledObjection] = []
    for wish in wishes {
      let (isNew, isChange) = try Objections.put(
        wish.key, controller: controller, contact: wish.contact, address: wish.address, wish.cause,
        since: wish.since, evidence: wish.evidence, piece: wish.piece, session)
      if isNew { answer.added += 1 } else { answer.known += 1 }
      if isChange { changed.append(.init(controller: controller, objection: wish.objection)) }
    }
    try journal.note(changed, session)
    for key in waiting {
      guard let piece = try PieceRow.find(key, session), piece.state == .accepted else { continue }
      let isReturned = wishes.allSatisfy { $0.cause == .returned }
      if try pieceLog.move(
        piece, to: .withdrawn, isReturned ? .suppressed : .objection, at: now, now: now, session)
      {
        answer.withdrawn += 1
      }
    }
    return answer
  }

  // MARK: - Lists

  func list(
    _ request: DirectMailV1.ListObjectionsRequest
  ) async throws -> DirectMailV1.ListObjectionsResponse {
    let controller = try await stores.store(request.store).settings?.controller ?? ""
    return try await threads.run {
      try database.read { try ObjectionDesk.list(request, controller, $0) }
    }
  }

  /// Newest first. Over all buckets; blocks.
  private static func list(
    _ request: DirectMailV1.ListObjectionsRequest, _ controller: String,
    _ session: any StorageSession
  ) throws -> DirectMailV1.ListObjectionsResponse {
    var query = request
    query.page = nil
    let digest = try PageToken.digest(query, store: request.store)
    let limit = try PageLimit.rows(request.page)
    let after = try PageToken.byID(request.page, digest: digest)
    func place(_ row: ObjectionRow) -> (Int64, String) { (row.since, UUIDText.text(row.key)) }
    var found: [ObjectionRow] = []
    for bucket in 0...255 as ClosedRange<UInt8> {
      var count = 0
      try session.rows(
        ObjectionStatements.newest,
        [.integer(bucket), .text(controller), .integer(after?.number ?? .max)]
      ) { row in
        let one = try ObjectionRow(row)
        let isAfter = after.map { place(one) < ($0.number, $0.text) } ?? true
        let isWanted =
          (request.contact.isEmpty || one.contact == request.contact)
          && (request.causes.isEmpty || request.causes.contains(one.cause))
        if isAfter && isWanted {
          found.append(one)
          count += 1
        }
        return count <= limit
      }
    }
    found.sort { place($0) > place($1) }
    let page = found.prefix(limit)
    let next = page.last.map {
      PageToken(digest: digest, number: place($0).0, text: place($0).1).encoded
    }
    return .init(
      objections: page.map(\.contract), next: found.count > page.count ? next ?? "" : "")
  }
}
