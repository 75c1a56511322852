internal import Delivery
internal import Messages
internal import Storage

/// Pages of episodes, oldest first by (abandoned_at, id).
struct EpisodeList {
  let store: String
  let list: ListPlan

  /// - Parameter persons: where the query names a contact: it and all that are linked with it; nil
  ///   where it names none.
  /// - Throws: `MessageError` where the query cannot be encoded.
  init(_ query: Tracked.EpisodeQuery, store: String, persons: [PersonKey]? = nil) throws {
    precondition(query.contact.isEmpty == (persons == nil))
    self.store = store
    let order = ListOrder(terms: [
      .init("abandoned_at", .integer), .init("id", .bytes), .init("person", .bytes),
    ])
    var list = ListPlan(
      "episodes", table: "episode", order: order, isIndexed: true,
      digest: try PageToken.digest(query, store: store), persons: persons)
    list.require { "store = \($0(.text(store)))" }
    if query.states.isEmpty {
      list.require { _ in "state <> 6" }
    } else {
      list.require("state", in: query.states.map(\.rawValue))
    }
    list.require("kind", in: query.kinds.map(\.rawValue))
    list.require("trigger_kind", in: query.triggers.map(\.rawValue))
    if let range = query.abandoned { list.require("abandoned_at", within: range) }
    if !query.cart.isEmpty { list.require { "cart = \($0(.text(query.cart)))" } }
    self.list = list
  }

  /// One page. Blocks; one call is one snapshot.
  ///
  /// - Throws: INVALID_ARGUMENT for a page that is not of this query.
  func page(
    _ page: CommonV1.Page?, in session: any StorageSession
  ) throws -> Tracked.ListEpisodesResponse {
    let page = try list.page(page)
    let positions = try list.positions(
      after: page.token?.position, version: nil, limit: page.limit + 1, in: session)
    var answer = Tracked.ListEpisodesResponse()
    var persons: [PersonKey: Tracked.StoredPerson] = [:]
    for position in positions.prefix(page.limit) {
      answer.episodes.append(try episode(position, &persons, in: session))
    }
    if positions.count > page.limit {
      answer.next =
        PageToken(digest: list.digest, version: 0, position: positions[page.limit - 1]).text
    }
    return answer
  }

  private func episode(
    _ position: ListPosition, _ persons: inout [PersonKey: Tracked.StoredPerson],
    in session: any StorageSession
  ) throws -> Tracked.Episode {
    let key = try PersonKey(bytes: position.bytes(2))
    let values: [SQLValue] = [
      .integer(key.bucket), .blob(key.bytes), .blob(position.bytes(1)),
    ]
    let found = try session.first(CartStatements.episodeBody, values) { row in
      (contact: try row.text(0), body: try row.blob(1))
    }
    guard let found else {
      throw StorageError(.corrupt, "a row of episode in bucket \(key.bucket) is gone")
    }
    let person =
      try persons[key] ?? ListedPersons(session: session).person(key)
      ?? Tracked.StoredPerson(store: store)
    persons[key] = person
    return EpisodeMessage.episode(
      try Stored.decode(Tracked.StoredEpisode.self, found.body, "episode"), key: key,
      person: person, contact: found.contact)
  }
}
