internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage

/// What a database from a backup would send again is not sent (T31, I2): whatever was due by the
/// start that finds it may have left, so its fate is unknown, and it is listed with RESTORED.
final class RestoredBackup: Sendable {
  private let database: NotifierDatabase
  private let messageLog: MessageLog
  let gate: RestoreGate
  private let clock: any WallClock

  /// Messages of one transaction.
  private static let batchMax = 512

  init(
    database: NotifierDatabase, messageLog: MessageLog, gate: RestoreGate, clock: any WallClock
  ) {
    self.database = database
    self.messageLog = messageLog
    self.gate = gate
    self.clock = clock
  }

  /// Whether an order that was due then may have been sent by what this database does not know.
  func covers(_ dueAt: Int64) -> Bool { gate.covers(dueAt) }

  /// Looks whether the database is a restored one. At a start, before its outbox is read. Blocks.
  ///
  /// - Returns: whether it is.
  func find(chance: inout SplitMix64) throws -> Bool {
    try gate.find(in: database.engine, now: clock.now, chance: &chance) != nil
  }

  /// Ends what waits and was due by then. At every start, since one may have been cut short.
  /// Blocks.
  ///
  /// - Returns: how many.
  func hold() throws -> Int {
    if gate.until == .min { return 0 }
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
