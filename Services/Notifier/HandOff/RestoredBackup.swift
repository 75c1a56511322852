internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Synchronization

/// What a database from a backup would send again is not sent (T31, I2): whatever was due by the
/// start that finds it may have left, so its fate is unknown, and it is listed with RESTORED.
final class RestoredBackup: Sendable {
  private let database: NotifierDatabase
  private let messageLog: MessageLog
  private let clock: any WallClock
  private let until = Mutex<Int64>(.min)

  /// Messages of one transaction.
  private static let batchMax = 512

  init(database: NotifierDatabase, messageLog: MessageLog, clock: any WallClock) {
    self.database = database
    self.messageLog = messageLog
    self.clock = clock
  }

  /// Whether an order that was due then may have been sent by what this database does not know.
  func covers(_ dueAt: Int64) -> Bool { until.withLock { dueAt <= $0 } }

  /// Looks whether the database is a restored one. At a start, before its outbox is read. Blocks.
  ///
  /// - Returns: whether it is.
  func find(chance: inout SplitMix64) throws -> Bool {
    let now = clock.now
    var names = chance
    let mark = try database.engine.write { session -> RestoreBeat.Mark? in
      guard let mark = try messageLog.beat.ahead(of: session) else { return nil }
      try DeliveryCounts.rename(session, at: now, chance: &names)
      try session.execute(
        RestoreStatements.addRestored,
        [.integer(now.microseconds), .integer(max(now.microseconds, mark.at))])
      try messageLog.beat.accept(mark, session)
      return mark
    }
    chance = names
    let known = try database.read { session in
      try session.first(RestoreStatements.until) { try $0.optionalInteger(0) }
    }
    until.withLock { $0 = (known ?? nil) ?? .min }
    return mark != nil
  }

  /// Ends what waits and was due by then. At every start, since one may have been cut short.
  /// Blocks.
  ///
  /// - Returns: how many.
  func hold() throws -> Int {
    if until.withLock({ $0 }) == .min { return 0 }
    var count = 0
    for bucket in 0...255 as ClosedRange<UInt8> {
      var left = try database.read { try open(in: bucket, $0) }[...]
      while !left.isEmpty {
        let batch = left.prefix(RestoredBackup.batchMax)
        left = left.dropFirst(RestoredBackup.batchMax)
        let now = clock.now.microseconds
        count += try database.commitBlocking([bucket], weight: batch.count) {
          [messageLog] session in
          try batch.count {
            try messageLog.finish($0, .end(.unknown, .restored), now, session)
          }
        }
      }
    }
    return count
  }

  private func open(in bucket: UInt8, _ session: any StorageSession) throws -> [DueMessage] {
    try session.all(MessageStatements.open, [.integer(bucket)]) { row in
      guard let key = MessageKey(bucket: bucket, id: try row.blob(0)) else {
        throw StorageError(.corrupt, "a message's id has not 16 bytes")
      }
      return try DueMessage(
        key: key, body: row.blob(1), failures: Int(row.integer(2)), isUnsure: false,
        log: row.blob(3))
    }.filter { covers($0.order.dueAt?.microseconds ?? .min) }
  }
}
