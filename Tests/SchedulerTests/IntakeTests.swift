internal import Messages
internal import ServiceKit
internal import Storage
internal import Testing

@testable internal import Scheduler

@Suite struct IntakeTests {
  private static let day = SchedulerFixture.day
  private static let hour = SchedulerFixture.hour

  /// An enrolment of the simple flow whose message is ordered and not final, in a flow that waits.
  private static func ordered(_ contact: String = "ann") throws -> SchedulerFixture {
    let fixture = try SchedulerFixture()
    try fixture.apply(TestFlows.reference)
    try fixture.take([fixture.episode(contact)])
    try fixture.advance(by: day)
    #expect(try fixture.orders.count == 1)
    return fixture
  }

  @Test("A row that comes again is answered REPEATED and has no effect")
  func repeated() throws {
    let fixture = try SchedulerFixture()
    try fixture.apply(TestFlows.simple)
    let change = fixture.episode()
    #expect(try fixture.take([change, change]).map(\.verdict) == [.stored, .repeated])
    #expect(try fixture.take([change]).map(\.verdict) == [.repeated])
    #expect(try fixture.enrolments.count == 1)
  }

  @Test("The same start at a new position makes no second enrolment")
  func sameStart() throws {
    let fixture = try SchedulerFixture()
    try fixture.apply(TestFlows.simple)
    try fixture.take([fixture.episode(), fixture.episode(revision: 2)])
    try fixture.take(
      [fixture.episode(revision: 2)], outbox: "018f4c3e-7b2a-7c1d-9e5f-0123456789ac")
    #expect(try fixture.enrolments.map(\.episodeRevision) == [2])
  }

  @Test("An unknown store is held, one that cannot be asked about comes again")
  func stores() throws {
    let fixture = try SchedulerFixture()
    let change = fixture.episode()
    #expect(
      try fixture.take([change], stores: ["shop": .away("down")]).map(\.verdict) == [.retry])
    #expect(try fixture.take([change], stores: ["shop": .unknown]).map(\.verdict) == [.held])
    #expect(try fixture.take([change]).map(\.verdict) == [.held])
  }

  @Test("A change of no known kind, or of nobody, is held")
  func held() throws {
    let fixture = try SchedulerFixture()
    var nothing = fixture.episode()
    nothing.kind = nil
    let nobody = fixture.change(.signal(.init(name: "s")), contact: "", guest: "")
    #expect(try fixture.take([nothing, nobody]).map(\.verdict) == [.held, .held])
  }

  @Test("F07 A purchase ends the enrolment and cancels what was ordered")
  func purchase() throws {
    let fixture = try Self.ordered()
    try fixture.take([fixture.purchase()])
    #expect(try fixture.enrolment()?.reason == .purchased)
    #expect(try fixture.cancels.map(\.reason) == [.purchased])
    #expect(try fixture.cancels.map(\.id) == fixture.orders.map(\.id))
    #expect(try fixture.path().last == "response ENDED PURCHASED")
    try fixture.advance(by: 30 * Self.day)
    #expect(try fixture.orders.count == 1)
  }

  @Test("What was handed over already is not cancelled")
  func purchaseAfterHandOff() throws {
    let fixture = try Self.ordered()
    try fixture.tell(.handedOver, of: try #require(try fixture.orders.first))
    try fixture.take([fixture.purchase()])
    #expect(try fixture.enrolment()?.reason == .purchased)
    #expect(try fixture.cancels == [])
  }

  @Test("A purchase before the anchor, and a reversal, end nothing")
  func olderPurchase() throws {
    let fixture = try Self.ordered()
    try fixture.take([
      fixture.purchase(at: SchedulerFixture.start - 2 * Self.hour),
      fixture.purchase(order: "o2", reversal: true),
    ])
    #expect(try fixture.enrolment()?.phase == .waiting)
  }

  @Test("P09 A quote is stopped by its own cart only; a shop cart by any purchase")
  func scopes() throws {
    let fixture = try SchedulerFixture()
    try fixture.apply(TestFlows.simple)
    try fixture.take([
      fixture.episode("ann", cart: "q", kind: .quote), fixture.episode("bob", cart: "s"),
    ])
    try fixture.settle()
    try fixture.take([
      fixture.purchase("ann", carts: ["other"]), fixture.purchase("bob", carts: ["other"]),
    ])
    #expect(try fixture.enrolment("ann")?.phase == .waiting)
    #expect(try fixture.enrolment("bob")?.reason == .purchased)
    try fixture.take([fixture.purchase("ann", carts: ["q"], order: "o2")])
    #expect(try fixture.enrolment("ann")?.reason == .purchased)
  }

  @Test("P09 A purchase by a linked identity ends the enrolment, by a chain of links too")
  func linkedPurchase() throws {
    let fixture = try Self.ordered()
    try fixture.take([
      fixture.link("ann", "ann2"), fixture.link("ann2", "device", isGuest: true),
    ])
    var change = fixture.purchase("x")
    (change.contact, change.guest) = ("", "device")
    try fixture.take([change])
    #expect(try fixture.enrolment("ann")?.reason == .purchased)
    #expect(try fixture.cancels.count == 1)
  }

  @Test("P09 After an unlink a purchase by the other ends nothing")
  func unlinked() throws {
    let fixture = try Self.ordered()
    try fixture.take([fixture.link("ann", "bob"), fixture.link("bob", "ann", unlinked: true)])
    try fixture.take([fixture.purchase("bob")])
    #expect(try fixture.enrolment("ann")?.phase == .waiting)
  }

  @Test("C28 A cart that did not enter is covered by the message that lists it")
  func covered() throws {
    let fixture = try SchedulerFixture()
    try fixture.apply(TestFlows.simple)
    try fixture.take([
      fixture.episode("ann", cart: "a"), fixture.episode("ann", cart: "b"),
      fixture.episode("ann", cart: "c"),
    ])
    fixture.facts.set(
      "ann",
      .init(
        contact: .init(id: "ann"),
        carts: [.init(id: "a", state: .abandoned), .init(id: "b", state: .abandoned)]))
    try fixture.advance(by: Self.day)
    #expect(try fixture.orders.map(\.coveredCarts) == [["b"]])
    let first = try #require(try fixture.enrolment("ann", cart: "a"))
    #expect(try fixture.enrolment("ann", cart: "b")?.reason == .coveredBy)
    #expect(try fixture.enrolment("ann", cart: "b")?.other == first.id)
    #expect(try fixture.enrolment("ann", cart: "c")?.reason == .merged)
  }

  @Test("C28 Of carts given up at one instant the most valuable one enters, whichever is met first")
  func mostValuable() throws {
    let fixture = try SchedulerFixture()
    try fixture.apply(TestFlows.simple)
    let worth: [(cart: String, euros: Int64)] = [("a", 80), ("b", 600), ("c", 40), ("d", 90_000)]
    fixture.facts.set(
      "ann",
      .init(
        contact: .init(id: "ann"),
        carts: worth.map { cart, euros in
          .init(
            id: cart, state: .abandoned, totals: [.init(currencyCode: "EUR", units: euros)])
        }))
    // The dearest is too old to enter.
    try fixture.take(
      worth.map { cart, _ in
        fixture.episode(
          "ann", cart: cart,
          abandonedAt: cart == "d" ? fixture.now - 25 * Self.hour : nil)
      })
    try fixture.settle()
    let lead = try #require(try fixture.enrolment("ann", cart: "b"))
    #expect(lead.phase == .waiting)
    for cart in ["a", "c"] {
      #expect(try fixture.enrolment("ann", cart: cart)?.reason == .merged)
      #expect(try fixture.enrolment("ann", cart: cart)?.other == lead.id)
    }
    #expect(try fixture.enrolment("ann", cart: "d")?.reason == .tooOld)
    try fixture.advance(by: Self.day)
    #expect(try fixture.orders.map(\.cart) == ["b"])
    #expect(try fixture.enrolment("ann", cart: "a")?.reason == .coveredBy)
  }

  @Test(
    "C28 Of carts given up at one instant the most valuable one leads, also when it comes later",
    arguments: [["a", "b", "c"], ["c", "b", "a"], ["b", "a", "c"]])
  func mostValuableComesLater(_ order: [String]) throws {
    let fixture = try SchedulerFixture()
    try fixture.apply(TestFlows.simple)
    let worth: [String: Int64] = ["a": 80, "b": 600, "c": 40]
    fixture.facts.set(
      "ann",
      .init(
        contact: .init(id: "ann"),
        carts: worth.sorted { $0.key < $1.key }.map { cart, euros in
          .init(id: cart, state: .abandoned, totals: [.init(currencyCode: "EUR", units: euros)])
        }))
    let abandoned = fixture.now
    for cart in order {
      try fixture.take([fixture.episode("ann", cart: cart, abandonedAt: abandoned)])
      try fixture.advance(by: 60_000_000)
    }
    let lead = try #require(try fixture.enrolment("ann", cart: "b"))
    #expect(lead.phase == .waiting)
    for cart in ["a", "c"] {
      let other = try #require(try fixture.enrolment("ann", cart: cart))
      #expect(other.isOver && other.reason == .merged && other.other != nil)
    }
    try fixture.advance(by: Self.day)
    #expect(try fixture.orders.map(\.cart) == ["b"])
    #expect(try fixture.orders.map { $0.coveredCarts.sorted() } == [["a", "c"]])
  }

  @Test("C28 A dearer cart that was given up later does not put off the message that is under way")
  func dearerLater() throws {
    let fixture = try SchedulerFixture()
    try fixture.apply(TestFlows.simple)
    fixture.facts.set(
      "ann",
      .init(
        contact: .init(id: "ann"),
        carts: [
          .init(id: "a", state: .abandoned, totals: [.init(currencyCode: "EUR", units: 1)]),
          .init(id: "b", state: .abandoned, totals: [.init(currencyCode: "EUR", units: 2)]),
        ]))
    try fixture.take([fixture.episode("ann", cart: "a")])
    try fixture.advance(by: 60_000_000)
    try fixture.take([fixture.episode("ann", cart: "b")])
    try fixture.settle()
    #expect(try fixture.enrolment("ann", cart: "a")?.phase == .waiting)
    #expect(try fixture.enrolment("ann", cart: "b")?.reason == .merged)
  }

  @Test("C28 A cart whose message is ordered keeps the lead")
  func orderedLeads() throws {
    let fixture = try SchedulerFixture()
    try fixture.apply(TestFlows.simple)
    fixture.facts.set(
      "ann",
      .init(
        contact: .init(id: "ann"),
        carts: [
          .init(id: "a", state: .abandoned, totals: [.init(currencyCode: "EUR", units: 1)]),
          .init(id: "b", state: .abandoned, totals: [.init(currencyCode: "EUR", units: 2)]),
        ]))
    let abandoned = fixture.now
    try fixture.take([fixture.episode("ann", cart: "a", abandonedAt: abandoned)])
    try fixture.advance(by: Self.day)
    #expect(try fixture.orders.map(\.cart) == ["a"])
    try fixture.take([fixture.episode("ann", cart: "b", abandonedAt: abandoned)])
    try fixture.settle()
    #expect(try fixture.enrolment("ann", cart: "b")?.phase == .refused)
  }

  @Test("P09 Of two enrolments of one flow the older stays when the persons turn out to be one")
  func merged() throws {
    let fixture = try SchedulerFixture()
    try fixture.apply(TestFlows.simple)
    try fixture.take([fixture.episode("bob", cart: "b")])
    try fixture.advance(by: Self.hour)
    try fixture.take([fixture.episode("ann", cart: "a")])
    try fixture.advance(by: Self.hour)
    try fixture.take([fixture.link("ann", "bob")])
    #expect(try fixture.enrolment("ann")?.reason == .merged)
    #expect(try fixture.enrolment("ann")?.other == fixture.enrolment("bob")?.id)
    #expect(try fixture.enrolment("bob")?.phase == .waiting)
    // Whoever is linked already does not enter beside the other.
    try fixture.take([fixture.episode("ann", cart: "a2")])
    try fixture.settle()
    #expect(try fixture.enrolment("ann", cart: "a2")?.phase == .refused)
    #expect(try fixture.enrolment("ann", cart: "a2")?.reason == .merged)
  }

  @Test(
    "C26 C27 An episode that is over ends the enrolment with its reason",
    arguments: [
      (CartTrackerV1.EpisodeState.reopened, CommonV1.ReasonCode.cartActive),
      (.recovered, .purchased), (.closed, .cartEmptied), (.withdrawn, .episodeWithdrawn),
    ])
  func episodeOver(_ state: CartTrackerV1.EpisodeState, _ reason: CommonV1.ReasonCode) throws {
    let fixture = try Self.ordered()
    try fixture.take([fixture.episode(state: state, revision: 1)])
    #expect(try fixture.enrolment()?.phase == .waiting, "an older revision has no effect")
    try fixture.take([fixture.episode(state: state, revision: 2)])
    #expect(try fixture.enrolment()?.reason == reason)
    #expect(try fixture.cancels.map(\.reason) == [reason])
    // Before it began, it never began.
    try fixture.take([
      fixture.episode("bob", cart: "b"),
      fixture.episode("bob", cart: "b", state: state, revision: 2),
    ])
    #expect(try fixture.enrolment("bob")?.phase == .refused)
    #expect(try fixture.enrolment("bob")?.reason == reason)
  }

  @Test("F20 What the scheduler hears of more than a day late is too old, whoever knew in time")
  func outage() throws {
    let fixture = try SchedulerFixture()
    try fixture.apply(
      """
      flow: plain
      start: cart abandoned
      steps:
        - pause: 2 days
      """)
    let told = [
      fixture.episode("ann", cart: "late"), fixture.episode("bob", cart: "just in time"),
    ]
    try fixture.advance(by: Self.day)
    try fixture.take([told[1]])
    try fixture.advance(by: 1)
    try fixture.take([told[0]])
    try fixture.settle()
    #expect(try fixture.enrolment("ann", cart: "late")?.reason == .tooOld)
    #expect(try fixture.enrolment("bob", cart: "just in time")?.phase == .waiting)
  }

  @Test("F20 X01 Who does not enter is kept with the reason")
  func refusals() throws {
    let fixture = try SchedulerFixture()
    try fixture.apply(
      """
      flow: picky
      start: cart abandoned
      when: company = 'ACME'
      re-entry: 7 days
      steps:
        - pause: 1 day
      """)
    var facts = CartTrackerV1.Facts(contact: .init(store: "shop", id: "ann"))
    facts.contact?.profile = .init(company: "ACME")
    fixture.facts.set("ann", facts)
    fixture.facts.set("eve", facts)
    let now = fixture.now
    try fixture.take([
      fixture.episode("old", abandonedAt: now - 25 * Self.hour),
      fixture.episode("off", enrols: false), fixture.episode("poor"), fixture.episode("ann"),
      fixture.episode("ann", cart: "c2"),
    ])
    try fixture.settle()
    func reason(_ contact: String, _ cart: String = "c1") throws -> CommonV1.ReasonCode? {
      let enrolment = try fixture.enrolment(contact, cart: cart)
      #expect(enrolment?.phase == .refused)
      return enrolment?.reason
    }
    #expect(try reason("old") == .tooOld)
    #expect(try reason("off") == .detectionOff)
    #expect(try reason("poor") == .conditionNotMet)
    #expect(try reason("ann", "c2") == .merged)
    try fixture.advance(by: 2 * Self.day)
    try fixture.take([fixture.episode("ann", cart: "c3")])
    try fixture.settle()
    #expect(try reason("ann", "c3") == .reEntry)
    try fixture.advance(by: 6 * Self.day)
    try fixture.take([fixture.episode("ann", cart: "c4")])
    try fixture.settle()
    #expect(try fixture.enrolment("ann", cart: "c4")?.phase == .waiting)
    try fixture.set(.draft)
    try fixture.take([fixture.episode("eve")])
    try fixture.settle()
    #expect(try reason("eve") == .mode)
  }

  @Test("F01 A tag, a profile and a signal start their flows, each event once")
  func starts() throws {
    let fixture = try SchedulerFixture()
    for start in ["tag added: VIP", "profile changed: [segment]", "signal: quote-sent"] {
      let name = start.prefix { $0 != " " && $0 != ":" }
      try fixture.apply("flow: f-\(name)\nstart: { \(start) }\nsteps:\n  - pause: 1 day\n")
    }
    try fixture.take([
      fixture.change(.tags(.init(added: ["VIP"])), event: "t"),
      fixture.change(.tags(.init(added: ["VIP"])), event: "t"),
      fixture.change(.tags(.init(added: ["OTHER"])), event: "t2"),
      fixture.change(.profile(.init(fields: ["segment"])), event: "p"),
      fixture.change(.profile(.init(fields: ["phone"])), event: "p2"),
      fixture.change(.signal(.init(name: "quote-sent")), event: "s"),
      fixture.change(.signal(.init(name: "other")), event: "s2"),
      fixture.change(.tags(.init(added: ["VIP"])), contact: "", guest: "g", event: "t3"),
    ])
    try fixture.settle()
    #expect(try fixture.enrolments.map(\.flow).sorted() == ["f-profile", "f-signal", "f-tag"])
    #expect(try fixture.enrolments.allSatisfy { $0.phase == .waiting && $0.cart.isEmpty })
  }

  @Test("F13 A scheduled flow takes each episode at its next run")
  func schedule() throws {
    let fixture = try SchedulerFixture()
    try fixture.apply(
      """
      flow: weekly
      start:
        schedule: { first: 2026-11-03T08:00:00Z, every: 1 week }
      steps:
        - send e-mail: { template: cart-reminder, expires: 2 days }
          name: mail
      """)
    try fixture.take([fixture.episode("ann"), fixture.episode("bob", cart: "c2")])
    try fixture.take([
      fixture.episode("bob", cart: "c2", state: .reopened, revision: 2)
    ])
    try fixture.advance(by: Self.day - 1)
    #expect(try fixture.orders == [])
    try fixture.advance(by: 1)
    #expect(try fixture.orders.map(\.contact) == ["ann"])
    try fixture.take([fixture.episode("cy", cart: "c3")])
    try fixture.advance(by: 6 * Self.day)
    #expect(try fixture.orders.count == 1)
    try fixture.advance(by: Self.day)
    #expect(try fixture.orders.map(\.contact) == ["ann", "cy"])
  }
}
