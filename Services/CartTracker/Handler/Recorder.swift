internal import Delivery
internal import Messages
internal import ServiceKit
internal import Wire

/// Takes events from a source: checks all, dates them, and gives each to the log of its person.
struct Recorder: Sendable {
  /// How far ahead of its receipt an event may be dated (C26).
  static let aheadMax: Int64 = 5 * StoreRules.minute

  let journal: Journal
  let stores: StoreRegistry
  let clock: any WallClock
  let isVirtual: Bool

  /// - Throws: NOT_FOUND for a store that does not exist; INVALID_ARGUMENT that names every field
  /// at
  ///   fault, nothing is stored then; RESOURCE_EXHAUSTED while too much waits to be projected.
  func record(
    _ request: Tracked.RecordRequest, by identity: String
  ) async throws -> Tracked.RecordResponse {
    let store = try store(request.store)
    var rules = EventRules()
    for (index, event) in request.events.enumerated() where !rules.isFull {
      rules.check(event, "events[\(index)]")
    }
    if !rules.violations.isEmpty {
      throw RPCError(
        .invalidArgument, "no event was stored: some are not valid",
        fieldViolations: rules.violations)
    }
    var response = Tracked.RecordResponse()
    var entries: [JournalEntry] = []
    entries.reserveCapacity(request.events.count)
    let now = clock.now.microseconds
    for event in request.events {
      var record = Tracked.LogRecord(
        store: request.store, receivedAt: now, identity: identity, source: request.source)
      let event = date(event, &record, store.rules)
      if record.clampedFrom != 0 { response.clamped += 1 }
      try add(event, record, to: &entries)
    }
    if !entries.isEmpty { try await journal.append(entries) }
    response.stored = UInt32(request.events.count)
    if let until = request.completeUntil {
      try await heartbeat(request, until: min(until.microseconds, now.addingClamped(Self.aheadMax)))
    }
    return response
  }

  private func heartbeat(_ request: Tracked.RecordRequest, until: Int64) async throws {
    try await journal.heartbeat(store: request.store, source: request.source, until: until)
    stores.heartbeat(request.store, source: request.source, until: until)
  }

  func store(_ id: String) throws(RPCError) -> StoreRegistry.Entry {
    guard let store = stores[id] else {
      throw RPCError(.notFound, "there is no store of this name")
    }
    return store
  }

  /// An event from the future happened now; one from long ago starts nothing. On a virtual clock an
  /// event is received when it happens.
  private func date(
    _ event: Tracked.Event, _ record: inout Tracked.LogRecord, _ rules: StoreRules
  ) -> Tracked.Event {
    let at = event.at?.microseconds ?? 0
    if isVirtual { record.receivedAt = max(record.receivedAt, at) }
    record.tooLate = at < record.receivedAt.addingClamped(-rules.latenessMax)
    guard at > record.receivedAt.addingClamped(Self.aheadMax) else { return event }
    var event = event
    event.at = Protobuf.Timestamp(instant: record.receivedAt)
    record.clampedFrom = at
    return event
  }

  /// An event belongs to its contact, else to its guest. That a guest became a contact stands in
  /// the logs of both.
  private func add(
    _ event: Tracked.Event, _ record: Tracked.LogRecord, to entries: inout [JournalEntry]
  ) throws {
    var record = record
    record.contact = event.contact
    if event.contact.isEmpty { record.guest = event.guest }
    record.kind = .event(event)
    entries.append(try JournalEntry(record))
    guard case .identify(let identify) = event.kind else { return }
    record.contact = ""
    record.guest = event.guest
    record.kind = .link(
      Tracked.LinkRecord(
        id: event.id, at: event.at?.microseconds ?? 0, contact: event.contact,
        evidence: identify.evidence, byIdentify: true))
    entries.append(try JournalEntry(record))
  }
}

extension JournalEntry {
  init(_ record: Tracked.LogRecord) throws {
    self.init(person: Identity(record).key, body: try Stored.encode(record))
  }
}

extension Identity {
  /// Whose log a record stands in, where its key is known.
  init(_ record: Tracked.LogRecord, key: PersonKey) {
    let isContact = !record.contact.isEmpty
    self.init(
      store: record.store, kind: isContact ? .contact : .guest,
      id: isContact ? record.contact : record.guest, key: key)
  }

  /// Whose log a record stands in.
  init(_ record: Tracked.LogRecord) {
    let isContact = !record.contact.isEmpty
    self.init(
      store: record.store, kind: isContact ? .contact : .guest,
      id: isContact ? record.contact : record.guest)
  }

  init(_ person: Tracked.StoredPerson) {
    let isContact = !person.contact.isEmpty
    self.init(
      store: person.store, kind: isContact ? .contact : .guest,
      id: isContact ? person.contact : person.guest)
  }
}
