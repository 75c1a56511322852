internal import Messages
internal import ServiceKit
internal import Stubs
internal import Synchronization
internal import TestSupport
internal import Testing

@testable internal import Notifier

@Suite struct PauseTests {
  private static let id = "018f4c3e-7b2a-7c1d-9e5f-0000000000a1"

  private func start(_ provider: ScriptedProvider) async throws -> NotifierFixture {
    let notifier = try await NotifierFixture.start(lanes: [provider.lane])
    try await notifier.allowTests()
    try await notifier.putTemplate()
    return notifier
  }

  private func put(_ pause: CommonV1.Pause, _ notifier: NotifierFixture) async throws {
    _ = try await notifier.client.putPauses(.init(pauses: [pause]))
  }

  @Test(
    "F22 A pause holds what it covers at five levels, and its end lets it go at once",
    arguments: [
      CommonV1.Pause(id: id, holds: true, revision: 1),
      .init(id: id, store: "shop", holds: true, revision: 1),
      .init(id: id, channel: .sms, holds: true, revision: 1),
      .init(id: id, store: "shop", flow: "flow", holds: true, revision: 1),
      .init(id: id, store: "shop", channel: .sms, template: "hello", holds: true, revision: 1),
    ])
  func holds(pause: CommonV1.Pause) async throws {
    let provider = ScriptedProvider()
    let notifier = try await start(provider)
    try await put(pause, notifier)
    let order = notifier.order(1)
    try await notifier.send([order])
    await notifier.settle()
    #expect(provider.parcels.entries.isEmpty)
    #expect(notifier.tracker.asked.entries.isEmpty)
    #expect(notifier.told(order) == ["DEFERRED PAUSED"])
    #expect(try await notifier.message(order).reason == .paused)
    try await notifier.advance(by: .seconds(3600))
    #expect(provider.parcels.entries.isEmpty)
    var end = pause
    (end.holds, end.revision) = (false, 2)
    try await put(end, notifier)
    await notifier.settle()
    #expect(provider.parcels.entries.map(\.id) == [order.id])
    #expect(notifier.told(order) == ["DEFERRED PAUSED", "HANDED_OVER"])
    await notifier.stop()
  }

  @Test("F22 A pause of another store, channel, flow or template holds nothing")
  func others() async throws {
    let provider = ScriptedProvider()
    let notifier = try await start(provider)
    let id = Self.id.dropLast(1)
    _ = try await notifier.client.putPauses(
      .init(pauses: [
        .init(id: id + "1", store: "other", holds: true, revision: 1),
        .init(id: id + "2", channel: .email, holds: true, revision: 1),
        .init(id: id + "3", store: "shop", flow: "another", holds: true, revision: 1),
        .init(
          id: id + "4", store: "shop", channel: .sms, template: "another", holds: true,
          revision: 1),
      ]))
    let order = notifier.order(1)
    try await notifier.send([order])
    await notifier.settle()
    #expect(notifier.told(order) == ["HANDED_OVER"])
    await notifier.stop()
  }

  @Test("F22 An older revision of a pause has no effect, and what another covers still waits")
  func revisions() async throws {
    let provider = ScriptedProvider()
    let notifier = try await start(provider)
    let other = "018f4c3e-7b2a-7c1d-9e5f-0000000000b2"
    try await put(.init(id: Self.id, store: "shop", holds: false, revision: 2), notifier)
    try await put(.init(id: Self.id, store: "shop", holds: true, revision: 1), notifier)
    let first = notifier.order(1)
    try await notifier.send([first])
    await notifier.settle()
    #expect(notifier.told(first) == ["HANDED_OVER"])
    try await put(.init(id: Self.id, store: "shop", holds: true, revision: 3), notifier)
    try await put(.init(id: other, channel: .sms, holds: true, revision: 1), notifier)
    let second = notifier.order(2)
    try await notifier.send([second], from: 2)
    await notifier.settle()
    try await put(.init(id: Self.id, store: "shop", holds: false, revision: 4), notifier)
    await notifier.settle()
    #expect(notifier.told(second) == ["DEFERRED PAUSED"])
    await notifier.stop()
  }

  @Test("F20 F22 What is held back longer than it is of use is skipped as stale")
  func stale() async throws {
    let provider = ScriptedProvider()
    let notifier = try await start(provider)
    try await put(.init(id: Self.id, store: "shop", holds: true, revision: 1), notifier)
    let order = notifier.order(1) {
      $0.expiresAt = (notifier.clock.now + .seconds(600)).timestamp
    }
    try await notifier.send([order])
    await notifier.settle()
    try await notifier.advance(by: .seconds(600))
    #expect(notifier.told(order) == ["DEFERRED PAUSED", "SKIPPED STALE"])
    try await put(.init(id: Self.id, store: "shop", holds: false, revision: 2), notifier)
    await notifier.settle()
    #expect(provider.parcels.entries.isEmpty)
    await notifier.stop()
  }

  @Test("F22 A pause survives a restart, and what it holds goes out once at its end")
  func restart() async throws {
    let provider = ScriptedProvider()
    let first = try await start(provider)
    try await put(.init(id: Self.id, store: "shop", holds: true, revision: 1), first)
    let order = first.order(1)
    try await first.send([order])
    await first.settle()
    await first.stop()
    let notifier = try await NotifierFixture.start(
      lanes: [provider.lane], folder: first.folder, outcomes: first.outcomes)
    try await notifier.advance(by: .seconds(3600))
    #expect(provider.parcels.entries.isEmpty)
    try await put(.init(id: Self.id, store: "shop", holds: false, revision: 2), notifier)
    await notifier.settle()
    #expect(provider.parcels.entries.map(\.id) == [order.id])
    await notifier.stop()
  }

  @Test("F22 A pause that comes after the permission holds too: the provider is not called")
  func afterPermission() async throws {
    // One slot, which the first message keeps: the second has its permission and waits.
    let provider = ScriptedProvider(slots: 1) { _ in nil }
    let notifier = try await start(provider)
    let orders = (1...2).map { notifier.order($0) }
    try await notifier.send(orders)
    let begun = await provider.parcels.wait()
    try await put(.init(id: Self.id, store: "shop", holds: true, revision: 1), notifier)
    begun.done(ProviderResult(.taken))
    await notifier.settle()
    #expect(provider.parcels.entries.count == 1)
    let held = try #require(orders.first { $0.id != begun.id })
    #expect(notifier.told(held) == ["DEFERRED PAUSED"])
    provider.answers { _ in ProviderResult(.taken) }
    try await put(.init(id: Self.id, store: "shop", holds: false, revision: 2), notifier)
    await notifier.settle()
    #expect(provider.parcels.entries.map(\.id) == [begun.id, held.id])
    await notifier.stop()
  }
}
