internal import Messages
internal import ServiceKit
internal import Storage
internal import TestSupport
internal import Testing

@testable internal import CartTracker

/// Made-up histories with late events, links and crashes: what was told, added up, is what the
/// tables hold.
@Suite struct ChangePropertyTests {
  private static let people = ["ann", "bob", "cid"]

  /// One event of a kind that chance picks, at or before `now`.
  private static func event(
    _ number: Int, now: Int64, _ chance: inout ListChance
  ) -> Tracked.Event {
    let late = chance.below(4) == 0 ? Int64(chance.below(6000)) : 0
    let at = max(1, now - late)
    let guest = chance.below(5) == 0 ? chance.pick(["g1", "g2"]) : ""
    let contact = guest.isEmpty ? chance.pick(people) : ""
    let cart = chance.pick(["", "k1", "k2", "k3"])
    let sku = chance.pick(["hose", "pump", "tap"])
    let kind: Tracked.Event.Kind
    switch chance.below(12) {
    case 0..<5: kind = .itemAdded(.init(line: Tracked.CartLine(sku: sku)))
    case 5: kind = .itemRemoved(.init(line: sku))
    case 6, 7:
      let order = "o\(chance.below(20))"
      let lines = chance.below(2) == 0 ? [] : [Tracked.OrderLine(sku: sku)]
      kind = .purchase(.init(order: order, lines: lines))
    case 8: kind = .purchaseReversed(.init(order: "o\(chance.below(20))"))
    case 9:
      let (added, removed) = (chance.pick(["vip", "new"]), chance.pick(["vip", "new"]))
      kind = .tagsChanged(.init(added: [added], removed: added == removed ? [] : [removed]))
    case 10:
      return FoldFixture.body(
        .identify(.init(evidence: .login)), at: at, "e\(number)", contact: chance.pick(people),
        guest: chance.pick(["g1", "g2"]))
    default: kind = .cartViewed(.init())
    }
    return FoldFixture.body(
      kind, at: at, "e\(number)", contact: contact, guest: guest, cart: cart)
  }

  /// What the changes say, added up.
  private struct Told {
    var tags: [String: Set<String>] = [:]
    var episodes: [String: Tracked.Episode] = [:]
    var purchases: [String: Tracked.PurchaseSeen] = [:]
    var linked: Set<String> = []

    mutating func add(_ change: Tracked.Change) {
      switch change.kind {
      case .tags(let tags):
        let known = self.tags[change.contact] ?? []
        #expect(known.isDisjoint(with: tags.added) && known.isSuperset(of: tags.removed))
        self.tags[change.contact] = known.union(tags.added).subtracting(tags.removed)
      case .episode(let episode):
        if let known = episodes[episode.id] {
          #expect(
            episode.revision > known.revision
              || (episode.revision == known.revision && episode.contact != known.contact))
        } else {
          #expect(episode.revision == 1)
        }
        episodes[episode.id] = episode
      case .purchase(let purchase) where !purchase.reversal:
        purchases[change.anchor?.event ?? ""] = purchase
      case .identity(let identity):
        let pair = "\(change.contact) \(identity.other)"
        #expect(linked.contains(pair) == identity.unlinked)
        if identity.unlinked { linked.remove(pair) } else { linked.insert(pair) }
      default: break
      }
    }
  }

  private static let persons = Statement(
    name: "test-persons", sql: "SELECT state FROM person", scope: .allBuckets)
  private static let episodes = Statement(
    name: "test-episodes", sql: "SELECT id, state, revision FROM episode", scope: .allBuckets)

  @Test("C26 what was told, added up, is what the tables hold", arguments: 0..<12)
  func addsUp(seed: Int) throws {
    var chance = ListChance(state: UInt64(seed) &* 7919 &+ 1)
    let fixture = try ChangeFixture()
    var told = Told()
    var now: Int64 = 10_000
    for number in 0..<60 {
      now += Int64(chance.below(4) == 0 ? 4000 : chance.below(300))
      var events = [Self.event(number, now: now, &chance)]
      if chance.below(6) == 0 { events.append(events[0]) }
      try fixture.append(events, now: now)
      if chance.below(5) == 0 {
        fixture.carts.fail(StorageError(.io, "the process ended"))
        _ = try? fixture.pass(to: now)
        fixture.carts.fail(nil)
        try fixture.restart()
      }
      if chance.below(2) == 0 { try fixture.pass(to: now) }
      for change in try fixture.changes() { told.add(change) }
    }
    try fixture.pass(to: now + 10_000)
    for change in try fixture.changes() { told.add(change) }

    let (persons, rows) = try fixture.carts.read { session in
      (
        try session.all(Self.persons) { try Tracked.StoredPerson(encoded: $0.blob(0)) },
        try session.all(Self.episodes) {
          (id: try $0.blob(0), state: try $0.integer(1), revision: try $0.integer(2))
        }
      )
    }
    #expect(told.episodes.count == rows.count)
    for row in rows {
      let episode = told.episodes[UUIDText.text(row.id)]
      #expect(episode.map { Int64($0.state.rawValue) } == row.state)
      #expect(episode.map { Int64($0.revision) } == row.revision)
    }
    for person in persons where !person.contact.isEmpty {
      let tags = Set(person.tags.filter(\.present).map(\.name))
      #expect(told.tags[person.contact] ?? [] == tags, "\(person.contact)")
    }
    let purchases = persons.flatMap(\.purchases)
    #expect(told.purchases.count == purchases.count)
    for purchase in purchases {
      let seen = told.purchases[purchase.order?.event ?? ""]
      #expect(seen?.carts == purchase.carts)
      #expect(seen?.episodes.count == purchase.anchors.count { !$0.isEmpty })
    }
  }
}
