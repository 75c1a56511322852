internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Stubs
internal import Transport
internal import Wire

/// Reads of one person or cart, as of the last acknowledged event.
extension CartTrackerHandler {
  func getCart(_ request: Tracked.GetCartRequest, _ call: ServerCall) throws -> Reply<Tracked.Cart>
  {
    let entry = try recorder.store(request.store)
    return .later {
      // Whose cart it is, the tables know.
      await projector.reached(recorder.journal.tail.lastPosition)
      return .now(
        try await reading {
          guard let owner = try owner(of: request.cart, in: request.store),
            let cart = try cart(request.cart, of: owner, entry)
          else { throw RPCError(.notFound, "no event named a cart of this id") }
          return cart
        })
    }
  }

  func owner(of cart: String, in store: String) throws -> Identity? {
    try CartOwner.find(cart, in: store, reader)
  }

  func cart(
    _ id: String, of owner: Identity, _ entry: StoreRegistry.Entry
  ) throws -> Tracked.Cart? {
    try reader.read(owner) { reading, rows in
      let group = reading.group
      let place = group.cart(named: id, for: 0)
      let archived = place == nil ? try rows.archivedCart(id, of: owner.key) : nil
      guard let cart = place.map({ group[$0] }) ?? archived else { return nil }
      let member = place?.member ?? 0
      let contact = group.contact(of: member).map { group.members[$0].person.contact }
      return CartMessage.cart(
        cart, person: group.members[member].person, contact: contact ?? "", rules: entry.rules)
    } ?? nil
  }

  func getContact(
    _ request: Tracked.GetContactRequest, _ call: ServerCall
  ) throws -> Reply<Tracked.Contact> {
    _ = try recorder.store(request.store)
    return .later {
      .now(
        try await reading {
          guard let contact = try contact(request.contact, in: request.store) else {
            throw RPCError(.notFound, "no event named a contact of this id")
          }
          return contact
        })
    }
  }

  func contact(_ id: String, in store: String) throws -> Tracked.Contact? {
    try reader.read(Identity(store: store, kind: .contact, id: id)) { reading, _ in
      reading.isKnown ? ContactMessage.contact(reading.group) : nil
    } ?? nil
  }

  func listEvents(
    _ request: Tracked.ListEventsRequest, _ call: ServerCall
  ) throws -> Reply<Tracked.ListEventsResponse> {
    _ = try recorder.store(request.store)
    let limit = try Page.limit(request.page)
    let after = try EventsPage(request.page?.after ?? "")
    let named = [request.contact, request.cart, request.guest].filter { !$0.isEmpty }
    guard named.count == 1 else {
      throw RPCError(
        .invalidArgument, "exactly one of contact, cart and guest is to be given",
        fieldViolations: [.init(field: "contact", detail: "\(named.count) of the three are set")])
    }
    return .later {
      if !request.cart.isEmpty { await projector.reached(recorder.journal.tail.lastPosition) }
      return .now(
        try await reading {
          guard let identity = try eventOwner(request) else { return .init() }
          let events = try events(of: identity, request)
          let page = after.rest(of: events).prefix(limit + 1)
          return Tracked.ListEventsResponse(
            events: Array(page.prefix(limit)),
            next: page.count > limit ? EventsPage.token(page[page.startIndex + limit - 1]) : "")
        })
    }
  }

  private func eventOwner(_ request: Tracked.ListEventsRequest) throws -> Identity? {
    if !request.contact.isEmpty {
      return Identity(store: request.store, kind: .contact, id: request.contact)
    }
    if !request.guest.isEmpty {
      return Identity(store: request.store, kind: .guest, id: request.guest)
    }
    return try owner(of: request.cart, in: request.store)
  }

  /// In their order, with what became of each.
  private func events(
    of identity: Identity, _ request: Tracked.ListEventsRequest
  ) throws -> [Tracked.StoredEvent] {
    let stored = try reader.read(identity) { reading, rows in
      let members = request.contact.isEmpty && request.cart.isEmpty ? [0] : reading.person
      return try members.flatMap { member in
        try EventList.events(of: reading.group.members[member], rows, recorder.journal)
      }
    }
    return (stored ?? []).filter { event in
      if !request.cart.isEmpty && event.event?.cart != request.cart { return false }
      let at = event.event?.at?.microseconds ?? 0
      if let from = request.at?.from, at < from.microseconds { return false }
      if let to = request.at?.to, at >= to.microseconds { return false }
      return true
    }.sorted { $0.order < $1.order }
  }

  // MARK: - Facts and permission

  func facts(
    _ request: Tracked.FactsRequest, _ call: ServerCall
  ) throws -> Reply<Tracked.FactsResponse> {
    let entry = try recorder.store(request.store)
    for (index, subject) in request.subjects.enumerated()
    where subject.contact.isEmpty && subject.cart.isEmpty {
      throw RPCError(
        .invalidArgument, "a subject is a contact, a cart, or both",
        fieldViolations: [.init(field: "subjects[\(index)]", detail: "both are empty")])
    }
    // Whose cart it is, and what colleagues bought, the tables know.
    let needsTables =
      entry.rules.stopsCompanies || request.subjects.contains { $0.contact.isEmpty }
    return .later {
      if needsTables { await projector.reached(recorder.journal.tail.lastPosition) }
      return .now(
        try await reading {
          var room = FactsReader.bytesMax
          let facts = try request.subjects.map { try factsReader(entry).facts($0, room: &room) }
          return Tracked.FactsResponse(facts: facts)
        })
    }
  }

  func checkStop(
    _ request: Tracked.CheckStopRequest, _ call: ServerCall
  ) throws -> Reply<Tracked.CheckStopResponse> {
    let entry = try recorder.store(request.store)
    return .later {
      if entry.rules.stopsCompanies {
        await projector.reached(recorder.journal.tail.lastPosition)
      }
      let answers = try await reading { () -> [Tracked.StopAnswer] in
        var room = FactsReader.bytesMax
        let reader = factsReader(entry)
        return try request.subjects.map { subject in
          try reader.answer(subject, withFacts: request.withFacts, room: &room)
        }
      }
      return .now(
        Tracked.CheckStopResponse(
          answers: await confirmed(answers, request.subjects, entry, call)))
    }
  }

  private func factsReader(_ entry: StoreRegistry.Entry) -> FactsReader {
    FactsReader(
      reader: reader, entry: stores[entry.store.id] ?? entry, now: now,
      isRestored: restores.gate.isHeld,
      owner: { try owner(of: $0, in: entry.store.id) })
  }
}
