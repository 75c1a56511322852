internal import Messages
internal import Storage
internal import Wire

/// A person's events as evidence (C21): what came, when, from whom, and whether it counted.
enum EventList {
  /// - Parameter member: of a reading that has folded the tail too.
  static func events(
    of member: PersonGroup.Member, _ rows: PersonRows, _ journal: Journal
  ) throws -> [Tracked.StoredEvent] {
    var positions = member.person.eventPositions
    if member.person.hasHistory { positions += try rows.positions(of: member.key) }
    var seen = Set<String>()
    return try rows.records(at: positions).compactMap { position, record in
      guard case .event(let event) = record.kind else { return nil }
      let isFirst = seen.insert(event.id).inserted
      var stored = Tracked.StoredEvent(event: event)
      stored.position = try journal.bucketPosition(of: position)
      stored.receivedAt = Protobuf.Timestamp(instant: record.receivedAt)
      stored.clampedFrom = Protobuf.Timestamp(microseconds: record.clampedFrom)
      stored.standing = !isFirst ? .conflict : record.tooLate ? .tooLate : .counted
      stored.identity = record.identity
      stored.source = record.source
      return stored
    }
  }
}

extension Tracked.StoredEvent {
  var order: Tracked.EventOrder {
    Tracked.EventOrder(
      at: event?.at?.microseconds ?? 0, sourceOrder: event?.sourceOrder ?? 0,
      event: event?.id ?? "")
  }
}

/// A place in a list of events: after this one.
struct EventsPage {
  private let after: Tracked.EventOrder?

  /// - Throws: INVALID_ARGUMENT for a token that is not ours.
  init(_ token: String) throws(RPCError) {
    if token.isEmpty {
      after = nil
      return
    }
    let parts = token.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, let at = Int64(parts[0]), let order = UInt64(parts[1]) else {
      throw RPCError(
        .invalidArgument, "the page does not belong to this list",
        fieldViolations: [.init(field: "page.after", detail: "is no answer's `next`")])
    }
    after = Tracked.EventOrder(at: at, sourceOrder: order, event: String(parts[2]))
  }

  static func token(_ event: Tracked.StoredEvent) -> String {
    "\(event.order.at).\(event.order.sourceOrder).\(event.order.event)"
  }

  func rest(of events: [Tracked.StoredEvent]) -> ArraySlice<Tracked.StoredEvent> {
    guard let after else { return events[...] }
    return events.drop { $0.order <= after }
  }
}
