internal import Delivery
internal import Logging
internal import Messages
internal import ServiceKit
internal import Storage
internal import Synchronization
internal import Wire

/// Closes batches whose cut-off has come, and hands them over ("Delivery semantics").
///
/// One thread does all of it and owns what draws pages. Each step is found again in the tables
/// after a crash: OPEN → CLOSING by a commit; grants by one commit for each group of pieces, with
/// all that their letters say; CLOSED by one commit when all files are durable and a copy lies
/// beside its place in the folder; the folder by a rename; SUBMITTED by a commit.
final class BatchCloser: Worker {
  /// Where a closing can be interrupted, in this order.
  enum Point: Sendable, Hashable {
    case begun, granted, drawn, written, prepared, closed, moved
  }

  /// What a closing needs of the other rooms.
  struct Rooms: Sendable {
    let database: DirectMailDatabase
    let heads: BatchHeads
    let pieceLog: PieceLog
    let desk: GrantDesk
    let stores: StoreBook
    let templates: TemplateBook
    let modes: ModeBook
    let pauses: PauseBook
    let press: any Press
    let files: BatchFiles
    let links: LetterLinks
    let beat: RestoreBeat
    let cutOff: CutOff
    /// In which an address gets one letter; zero: as many as are ordered.
    let householdPeriod: Duration
    let clock: any WallClock
    let log: Logger
    /// Called at each point; what it throws interrupts the closing there.
    var reached: @Sendable (Point) throws -> Void = { _ in }
  }

  let name = "batches"
  private let rooms: Rooms
  private let isRunning = Atomic<Bool>(false)
  private let isStopping = Atomic<Bool>(false)

  init(_ rooms: Rooms) { self.rooms = rooms }

  /// Nothing is being closed. Also false while something is due.
  func isIdle(_ now: Instant) -> Bool {
    func isQuiet() -> Bool { rooms.heads.first.map { $0 > now.microseconds } ?? true }
    return isQuiet() && !isRunning.load(ordering: .sequentiallyConsistent) && isQuiet()
  }

  /// Interrupts a closing at its next piece: the next start goes on.
  func cancel() { isStopping.store(true, ordering: .releasing) }

  func runOnce(now: Instant) throws -> NextRun {
    isRunning.store(true, ordering: .sequentiallyConsistent)
    defer { isRunning.store(false, ordering: .sequentiallyConsistent) }
    let due = rooms.heads.due(now.microseconds)
    if due.isEmpty {
      return rooms.heads.first.map { .at(Instant(microseconds: $0)) } ?? .whenWoken
    }
    var failure: (any Error)?
    for batch in due {
      do {
        while try step(batch) {}
      } catch is Interruption {
        return .whenWoken
      } catch {
        rooms.log.warning(
          "a batch cannot be closed now", metadata: ["batch": "\(batch.text)", "error": "\(error)"])
        failure = failure ?? error
      }
    }
    if let failure { throw failure }
    return .again
  }

  /// The service ends while a batch is being closed.
  struct Interruption: Error {}

  /// Whether there is more to do for the batch.
  private func step(_ key: BatchKey) throws -> Bool {
    guard let batch = try rooms.database.read({ try BatchRow.find(key, $0) }) else {
      rooms.heads.forget(key)
      return false
    }
    switch batch.state {
    case .open:
      try begin(batch)
      try rooms.reached(.begun)
    case .closing:
      try Closing(rooms, batch, isStopping: { self.isStopping.load(ordering: .acquiring) }).run()
    case .closed: try submit(batch)
    case .held: return try wait(batch)
    default:
      rooms.heads.forget(key)
      return false
    }
    return true
  }

  private func begin(_ batch: BatchRow) throws {
    let now = rooms.clock.now.microseconds
    try rooms.database.commitBlocking([batch.key.bucket]) { session in
      try self.rooms.beat.note(session, at: now, always: true)
      try BatchApproval.end(batch, by: "", now, session)
    }
  }

  /// A held batch is looked at again when it is decided on, or when all of its pieces have expired.
  ///
  /// - Returns: whether it closes now.
  private func wait(_ batch: BatchRow) throws -> Bool {
    let now = rooms.clock.now.microseconds
    let expiry = try rooms.database.read { try BatchApproval.expiry(batch.key, $0) }
    if expiry <= now {
      try rooms.database.commitBlocking([batch.key.bucket]) { session in
        try BatchApproval.release(batch, batch.log, now, session)
      }
      return true
    }
    rooms.heads.put(batch.key, expiry)
    rooms.log.warning(
      "a batch is over its cost limit and waits for approval",
      metadata: ["batch": "\(batch.key.text)", "store": "\(batch.store)"])
    return false
  }

  /// The folder's, then the commit that says so.
  private func submit(_ batch: BatchRow) throws {
    try rooms.files.submit(batch.log.destination)
    try rooms.reached(.moved)
    let (now, pieceLog) = (rooms.clock.now.microseconds, rooms.pieceLog)
    let buckets = Array(0...255 as ClosedRange<UInt8>)
    try rooms.database.commitBlocking(buckets, weight: 64 + 4 * Int(batch.log.pieces)) { session in
      try self.rooms.beat.note(session, at: now, always: true)
      var log = batch.log
      log.submittedAt = .init(microseconds: now)
      guard try batch.move(to: .submitted, log, session) else { return }
      try BatchPieces.each(of: batch.key, session) { piece in
        guard piece.state == .batched else {
          throw StorageError(.corrupt, "a closed batch has a piece that is not in its pages")
        }
        _ = try pieceLog.move(piece, to: .submitted, at: now, now: now, session)
      }
    }
    pieceLog.outcomes.wake(buckets)
    rooms.log.info(
      "a batch was handed over",
      metadata: [
        "batch": "\(batch.key.text)", "store": "\(batch.store)", "pieces": "\(batch.log.pieces)",
        "pages": "\(batch.log.pages)",
      ])
    rooms.heads.forget(batch.key)
  }
}

/// The pieces of a batch, bucket by bucket in order of their ids: the order of their pages.
enum BatchPieces {
  private static let partSize = 256
  private static let noID = SQLValue.blob([])

  /// Those from ACCEPTED to SUBMITTED.
  static func each(
    of batch: BatchKey, _ session: any StorageSession, _ body: (PieceRow) throws -> Void
  ) throws {
    for bucket in 0...255 as ClosedRange<UInt8> {
      var last = noID
      while true {
        let part = try session.all(
          PieceStatements.ofBatch, [.integer(bucket), batch.idValue, last, .integer(partSize)]
        ) { try PieceRow($0, bucket: bucket) }
        for piece in part { try body(piece) }
        guard part.count == partSize, let end = part.last else { break }
        last = end.key.idValue
      }
    }
  }

  /// How many they are, and what they cost, in order of the currencies.
  static func sum(
    of batch: BatchKey, _ session: any StorageSession
  ) throws -> (pieces: UInt32, cost: [CommonV1.Money]) {
    var (count, costs) = (UInt32(0), [CommonV1.Money]())
    try each(of: batch, session) { piece in
      count += 1
      if let cost = piece.log.cost { costs.append(cost) }
    }
    return (count, Price.sums(costs))
  }

  /// The next pieces after one; none after the last.
  static func next(
    _ batch: BatchKey, after last: PieceKey?, atMost limit: Int, _ session: any StorageSession
  ) throws -> [PieceRow] {
    var found: [PieceRow] = []
    for bucket in (last?.bucket ?? 0)...255 {
      // Not `?:` with nil, which a SQL value takes for NULL: nothing comes after that.
      var after = noID
      if let last, last.bucket == bucket { after = last.idValue }
      found += try session.all(
        PieceStatements.ofBatch,
        [.integer(bucket), batch.idValue, after, .integer(limit - found.count)]
      ) { try PieceRow($0, bucket: bucket) }
      if found.count >= limit { break }
    }
    return found
  }
}

extension BatchRow {
  /// Of the folder that is handed over: no other batch has it.
  var folderName: String {
    let letters = store.map { character in
      character.isASCII && (character.isLetter || character.isNumber || character == "-")
        ? character : "_"
    }
    let zone = settings.map { StoreZones.zone($0) } ?? .utc
    let local = zone.civilTime(at: Instant(microseconds: cutOffAt))
    func padded(_ number: Int) -> String { (number < 10 ? "0" : "") + "\(number)" }
    let time =
      "\(local.year)-\(padded(local.month))-\(padded(local.day))-\(padded(local.hour))"
      + padded(local.minute)
    let sample = isSample ? "-sample" : ""
    return "\(time)-\(String(letters))-\(format.shortName)\(sample)-\(key.text.prefix(8))"
  }
}

extension DirectMailV1.Format {
  /// In the names of folders and in manifests.
  var shortName: String {
    switch self {
    case .a4FormA: "a4-form-a"
    case .a4FormB: "a4-form-b"
    case .usLetter: "us-letter"
    case .postcardA6: "a6"
    case .postcardA5: "a5"
    default: "6x4"
    }
  }
}
