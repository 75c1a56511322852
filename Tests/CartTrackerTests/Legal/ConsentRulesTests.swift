internal import Messages
internal import Testing
internal import Wire

@testable internal import CartTracker

@Suite struct ConsentRulesTests {
  private let good = Tracked.Consent(
    channel: .email, purpose: "recovery", source: "form", givenAt: .init(seconds: 100))

  private func fields(_ change: (inout Tracked.Consent) -> Void) -> [String] {
    var consent = good
    change(&consent)
    return ConsentRules.violations(of: consent, "c").map(\.field)
  }

  @Test("F16 A consent is checked where it is reported, field by field")
  func violations() {
    #expect(fields { _ in } == [])
    #expect(fields { $0.channel = .internal } == ["c.channel"])
    #expect(fields { $0.channel = .webhook } == ["c.channel"])
    #expect(fields { $0.purpose = "*" } == ["c.purpose"])
    #expect(
      fields {
        $0.purpose = "*"
        $0.withdrawnAt = .init(seconds: 100)
      } == [])
    #expect(fields { $0.confirmedAt = .init(seconds: 99) } == ["c.confirmed_at"])
    #expect(fields { $0.withdrawnAt = .init(seconds: 99) } == ["c.withdrawn_at"])
    #expect(fields { $0.givenAt = .init(seconds: -1) } == ["c.given_at"])
  }

  @Test("F16 An event with a consent that is not valid is refused with its field")
  func event() {
    var rules = EventRules()
    var bad = good
    bad.channel = .webhook
    rules.check(Tracked.ContactProfile(consents: [good, bad]), "profile")
    #expect(rules.violations.map(\.field) == ["profile.consents[1].channel"])
  }
}
