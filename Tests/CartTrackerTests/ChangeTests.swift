internal import Delivery
internal import Messages
internal import Storage
internal import TestSupport
internal import Testing

@testable internal import CartTracker

@Suite struct ChangeTests {
  private static func add(
    _ id: String, at: Int64, contact: String = "ann", guest: String = "", cart: String = "c1",
    sku: String = "hose"
  ) -> Tracked.Event {
    FoldFixture.body(
      .itemAdded(.init(line: Tracked.CartLine(sku: sku))), at: at, id, contact: contact,
      guest: guest, cart: cart)
  }

  private static func purchase(
    _ id: String, at: Int64, contact: String = "ann", cart: String = "", order: String = "o1"
  ) -> Tracked.Event {
    func euros(_ units: Int64) -> CommonV1.Money {
      CommonV1.Money(currencyCode: "EUR", units: units)
    }
    return FoldFixture.body(
      .purchase(
        .init(order: order, total: euros(50), shipping: euros(5), tax: euros(8), codes: ["SAVE"])),
      at: at, id, contact: contact, cart: cart)
  }

  @Test("A cart given up, active again, given up and bought is told step by step")
  func episode() throws {
    let fixture = try ChangeFixture()
    try fixture.receive([Self.add("e1", at: 100)], now: 100)
    #expect(try fixture.words() == [])
    try fixture.pass(to: 4000)
    let first = try fixture.changes()
    #expect(
      first.map(ChangeFixture.words) == [
        "ann 100/e1 episode c1 RUNNING 1", "ann 3700/e1 tags +[\"AB CART\"] -[]",
      ])
    let bucket = Identity(store: "shop", kind: .contact, id: "ann").key.bucket
    #expect(first.allSatisfy { $0.position?.bucket == UInt32(bucket) && $0.store == "shop" })
    #expect(fixture.told.entries.last == [bucket])
    try fixture.receive([Self.add("e2", at: 4100)], now: 4100)
    #expect(try fixture.words() == ["ann 4100/e2 episode c1 REOPENED 2"])
    try fixture.pass(to: 8000)
    #expect(
      try fixture.words() == ["ann 4100/e2 episode c1 RUNNING 1"])
    try fixture.receive([Self.purchase("e3", at: 8100)], now: 8100)
    #expect(
      try fixture.words() == [
        "ann 8100/e3 tags +[\"BUY\"] -[\"AB CART\"]",
        "ann 8100/e3 purchase o1 [\"c1\"] 1 37EUR [\"SAVE\"]",
        "ann 8100/e3 episode c1 RECOVERED 2",
      ])
  }

  @Test(
    "C26 a late event that disproves an episode withdraws it; other late ones tell nothing anew")
  func late() throws {
    let fixture = try ChangeFixture()
    try fixture.receive([Self.add("e1", at: 100), Self.add("e0", at: 50)], now: 100)
    try fixture.pass(to: 4000)
    let id = try fixture.changes().compactMap { change -> String? in
      if case .episode(let episode) = change.kind { return episode.id }
      return nil
    }
    // Older than all, and of no consequence: everything is folded anew.
    let anew = fixture.projector.counters.anew
    try fixture.receive(
      [FoldFixture.body(.cartViewed(.init()), at: 60, "e5", contact: "ann", cart: "c1")],
      now: 4001)
    #expect(fixture.projector.counters.anew == anew + 1)
    #expect(try fixture.words() == [])
    try fixture.receive([Self.add("e2", at: 3000)], now: 4002)
    let changes = try fixture.changes()
    #expect(
      changes.map(ChangeFixture.words) == [
        "ann 100/e1 episode c1 WITHDRAWN 2", "ann 3000/e2 tags +[] -[\"AB CART\"]",
      ])
    let withdrawn = changes.compactMap { change -> String? in
      if case .episode(let episode) = change.kind { return episode.id }
      return nil
    }
    #expect(withdrawn == id)
    // The same events again are no change.
    try fixture.receive([Self.add("e2", at: 3000), Self.add("e1", at: 100)], now: 4003)
    #expect(try fixture.words() == [])
  }

  @Test("P09 a purchase by a linked identity names the other's carts and episodes")
  func linked() throws {
    let fixture = try ChangeFixture()
    try fixture.receive([Self.add("e1", at: 100)], now: 100)
    try fixture.receive([Self.add("e2", at: 120, contact: "bob", cart: "c2")], now: 120)
    try fixture.link("ann", "bob", now: 200)
    #expect(
      Set(try fixture.words()) == [
        "ann 200/link-200 linked bob", "bob 200/link-200 linked ann",
      ])
    try fixture.pass(to: 4000)
    _ = try fixture.changes()
    try fixture.receive([Self.purchase("e3", at: 4100, contact: "bob", cart: "c1")], now: 4100)
    let words = try fixture.words()
    #expect(words.contains("bob 4100/e3 purchase o1 [\"c1\"] 1 37EUR [\"SAVE\"]"))
    #expect(words.contains("ann 4100/e3 episode c1 RECOVERED 2"))
    #expect(words.count { $0.contains("purchase") } == 1)
    try fixture.link("ann", "bob", unlinked: true, now: 5000)
    let after = try fixture.words()
    #expect(after.contains("ann 5000/link-5000 unlinked bob"))
    #expect(after.contains("bob 5000/link-5000 unlinked ann"))
  }

  @Test("C16 a guest who becomes known is told with the episodes that run, in the guest's bucket")
  func guest() throws {
    let fixture = try ChangeFixture()
    try fixture.receive([Self.add("e1", at: 100, contact: "", guest: "g")], now: 100)
    try fixture.pass(to: 4000)
    #expect(try fixture.words() == ["~g 100/e1 episode c1 RUNNING 1"])
    try fixture.receive(
      [
        FoldFixture.body(
          .identify(.init(evidence: .login)), at: 4100, "e2", contact: "ann", guest: "g")
      ], now: 4100)
    let changes = try fixture.changes()
    #expect(
      Set(changes.map(ChangeFixture.words)).isSuperset(of: [
        "ann~g 4100/e2 linked g", "ann~g 100/e1 episode c1 RUNNING 1",
      ]))
    let bucket = Identity(store: "shop", kind: .guest, id: "g").key.bucket
    for change in changes {
      guard case .episode(let episode) = change.kind else { continue }
      #expect(change.position?.bucket == UInt32(bucket))
      #expect(episode.contact == "ann" && episode.guest == "g")
    }
  }

  @Test("P02 P06 tags, profiles and signals are told where they are new")
  func contact() throws {
    let fixture = try ChangeFixture()
    var profile = Tracked.ContactProfile(givenName: "Ann", locale: "de")
    profile.attributes = [CommonV1.Attribute(name: "tier", value: .text("gold"))]
    func upsert(_ id: String, _ at: Int64) -> Tracked.Event {
      FoldFixture.body(.contactUpserted(.init(profile: profile)), at: at, id)
    }
    try fixture.receive([upsert("e1", 100)], now: 100)
    #expect(
      try fixture.words() == ["ann 100/e1 profile [\"given_name\", \"locale\", \"tier\"]"])
    try fixture.receive([upsert("e2", 200)], now: 200)
    #expect(try fixture.words() == [])
    profile.attributes = [CommonV1.Attribute(name: "tier", value: .text("silver"))]
    try fixture.receive([upsert("e3", 300)], now: 300)
    #expect(try fixture.words() == ["ann 300/e3 profile [\"tier\"]"])

    func tags(_ id: String, _ at: Int64, _ added: [String], _ removed: [String]) -> Tracked.Event {
      FoldFixture.body(.tagsChanged(.init(added: added, removed: removed)), at: at, id)
    }
    try fixture.receive([tags("e4", 400, ["vip", "new"], [])], now: 400)
    #expect(try fixture.words() == ["ann 400/e4 tags +[\"new\", \"vip\"] -[]"])
    try fixture.receive([tags("e5", 500, ["vip"], ["new", "never"])], now: 500)
    #expect(try fixture.words() == ["ann 500/e5 tags +[] -[\"new\"]"])

    let signal = FoldFixture.body(.signal(.init(name: "birthday")), at: 600, "e6")
    try fixture.receive([signal, signal], now: 600)
    #expect(try fixture.words() == ["ann 600/e6 signal birthday"])
    try fixture.receive([signal], now: 700)
    let late = FoldFixture.body(.signal(.init(name: "birthday")), at: 10, "e7")
    try fixture.receive([late], now: 800, tooLate: true)
    #expect(try fixture.words() == [])
  }

  @Test("C27 a purchase taken back is told as its reversal, in part and whole")
  func reversal() throws {
    let fixture = try ChangeFixture()
    try fixture.receive([Self.add("e1", at: 100)], now: 100)
    try fixture.pass(to: 4000)
    try fixture.receive([Self.purchase("e2", at: 4100, cart: "c1")], now: 4100)
    _ = try fixture.changes()
    func reverse(_ id: String, _ at: Int64, _ amount: Int64?) -> Tracked.Event {
      FoldFixture.body(
        .purchaseReversed(
          .init(
            order: "o1",
            lines: amount == nil ? [] : [Tracked.OrderLine(sku: "hose")],
            amount: amount.map { CommonV1.Money(currencyCode: "EUR", units: $0) })), at: at, id)
    }
    try fixture.receive([reverse("e3", 5000, 10)], now: 5000)
    #expect(try fixture.words() == ["ann 5000/e3 reversal o1 [] 0 -10EUR"])
    try fixture.receive([reverse("e4", 6000, nil)], now: 6000)
    let words = try fixture.words()
    #expect(words.contains("ann 6000/e4 reversal o1 [\"c1\"] 1 -27EUR"))
    #expect(words.contains { $0.contains("episode c1 REVERSED") })
    #expect(words.count { $0.contains("reversal") } == 1)
  }

  @Test("After a crash before the commit all is told once; after it nothing again")
  func crash() throws {
    func run(_ crash: Bool) throws -> [String] {
      let fixture = try ChangeFixture()
      var words: [String] = []
      for round in 0..<20 {
        let at = Int64(round) * 2000 + 100
        let who = "c\(round % 3)"
        try fixture.append(
          [
            Self.add("a\(round)", at: at, contact: who, cart: "k\(round % 5)"),
            FoldFixture.body(.signal(.init(name: "s\(round)")), at: at, "s\(round)", contact: who),
          ], now: at)
        if crash {
          fixture.carts.fail(StorageError(.io, "the process ended"))
          #expect(throws: StorageError.self) { try fixture.pass(to: at) }
          fixture.carts.fail(nil)
          try fixture.restart()
        }
        try fixture.pass(to: at)
        if crash { try fixture.restart() }
        try fixture.pass(to: at)
        words += try fixture.words()
      }
      return words
    }
    let plain = try run(false)
    #expect(plain.count { $0.contains("signal") } == 20)
    #expect(plain.contains { $0.contains("REOPENED") })
    #expect(try run(true) == plain)
  }

  @Test("Other settings tell nothing of what stays as it was")
  func settings() throws {
    let fixture = try ChangeFixture()
    try fixture.receive([Self.add("e1", at: 100)], now: 100)
    try fixture.pass(to: 4000)
    _ = try fixture.changes()
    try fixture.change { $0.name = "Other" }
    #expect(try fixture.words() == [])
  }

  @Test("Without a scheduler nothing is put")
  func isOff() throws {
    let fixture = try ChangeFixture(tellsChanges: false)
    try fixture.receive([Self.add("e1", at: 100)], now: 100)
    try fixture.pass(to: 4000)
    #expect(try fixture.words() == [])
    #expect(fixture.projector.counters.episodes == 1)
    #expect(fixture.told.entries.isEmpty)
  }
}
