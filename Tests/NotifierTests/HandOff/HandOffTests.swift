internal import Messages
internal import ServiceKit
internal import Stubs
internal import TestSupport
internal import Testing

@testable internal import Notifier

@Suite struct HandOffTests {
  @Test("An order goes out once and its outcome tells the grant")
  func goesOut() async throws {
    let provider = ScriptedProvider()
    let notifier = try await NotifierFixture.start(lanes: [provider.lane])
    try await notifier.allowTests()
    try await notifier.putTemplate()
    let order = notifier.order(1)
    #expect(try await notifier.send([order]).map(\.verdict) == [.stored])
    await notifier.settle()
    #expect(provider.parcels.entries.map(\.id) == [order.id])
    #expect(provider.parcels.entries.first?.recipient == "+99912345")
    #expect(notifier.told(order) == ["HANDED_OVER"])
    #expect(notifier.outcomes.entries.first?.grant?.positions == [.init(bucket: 3, seq: 17)])
    let message = try await notifier.message(order)
    #expect(message.state == .handedOver)
    #expect(message.recipient == "+99912345")
    #expect(message.attempts.map(\.provider) == ["scripted"])
    #expect(message.outcomes.map(\.kind) == [.handedOver])
    await notifier.stop()
  }

  @Test("An order sent twice has one effect")
  func onceOnly() async throws {
    let provider = ScriptedProvider()
    let notifier = try await NotifierFixture.start(lanes: [provider.lane])
    try await notifier.allowTests()
    try await notifier.putTemplate()
    let order = notifier.order(1)
    try await notifier.send([order])
    #expect(try await notifier.send([order]).map(\.verdict) == [.repeated])
    // The same order under a further number.
    #expect(try await notifier.send([order], from: 2).map(\.verdict) == [.stored])
    await notifier.settle()
    #expect(provider.parcels.entries.count == 1)
    #expect(notifier.told(order) == ["HANDED_OVER"])
    await notifier.stop()
  }

  @Test("F21 Nothing leaves where no mode was told, and under TEST only to listed addresses")
  func modes() async throws {
    let provider = ScriptedProvider()
    let notifier = try await NotifierFixture.start(lanes: [provider.lane])
    try await notifier.putTemplate()
    let orders = (1...3).map { notifier.order($0) }
    try await notifier.send([orders[0]])
    await notifier.settle()
    try await notifier.allowTests(["+4912345"])
    try await notifier.send([orders[1]], from: 2)
    await notifier.settle()
    _ = try await notifier.client.putModes(
      .init(modes: [
        .init(store: "shop", mode: .test, testAddresses: ["+99912345"], revision: 2)
      ]))
    try await notifier.send([orders[2]], from: 3)
    await notifier.settle()
    #expect(notifier.told(orders[0]) == ["SKIPPED MODE"])
    #expect(notifier.told(orders[1]) == ["SKIPPED NOT_A_TEST_ADDRESS"])
    #expect(notifier.told(orders[2]) == ["HANDED_OVER"])
    #expect(provider.parcels.entries.map(\.id) == [orders[2].id])
    await notifier.stop()
  }

  @Test("X03 A purchase between order and hand-off stops it, and no provider is called")
  func purchase() async throws {
    let provider = ScriptedProvider()
    let notifier = try await NotifierFixture.start(lanes: [provider.lane])
    try await notifier.allowTests()
    try await notifier.putTemplate()
    let order = notifier.order(1) { $0.dueAt = (notifier.clock.now + .seconds(60)).timestamp }
    try await notifier.send([order])
    await notifier.settle()
    #expect(notifier.tracker.asked.entries.isEmpty)
    notifier.tracker.answers { ScriptedTracker.refuse($0, .purchased, lasting: true) }
    try await notifier.advance(by: .seconds(60))
    #expect(notifier.told(order) == ["SKIPPED PURCHASED"])
    #expect(provider.parcels.entries.isEmpty)
    await notifier.stop()
  }

  @Test("A refusal that does not last lets the order wait, at the longest until it expires")
  func waits() async throws {
    let provider = ScriptedProvider()
    let notifier = try await NotifierFixture.start(lanes: [provider.lane])
    try await notifier.allowTests()
    try await notifier.putTemplate()
    notifier.tracker.answers { ScriptedTracker.refuse($0, .feedStale, lasting: false) }
    let orders = (1...2).map { number in
      notifier.order(number) {
        $0.expiresAt = (notifier.clock.now + .seconds(number == 1 ? 20 : 3600)).timestamp
      }
    }
    try await notifier.send(orders)
    await notifier.settle()
    #expect(try await notifier.message(orders[0]).state == .waiting)
    #expect(try await notifier.message(orders[0]).reason == .feedStale)
    try await notifier.advance(by: .seconds(20))
    #expect(notifier.told(orders[0]) == ["DEFERRED FEED_STALE", "SKIPPED STALE"])
    notifier.tracker.answers { ScriptedTracker.grant($0) }
    try await notifier.advance(by: .seconds(20))
    #expect(notifier.told(orders[1]) == ["DEFERRED FEED_STALE", "HANDED_OVER"])
    await notifier.stop()
  }
}
