internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Transport
internal import Wire

/// Decides about a group of pieces of one closing batch.
///
/// In this order: expiry, pause, mode, purchase and legal basis (cart-tracker), address, test
/// address, objection, the letter itself. Pauses and objections are looked at again in the
/// transaction that stores the grants.
struct GroupGrants {
  private static let asksMax = 4

  private let rooms: BatchCloser.Rooms
  private let batch: BatchRow
  private let letters: LetterMaker
  private let run: any PressRun

  /// A letter that is laid out.
  private struct Letter: Sendable {
    let address: CommonV1.Address
    let addressLines: [String]
    let facts: CartTrackerV1.Facts
    let template: DirectMailV1.Template
    let locale: String
    let url: String
    let objectionKeys: [OwnerKey]
    /// Under which its address's letters are remembered (D10): samples apart from the others.
    let householdKey: OwnerKey
    var grant: CommonV1.Grant?
  }

  private enum Verdict: Sendable {
    case ready(Letter)
    /// Ends the piece.
    case skip(CommonV1.ReasonCode, field: String = "")
    /// Lets it wait for the next batch.
    case hold(CommonV1.ReasonCode, field: String = "")
  }

  init(
    _ rooms: BatchCloser.Rooms, _ batch: BatchRow, _ letters: LetterMaker, _ run: any PressRun
  ) {
    self.rooms = rooms
    self.batch = batch
    self.letters = letters
    self.run = run
  }

  /// Those to be printed, laid out, in the order given.
  func take(_ group: [PieceRow]) throws -> [ReadyPiece] {
    var ready: [PieceKey: ReadyPiece] = [:]
    for piece in group where piece.state == .rendered {
      ready[piece.key] = try again(piece)
    }
    for piece in try grant(group.filter { $0.state == .accepted }) { ready[piece.row.key] = piece }
    return group.compactMap { ready[$0.key] }
  }

  /// A piece whose grant was stored before a crash; nil where it cannot be printed any more.
  private func again(_ piece: PieceRow) throws -> ReadyPiece? {
    let letter = try rooms.database.read { try letters.stored(piece, $0) }
    guard let letter else {
      throw StorageError(.corrupt, "a piece with a grant has no content")
    }
    do {
      _ = try run.prepare(letter)
    } catch let refusal as LetterRefusal {
      // It could be printed when it got its grant: a font or a picture has gone since.
      let (pieceLog, now) = (rooms.pieceLog, rooms.clock.now.microseconds)
      let touched = [piece.key.bucket, piece.storeKey.bucket]
      try rooms.database.commitBlocking(touched, weight: 4) { session in
        _ = try pieceLog.move(
          piece, to: .failed, refusal.reason, at: now, now: now, note: refusal.problem, session
        ) { $0.field = refusal.field }
      }
      pieceLog.outcomes.wake(touched)
      return nil
    }
    return ReadyPiece(row: piece, countryCode: letter.address?.countryCode ?? "")
  }

  // MARK: - Those without a grant

  private func grant(_ pieces: [PieceRow]) throws -> [ReadyPiece] {
    if pieces.isEmpty { return [] }
    let now = rooms.clock.now.microseconds
    var verdicts = pieces.map { refusal($0, now) }
    let open = pieces.indices.filter { verdicts[$0] == nil }
    do {
      var asked = try rooms.desk.ask(open.map { pieces[$0] }, withFacts: true)
      for (index, answer) in zip(open, asked.answers) {
        verdicts[index] = try layOut(pieces[index], answer)
      }
      // Laying out may have taken longer than the grants live.
      var asks = 1
      while !asked.isFresh(.now) {
        asks += 1
        if asks > GroupGrants.asksMax {
          throw RPCError(.unavailable, "grants come later than they live")
        }
        asked = try rooms.desk.ask(open.map { pieces[$0] }, withFacts: false)
        for (index, answer) in zip(open, asked.answers) {
          if let late = lateRefusal(answer) { verdicts[index] = late }
          guard case .ready(var letter) = verdicts[index] else { continue }
          letter.grant = answer.grant
          verdicts[index] = .ready(letter)
        }
      }
    } catch let error as RPCError where error.code == .notFound {
      for index in open { verdicts[index] = .hold(.notReadable) }
    }
    let decided = zip(pieces, verdicts).map { ($0, $1 ?? .hold(.notReadable)) }
    return try write(decided, now)
  }

  /// What forbids a piece before anybody is asked.
  private func refusal(_ piece: PieceRow, _ now: Int64) -> Verdict? {
    if now >= piece.expiresAt { return .skip(.stale) }
    if rooms.pauses.covers(piece.order) { return .hold(.paused) }
    if let reason = rooms.modes.refusal(piece.order) { return .skip(reason) }
    return nil
  }

  private func lateRefusal(_ answer: CartTrackerV1.StopAnswer) -> Verdict? {
    if let refusal = answer.refusal {
      return refusal.lasting ? .skip(refusal.reason) : .hold(refusal.reason)
    }
    return answer.grant == nil ? .hold(.notReadable) : nil
  }

  private func layOut(
    _ piece: PieceRow, _ answer: CartTrackerV1.StopAnswer
  ) throws -> Verdict {
    if let refusal = lateRefusal(answer) { return refusal }
    guard let facts = answer.facts else { return .hold(.notReadable) }
    guard let address = facts.contact?.profile?.address else { return .skip(.noDestination) }
    if let reason = rooms.modes.refusal(piece.order, countryCode: address.countryCode) {
      return .skip(reason)
    }
    let keys =
      [
        ObjectionKeys.contact(letters.controller, piece.order.contact),
        ObjectionKeys.address(letters.controller, address),
      ] + [ObjectionKeys.person(letters.controller, address)].compactMap(\.self)
    if let reason = try rooms.database.read({ try Objections.refusal(keys, $0) }) {
      return .skip(reason)
    }
    guard let template = letters.template(piece, facts) else {
      return .hold(.missingValue, field: "template")
    }
    let letter = letters.letter(piece, facts, template)
    do {
      let sheet = try run.prepare(letter)
      return .ready(
        Letter(
          address: address, addressLines: sheet.addressLines, facts: facts, template: template,
          locale: letter.locale, url: letters.target(piece, facts), objectionKeys: keys,
          householdKey: piece.order.mode == .live
            ? keys[1] : ObjectionKeys.samples(letters.controller, address),
          grant: answer.grant))
    } catch let refusal as LetterRefusal {
      return refusal.reason == .badDestination
        ? .skip(refusal.reason, field: refusal.field)
        : .hold(refusal.reason, field: refusal.field)
    }
  }

  // MARK: - The commit in which hand-offs begin

  private func write(_ decided: [(PieceRow, Verdict)], _ now: Int64) throws -> [ReadyPiece] {
    var buckets: Set<UInt8> = [batch.key.bucket]
    for (piece, verdict) in decided {
      buckets.insert(piece.key.bucket)
      if case .ready(let letter) = verdict {
        for key in letter.objectionKeys + [letter.householdKey] { buckets.insert(key.bucket) }
      }
    }
    let touched = buckets.sorted()
    let plan = nextPlan()
    let (pieceLog, pauses) = (rooms.pieceLog, rooms.pauses)
    let period = rooms.householdPeriod
    let since = period > .zero ? (rooms.clock.now - period).microseconds : nil
    let (begun, waiting) = try rooms.database.commitBlocking(touched, weight: decided.count * 6) {
      session in
      var begun: Set<PieceKey> = []
      var waiting: BatchKey?
      for (piece, verdict) in decided {
        switch verdict {
        case .skip(let reason, let field):
          _ = try pieceLog.move(piece, to: .skipped, reason, at: now, now: now, session) {
            $0.field = field
          }
        case .hold(let reason, let field):
          waiting = try pieceLog.hold(piece, reason, field: field, plan, now: now, session)
        case .ready where pauses.covers(piece.order):
          waiting = try pieceLog.hold(piece, .paused, field: "", plan, now: now, session)
        case .ready(let letter):
          if try GroupGrants.begin(piece, letter, now, since: since, pieceLog, session) {
            begun.insert(piece.key)
          }
        }
      }
      return (begun, waiting)
    }
    if let waiting { rooms.heads.note(waiting, plan.plannedAt) }
    pieceLog.outcomes.wake(touched)
    try rooms.reached(.granted)
    return decided.compactMap { piece, verdict in
      guard case .ready(let letter) = verdict, begun.contains(piece.key) else {
        // It may be laid out all the same.
        run.drop(piece.key.text)
        return nil
      }
      return ReadyPiece(row: piece, countryCode: letter.address.countryCode)
    }
  }

  /// Whether the hand-off begins: not where the piece was withdrawn meanwhile, or objected to, nor
  /// where its address got a letter after `since` (D10).
  private static func begin(
    _ piece: PieceRow, _ letter: Letter, _ now: Int64, since: Int64?, _ pieceLog: PieceLog,
    _ session: any StorageSession
  ) throws -> Bool {
    let (owner, household) = (letter.objectionKeys[1], letter.householdKey)
    if let reason = try Objections.refusal(letter.objectionKeys, session) {
      _ = try pieceLog.move(piece, to: .skipped, reason, at: now, now: now, session)
      return false
    }
    if let since,
      try session.first(
        ObjectionStatements.letterAfter, [household.bucketValue, household.value, .integer(since)],
        { _ in true }) != nil
    {
      _ = try pieceLog.move(piece, to: .skipped, .frequencyCap, at: now, now: now, session)
      return false
    }
    let isBegun = try pieceLog.move(piece, to: .rendered, at: now, now: now, session) { log in
      log.grant = letter.grant
      log.field = ""
      log.addressLines = letter.addressLines
      log.templateVersion = letter.template.version
      log.locale = letter.locale
    }
    guard isBegun else { return false }
    try session.execute(
      PieceStatements.putContent,
      [
        piece.key.bucketValue, piece.key.idValue, .integer(now), .text(letter.url),
        .text(letter.template.locale), .blob(try Stored.encode(letter.address)),
        .blob(try Stored.encode(letter.facts)),
      ])
    // Under a sample's address the contact is known for objections, and no letter counts.
    for (key, at) in [(owner, owner == household ? now : 0), (household, now)] {
      try session.execute(
        ObjectionStatements.addContact,
        [
          key.bucketValue, key.value, .text(piece.order.store), .text(piece.order.contact),
          .integer(at),
        ])
    }
    return true
  }

  /// The batch that held pieces go to.
  private func nextPlan() -> BatchPlan {
    let now = rooms.clock.now
    let next = rooms.cutOff.next(
      after: max(now, Instant(microseconds: batch.cutOffAt)), from: now,
      StoreZones.zone(letters.store))
    return BatchPlan(
      store: batch.store, format: batch.format, isSample: batch.isSample,
      plannedAt: next.microseconds)
  }
}

extension LetterOrder {
  var address: CommonV1.Address? { facts.contact?.profile?.address }
}
