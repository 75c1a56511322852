internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage

/// What a start makes of what the last run left.
struct Recovery: Sendable {
  let database: NotifierDatabase
  let messageLog: MessageLog
  let lanes: [HandOff.Lane]
  let clock: any WallClock

  /// Messages of one transaction.
  private static let batchMax = 512

  /// Ends hand-offs whose fate nobody knows, lets those be made again that may be, and finds out
  /// what is due. Blocks; before anything is read as due.
  ///
  /// - Returns: how many are unknown.
  func run() throws -> Int {
    var unknown = 0
    for bucket in 0...255 as ClosedRange<UInt8> {
      let sending = try database.read { session in try self.sending(bucket, session) }
      var left = sending[...]
      while !left.isEmpty {
        let batch = left.prefix(Recovery.batchMax)
        left = left.dropFirst(Recovery.batchMax)
        let now = clock.now.microseconds
        unknown += try database.commitBlocking([bucket], weight: batch.count) { session in
          try batch.count { try !settle($0.0, provider: $0.1, now, session) }
        }
      }
    }
    try findDue()
    return unknown
  }

  private func sending(
    _ bucket: UInt8, _ session: any StorageSession
  ) throws -> [(DueMessage, String)] {
    try session.all(MessageStatements.sending, [.integer(bucket)]) { row in
      guard let key = MessageKey(bucket: bucket, id: try row.blob(0)) else {
        throw StorageError(.corrupt, "a message's id has not 16 bytes")
      }
      let message = try DueMessage(
        key: key, body: row.blob(3), failures: Int(row.integer(2)), isUnsure: false,
        log: row.blob(4))
      return (message, try row.text(1))
    }
  }

  /// Whether the call may be made again under the same key.
  private func settle(
    _ message: DueMessage, provider: String, _ now: Int64, _ session: any StorageSession
  ) throws -> Bool {
    let lane = lanes.first { $0.provider.name == provider }
    let mayRepeat =
      lane.map {
        $0.provider.isIdempotent && $0.channels.contains(message.order.channel)
      } ?? false
    var message = message
    if mayRepeat {
      // A refusal from now on leaves the first call's fate unknown.
      message.isUnsure = true
      _ = try messageLog.finish(
        message, .wait(.unspecified, until: now, isNews: false), now, session)
    } else {
      _ = try messageLog.finish(message, .end(.unknown, .unspecified), now, session)
    }
    return mayRepeat
  }

  private func findDue() throws {
    try database.read { session in
      for place in DueHeads.places {
        let first = try session.first(
          MessageStatements.nextDue,
          [.integer(place.bucket), .integer(place.channel.rawValue), .integer(Int64.min)]
        ) { try $0.integer(0) }
        if let first { messageLog.heads.note(place.bucket, place.channel, first) }
      }
    }
  }
}

/// Forgets what nobody asks for any more: once an hour, bucket by bucket.
struct Housekeeping: Worker {
  let database: NotifierDatabase
  let contentKept: Duration
  let name = "housekeeping"

  private static let pause = Duration.seconds(3600)

  func runOnce(now: Instant) throws -> NextRun {
    let at = now.microseconds
    for bucket in 0...255 as ClosedRange<UInt8> {
      try database.commitBlocking([bucket], weight: 1024) { session in
        try session.execute(
          MessageStatements.redactContent,
          [.integer(bucket), .integer((now - contentKept).microseconds), .blob([])])
        try session.execute(
          ReferenceStatements.forgetCommands, [.integer(bucket), .integer(at - Commands.keptFor)])
        try session.execute(
          ReferenceStatements.forgetCallbacks,
          [.integer(bucket), .integer((now - ReportDesk.ageMax * 3).microseconds)])
        try session.execute(
          ReferenceStatements.forgetInbound, [.integer(bucket), .integer(at - Inbound.keptFor)])
        try session.execute(
          AddressStatements.forgetSoftBounces,
          [.integer(bucket), .integer(at - BounceRule.span)])
        try Intake.trim(session, bucket: bucket, before: (now - Intake.keptFor).microseconds)
      }
    }
    return .at(now + Housekeeping.pause)
  }
}
