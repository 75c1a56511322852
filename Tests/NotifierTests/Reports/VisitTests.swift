internal import Delivery
internal import Messages
internal import ServiceKit
internal import Stubs
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Notifier

/// Clicks, openings and callbacks.
@Suite struct VisitTests {
  private static let browser =
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

  private func start(
    tracks: Bool = true
  ) async throws -> (NotifierFixture, CommonV1.SendOrder, Parcel) {
    let folder = try TemporaryFolder()
    try folder.write(Array("geheim".utf8), to: "secret")
    try folder.write(
      Array(
        """
        [scripted]
        kind = folder
        channels = push
        path = /nowhere
        hook-secret-file = \(folder.file("secret"))
        """.utf8), to: "providers")
    let provider = ScriptedProvider()
    let notifier = try await NotifierFixture.start(
      lanes: [provider.lane], settings: ["HOMING_PROVIDERS": folder.file("providers")])
    try await notifier.allowTests()
    try await notifier.putTemplate(
      "hello", channel: .sms, .init(text: "Hello {{customer_name}} {{cart_link}}"))
    let order = notifier.order(1)
    notifier.tracker.answers { subject in
      var answer = ScriptedTracker.grant(subject)
      answer.facts?.carts = [
        .init(
          id: "cart-1", contact: subject.contact, state: .abandoned,
          header: .init(kind: .cart, url: "https://www.shop.test/cart?id=1"),
          lines: [.init(id: "1", sku: "a", name: "A", quantity: .init(units: 1))])
      ]
      if !tracks {
        answer.facts?.bases = [.init(use: .tracking(.sms), allowed: false, reason: .noConsent)]
      }
      return answer
    }
    try await notifier.send([order])
    await notifier.settle()
    let parcel = try #require(provider.parcels.entries.first)
    return (notifier, order, parcel)
  }

  private func click(_ parcel: Parcel) throws -> String {
    guard case .text(let text) = parcel.content else { return "" }
    return String(try #require(text.split(separator: "/").last))
  }

  @Test("F16 M19 Tracking is asked for as a use of its own; without it links are the shop's")
  func untracked() async throws {
    let (notifier, order, parcel) = try await start(tracks: false)
    let asked = try #require(notifier.tracker.asked.entries.last?.subjects.first)
    #expect(asked.use == .of(.sms, order.purpose) && asked.uses == [.tracking(.sms)])
    guard case .text(let text) = parcel.content else {
      Issue.record("another kind of content")
      return
    }
    #expect(text == "Hello Anna https://www.shop.test/cart?id=1")
    #expect(notifier.told(order) == ["HANDED_OVER"])
    await notifier.stop()
  }

  @Test("M19 A click leads to the cart's link, counts once, and is a person's or a machine's")
  func clicks() async throws {
    let (notifier, order, parcel) = try await start()
    let token = try click(parcel)
    try await notifier.advance(by: .seconds(60))
    func follow(_ request: String, _ agent: String, prefetch: Bool = false) async throws -> String {
      let answer = try await notifier.client.resolveLink(
        .init(
          token: token, userAgent: agent, address: "192.0.2.1", at: notifier.clock.now.timestamp,
          request: request, prefetch: prefetch))
      return answer.url
    }
    for _ in 1...2 {
      #expect(try await follow("r1", VisitTests.browser) == "https://www.shop.test/cart?id=1")
    }
    _ = try await follow("r2", "LinkScanner/1.0 bot")
    _ = try await follow("r3", VisitTests.browser, prefetch: true)
    await notifier.settle()
    #expect(notifier.told(order) == ["HANDED_OVER", "CLICKED", "CLICKED", "CLICKED"])
    #expect(
      notifier.outcomes.entries.dropFirst().map(\.actor) == [.human, .machine, .machine])
    #expect(notifier.outcomes.entries[1].link == "cart_link")
    let shown = try await notifier.message(order)
    #expect(shown.outcomes.map(\.kind) == [.handedOver, .clicked, .clicked, .clicked])
    await notifier.stop()
  }

  @Test("M19 A click within seconds of the hand-off is a machine's, and so is the bare Mozilla")
  func machines() {
    let now: Int64 = 1_000_000_000
    #expect(HumanFilter.agent("") == .machine)
    #expect(HumanFilter.agent("Mozilla/5.0") == .machine)
    #expect(HumanFilter.agent(VisitTests.browser) == .browser)
    func actor(after span: Int64, links: Int = 1) -> CommonV1.Outcome.Actor {
      HumanFilter.actor(.browser, isClick: true, at: now + span, sentAt: now, linksSeen: links)
    }
    #expect(actor(after: 4_000_000) == .machine)
    #expect(actor(after: 6_000_000) == .human)
    #expect(actor(after: 6_000_000, links: 3) == .machine)
  }

  @Test("An opening is noted; a token for something else is not found")
  func opens() async throws {
    let (notifier, order, parcel) = try await start()
    let links = try ContentFixture.links()
    let address = links.address(
      .open, message: parcel.key.id, bucket: parcel.key.bucket, now: notifier.clock.now)
    let token = String(try #require(address.split(separator: "/").last))
    let click = try click(parcel)
    func open(_ token: String) async throws {
      _ = try await notifier.client.recordOpen(
        .init(
          token: token, userAgent: VisitTests.browser, at: notifier.clock.now.timestamp,
          request: "o1"))
    }
    try await open(token)
    await notifier.settle()
    #expect(notifier.told(order) == ["HANDED_OVER", "OPENED"])
    #expect(try await rpcError { try await open(click) }.code == .notFound)
    await notifier.stop()
  }

  @Test("M18 A signed callback tells outcomes once, and a permanent bounce suppresses the address")
  func callback() async throws {
    let (notifier, order, _) = try await start()
    let body = Array(
      """
      {"events": [{"message": "\(order.id)", "kind": "delivered", "at": 1772442010},
       {"message": "\(order.id)", "kind": "bounced", "at": 1772442020, "permanent": true},
       {"message": "\(order.enrolment)", "kind": "delivered"}, {"kind": "?"}]}
      """.utf8)
    try await notifier.advance(by: .seconds(60))
    let stamp = "\(notifier.clock.now.seconds)"
    func report(_ stamp: String, _ body: [UInt8], key: String = "geheim") async throws
      -> NotifierV1.TakeReportResponse
    {
      let signature = HMAC.hexadecimal(
        HMAC.sha256(Array(key.utf8), Array(stamp.utf8) + [0x2E] + body))
      return try await notifier.client.takeReport(
        .init(
          provider: "scripted",
          headers: [
            .init(name: "Homing-Timestamp", value: stamp),
            .init(name: "Homing-Signature", value: "v1=" + signature),
          ], body: body, receivedAt: notifier.clock.now.timestamp))
    }
    for _ in 1...2 {
      let answer = try await report(stamp, body)
      #expect((answer.outcomes, answer.ignored) == (2, 2))
    }
    await notifier.settle()
    #expect(notifier.told(order) == ["HANDED_OVER", "DELIVERED", "BOUNCED BAD_DESTINATION"])
    let listed = try await notifier.client.listSuppressions(.init(store: "other"))
    #expect(listed.suppressions.map(\.cause) == [.bounce])
    for (stamp, key) in [(stamp, "falsch"), ("1772440000", "geheim"), ("x", "geheim")] {
      let error = try await rpcError { try await report(stamp, body, key: key) }
      #expect(error.code == .unauthenticated)
    }
    #expect(try await rpcError { try await report(stamp, [0x7B]) }.code == .invalidArgument)
    await notifier.stop()
  }

  @Test("M18 A reply that says STOP is an opt-out")
  func stopWord() async throws {
    let (notifier, order, _) = try await start()
    let body = Array(
      #"{"events":[{"message":"\#(order.id)","kind":"replied","text":"Stop!"}]}"#.utf8)
    let stamp = "\(notifier.clock.now.seconds)"
    let signature = HMAC.hexadecimal(
      HMAC.sha256(Array("geheim".utf8), Array(stamp.utf8) + [0x2E] + body))
    _ = try await notifier.client.takeReport(
      .init(
        provider: "scripted",
        headers: [
          .init(name: "homing-timestamp", value: stamp),
          .init(name: "homing-signature", value: "v1=" + signature),
        ], body: body, receivedAt: notifier.clock.now.timestamp))
    let later = notifier.order(2)
    try await notifier.send([later], from: 2)
    await notifier.settle()
    #expect(notifier.told(order).last == "OPTED_OUT")
    #expect(notifier.told(later) == ["SKIPPED SUPPRESSED"])
    await notifier.stop()
  }
}
