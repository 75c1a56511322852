internal import Messages
internal import ServiceKit
internal import Stubs
internal import TestSupport
internal import Testing

@testable internal import Notifier

@Suite struct RecipientHoursTests {
  /// A notifier at 23:00 of the store's clock, in Berlin.
  private static func night(_ provider: ScriptedProvider) async throws -> NotifierFixture {
    let notifier = try await NotifierFixture.start(lanes: [provider.lane])
    try await notifier.allowTests()
    try await notifier.putTemplate()
    try await notifier.advance(by: .seconds(13 * 3600))
    return notifier
  }

  @Test("F15 F20 An SMS at night waits for the morning of its recipient, and goes out once")
  func waits() async throws {
    let provider = ScriptedProvider()
    let notifier = try await Self.night(provider)
    let order = notifier.order(1)
    try await notifier.send([order])
    await notifier.settle()
    #expect(provider.parcels.entries.isEmpty)
    #expect(notifier.told(order) == ["DEFERRED QUIET_HOURS"])
    let waiting = try await notifier.message(order)
    #expect(waiting.state == .waiting && waiting.reason == .quietHours)
    // 08:00 in Berlin.
    #expect(waiting.nextAt == (NotifierFixture.morning + .seconds(22 * 3600)).timestamp)
    try await notifier.advance(by: .seconds(9 * 3600 - 1))
    #expect(provider.parcels.entries.isEmpty)
    try await notifier.advance(by: .seconds(1))
    #expect(provider.parcels.entries.map(\.id) == [order.id])
    #expect(notifier.told(order) == ["DEFERRED QUIET_HOURS", "HANDED_OVER"])
    await notifier.stop()
  }

  @Test("F15 The clock is the recipient's: in Tokyo it is morning")
  func zone() async throws {
    let provider = ScriptedProvider()
    let notifier = try await Self.night(provider)
    notifier.tracker.answers { subject in
      var answer = ScriptedTracker.grant(subject)
      answer.facts?.contact?.profile?.timeZone =
        subject.contact == "yuki" ? "Asia/Tokyo" : "America/New_York"
      return answer
    }
    // 22:00 UTC: 07:00 in Tokyo, 17:00 in New York.
    let (yuki, ann) = (notifier.order(1, contact: "yuki"), notifier.order(2, contact: "ann"))
    try await notifier.send([yuki, ann])
    await notifier.settle()
    #expect(provider.parcels.entries.map(\.id) == [ann.id])
    try await notifier.advance(by: .seconds(3600))
    #expect(provider.parcels.entries.map(\.id) == [ann.id, yuki.id])
    await notifier.stop()
  }

  @Test("F15 The step's hours narrow the channel's; a night of its own is no quiet hour")
  func step() async throws {
    let provider = ScriptedProvider()
    let notifier = try await Self.night(provider)
    let own = notifier.order(1) { order in
      order.windows = [
        .init(fromMinute: 480, toMinute: 1200), .init(fromMinute: 600, toMinute: 660),
      ]
    }
    let allDay = notifier.order(2, contact: "bob") { $0.windows = [.init()] }
    let late = notifier.order(3, contact: "carl") { order in
      order.windows = [.init(), .init(fromMinute: 600, toMinute: 660, weekdays: [3])]
    }
    try await notifier.send([own, allDay, late])
    await notifier.settle()
    #expect(provider.parcels.entries.map(\.id) == [allDay.id])
    #expect(notifier.told(late) == ["DEFERRED SEND_WINDOW"])
    try await notifier.advance(by: .seconds(9 * 3600))
    #expect(provider.parcels.entries.count == 1)
    // 10:00 on Tuesday; the other has to wait for Wednesday, past its expiry.
    try await notifier.advance(by: .seconds(2 * 3600))
    #expect(provider.parcels.entries.map(\.id) == [allDay.id, own.id])
    try await notifier.advance(by: .seconds(86_400))
    #expect(notifier.told(late) == ["DEFERRED SEND_WINDOW", "SKIPPED STALE"])
    #expect(provider.parcels.entries.count == 2)
    await notifier.stop()
  }

  @Test("F15 I3 A purchase in the night: what waited for the morning never leaves")
  func purchase() async throws {
    let provider = ScriptedProvider()
    let notifier = try await Self.night(provider)
    let order = notifier.order(1)
    try await notifier.send([order])
    await notifier.settle()
    notifier.tracker.answers { ScriptedTracker.refuse($0, .purchased, lasting: true) }
    try await notifier.advance(by: .seconds(9 * 3600))
    #expect(provider.parcels.entries.isEmpty)
    #expect(notifier.told(order) == ["DEFERRED QUIET_HOURS", "SKIPPED PURCHASED"])
    await notifier.stop()
  }

  @Test("F15 An order with hours that no day has is held, by its field")
  func malformed() async throws {
    let provider = ScriptedProvider()
    let notifier = try await Self.night(provider)
    let order = notifier.order(1) { $0.windows = [.init(fromMinute: 1440)] }
    let receipts = try await notifier.send([order])
    #expect(receipts.map(\.verdict) == [.held])
    #expect(receipts.first?.problem.contains("send.windows") == true)
    await notifier.stop()
  }
}
