internal import Delivery
internal import Messages
internal import Storage

/// Decisions in rows: the columns that lists filter by, the rest in a body.
enum DecisionRow {
  private static let format: UInt8 = 1
  /// With the instant until which it is deferred at the end.
  private static let deferredFormat: UInt8 = 2

  static func values(_ decision: DecisionRecord, _ enrolment: Enrolment) throws -> [SQLValue] {
    [
      .integer(enrolment.bucket), .text(enrolment.store), .integer(decision.decidedAt),
      decision.id.value, .integer(enrolment.place.number), .text(decision.step),
      .integer(decision.verdict.rawValue), .integer(decision.reason.rawValue),
      .blob(try body(decision, enrolment)),
    ]
  }

  private static func body(_ decision: DecisionRecord, _ enrolment: Enrolment) throws -> [UInt8] {
    var writer = RowWriter(capacity: 64)
    writer.byte(decision.deferredUntil == nil ? format : deferredFormat)
    writer.unsigned(UInt64(enrolment.version))
    writer.signed(decision.dueAt)
    writer.text(decision.branch)
    writer.signed(Int64(decision.channel.rawValue))
    writer.text(decision.template)
    writer.byte(decision.order == nil ? 0 : 1)
    if let order = decision.order { writer.id(order) }
    writer.count(decision.positions.count)
    for position in decision.positions {
      writer.unsigned(UInt64(position.bucket))
      writer.unsigned(position.seq)
    }
    writer.count(decision.facts.count)
    for fact in decision.facts { writer.blob(try Stored.encode(fact)) }
    if let until = decision.deferredUntil { writer.signed(until) }
    return writer.bytes
  }

  /// A decision with the flow's version that it was made in, and the number of its enrolment.
  struct Read {
    let record: DecisionRecord
    let version: UInt32
    let enrolment: Int64
  }

  /// - Parameter row: of decided_at, id, enrolment, step, verdict, reason, body.
  static func read(_ row: Row) throws -> Read {
    var reader = RowReader(try row.blob(6), table: "decision")
    let format = try reader.byte()
    guard format == DecisionRow.format || format == deferredFormat else {
      throw StorageError(.newer, "a row of decision has a format that this version does not know")
    }
    let version = try reader.number32()
    let dueAt = try reader.signed()
    var record = DecisionRecord(
      id: try Identifier(bytes: row.blob(1)), step: try row.text(3),
      verdict: .init(rawValue: Int32(truncatingIfNeeded: try row.integer(4))),
      reason: .init(rawValue: Int32(truncatingIfNeeded: try row.integer(5))), dueAt: dueAt,
      decidedAt: try row.integer(0))
    record.branch = try reader.text()
    record.channel = .init(rawValue: try reader.signed32())
    record.template = try reader.text()
    if try reader.flag() { record.order = try reader.id() }
    for _ in 0..<(try reader.count()) {
      record.positions.append(
        CommonV1.Position(bucket: try reader.number32(), seq: try reader.unsigned()))
    }
    for _ in 0..<(try reader.count()) {
      record.facts.append(
        try Stored.decode(CommonV1.Attribute.self, reader.blob(), "decision"))
    }
    if format == deferredFormat { record.deferredUntil = try reader.signed() }
    try reader.finish()
    return Read(record: record, version: version, enrolment: try row.integer(2))
  }
}
