internal import Messages
internal import Storage
internal import Stubs
internal import Transport
internal import Wire

/// Lists, counts, exports and watches: queries over the tables, once they hold everything that was
/// acknowledged when the call came.
extension CartTrackerHandler {
  /// Runs a query in one snapshot, on a reader's thread.
  func listing<R: Sendable>(
    _ body: @escaping @Sendable (any StorageSession) throws -> R
  ) async throws -> R {
    await projector.reached(recorder.journal.tail.lastPosition)
    return try await reading { try reader.carts.read(body) }
  }

  func listCarts(
    _ request: Tracked.ListCartsRequest, _ call: ServerCall
  ) throws -> Reply<Tracked.ListCartsResponse> {
    let entry = try recorder.store(request.store)
    return .later {
      let query = request.query ?? Tracked.CartQuery()
      let persons = try await persons(query.contact, entry)
      return .now(
        try await listing { session in
          let plan = try CartQueryPlan(query, store: request.store, persons: persons)
          return try CartList(plan: plan, rules: entry.rules).page(request.page, in: session)
        })
    }
  }

  /// Those that are one person with the contact; nil where none is asked for.
  private func persons(
    _ contact: String, _ entry: StoreRegistry.Entry
  ) async throws -> [PersonKey]? {
    if contact.isEmpty { return nil }
    let identity = Identity(store: entry.store.id, kind: .contact, id: contact)
    return try await reading {
      try reader.read(identity) { reading, _ in
        reading.person.map { reading.group.members[$0].key }
      } ?? []
    }
  }

  func exportCarts(
    _ request: Tracked.ExportCartsRequest,
    _ responses: ResponseWriter<Tracked.ExportCartsResponse>, _ call: ServerCall
  ) async throws {
    let entry = try recorder.store(request.store)
    let query = request.query ?? Tracked.CartQuery()
    let persons = try await persons(query.contact, entry)
    let plan = try CartQueryPlan(query, store: request.store, persons: persons)
    await projector.reached(recorder.journal.tail.lastPosition)
    var export = CartExport(plan, rules: entry.rules, shape: request.csv ? CartCSV.shape : nil)
    var csv = CartCSV(columns: query.columns)
    while true {
      let step = export
      let (rows, next) = try await reading {
        var step = step
        let rows = try reader.carts.read { try step.next(in: $0) }
        return (rows, step)
      }
      export = next
      if rows.isEmpty { break }
      guard request.csv else {
        try await responses.send(Tracked.ExportCartsResponse(rows: rows))
        continue
      }
      for row in rows {
        csv.append(row)
        while let chunk = csv.fullChunk() {
          try await responses.send(Tracked.ExportCartsResponse(csv: chunk))
        }
      }
    }
    while request.csv, let chunk = csv.rest() {
      try await responses.send(Tracked.ExportCartsResponse(csv: chunk))
    }
  }

  func countCarts(
    _ request: Tracked.CountCartsRequest, _ call: ServerCall
  ) throws -> Reply<Tracked.CartCounts> {
    _ = try recorder.store(request.store)
    return .later {
      .now(
        try await listing { session in
          let counter = CartCounter(
            store: request.store, started: request.started, kinds: request.kinds)
          return try counter.counts(in: session)
        })
    }
  }

  func listEpisodes(
    _ request: Tracked.ListEpisodesRequest, _ call: ServerCall
  ) throws -> Reply<Tracked.ListEpisodesResponse> {
    let entry = try recorder.store(request.store)
    return .later {
      let query = request.query ?? Tracked.EpisodeQuery()
      let persons = try await persons(query.contact, entry)
      return .now(
        try await listing { session in
          let list = try EpisodeList(query, store: request.store, persons: persons)
          return try list.page(request.page, in: session)
        })
    }
  }

  func listContacts(
    _ request: Tracked.ListContactsRequest, _ call: ServerCall
  ) throws -> Reply<Tracked.ListContactsResponse> {
    _ = try recorder.store(request.store)
    return .later {
      .now(try await listing { try ContactList(request).page(request.page, in: $0) })
    }
  }

  func listTagged(
    _ request: Tracked.ListTaggedRequest, _ call: ServerCall
  ) throws -> Reply<Tracked.ListContactsResponse> {
    _ = try recorder.store(request.store)
    return .later {
      .now(try await listing { try ContactList(request).page(request.page, in: $0) })
    }
  }

  func watchEpisodes(
    _ request: Tracked.WatchEpisodesRequest,
    _ responses: ResponseWriter<Tracked.WatchEpisodesResponse>, _ call: ServerCall
  ) async throws {
    _ = try recorder.store(request.store)
    var place =
      request.after.isEmpty
      ? EpisodeWatch(after: projector.changesSoFar) : try EpisodeWatch(token: request.after)
    let states = Set(request.states)
    // Where the watch begins, so that one that breaks off at once misses nothing either.
    try await responses.send(Tracked.WatchEpisodesResponse(next: place.token))
    while !Task.isCancelled {
      let seen = projector.changes.version
      let current = place
      let (episodes, next) = try await reading {
        var place = current
        let episodes = try reader.carts.read { try place.take(request.store, in: $0) }
        return (episodes, place)
      }
      place = next
      if episodes.isEmpty {
        await projector.changes.waitForChange(after: seen)
        continue
      }
      let wanted = episodes.filter { states.isEmpty || states.contains($0.state) }
      try await responses.send(
        Tracked.WatchEpisodesResponse(episodes: wanted, next: place.token))
    }
  }
}
