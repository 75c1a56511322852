internal import Messages
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

/// What happens to a cart, over the real process with TLS and a virtual clock.
@Suite(.serialized) struct CartJourneyTests {
  private let t0 = TrackerProcess.morning

  private func started(
    window: Int64 = 3600, _ change: (inout CartTrackerV1.StoreSettings) -> Void = { _ in }
  ) async throws -> TrackerProcess {
    let process = try TrackerProcess()
    try await process.start()
    try await process.advance(to: t0)
    _ = try await process.putStore(window: window, change)
    return process
  }

  @Test("C05 C14 a silent cart is abandoned at its last activity plus the window, exactly")
  func abandoned() async throws {
    let process = try await started()
    try await process.record([Make.event("e1", t0 + 10, contact: "ann", Make.add("A"))])
    try await process.advance(to: t0 + 3609)
    #expect(try await process.episodes().isEmpty)
    try await process.advance(to: t0 + 3610)
    let episode = try #require(try await process.episodes().first)
    #expect(episode.abandonedAt == .init(seconds: t0 + 3610))
    #expect(episode.trigger == .inactivity)
    #expect(episode.enrols)
    #expect(try await process.carts([]).map(\.state) == [.abandoned])
  }

  @Test("C16 P09 a guest becomes known: the cart is the contact's, and its purchase closes it")
  func guestBecomesKnown() async throws {
    let process = try await started()
    try await process.record([
      Make.event("e1", t0, guest: "device", cart: "c1", Make.add("A")),
      Make.event(
        "e2", t0 + 60, contact: "ann", guest: "device", .identify(.init(evidence: .login))),
    ])
    let cart = try await process.tracker.getCart(.init(store: "shop", cart: "c1"))
    #expect(cart.contact == "ann")
    #expect(cart.guest == "device")
    let contact = try await process.tracker.getContact(.init(store: "shop", contact: "ann"))
    #expect(contact.linked == ["device"])
    try await process.advance(to: t0 + 3600)
    #expect(try await process.episodes(contact: "ann").map(\.cart) == ["c1"])
    try await process.record([Make.event("e3", t0 + 4000, contact: "ann", .purchase(.init()))])
    let bought = try await process.tracker.getCart(.init(store: "shop", cart: "c1"))
    #expect(bought.state == .purchased)
    try await process.advance(to: t0 + 5000)
    #expect(try await process.episodes().map(\.state) == [.recovered])
  }

  @Test("P09 a purchase by a linked identity stops, and no longer after Unlink")
  func linkedIdentity() async throws {
    let process = try await started()
    try await process.record([
      Make.event("e1", t0, contact: "ann", cart: "c1", Make.add("A")),
      Make.event("e2", t0, contact: "anna", cart: "c2", Make.add("B")),
    ])
    let anchor = CommonV1.Anchor(at: .init(seconds: t0), event: "e1")
    let stop = CartTrackerV1.CheckStopRequest(
      store: "shop", subjects: [.init(contact: "ann", anchor: anchor, cart: "c1")])
    #expect(try await process.tracker.checkStop(stop).answers[0].grant != nil)
    let linked = try await process.tracker.link(
      .init(
        store: "shop", idempotencyKey: "l", contact: "ann", other: "anna", evidence: .login))
    #expect(linked.linked == ["anna"])
    try await process.record([
      Make.event("e3", t0 + 100, contact: "anna", cart: "c2", .purchase(.init(order: "o1")))
    ])
    let refused = try await process.tracker.checkStop(stop).answers[0]
    #expect(refused.grant == nil)
    #expect(refused.refusal?.reason == .purchased)
    #expect(refused.refusal?.event == "e3")
    #expect(refused.refusal?.lasting == true)
    _ = try await process.tracker.unlink(
      .init(store: "shop", idempotencyKey: "u", contact: "ann", other: "anna"))
    #expect(try await process.tracker.checkStop(stop).answers[0].grant != nil)
  }

  @Test("P09 C27 what was bought leaves the cart, the remainder stays the same cart")
  func partialPurchase() async throws {
    let process = try await started()
    try await process.record([
      Make.event("e1", t0, contact: "ann", cart: "c1", Make.add("A")),
      Make.event("e2", t0 + 1, contact: "ann", cart: "c1", Make.add("B")),
    ])
    try await process.advance(to: t0 + 4000)
    try await process.record([
      Make.event(
        "e3", t0 + 4100, contact: "ann", cart: "c1",
        .purchase(.init(order: "o1", lines: [.init(sku: "A")])))
    ])
    let cart = try await process.tracker.getCart(.init(store: "shop", cart: "c1"))
    #expect(cart.state == .open)
    #expect(cart.lines.map(\.sku) == ["B"])
    try await process.advance(to: t0 + 4100 + 3600)
    let episodes = try await process.episodes()
    #expect(episodes.map(\.state) == [.recovered, .running])
    #expect(episodes.map(\.cart) == ["c1", "c1"])
  }

  @Test("C27 activity re-opens an abandoned cart, and a new silence is a new episode")
  func reopened() async throws {
    let process = try await started()
    try await process.record([Make.event("e1", t0, contact: "ann", cart: "c1", Make.add("A"))])
    try await process.advance(to: t0 + 3600)
    try await process.record([
      Make.event("e2", t0 + 5000, contact: "ann", cart: "c1", Make.add("B"))
    ])
    #expect(
      try await process.tracker.getCart(.init(store: "shop", cart: "c1")).state == .open)
    try await process.advance(to: t0 + 8600)
    let episodes = try await process.episodes()
    #expect(episodes.map(\.state) == [.reopened, .running])
    #expect(episodes.map { $0.abandonedAt?.seconds } == [t0 + 3600, t0 + 8600])
    #expect(Set(episodes.map(\.id)).count == 2)
  }

  @Test("C06 leaving the checkout counts from its own grace; a pending payment suspends detection")
  func checkout() async throws {
    let process = try await started { $0.checkoutGrace = .init(seconds: 600) }
    try await process.record([
      Make.event("e1", t0, contact: "ann", cart: "c1", Make.add("A")),
      Make.event("e2", t0 + 60, contact: "ann", cart: "c1", .checkoutLeft(.init())),
      Make.event("f1", t0, contact: "bob", cart: "c2", Make.add("A")),
      Make.event(
        "f2", t0 + 60, contact: "bob", cart: "c2",
        .paymentPending(.init(timeout: .init(seconds: 7200)))),
    ])
    try await process.advance(to: t0 + 659)
    #expect(try await process.episodes().isEmpty)
    try await process.advance(to: t0 + 660)
    #expect(try await process.episodes().map(\.trigger) == [.checkoutLeft])
    try await process.advance(to: t0 + 60 + 7200 + 3599)
    #expect(try await process.episodes(contact: "bob").isEmpty)
    try await process.advance(to: t0 + 60 + 7200 + 3600)
    let late = try #require(try await process.episodes(contact: "bob").first)
    #expect(late.abandonedAt == .init(seconds: t0 + 60 + 7200 + 3600))
  }

  @Test("C07 a quote is abandoned at its deadline, not at the window")
  func quoteDeadline() async throws {
    let process = try await started()
    let deadline = t0 + 14 * TrackerProcess.day
    try await process.record([
      Make.event("e1", t0, contact: "ann", cart: "q", header: .init(kind: .quote), Make.add("A")),
      Make.event(
        "e2", t0 + 60, contact: "ann", cart: "q",
        .quoteRequested(.init(quote: "Q-7", deadline: .init(seconds: deadline)))),
    ])
    try await process.advance(to: deadline - 1)
    #expect(try await process.episodes().isEmpty)
    try await process.advance(to: deadline)
    let episode = try #require(try await process.episodes().first)
    #expect(episode.trigger == .deadline)
    #expect(episode.kind == .quote)
    #expect(episode.abandonedAt == .init(seconds: deadline))
  }

  @Test("C12 switched on late, detection lists what went quiet before and never enrols it")
  func switchedOnLate() async throws {
    let process = try await started { $0.detection = false }
    try await process.record([Make.event("e1", t0, contact: "ann", cart: "c1", Make.add("A"))])
    try await process.advance(to: t0 + 10_000)
    #expect(try await process.episodes().isEmpty)
    _ = try await process.putStore(revision: 1)
    try await process.record([
      Make.event("e2", t0 + 10_100, contact: "bob", cart: "c2", Make.add("A"))
    ])
    try await process.advance(to: t0 + 20_000)
    let episodes = try await process.episodes()
    #expect(episodes.map(\.cart) == ["c1", "c2"])
    #expect(episodes.map(\.enrols) == [false, true])
    #expect(episodes[0].abandonedAt == .init(seconds: t0 + 3600))
  }

  @Test("C14 a changed window counts for carts not yet abandoned; past episodes keep theirs")
  func windowChanged() async throws {
    let process = try await started()
    try await process.record([
      Make.event("e1", t0, contact: "ann", cart: "c1", Make.add("A")),
      Make.event("e2", t0 + 3000, contact: "bob", cart: "c2", Make.add("A")),
    ])
    try await process.advance(to: t0 + 3600)
    _ = try await process.putStore(revision: 1, window: 1200)
    try await process.settle()
    try await process.advance(to: t0 + 4200)
    let episodes = try await process.episodes()
    #expect(episodes.map { $0.abandonedAt?.seconds } == [t0 + 3600, t0 + 4200])
    #expect(
      episodes.map { $0.window?.length } == [
        .span(.init(seconds: 3600)), .span(.init(seconds: 1200)),
      ])
  }

  @Test("C12 a store that is switched off abandons nothing and grants nothing")
  func switchedOff() async throws {
    let process = try await started()
    try await process.record([Make.event("e1", t0, contact: "ann", cart: "c1", Make.add("A"))])
    _ = try await process.putStore(revision: 1) { $0.detection = false }
    try await process.advance(to: t0 + 100_000)
    #expect(try await process.episodes().isEmpty)
    let anchor = CommonV1.Anchor(at: .init(seconds: t0), event: "e1")
    let answer = try await process.tracker.checkStop(
      .init(store: "shop", subjects: [.init(contact: "ann", anchor: anchor, cart: "c1")]))
    #expect(answer.answers[0].refusal?.reason == .detectionOff)
  }

  @Test("C26 a late event that disproves an episode withdraws it, and stops what it started")
  func withdrawn() async throws {
    let process = try await started()
    try await process.record([Make.event("e1", t0, contact: "ann", cart: "c1", Make.add("A"))])
    try await process.advance(to: t0 + 3600)
    let episode = try #require(try await process.episodes().first)
    try await process.record([
      Make.event("e0", t0 + 1800, contact: "ann", cart: "c1", Make.add("B"))
    ])
    let answer = try await process.tracker.checkStop(
      .init(
        store: "shop",
        subjects: [
          .init(
            contact: "ann", anchor: episode.anchor, cart: "c1", episode: episode.id)
        ]))
    #expect(answer.answers[0].refusal?.reason == .episodeWithdrawn)
    try await process.settle()
    #expect(try await process.episodes().isEmpty)
    let withdrawn = try await process.episodes([.withdrawn])
    #expect(withdrawn.map(\.id) == [episode.id])
    #expect(withdrawn.map(\.revision) == [2])
    try await process.advance(to: t0 + 5400)
    #expect(try await process.episodes().map { $0.abandonedAt?.seconds } == [t0 + 5400])
  }

  @Test("C09 another system declares a cart abandoned; a repeat of the command does nothing more")
  func declared() async throws {
    let process = try await started()
    try await process.record([Make.event("e1", t0, contact: "ann", cart: "c1", Make.add("A"))])
    try await process.advance(to: t0 + 100)
    let request = CartTrackerV1.DeclareAbandonedRequest(
      store: "shop", idempotencyKey: "d1", cart: "c1", reason: .distracted)
    let first = try await process.tracker.declareAbandoned(request)
    let again = try await process.tracker.declareAbandoned(request)
    #expect(first == again)
    #expect(first.trigger == .declared)
    try await process.settle()
    let episodes = try await process.episodes()
    #expect(episodes.map(\.id) == [first.id])
    #expect(episodes[0].abandonedAt == .init(seconds: t0 + 100))
    #expect(episodes[0].reasons.map(\.reason) == [.distracted])
  }

  @Test("C29 a stale feed forbids a hand-off until the source reports again")
  func feedStale() async throws {
    let process = try await started()
    try await process.record([Make.event("e1", t0, contact: "ann", cart: "c1", Make.add("A"))])
    _ = try await process.tracker.record(
      .init(store: "shop", source: "pos", completeUntil: .init(seconds: t0)))
    try await process.advance(to: t0 + 3600)
    let anchor = CommonV1.Anchor(at: .init(seconds: t0), event: "e1")
    let stop = CartTrackerV1.CheckStopRequest(
      store: "shop", subjects: [.init(contact: "ann", anchor: anchor, cart: "c1")])
    let stale = try await process.tracker.checkStop(stop).answers[0].refusal
    #expect(stale?.reason == .feedStale)
    #expect(stale?.lasting == false)
    _ = try await process.tracker.record(
      .init(store: "shop", source: "pos", completeUntil: .init(seconds: t0 + 3600)))
    #expect(try await process.tracker.checkStop(stop).answers[0].grant?.positions.count == 1)
  }

  @Test("P03 P05 an episode and a purchase set and clear the tags")
  func tags() async throws {
    let process = try await started()
    try await process.record([Make.event("e1", t0, contact: "ann", cart: "c1", Make.add("A"))])
    try await process.advance(to: t0 + 3600)
    let abandoned = try await process.tracker.listTagged(.init(store: "shop", tag: "AB CART"))
    #expect(abandoned.contacts.map(\.id) == ["ann"])
    try await process.record([Make.event("e2", t0 + 4000, contact: "ann", .purchase(.init()))])
    let tags = try await process.tracker.getContact(.init(store: "shop", contact: "ann")).tags
    #expect(tags == ["BUY"])
    #expect(
      try await process.tracker.listTagged(.init(store: "shop", tag: "AB CART")).contacts.isEmpty)
  }

  @Test("A watch shows each change of an episode as it becomes known, and goes on where it ended")
  func watch() async throws {
    let process = try await started()
    let watch = try await process.tracker.watchEpisodes(.init(store: "shop"))
    let begin = try #require(try await watch.next())
    try await process.record([Make.event("e1", t0, contact: "ann", cart: "c1", Make.add("A"))])
    try await process.advance(to: t0 + 3600)
    let first = try #require(try await watch.next())
    #expect(first.episodes.map(\.state) == [.running])
    try await process.record([
      Make.event("e2", t0 + 4000, contact: "ann", cart: "c1", .purchase(.init()))
    ])
    let second = try #require(try await watch.next())
    #expect(second.episodes.map(\.state) == [.recovered])
    let again = try await process.tracker.watchEpisodes(
      .init(store: "shop", after: begin.next))
    var seen: [CartTrackerV1.EpisodeState] = []
    while seen.count < 2, let answer = try await again.next() {
      seen += answer.episodes.map(\.state)
    }
    #expect(seen == [.running, .recovered])
  }

  @Test("L06 Refresh asks the store's source for what changed and says how fresh the list is")
  func refresh() async throws {
    let process = try TrackerProcess()
    let t0 = t0
    let source = ShopSource { request in
      let since = request.since?.seconds ?? 0
      return [
        .init(
          store: "shop", source: "erp",
          events: [
            Make.event("s1-\(since)", t0 + 10, contact: "ann", cart: "c1", Make.add("A")),
            Make.event("s2-\(since)", t0 + 20, contact: "bob", cart: "c2", Make.add("B")),
          ]),
        .init(store: "shop", source: "erp", completeUntil: .init(seconds: t0 + 30)),
      ]
    }
    let shop = try await TestServer.start { setup in
      setup.authority = process.authority
      setup.register = { source.register(in: &$0) }
      setup.grants = try Grants(parsing: ["spiffe://test/cart-tracker=cart-tracker"])
    }
    try await process.start(["HOMING_CART_SOURCES": "erp=127.0.0.1:\(shop.port)"])
    try await process.advance(to: t0)
    _ = try await process.putStore { $0.cartSource = "erp" }
    let first = try await process.tracker.refresh(.init(store: "shop"))
    #expect(first.changed == 2)
    #expect(first.events == 2)
    #expect(first.watermark == .init(seconds: t0 + 30))
    #expect(try await process.carts([.open]).map(\.id).sorted() == ["c1", "c2"])
    let second = try await process.tracker.refresh(.init(store: "shop"))
    #expect(second.events == 2)
    #expect(source.asked == [nil, t0 + 30])
    await shop.cut()
  }
}
