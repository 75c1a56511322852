internal import Messages
internal import ServiceKit
internal import Testing
internal import Wire

@testable internal import Notifier

@Suite struct PaceTests {
  private let start = MonotonicInstant(nanoseconds: 1_000_000_000_000)

  private func message(_ number: Int, store: String = "shop") throws -> DueMessage {
    let id = DerivedID.of("pace", store, "\(number)")
    return DueMessage(
      key: try #require(MessageKey(bucket: 1, text: id)), order: .init(id: id, store: store))
  }

  private func ready(_ message: DueMessage, _ asked: MonotonicInstant) -> ReadyMessage {
    ReadyMessage(
      due: message, grant: .init(lifetime: .init(seconds: 1)), asked: asked, recipient: "",
      addresses: AddressKeys(store: "", controller: "", channel: .sms, address: ""), locale: "",
      templateVersion: 1, content: .text(""), links: [])
  }

  /// Everything that a lane begins in a span, which is looked at as its wakes say.
  private func drain(_ lane: inout LaneState, from: MonotonicInstant, for span: Duration)
    -> [String]
  {
    var now = from
    var begun: [String] = []
    while now < from + span {
      while true {
        let asked = lane.takeToAsk(atMost: 256, now)
        if asked.isEmpty { break }
        lane.answered(
          asked.count, ready: asked.map { ready($0, now) }, store: asked[0].order.store)
        let taken = lane.takeToStart(now)
        begun += taken.map(\.due.order.store)
        lane.released(taken.count)
      }
      guard let wake = lane.takeWake(now) else { return begun }
      lane.woke()
      now = now + wake
    }
    return begun
  }

  @Test("F20 After an outage a backlog drains at the provider's rate, not all at once")
  func drains() throws {
    var lane = LaneState(
      slots: 64, pace: Pace(all: SendRate(perSecond: 100)), now: start)
    lane.enqueue(try (0..<1000).map { try message($0) })
    let burst = drain(&lane, from: start, for: .milliseconds(1))
    #expect(burst.count == 25)
    let second = drain(&lane, from: start + .milliseconds(1), for: .seconds(5))
    #expect((450...501).contains(second.count), "\(second.count)")
  }

  @Test("F20 A store's own rate holds it back and not the other stores")
  func stores() throws {
    var lane = LaneState(
      slots: 64, pace: Pace(stores: ["slow": SendRate(perSecond: 1)]), now: start)
    lane.enqueue(try (0..<20).map { try message($0, store: "slow") })
    lane.enqueue(try (0..<20).map { try message($0, store: "fast") })
    let begun = drain(&lane, from: start, for: .seconds(4))
    #expect(begun.count { $0 == "fast" } == 20)
    #expect((3...5).contains(begun.count { $0 == "slow" }))
  }

  @Test("F20 What does not go out, or is asked for again, does not count for the rate")
  func givesBack() throws {
    var lane = LaneState(slots: 2, pace: Pace(all: SendRate(perSecond: 8)), now: start)
    lane.enqueue(try (0..<8).map { try message($0) })
    let refused = lane.takeToAsk(atMost: 256, start)
    #expect(refused.count == 2)
    #expect(lane.takeToAsk(atMost: 256, start).isEmpty)
    lane.answered(2, ready: [], store: "shop")
    let asked = lane.takeToAsk(atMost: 256, start)
    #expect(asked.count == 2)
    lane.answered(2, ready: asked.map { ready($0, start) }, store: "shop")
    #expect(lane.takeToStart(start + .seconds(1)).isEmpty)
    #expect(lane.takeToAsk(atMost: 256, start + .milliseconds(1)).count == 2)
  }

  @Test("F20 A lane without a rate is never woken for one")
  func none() throws {
    var lane = LaneState(slots: 2, now: start)
    lane.enqueue([try message(1)])
    #expect(lane.takeWake(start) == nil)
    #expect(lane.takeToAsk(atMost: 256, start).count == 1)
  }

  @Test("F20 Rates are counts in a second, minute or hour, and nothing else")
  func texts() {
    #expect(SendRate("100/s")?.perSecond == 100)
    #expect(SendRate("30/m")?.perSecond == 0.5)
    #expect(SendRate("3600/h")?.perSecond == 1)
    for text in ["", "0/s", "-1/s", "100", "1/d", "1/s/s", "1.5/s", "99999999/s", "/s"] {
      #expect(SendRate(text) == nil, "\(text)")
    }
  }

  @Test("F20 Servers have 100 messages a second unless the file says otherwise, folders no limit")
  func file() throws {
    let text = """
      [mail]
      kind = smtp
      channels = email
      address = 127.0.0.1:25
      tls = off
      rate shop = 5/m
      [texts]
      kind = http
      channels = sms
      url = https://sms.test
      rate = none
      [pushes]
      kind = folder
      channels = push
      path = /tmp
      """
    let specs = try ProviderFile(parsing: text).specs
    #expect(specs[0].pace.all == SendRate(perSecond: 100))
    #expect(specs[0].pace.stores == ["shop": SendRate(perSecond: 5.0 / 60)])
    #expect(specs[1].pace.isNone && specs[2].pace.isNone)
    for wrong in ["rate = fast", "rate shop = none"] {
      #expect(throws: ProviderFileError.self) {
        try ProviderFile(parsing: text + "\n" + wrong)
      }
    }
  }
}
