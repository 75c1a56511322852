internal import Testing

@testable internal import Wire

@Suite struct MonotonicInstantTests {
  @Test("Adding any span a peer may send saturates instead of trapping")
  func additionSaturates() {
    let now = MonotonicInstant(nanoseconds: 5)
    #expect((now + .seconds(Int64.max)).nanoseconds == .max)
    let past = MonotonicInstant(nanoseconds: -5)
    #expect((past + .seconds(Int64.min)).nanoseconds == .min)
    #expect((now + .nanoseconds(7)).nanoseconds == 12)
    #expect(now + .milliseconds(1) - now == .milliseconds(1))
  }
}
