internal import Messages
internal import ServiceKit
internal import Testing
internal import Wire

@testable internal import Notifier

@Suite struct LaneTests {
  private func message(_ number: Int, store: String = "shop") throws -> DueMessage {
    let id = DerivedID.of("lane", "\(number)")
    return DueMessage(
      key: try #require(MessageKey(bucket: 1, text: id)), order: .init(id: id, store: store))
  }

  private func ready(_ message: DueMessage, asked: MonotonicInstant) -> ReadyMessage {
    ReadyMessage(
      due: message, grant: .init(lifetime: .init(seconds: 1)), asked: asked, recipient: "",
      addresses: AddressKeys(store: "", controller: "", channel: .sms, address: ""), locale: "",
      templateVersion: 1, content: .text(""), links: [])
  }

  private let now = MonotonicInstant(nanoseconds: 1_000_000_000_000)

  @Test("Messages are asked for by store, as many as the provider can soon take")
  func asks() throws {
    var lane = LaneState(slots: 2, now: now)
    lane.enqueue(try (1...3).flatMap { [try message($0), try message(10 + $0, store: "other")] })
    let first = lane.takeToAsk(atMost: 256, now)
    #expect(first.map(\.order.store) == ["shop", "shop", "shop"])
    #expect(lane.asking == 3)
    // One more fits the window of four, but half of it is not free.
    #expect(lane.takeToAsk(atMost: 256, now).isEmpty)
    lane.answered(3, ready: [])
    #expect(lane.takeToAsk(atMost: 256, now).count == 3)
  }

  @Test("Only as many start as slots are free, and only under a fresh grant")
  func starts() throws {
    var lane = LaneState(slots: 2, now: now)
    lane.enqueue(try (1...4).map { try message($0) })
    let asked = lane.takeToAsk(atMost: 256, now)
    #expect(asked.count == 4)
    lane.answered(4, ready: asked.map { ready($0, asked: now) })
    #expect(lane.takeToStart(now + .milliseconds(999)).count == 2)
    #expect(lane.busy == 2)
    #expect(lane.takeToStart(now + .milliseconds(999)).isEmpty)
    lane.released()
    // A second after it was asked for, the grant is void: the two go back to be asked for.
    #expect(lane.takeToStart(now + .seconds(1)).isEmpty)
    #expect(lane.queue.count == 2)
    #expect(lane.ready.isEmpty)
    #expect(!lane.isEmpty)
  }

  @Test("The window grows while messages start in time, and halves when grants grow old")
  func window() throws {
    var lane = LaneState(slots: 1, now: now)
    var number = 0
    for _ in 0..<200 {
      lane.enqueue(
        try (0..<max(0, 50 - lane.queue.count)).map { _ in
          number += 1
          return try message(number)
        })
      let asked = lane.takeToAsk(atMost: 256, now)
      lane.answered(asked.count, ready: asked.map { ready($0, asked: now) })
      while !lane.takeToStart(now).isEmpty { lane.released() }
    }
    lane.enqueue(try (1000..<1050).map { try message($0) })
    let wide = lane.takeToAsk(atMost: 256, now)
    #expect(wide.count == 50)
    lane.answered(wide.count, ready: wide.map { ready($0, asked: now) })
    #expect(lane.takeToStart(now + .seconds(2)).isEmpty)
    #expect(lane.queue.count == 50)
  }

  @Test(
    "T14 A provider of whatever speed is called soon after the grant, and does not run dry",
    arguments: [(slots: 8, perSecond: 500), (64, 3000), (1, 20)])
  func young(slots: Int, perSecond: Int) throws {
    // A provider of this speed; an answer to a question takes 10 ms.
    var lane = LaneState(slots: slots, now: now)
    let tick = Duration.milliseconds(10)
    var (number, served, credit) = (0, 0, 0.0)
    var asked: [DueMessage] = []
    var ages: [Duration] = []
    for turn in 0..<3000 {
      let time = now + tick * turn
      lane.enqueue(
        try (0..<max(0, 1000 - lane.queue.count)).map { _ in
          number += 1
          return try message(number)
        })
      lane.answered(asked.count, ready: asked.map { ready($0, asked: now + tick * (turn - 1)) })
      credit = min(credit + Double(perSecond) / 100, Double(slots))
      let done = min(lane.busy, Int(credit))
      lane.released(done)
      credit -= Double(done)
      let started = lane.takeToStart(time)
      if turn > 1000 {
        served += done
        ages += started.map { time - $0.asked }
      }
      asked = lane.takeToAsk(atMost: 256, time)
    }
    ages.sort()
    #expect(ages[ages.count * 99 / 100] <= .milliseconds(300))
    // And it does not run dry.
    #expect(served >= perSecond * 20 * 8 / 10)
  }
}

@Suite struct HandOffRulesTests {
  private let now: Int64 = 1_000_000_000_000

  private func change(
    _ fate: ProviderResult.Fate, status: UInt32 = 0, isUnsure: Bool = false, failures: Int = 0,
    isIdempotent: Bool = true
  ) throws -> (String, DueMessage) {
    var chance = SplitMix64(seed: 1)
    var message = DueMessage(
      key: try #require(MessageKey(bucket: 1, id: [UInt8](repeating: 1, count: 16))),
      order: .init(expiresAt: .init(microseconds: now + 86_400_000_000)), failures: failures,
      isUnsure: isUnsure,
      attempts: (0...failures).map { _ in .init(status: status) })
    let change = HandOffRules.change(
      &message, ProviderResult(fate, status: status), isIdempotent: isIdempotent, RetryRule(),
      now: now, &chance)
    switch change {
    case .end(let state, _): return ("\(state)".replacing("MESSAGE_STATE_", with: ""), message)
    case .wait(_, let until, _):
      #expect(until > now && until <= message.expiresAt)
      return ("WAITING", message)
    }
  }

  @Test("Each fate leads where it must")
  func fates() throws {
    #expect(try change(.taken).0 == "HANDED_OVER")
    #expect(try change(.refused).0 == "FAILED")
    #expect(try change(.refused, isUnsure: true).0 == "UNKNOWN")
    #expect(try change(.unsure, isIdempotent: false).0 == "UNKNOWN")
    #expect(try change(.unsure).0 == "WAITING")
    #expect(try change(.unsure).1.isUnsure)
    #expect(try change(.unsure, failures: 11).0 == "UNKNOWN")
    let later = ProviderResult.Fate.later(.providerRefused, after: nil)
    #expect(try change(later, status: 450).0 == "WAITING")
    #expect(try change(later, status: 450, failures: 11).0 == "FAILED")
    #expect(try change(later, status: 450, isUnsure: true, failures: 11).0 == "UNKNOWN")
    // Nobody was reached: the order's expiry alone ends it.
    #expect(try change(later, failures: 100).0 == "WAITING")
  }

  @Test("A provider's own wish is kept, up to an hour")
  func wishes() {
    var chance = SplitMix64(seed: 3)
    let rule = RetryRule()
    for _ in 0..<100 {
      #expect(rule.delay(failures: 1, asked: nil, &chance) <= .seconds(5))
      #expect(rule.delay(failures: 1, asked: .seconds(60), &chance) == .seconds(60))
      #expect(rule.delay(failures: 1, asked: .seconds(86_400), &chance) == .seconds(3600))
      #expect(rule.delay(failures: 50, asked: nil, &chance) <= .seconds(900))
    }
  }
}
