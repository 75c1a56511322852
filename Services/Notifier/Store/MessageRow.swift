internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage

/// All that a row says of a message.
struct MessageRow: Sendable {
  let key: MessageKey
  let state: NotifierV1.MessageState
  let reason: CommonV1.ReasonCode
  let nextAt: Int64
  let takenAt: Int64
  let endedAt: Int64?
  let recipient: String
  let locale: String
  let templateVersion: UInt32
  let order: CommonV1.SendOrder
  let log: NotifierV1.OutboundMessage

  /// Columns as `MessageStatements.message` lists them.
  init(_ row: Row, bucket: UInt8) throws {
    guard let key = MessageKey(bucket: bucket, id: try row.blob(0)) else {
      throw StorageError(.corrupt, "a message's id has not 16 bytes")
    }
    self.key = key
    state = .init(rawValue: Int32(truncatingIfNeeded: try row.integer(1)))
    reason = .init(rawValue: Int32(truncatingIfNeeded: try row.integer(2)))
    nextAt = try row.integer(3)
    takenAt = try row.integer(4)
    endedAt = try row.optionalInteger(5)
    recipient = try row.text(6)
    locale = try row.text(7)
    templateVersion = UInt32(truncatingIfNeeded: try row.integer(8))
    order = try Stored.decode(CommonV1.SendOrder.self, try row.blob(9), "message")
    log = try Stored.decode(NotifierV1.OutboundMessage.self, try row.blob(10), "message")
  }

  static func find(_ key: MessageKey, _ session: any StorageSession) throws -> MessageRow? {
    try session.first(MessageStatements.message, [key.bucketValue, key.idValue]) {
      try MessageRow($0, bucket: key.bucket)
    }
  }

  /// A message of which only the id is known.
  static func find(_ id: [UInt8], _ session: any StorageSession) throws -> MessageRow? {
    for bucket in 0...255 as ClosedRange<UInt8> {
      guard let key = MessageKey(bucket: bucket, id: id) else { return nil }
      if let found = try find(key, session) { return found }
    }
    return nil
  }

  /// With its outcomes so far.
  func contract(_ session: any StorageSession) throws -> NotifierV1.OutboundMessage {
    var message = log
    message.order = order
    message.state = state
    message.reason = reason
    message.recipient = recipient
    message.locale = locale
    message.templateVersion = templateVersion
    message.takenAt = .init(microseconds: takenAt)
    message.nextAt = state == .waiting ? .init(microseconds: nextAt) : nil
    message.endedAt = endedAt.map { .init(microseconds: $0) }
    if let endedAt { message.outcomes = [MessageLog.end(due, state, reason, at: endedAt)] }
    message.outcomes += try session.all(
      MessageStatements.outcomes,
      [key.bucketValue, key.idValue, .integer(MessageRow.outcomesMax - 1)]
    ) { try Stored.decode(CommonV1.Outcome.self, try $0.blob(0), "outcome") }
    return message
  }

  /// Outcomes shown.
  private static let outcomesMax = 64

  var due: DueMessage {
    DueMessage(key: key, order: order, grant: log.grant, attempts: log.attempts)
  }

  /// The address that it went to, as suppressions know it.
  func addresses(controller: String) -> AddressKeys {
    AddressKeys(
      store: order.store, controller: controller, channel: order.channel, address: recipient)
  }
}

extension MessageLog {
  /// Notes what became known of a message after its end, and tells the scheduler; false where it
  /// was known.
  func learn(
    _ outcome: CommonV1.Outcome, of key: MessageKey, _ now: Int64, _ session: any StorageSession
  ) throws -> Bool {
    let added = try session.execute(
      MessageStatements.addOutcome,
      [
        key.bucketValue, key.idValue, .blob(UUIDText.bytes(outcome.id) ?? []),
        .integer(outcome.at?.microseconds ?? now), .integer(outcome.kind.rawValue),
        .blob(try Stored.encode(outcome)),
      ])
    guard added == 1 else { return false }
    try outcomes.put(outcome, key.bucket, now, session)
    return true
  }
}
