internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Wire

/// Commands: one after the other on a thread of their own. The key, the request's digest and the
/// answer commit with the effect; a repeat gets the first answer.
struct Commands: Sendable {
  /// How long a key is known.
  static let keptFor = 7 * StoreRules.day

  let recorder: Recorder
  let erasures: ErasureJournal
  let reader: PersonReader
  let projector: Projector
  /// Serial.
  let thread: ThreadPool
  /// Called after a store's settings changed.
  let onStoreChange: @Sendable () -> Void

  private var journal: Journal { recorder.journal }
  private var stores: StoreRegistry { recorder.stores }
  var now: Int64 { recorder.clock.now.microseconds }

  /// What a command does once it is known to be new.
  struct Effect<Answer: Message> {
    var entries: [JournalEntry] = []
    var store: Tracked.Store?
    var erasures: [Erasing] = []
    let answer: Answer
  }

  func run<Request: Message, Answer: Message>(
    _ method: String, _ store: String, _ key: String, _ request: Request,
    about person: PersonKey? = nil, _ effect: @escaping @Sendable () throws -> Effect<Answer>
  ) async throws -> Answer {
    try await thread.run {
      let digest = SHA256.hash(try Stored.encode(request))
      let name = "\(store)/\(method)/\(key)"
      let bucket = Identity(store: store, kind: .contact, id: name).key.bucket
      if let known = try journal.lookupCommand(bucket: bucket, key: name) {
        guard known.hash == digest else {
          throw RPCError(
            .failedPrecondition, "the idempotency key was used for another request",
            fieldViolations: [
              .init(field: "idempotency_key", detail: "known with another body")
            ])
        }
        return try Stored.decode(Answer.self, known.answer, "command")
      }
      let effect = try effect()
      let command = CommandRow(
        bucket: bucket, key: name, hash: digest, answer: try Stored.encode(effect.answer),
        at: now, person: person)
      if !effect.erasures.isEmpty {
        let known = try erasures.note(effect.erasures)
        try journal.eraseBlocking(effect.erasures, known: known, command: command)
      } else if let store = effect.store {
        try journal.putStore(store, command: command)
        try stores.put(store)
        projector.resettle()
        onStoreChange()
      } else {
        try journal.appendBlocking(effect.entries, command: command)
      }
      return effect.answer
    }
  }

  private func record(
    _ kind: Tracked.LogRecord.Kind, of identity: Identity, by caller: String, _ now: Int64
  ) -> Tracked.LogRecord {
    Tracked.LogRecord(
      store: identity.store, contact: identity.kind == .contact ? identity.id : "",
      guest: identity.kind == .guest ? identity.id : "", receivedAt: now, identity: caller,
      kind: kind)
  }

  func event(
    _ kind: Tracked.Event.Kind, _ contact: Identity, _ id: String, by caller: String, _ now: Int64
  ) -> Tracked.LogRecord {
    let event = Tracked.Event(
      id: id, at: Protobuf.Timestamp(instant: now), contact: contact.id, kind: kind)
    return record(.event(event), of: contact, by: caller, now)
  }

  // MARK: - Stores

  func putStore(_ request: Tracked.PutStoreRequest) async throws -> Tracked.Store {
    try await run("PutStore", request.store, request.idempotencyKey, request) {
      let settings = request.settings ?? Tracked.StoreSettings()
      try StoreSettingsRules.check(settings)
      let known = stores[request.store]?.store
      guard request.revision == known?.revision ?? 0 else {
        throw RPCError(
          .aborted,
          "the store is at revision \(known?.revision ?? 0), the request is for "
            + "\(request.revision)")
      }
      let now = now
      var store = Tracked.Store(id: request.store, settings: settings)
      store.revision = request.revision + 1
      store.changedAt = Protobuf.Timestamp(instant: now)
      if settings.detection {
        let wasOn = known?.settings?.detection ?? false
        store.detectionSince =
          wasOn ? known?.detectionSince : Protobuf.Timestamp(instant: now)
      }
      return Effect(store: store, answer: store)
    }
  }

  // MARK: - Carts

  func declare(
    _ request: Tracked.DeclareAbandonedRequest, by caller: String
  ) async throws -> Tracked.Episode {
    _ = try recorder.store(request.store)
    await projector.reached(journal.tail.lastPosition)
    return try await run(
      "DeclareAbandoned", request.store, request.idempotencyKey, request
    ) {
      guard let owner = try CartOwner.find(request.cart, in: request.store, reader) else {
        throw RPCError(.notFound, "no event named a cart of this id")
      }
      let now = now
      let at = min(request.at?.microseconds ?? now, now)
      let declaration = Tracked.DeclarationRecord(
        id: "command:declare:" + request.idempotencyKey, at: at, cart: request.cart,
        reason: request.reason)
      let record = record(.declaration(declaration), of: owner, by: caller, now)
      if let running = try running(request, owner, at) { return Effect(answer: running) }
      let episode = try reader.read(owner, adding: [record]) { reading, _ in
        DeclaredEpisode.of(request.cart, reading, now: now)
      }
      guard let episode = episode ?? nil else {
        throw RPCError(.failedPrecondition, "the cart is not open any more")
      }
      return Effect(entries: [try JournalEntry(record)], answer: episode)
    }
  }

  /// The episode that runs already.
  ///
  /// - Throws: where the cart cannot be abandoned.
  private func running(
    _ request: Tracked.DeclareAbandonedRequest, _ owner: Identity, _ at: Int64
  ) throws -> Tracked.Episode? {
    let found = try reader.read(owner) { reading, _ -> Tracked.Episode? in
      let group = reading.group
      guard let place = group.cart(named: request.cart, for: 0), group[place].isOpen,
        !group[place].lines.isEmpty
      else { throw RPCError(.failedPrecondition, "the cart is closed or empty") }
      if group[place].announcedState == .abandoned {
        return DeclaredEpisode.of(request.cart, reading, now: now)
      }
      guard at >= group[place].quietFrom else {
        throw RPCError(
          .invalidArgument, "the cart was active after that",
          fieldViolations: [.init(field: "at", detail: "lies before the cart's last activity")])
      }
      return nil
    }
    return found ?? nil
  }

  // MARK: - Contacts

  func upsert(
    _ request: Tracked.UpsertContactsRequest, by caller: String
  ) async throws -> Tracked.UpsertContactsResponse {
    _ = try recorder.store(request.store)
    var rules = EventRules()
    for (index, entry) in request.entries.enumerated() {
      if let profile = entry.profile { rules.check(profile, "entries[\(index)].profile") }
    }
    if !rules.violations.isEmpty {
      throw RPCError(
        .invalidArgument, "no contact was changed: some are not valid",
        fieldViolations: rules.violations)
    }
    return try await run("UpsertContacts", request.store, request.idempotencyKey, request) {
      var answer = Tracked.UpsertContactsResponse()
      var entries: [JournalEntry] = []
      let now = now
      for (index, entry) in request.entries.enumerated() {
        let contact = Identity(store: request.store, kind: .contact, id: entry.contact)
        let profile = entry.profile ?? Tracked.ContactProfile()
        let record = event(
          .contactUpserted(Tracked.ContactUpserted(profile: profile)), contact,
          "command:upsert:\(request.idempotencyKey):\(index)", by: caller, now)
        entries.append(try JournalEntry(record))
        try reader.read(contact) { reading, _ in
          let person = reading.group.members[0].person
          let old = person.profile ?? Tracked.StoredProfile()
          if !reading.isKnown {
            answer.created += 1
          } else if old.merged(with: profile, at: now).fieldTimes == old.fieldTimes {
            answer.outdated += 1
          } else {
            answer.changed += 1
          }
        }
      }
      return Effect(entries: entries, answer: answer)
    }
  }

  func tag(
    _ request: Tracked.TagContactRequest, by caller: String
  ) async throws -> Tracked.Contact {
    _ = try recorder.store(request.store)
    return try await run(
      "TagContact", request.store, request.idempotencyKey, request,
      about: .contact(store: request.store, contact: request.contact)
    ) {
      let contact = Identity(store: request.store, kind: .contact, id: request.contact)
      let change = Tracked.TagsChanged(added: request.added, removed: request.removed)
      let record = event(
        .tagsChanged(change), contact, "command:tag:" + request.idempotencyKey, by: caller, now)
      return Effect(
        entries: [try JournalEntry(record)], answer: try answer(contact, adding: [record]))
    }
  }

  private func answer(
    _ contact: Identity, adding records: [Tracked.LogRecord]
  ) throws -> Tracked.Contact {
    let answer = try reader.read(contact, adding: records) { reading, _ in
      ContactMessage.contact(reading.group)
    }
    guard let answer else { throw RPCError(.notFound, "there is no store of this name") }
    return answer
  }

  func link(_ request: Tracked.LinkRequest, by caller: String) async throws -> Tracked.Contact {
    _ = try recorder.store(request.store)
    return try await run(
      "Link", request.store, request.idempotencyKey, request,
      about: .contact(store: request.store, contact: request.contact)
    ) {
      let contact = Identity(store: request.store, kind: .contact, id: request.contact)
      let other = try known(request.other, in: request.store)
      guard contact != other else {
        throw RPCError(.invalidArgument, "a contact is not linked with itself")
      }
      let (linked, count) = try members(of: contact, and: other)
      if linked { return Effect(answer: try answer(contact, adding: [])) }
      if count > GroupFolder.membersMax {
        throw RPCError(
          .failedPrecondition,
          "that would make \(count) identities of one person, the limit is "
            + "\(GroupFolder.membersMax)")
      }
      var link = Tracked.LinkRecord(id: "command:link:" + request.idempotencyKey, at: now)
      link.evidence = request.evidence
      link.note = request.proof
      return try effect(link, contact, other, by: caller)
    }
  }

  func unlink(
    _ request: Tracked.UnlinkRequest, by caller: String
  ) async throws -> Tracked.Contact {
    _ = try recorder.store(request.store)
    return try await run(
      "Unlink", request.store, request.idempotencyKey, request,
      about: .contact(store: request.store, contact: request.contact)
    ) {
      let contact = Identity(store: request.store, kind: .contact, id: request.contact)
      let other = try known(request.other, in: request.store)
      guard try members(of: contact, and: other).linked else {
        throw RPCError(.notFound, "the two are not linked")
      }
      var link = Tracked.LinkRecord(id: "command:unlink:" + request.idempotencyKey, at: now)
      link.unlinked = true
      link.note = request.note
      return try effect(link, contact, other, by: caller)
    }
  }

  /// A contact of that id, else a guest.
  private func known(_ id: String, in store: String) throws -> Identity {
    let contact = Identity(store: store, kind: .contact, id: id)
    let isContact = try reader.read(contact) { reading, _ in reading.isKnown }
    return isContact ?? false ? contact : Identity(store: store, kind: .guest, id: id)
  }

  /// Whether they are one person, and how many identities they would be together.
  private func members(
    of contact: Identity, and other: Identity
  ) throws -> (linked: Bool, count: Int) {
    let keys = try [contact, other].map { identity in
      try reader.read(identity) { reading, _ in
        Set(reading.person.map { reading.group.members[$0].key })
      } ?? []
    }
    return (keys[0].contains(other.key), keys[0].union(keys[1]).count)
  }

  /// A link stands in the logs of both.
  private func effect(
    _ link: Tracked.LinkRecord, _ contact: Identity, _ other: Identity, by caller: String
  ) throws -> Effect<Tracked.Contact> {
    var (mine, theirs) = (link, link)
    if other.kind == .contact { mine.contact = other.id } else { mine.guest = other.id }
    theirs.contact = contact.id
    let records = [
      record(.link(mine), of: contact, by: caller, now),
      record(.link(theirs), of: other, by: caller, now),
    ]
    return Effect(
      entries: try records.map { try JournalEntry($0) },
      answer: try answer(contact, adding: [records[0]]))
  }
}

/// The newest episode of a cart as an answer.
enum DeclaredEpisode {
  static func of(
    _ cart: String, _ reading: PersonReader.Reading, now: Int64
  ) -> Tracked.Episode? {
    let group = reading.group
    guard let place = group.cart(named: cart, for: 0), var episode = group[place].newestEpisode,
      group[place].state == .abandoned
    else { return nil }
    if episode.knownAt == 0 {
      episode.knownAt = now
      episode.changedAt = now
      episode.revision = 1
    }
    let contact = group.contact(of: place.member).map { group.members[$0].person.contact }
    return EpisodeMessage.episode(
      episode, key: group.members[place.member].key,
      person: group.members[place.member].person, contact: contact ?? "")
  }
}
