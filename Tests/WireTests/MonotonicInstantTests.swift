internal import Testing

@testable internal import Wire

@Suite struct MonotonicInstantTests {
  @Test("Adding any span a peer may send saturates instead of trapping")
  func additionSaturates() {
    let now = MonotonicInstant(nanoseconds: 5)
    #expect((now + .seconds(Int64.max)).nanoseconds == .max)
    #expect((MonotonicInstant(nanoseconds: -1) + .seconds(Int64.min)).nanoseconds == .min)
    #expect((now + .seconds(Int64.min)).nanoseconds == .min + 5)
    #expect((now + .nanoseconds(Int64.max)).nanoseconds == .max)
    #expect((MonotonicInstant(nanoseconds: -5) + .nanoseconds(Int64.min)).nanoseconds == .min)
    #expect((now + .nanoseconds(7)).nanoseconds == 12)
    #expect((now + .zero) == now)
    #expect(now + .milliseconds(1) - now == .milliseconds(1))
  }

  @Test("Instants are ordered in time")
  func order() {
    let now = MonotonicInstant(nanoseconds: 5)
    #expect(now < now + .nanoseconds(1))
    #expect(now > now + .nanoseconds(-1))
    #expect(now - (now + .seconds(2)) == .seconds(-2))
  }

  @Test("A span is cut to what 64 bits of nanoseconds hold")
  func clamps() {
    #expect(Duration.nanoseconds(Int64.max).nanosecondsClamped == .max)
    #expect(Duration.nanoseconds(Int64.min).nanosecondsClamped == .min)
    #expect((Duration.nanoseconds(Int64.max) + .nanoseconds(1)).nanosecondsClamped == .max)
    #expect((Duration.nanoseconds(Int64.min) - .nanoseconds(1)).nanosecondsClamped == .min)
    #expect(Duration(secondsComponent: 0, attosecondsComponent: -1).nanosecondsClamped == 0)
    #expect(
      Duration(secondsComponent: 1, attosecondsComponent: 1).nanosecondsClamped == 1_000_000_000)
    #expect(Duration.milliseconds(-1500).nanosecondsClamped == -1_500_000_000)
  }
}
