internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage

/// One closing of one batch, from its grants to the commit that closes it.
///
/// A piece that has its grant is printed, again after a crash, from what was stored with the grant;
/// one that has none is asked about. Pieces go by bucket and id, so those with a grant always come
/// first, and the pages come out the same.
struct Closing {
  /// Pieces asked about and laid out together: their grants must live that long.
  private static let groupMax = 64

  private let rooms: BatchCloser.Rooms
  private let batch: BatchRow
  private let isStopping: () -> Bool

  init(_ rooms: BatchCloser.Rooms, _ batch: BatchRow, isStopping: @escaping () -> Bool) {
    self.rooms = rooms
    self.batch = batch
    self.isStopping = isStopping
  }

  func run() throws {
    guard let closingAt = batch.closingAt else {
      throw StorageError(.corrupt, "a closing batch has no time")
    }
    let store = try settings()
    try rooms.files.clear(batch.key)
    let date = Instant(microseconds: closingAt)
    let run = try rooms.press.begin(
      rooms.files.path(batch.key, BatchFiles.document) + ".new", batch.format, date: date)
    let letters = LetterMaker(rooms, batch, store, date)
    var entries: [Manifest.Entry] = []
    var last: PieceKey?
    while true {
      if isStopping() { throw BatchCloser.Interruption() }
      let after = last
      let group = try rooms.database.read {
        try BatchPieces.next(batch.key, after: after, atMost: Closing.groupMax, $0)
      }
      guard let end = group.last else { break }
      last = end.key
      let ready = try GroupGrants(rooms, batch, letters, run).take(group)
      for piece in ready {
        let pages = try run.draw(piece.row.key.text)
        entries.append(
          Manifest.Entry(
            key: piece.row.key, cost: piece.row.log.cost, pages: pages,
            postage: PostageClass(
              sheets: pages.count,
              isDomestic: piece.countryCode == store.settings?.countryCode)))
      }
    }
    if entries.isEmpty { return try endEmpty() }
    let pages = try run.finish()
    try rooms.reached(.drawn)
    try close(try write(entries, pages))
  }

  /// What all letters are made with: read once, and kept with the batch.
  private func settings() throws -> CartTrackerV1.Store {
    if let known = batch.settings { return known }
    let (id, stores) = (batch.store, rooms.stores)
    let store = try Awaited.value { try await stores.store(id) }
    let (key, bytes) = (batch.key, try Stored.encode(store))
    try rooms.database.commitBlocking([key.bucket]) { session in
      _ = try session.execute(
        BatchStatements.putSettings, [key.bucketValue, key.idValue, .blob(bytes)])
    }
    return store
  }

  private func endEmpty() throws {
    try rooms.files.discard(batch.key)
    let (batch, now) = (batch, rooms.clock.now.microseconds)
    try rooms.database.commitBlocking([batch.key.bucket]) { session in
      _ = try batch.move(
        to: .empty, batch.log.closed(at: now), session)
    }
  }

  // MARK: - The files, and the commit that closes the batch

  private struct Written: Sendable {
    let entries: [Manifest.Entry]
    let log: DirectMailV1.Batch
  }

  private func write(_ entries: [Manifest.Entry], _ pages: Int) throws -> Written {
    let (files, key) = (rooms.files, batch.key)
    try files.keep(key, BatchFiles.document)
    let (digest, size) = try files.checksum(key, BatchFiles.document)
    let manifest = Manifest(
      batch: key.text, store: batch.store, format: batch.format.shortName,
      isSample: batch.isSample, cutOff: Instant(microseconds: batch.cutOffAt),
      document: BatchFiles.document, size: size, checksum: digest, entries: entries)
    try files.write(manifest.csv, key, BatchFiles.csv)
    try files.write(manifest.json, key, BatchFiles.json)
    try files.flushFolder(key)
    try rooms.reached(.written)
    // With what was said of it while it was held.
    var log = batch.log
    log.pieces = UInt32(entries.count)
    log.pages = UInt32(pages)
    log.cost = Price.sums(entries.compactMap(\.cost))
    log.checksum = digest
    log.sizeBytes = UInt64(size)
    return Written(entries: entries, log: log)
  }

  private func close(_ written: Written) throws {
    // With the settings that the folder's name is made from.
    let named = try rooms.database.read { try BatchRow.find(self.batch.key, $0) } ?? self.batch
    let place = rooms.files.place(named.folderName)
    try rooms.files.prepare(self.batch.key, place)
    try rooms.reached(.prepared)
    let (batch, pieceLog, now) = (batch, rooms.pieceLog, rooms.clock.now.microseconds)
    let buckets = Set(written.entries.map(\.key.bucket)).union([batch.key.bucket]).sorted()
    try rooms.database.commitBlocking(buckets, weight: 16 + 4 * written.entries.count) { session in
      var log = written.log.closed(at: now)
      log.destination = place
      guard try batch.move(to: .closed, log, session) else { return }
      for entry in written.entries {
        guard let piece = try PieceRow.find(entry.key, session) else { continue }
        let isMoved = try pieceLog.move(piece, to: .batched, at: now, now: now, session) {
          $0.firstPage = UInt32(entry.pages.lowerBound)
          $0.pages = UInt32(entry.pages.count)
        }
        guard isMoved else {
          throw StorageError(.corrupt, "a piece of a closing batch has moved")
        }
        try session.execute(
          PieceStatements.forgetFacts, [entry.key.bucketValue, entry.key.idValue, .blob([])])
      }
    }
    try rooms.reached(.closed)
  }
}

extension DirectMailV1.Batch {
  fileprivate func closed(at now: Int64) -> DirectMailV1.Batch {
    var batch = self
    batch.closedAt = .init(microseconds: now)
    return batch
  }
}

/// A piece that is laid out and has its grant.
struct ReadyPiece: Sendable {
  let row: PieceRow
  /// Where it goes to.
  let countryCode: String
}

/// Waits, on a thread of our own, for what a call gives.
enum Awaited {
  static func value<R: Sendable>(_ body: @escaping @Sendable () async throws -> R) throws -> R {
    let result = Monitor<Result<R, any Error>?>(nil)
    Task.immediate {
      let given: Result<R, any Error>
      do { given = .success(try await body()) } catch { given = .failure(error) }
      result.withLock { $0 = given }
      result.wakeAll()
    }
    return try result.wait { $0 }.get()
  }
}
