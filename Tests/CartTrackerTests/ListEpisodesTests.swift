internal import Messages
internal import Storage
internal import Testing
internal import Wire

@testable internal import CartTracker

@Suite struct ListEpisodesTests {
  typealias Query = CartTrackerV1.EpisodeQuery

  private func episodes(
    _ fixture: ListFixture, _ query: Query, limit: UInt32, persons: [PersonKey]? = nil
  ) throws -> [CartTrackerV1.Episode] {
    let list = try EpisodeList(query, store: ListFixture.store, persons: persons)
    var found: [CartTrackerV1.Episode] = []
    var after = ""
    repeat {
      let page = CommonV1.Page(limit: limit, after: after)
      let answer = try fixture.engine.read { try list.page(page, in: $0) }
      found += answer.episodes
      after = answer.next
    } while !after.isEmpty
    return found
  }

  private func model(_ fixture: ListFixture) -> [CartTrackerV1.Episode] {
    fixture.entries.flatMap { entry in
      entry.person.carts.flatMap(\.episodes).map {
        EpisodeMessage.episode(
          $0, key: entry.key, person: entry.person, contact: entry.contact?.contact ?? "")
      }
    }.sorted {
      let (left, right) = ($0.abandonedAt?.microseconds ?? 0, $1.abandonedAt?.microseconds ?? 0)
      return left != right ? left < right : $0.id < $1.id
    }
  }

  @Test("Episodes come oldest first, in pages and whole, as each filter says")
  func pages() throws {
    let fixture = try ListFixture()
    try fixture.put(all: ListSample.persons(150, seed: 6))
    let all = model(fixture)
    #expect(try episodes(fixture, Query(), limit: 7) == all)
    #expect(try episodes(fixture, Query(), limit: 1000) == all)
    let recovered = all.filter { $0.state == .recovered && $0.kind == .cart }
    #expect(!recovered.isEmpty && recovered.count < all.count)
    let query = Query(states: [.recovered], kinds: [.cart], triggers: [.inactivity])
    #expect(try episodes(fixture, query, limit: 3) == recovered)
    let from = CommonV1.TimeRange(from: all[all.count / 2].abandonedAt)
    #expect(
      try episodes(fixture, Query(abandoned: from), limit: 100)
        == all.filter { ($0.abandonedAt?.seconds ?? 0) >= (from.from?.seconds ?? 0) })
    #expect(
      try episodes(fixture, Query(cart: all[0].cart), limit: 1)
        == all.filter {
          $0.cart == all[0].cart
        })
    let person = fixture.entries[2]
    let own = Set(person.person.carts.map(\.id))
    #expect(
      try episodes(fixture, Query(contact: "x"), limit: 1, persons: [person.key])
        == all.filter { own.contains($0.cart) })
  }

  @Test("C26 withdrawn episodes are listed only where they are asked for")
  func withdrawn() throws {
    let fixture = try ListFixture()
    var person = CartTrackerV1.StoredPerson(store: ListFixture.store, guest: "g")
    let episode = CartTrackerV1.StoredEpisode(
      anchor: .init(at: 1, event: "e"), state: .withdrawn, abandonedAt: 5, knownAt: 6, revision: 1,
      cart: "k")
    person.carts = [.init(id: "k", state: .open, episodes: [episode])]
    try fixture.put(person)
    #expect(try episodes(fixture, Query(), limit: 5).isEmpty)
    let found = try episodes(fixture, Query(states: [.withdrawn]), limit: 5)
    #expect(found.map(\.guest) == ["g"] && found.map(\.contact) == [""])
  }
}
