internal import Messages
internal import ServiceKit
internal import Storage
internal import Stubs
internal import TestSupport
internal import Testing

@testable internal import Notifier

/// What a start makes of a hand-off whose result was never written.
@Suite struct RecoveryTests {
  /// A notifier that was cut off while its provider had one message in hand.
  private func cutOff(_ provider: ScriptedProvider) async throws -> (
    NotifierFixture, CommonV1.SendOrder
  ) {
    let notifier = try await NotifierFixture.start(lanes: [provider.lane])
    try await notifier.allowTests()
    try await notifier.putTemplate()
    let order = notifier.order(1)
    try await notifier.send([order])
    await provider.parcels.wait()
    return (notifier, order)
  }

  @Test("X05 Without idempotency key a message in hand at a kill is unknown and not sent again")
  func unknown() async throws {
    let provider = ScriptedProvider(isIdempotent: false) { _ in nil }
    let (killed, order) = try await cutOff(provider)
    let again = ScriptedProvider(isIdempotent: false)
    let notifier = try await NotifierFixture.start(
      lanes: [again.lane], folder: killed.folder, outcomes: killed.outcomes)
    await notifier.settle()
    #expect(again.parcels.entries.isEmpty)
    #expect(notifier.told(order) == ["UNKNOWN"])
    #expect(notifier.outcomes.entries.first?.grant?.positions.isEmpty == false)
    #expect(notifier.clock.now == NotifierFixture.morning)
    await notifier.stop()
  }

  @Test("X05 With idempotency key it is handed over again under the same key, after a new grant")
  func again() async throws {
    let provider = ScriptedProvider { _ in nil }
    let (killed, order) = try await cutOff(provider)
    let again = ScriptedProvider()
    let notifier = try await NotifierFixture.start(
      lanes: [again.lane], folder: killed.folder, outcomes: killed.outcomes)
    await notifier.settle()
    #expect(again.parcels.entries.map(\.id) == [order.id])
    #expect(notifier.tracker.asked.entries.count == 1)
    #expect(notifier.told(order) == ["HANDED_OVER"])
    await notifier.stop()
  }

  @Test("A refusal after a kill leaves the first call's fate unknown")
  func refusedAfterKill() async throws {
    let provider = ScriptedProvider { _ in nil }
    let (killed, order) = try await cutOff(provider)
    let again = ScriptedProvider()
    killed.tracker.answers { ScriptedTracker.refuse($0, .purchased, lasting: true) }
    let notifier = try await NotifierFixture.start(
      lanes: [again.lane], folder: killed.folder, tracker: killed.tracker,
      outcomes: killed.outcomes)
    await notifier.settle()
    #expect(again.parcels.entries.isEmpty)
    #expect(notifier.told(order) == ["UNKNOWN PURCHASED"])
    await notifier.stop()
  }

  @Test("Messages, templates, modes and suppressions outlast a restart")
  func outlasts() async throws {
    let provider = ScriptedProvider()
    let first = try await NotifierFixture.start(lanes: [provider.lane])
    try await first.allowTests()
    try await first.putTemplate()
    let orders = (1...2).map { number in
      first.order(number, contact: "anna-\(number)") {
        $0.dueAt = (first.clock.now + .seconds(60)).timestamp
      }
    }
    try await first.send(orders)
    await first.stop()
    let notifier = try await NotifierFixture.start(
      lanes: [provider.lane], folder: first.folder, outcomes: first.outcomes)
    await notifier.settle()
    #expect(provider.parcels.entries.isEmpty)
    #expect(notifier.time.nextDue(after: notifier.clock.now) == notifier.clock.now + .seconds(60))
    try await notifier.advance(by: .seconds(60))
    #expect(Set(provider.parcels.entries.map(\.id)) == Set(orders.map(\.id)))
    #expect(notifier.time.received == 2)
    #expect(notifier.time.sent == 2)
    await notifier.stop()
  }
}
