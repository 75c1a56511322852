internal import Messages
internal import Stubs
internal import Synchronization
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

/// What colleagues bought, and what the shop itself says, over the real process.
@Suite(.serialized) struct FeedTruthJourneyTests {
  private let t0 = TrackerProcess.morning

  private func person(_ name: String, company: String, at: Int64) -> CartTrackerV1.Event {
    Make.event(
      "meet-\(name)", at, contact: name,
      .contactUpserted(.init(profile: .init(company: company))))
  }

  private func subject(_ contact: String, cart: String) -> CartTrackerV1.StopSubject {
    .init(contact: contact, anchor: .init(at: .init(seconds: t0)), cart: cart)
  }

  @Test(
    "P09 X08 a colleague who bought half of the cart stops it, also after a kill, until reversed")
  func company() async throws {
    let process = try TrackerProcess()
    try await process.start()
    try await process.advance(to: t0)
    _ = try await process.putStore {
      $0.feedLimit = .init()
      $0.kinds = [.init(kind: .cart, stopScope: .company)]
    }
    try await process.record([
      person("ann", company: "acme", at: t0), person("bob", company: "acme", at: t0),
      person("eve", company: "else", at: t0),
      Make.event("a1", t0, contact: "ann", cart: "c1", Make.add("A")),
      Make.event("a2", t0, contact: "ann", cart: "c1", Make.add("B")),
    ])
    func ask() async throws -> CartTrackerV1.StopAnswer {
      let answer = try await process.tracker.checkStop(
        .init(store: "shop", subjects: [subject("ann", cart: "c1")], withFacts: true))
      return try #require(answer.answers.first)
    }
    func buy(_ who: String, _ skus: [String], at second: Int64) async throws {
      try await process.advance(to: second)
      try await process.record([
        Make.event(
          "buy-\(who)-\(second)", second, contact: who,
          .purchase(.init(order: "o-\(who)", lines: skus.map { .init(sku: $0) })))
      ])
    }
    try await buy("eve", ["A", "B"], at: t0 + 60)
    try await buy("bob", ["C"], at: t0 + 120)
    #expect(try await ask().grant != nil)
    try await buy("bob", ["A", "X"], at: t0 + 180)
    let refused = try await ask()
    #expect(refused.refusal?.reason == .purchased)
    #expect(refused.refusal?.event == "buy-bob-\(t0 + 180)")
    #expect(refused.facts?.companyPurchasedAt == .init(seconds: t0 + 180))
    process.kill9()
    try await process.start()
    #expect(try await ask().refusal?.reason == .purchased)
    try await process.record([
      Make.event("back", t0 + 200, contact: "bob", .purchaseReversed(.init(order: "o-bob")))
    ])
    #expect(try await ask().grant != nil)
  }

  @Test("P09 a colleague's purchase ends the enrolment: no mail leaves")
  func companyFlow() async throws {
    let suite = try ServiceSuite()
    try await suite.start()
    try await suite.openShop()
    var store = try await suite.tracker.getStore(.init(store: "shop"))
    store.settings?.kinds = [.init(kind: .cart, stopScope: .company)]
    _ = try await suite.tracker.putStore(
      .init(
        store: "shop", idempotencyKey: "company", settings: store.settings,
        revision: store.revision))
    for contact in ["ann", "bob"] {
      try await suite.meet(contact, at: t0)
      try await suite.record([
        Make.event(
          "work-\(contact)", t0, contact: contact,
          .contactUpserted(.init(profile: .init(company: "acme"))))
      ])
    }
    try await suite.record([Make.event("e1", t0, contact: "ann", cart: "c1", Make.add("A"))])
    try await suite.run(to: t0 + 2 * ServiceSuite.hour)
    try await suite.record([
      Make.event(
        "e2", t0 + 2 * ServiceSuite.hour, contact: "bob",
        .purchase(.init(order: "o", lines: [.init(sku: "A")])))
    ])
    try await suite.run(to: t0 + 5 * ServiceSuite.day)
    #expect(suite.smtp.mails.entries.isEmpty)
    #expect(try await suite.enrolment(of: "ann").enrolment?.reason == .purchased)
  }

  @Test("C29 a store that registered ConfirmOpen is asked before each hand-off about a cart")
  func confirmOpen() async throws {
    let process = try TrackerProcess()
    let shop = ShopSource()
    let server = try await TestServer.start { setup in
      setup.authority = process.authority
      setup.grants.add(role: "cart-tracker", stores: .all, to: "spiffe://test/cart-tracker")
      setup.register = { shop.register(in: &$0) }
    }
    try await process.start(["HOMING_CART_SOURCES": "shop=127.0.0.1:\(server.port)"])
    try await process.advance(to: t0)
    let wrong = try await rpcError { try await process.putStore { $0.confirmOpen = true } }
    #expect(wrong.fieldViolations.map(\.field) == ["settings.confirm_open"])
    _ = try await process.putStore {
      $0.feedLimit = .init()
      $0.cartSource = "shop"
      $0.confirmOpen = true
    }
    try await process.record(
      ["c1", "c2", "c3"].map {
        Make.event("e-\($0)", t0, contact: "ann", cart: $0, Make.add("A"))
      })
    shop.open.withLock { $0 = ["c1": .open, "c2": .closed] }
    let request = CartTrackerV1.CheckStopRequest(
      store: "shop", subjects: ["c1", "c2", "c3", ""].map { subject("ann", cart: $0) })
    let said = try await process.tracker.checkStop(request).answers
    // Without a cart there is nothing to ask about.
    #expect(said.map { $0.grant != nil } == [true, false, false, true])
    #expect(
      said.map { $0.refusal?.reason } == [nil, .notOpen, .notReadable, nil])
    #expect(said.map { $0.refusal?.lasting } == [nil, true, false, nil])
    #expect(shop.askedAbout == ["c1", "c2", "c3"])
    await server.cut()
    let away = try await process.tracker.checkStop(request).answers
    #expect(away.map { $0.refusal?.reason } == [.notReadable, .notReadable, .notReadable, nil])
  }
}
