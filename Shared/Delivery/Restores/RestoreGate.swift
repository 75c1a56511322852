package import Messages
package import ServiceKit
package import Storage
internal import Synchronization

/// Databases that were put back from a backup, as a service knows of them (T31): found at a start,
/// listed, and released by an operator where the service waits for it.
package final class RestoreGate: Sendable {
  package let beat: RestoreBeat
  private let waits: Bool
  private let state = Mutex(State())

  private struct State {
    var isHeld = false
    var until = Int64.min
  }

  /// - Parameter waits: whether the service holds until somebody releases the restore.
  package init(beat: RestoreBeat, waits: Bool) {
    self.beat = beat
    self.waits = waits
  }

  /// Looks whether the database is a restored one. At a start, before its outbox is read: rows
  /// numbered again under the old name would be taken for repeats. Blocks.
  ///
  /// - Parameter chance: of the outbox's new name.
  /// - Returns: what was due by when may have been done; nil where the database goes on where it
  ///   was.
  package func find(
    in engine: any StorageEngine, now: Instant, chance: inout SplitMix64
  ) throws -> Int64? {
    var names = chance
    let until = try engine.write { session -> Int64? in
      guard let mark = try beat.ahead(of: session) else { return nil }
      let until = max(now.microseconds, mark.at)
      try DeliveryCounts.rename(session, at: now, chance: &names)
      try session.execute(
        RestoreStatements.addRestored,
        [
          .integer(now.microseconds), .integer(until),
          waits ? .null : .integer(now.microseconds),
        ])
      try beat.accept(mark, session)
      return until
    }
    chance = names
    try load(engine)
    return until
  }

  /// Nothing may be done until an operator has looked at it.
  package var isHeld: Bool { state.withLock { $0.isHeld } }

  /// Whether what was due then may have been done by what this database does not know.
  package func covers(_ dueAt: Int64) -> Bool { dueAt <= until }

  /// `Int64.min` where nothing is in doubt.
  package var until: Int64 { state.withLock { $0.until } }

  /// Newest first. Blocks.
  package func list(_ session: any StorageSession) throws -> [CommonV1.RestoredBackup] {
    try session.all(RestoreStatements.list) { row in
      let released = try row.optionalInteger(2)
      return CommonV1.RestoredBackup(
        foundAt: Instant(microseconds: try row.integer(0)).timestamp,
        until: Instant(microseconds: try row.integer(1)).timestamp,
        releasedAt: released.map { Instant(microseconds: $0).timestamp },
        releasedBy: try row.text(3), decidesSteps: try row.integer(4) == 1)
    }
  }

  /// Releases a restore, in a transaction of its own; one that is released stays as it is. Blocks.
  ///
  /// - Returns: nil where there is none that was found then.
  package func release(
    _ request: CommonV1.ReleaseRestoreRequest, by author: String, now: Int64,
    in engine: any StorageEngine
  ) throws -> CommonV1.RestoredBackup? {
    let found = try request.foundAt.map { try Instant($0).microseconds } ?? 0
    let all = try engine.write { session in
      try session.execute(
        RestoreStatements.release,
        [
          .integer(found), .integer(now), .text(author), .integer(request.decidesSteps ? 1 : 0),
        ])
      return try list(session)
    }
    try load(engine)
    return all.first { $0.foundAt == Instant(microseconds: found).timestamp }
  }

  private func load(_ engine: any StorageEngine) throws {
    let all = try engine.read { try list($0) }
    let doubtful = try all.filter { !$0.decidesSteps }.compactMap(\.until).map {
      try Instant($0).microseconds
    }
    state.withLock { state in
      state.isHeld = all.contains { $0.releasedAt == nil }
      state.until = doubtful.max() ?? .min
    }
  }
}
