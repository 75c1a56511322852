internal import Messages
internal import Storage

/// An enrolment as it was read, with the revision of its row.
struct EnrolmentRow: Sendable {
  let enrolment: Enrolment
  let revision: Int64

  /// - Parameter row: of a statement of `EnrolmentStatements` with all columns.
  init(_ row: Row, bucket: UInt8) throws {
    let place = EnrolmentPlace(bucket: bucket, number: try row.integer(0))
    guard let version = UInt32(exactly: try row.integer(4)),
      let phase = UInt8(exactly: try row.integer(6)).flatMap(Enrolment.Phase.init(rawValue:)),
      let reason = Int32(exactly: try row.integer(7))
    else {
      throw StorageError(.corrupt, "a row of enrolment in bucket \(bucket) is out of range")
    }
    var reader = RowReader(try row.blob(11), table: "enrolment")
    guard try reader.byte() == EnrolmentRow.format else {
      throw StorageError(.newer, "a row of enrolment has a format that this version does not know")
    }
    var enrolment = Enrolment(
      place: place, id: try Identifier(bytes: row.blob(1)), store: try row.text(2),
      flow: try row.text(3), version: version, contact: try reader.text(),
      startedAt: try row.integer(8))
    enrolment.cart = try row.text(5)
    enrolment.phase = phase
    enrolment.reason = .init(rawValue: reason)
    enrolment.dueAt = try row.optionalInteger(9)
    try EnrolmentRow.read(&enrolment, &reader)
    try reader.finish()
    self.enrolment = enrolment
    revision = try row.integer(10)
  }

  // MARK: - Body

  private static let format: UInt8 = 1

  static func body(_ enrolment: Enrolment) -> [UInt8] {
    var writer = RowWriter(capacity: 160 + 24 * enrolment.visits.count)
    writer.byte(format)
    writer.text(enrolment.contact)
    writer.text(enrolment.episode)
    writer.unsigned(UInt64(enrolment.episodeRevision))
    writer.signed(Int64(enrolment.cartKind))
    writer.text(enrolment.company)
    writer.signed(enrolment.anchor.at)
    writer.unsigned(enrolment.anchor.sourceOrder)
    writer.text(enrolment.anchor.event)
    writer.signed(enrolment.happenedAt)
    writer.signed(enrolment.knownAt)
    writer.byte(enrolment.enrols ? 1 : 0)
    writer.byte(enrolment.endedAt == nil ? 0 : 1)
    if let endedAt = enrolment.endedAt { writer.signed(endedAt) }
    writer.optional(enrolment.step)
    writer.signed(enrolment.reachedAt)
    writer.optional(enrolment.failedSend)
    write(enrolment.incentive, &writer)
    writer.byte(enrolment.other == nil ? 0 : 1)
    if let other = enrolment.other { writer.id(other) }
    writer.count(enrolment.variants.count)
    for variant in enrolment.variants {
      writer.text(variant.step)
      writer.text(variant.branch)
    }
    writer.count(enrolment.visits.count)
    // Times of visits are written as steps from one to the next.
    var before = enrolment.startedAt
    for visit in enrolment.visits {
      write(visit, after: before, &writer)
      before = visit.decidedAt
    }
    return writer.bytes
  }

  /// 0: none, 1: of the flow's text, 2: a gift.
  private static func write(_ given: Enrolment.GivenIncentive?, _ writer: inout RowWriter) {
    guard let given else { return writer.byte(0) }
    writer.byte(given.gift == nil ? 1 : 2)
    writer.unsigned(UInt64(given.version))
    writer.count(given.step)
    writer.signed(given.at)
    if let gift = given.gift { writer.id(gift) }
  }

  private static func given(_ reader: inout RowReader) throws -> Enrolment.GivenIncentive? {
    let form = try reader.byte()
    if form == 0 { return nil }
    guard form <= 2 else {
      throw StorageError(.newer, "a row of enrolment holds an incentive of another version")
    }
    var given = Enrolment.GivenIncentive(
      version: try reader.number32(), step: try reader.number(), at: try reader.signed())
    if form == 2 { given.gift = try reader.id() }
    return given
  }

  private static func write(_ visit: Visit, after before: Int64, _ writer: inout RowWriter) {
    writer.unsigned(UInt64(visit.version))
    writer.count(visit.step)
    writer.signed(visit.decidedAt - before)
    writer.byte(UInt8(truncatingIfNeeded: visit.verdict.rawValue))
    writer.signed(Int64(visit.reason.rawValue))
    writer.signed(Int64(visit.channel.rawValue))
    guard let order = visit.order else { return writer.byte(0) }
    writer.byte(
      1 | (order.machineOpened ? 2 : 0) | (order.machineClicked ? 4 : 0)
        | (order.cancelled ? 8 : 0))
    writer.id(order.id)
    writer.signed(Int64(order.end.rawValue))
    writer.signed(Int64(order.reason.rawValue))
    writer.count(order.firsts.count)
    for first in order.firsts {
      writer.signed(Int64(first.kind.rawValue))
      writer.signed(first.at - visit.decidedAt)
    }
  }

  private static func read(_ enrolment: inout Enrolment, _ reader: inout RowReader) throws {
    enrolment.episode = try reader.text()
    enrolment.episodeRevision = try reader.number32()
    enrolment.cartKind = try reader.signed32()
    enrolment.company = try reader.text()
    enrolment.anchor.at = try reader.signed()
    enrolment.anchor.sourceOrder = try reader.unsigned()
    enrolment.anchor.event = try reader.text()
    enrolment.happenedAt = try reader.signed()
    enrolment.knownAt = try reader.signed()
    enrolment.enrols = try reader.flag()
    if try reader.flag() { enrolment.endedAt = try reader.signed() }
    enrolment.step = try reader.optional()
    enrolment.reachedAt = try reader.signed()
    enrolment.failedSend = try reader.optional()
    enrolment.incentive = try given(&reader)
    if try reader.flag() { enrolment.other = try reader.id() }
    for _ in 0..<(try reader.count()) {
      enrolment.variants.append(.init(step: try reader.text(), branch: try reader.text()))
    }
    let visits = try reader.count()
    enrolment.visits.reserveCapacity(visits + 4)
    var before = enrolment.startedAt
    for _ in 0..<visits {
      let visit = try visit(after: before, &reader)
      enrolment.visits.append(visit)
      before = visit.decidedAt
    }
  }

  private static func visit(after before: Int64, _ reader: inout RowReader) throws -> Visit {
    var visit = Visit(
      version: try reader.number32(), step: try reader.number(),
      decidedAt: before &+ (try reader.signed()),
      verdict: .init(rawValue: Int32(try reader.byte())),
      reason: .init(rawValue: try reader.signed32()),
      channel: .init(rawValue: try reader.signed32()))
    let flags = try reader.byte()
    guard flags & 1 == 1 else { return visit }
    var order = Visit.OrderState(id: try reader.id())
    order.machineOpened = flags & 2 != 0
    order.machineClicked = flags & 4 != 0
    order.cancelled = flags & 8 != 0
    order.end = .init(rawValue: try reader.signed32())
    order.reason = .init(rawValue: try reader.signed32())
    for _ in 0..<(try reader.count()) {
      let kind = CommonV1.OutcomeKind(rawValue: try reader.signed32())
      order.firsts.append(.init(kind: kind, at: visit.decidedAt &+ (try reader.signed())))
    }
    visit.order = order
    return visit
  }
}
