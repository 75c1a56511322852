internal import Messages
internal import Storage
internal import Testing

@testable internal import CartTracker

@Suite struct ListCountsTests {
  private func counts(
    _ fixture: ListFixture, started: CommonV1.TimeRange? = nil,
    kinds: [CartTrackerV1.CartKind] = []
  ) throws -> CartTrackerV1.CartCounts {
    let counter = CartCounter(store: ListFixture.store, started: started, kinds: kinds)
    return try fixture.engine.read { try counter.counts(in: $0) }
  }

  private func model(_ carts: [CartTrackerV1.StoredCart]) -> CartTrackerV1.CartCounts {
    func count(_ condition: (CartTrackerV1.StoredCart) -> Bool) -> UInt64 {
      UInt64(carts.count(where: condition))
    }
    let stages: [CartTrackerV1.Stage] = [
      .browsing, .cart, .checkout, .shipping, .payment, .quoteRequested, .order,
    ]
    return CartTrackerV1.CartCounts(
      carts: count { _ in true },
      episodes: carts.reduce(0) { $0 + UInt64($1.episodesAnnounced) },
      abandonedCarts: count { $0.episodesAnnounced > 0 },
      reopened: carts.reduce(0) { sum, cart in
        sum + UInt64(cart.episodes.count { $0.followed && $0.state != .withdrawn })
      },
      recovered: count { $0.state == .purchased && $0.episodesAnnounced > 0 },
      purchased: count { $0.state == .purchased }, emptied: count { $0.state == .emptied },
      expired: count { $0.state == .expired },
      open: count { $0.state == .open || $0.state == .abandoned },
      stages: stages.map { stage in
        .init(
          stage: stage, reached: count { $0.stages & (1 << UInt32(stage.rawValue)) != 0 },
          left: count { $0.episodes.last?.stage == stage })
      })
  }

  @Test("C18 counts equal those of a plain model, alone and within a range or kinds")
  func counts() throws {
    let fixture = try ListFixture()
    try fixture.put(all: ListSample.persons(300, seed: 8))
    let carts = fixture.entries.flatMap(\.person.carts)
    #expect(try counts(fixture) == model(carts))
    let from = ListSample.start + 200_000_000
    let to = ListSample.start + 700_000_000
    let some = carts.filter { $0.startedAt >= from && $0.startedAt < to }
    let range = CommonV1.TimeRange(from: .init(instant: from), to: .init(instant: to))
    #expect(try counts(fixture, started: range) == model(some))
    let quotes = some.filter { $0.kind == .quote }
    #expect(!quotes.isEmpty && quotes.count < some.count)
    #expect(try counts(fixture, started: range, kinds: [.quote]) == model(quotes))
  }

  @Test("C26 withdrawn episodes count nowhere, nor do other stores")
  func withdrawn() throws {
    let fixture = try ListFixture()
    var person = CartTrackerV1.StoredPerson(store: ListFixture.store, contact: "c")
    let episode = CartTrackerV1.StoredEpisode(
      anchor: .init(at: 1, event: "e"), state: .withdrawn, abandonedAt: 5, knownAt: 6, revision: 1,
      followed: true, cart: "k")
    person.carts = [.init(id: "k", state: .open, episodes: [episode])]
    try fixture.put(person)
    person.store = "other"
    try fixture.put(person)
    let found = try counts(fixture)
    #expect(found.carts == 1 && found.open == 1)
    #expect(found.episodes == 0 && found.reopened == 0 && found.abandonedCarts == 0)
    #expect(found.stages.allSatisfy { $0.left == 0 })
  }
}
