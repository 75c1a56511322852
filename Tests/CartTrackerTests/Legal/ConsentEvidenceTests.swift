internal import Messages
internal import Testing

@testable internal import CartTracker

@Suite struct ConsentEvidenceTests {
  private func consent(
    _ given: Int64, confirmed: Int64? = nil, withdrawn: Int64? = nil, purpose: String = "recovery",
    channel: CommonV1.Channel = .email, controller: String = "", version: String = ""
  ) -> Tracked.Consent {
    Tracked.Consent(
      channel: channel, purpose: purpose, wordingVersion: version, source: "form",
      givenAt: .init(seconds: given), confirmedAt: confirmed.map { .init(seconds: $0) },
      withdrawnAt: withdrawn.map { .init(seconds: $0) }, controller: controller)
  }

  private func evidence(
    _ own: [Tracked.Consent], linked: [Tracked.Consent] = [], channel: CommonV1.Channel = .email,
    now: Int64 = 100
  ) -> ConsentEvidence {
    ConsentEvidence(
      of: own, linked: linked, channel: channel, purpose: "recovery", controller: "Shop Ltd",
      hasBought: false, now: now * 1_000_000)
  }

  @Test("F16 A withdrawal holds against what was given at its instant or before, in any order")
  func order() {
    let no = consent(20, withdrawn: 20)
    for (given, stands) in [(10, false), (20, false), (21, true)] as [(Int64, Bool)] {
      for consents in [[consent(given), no], [no, consent(given)]] {
        #expect((evidence(consents).express != nil) == stands)
        #expect(evidence(consents).isWithdrawn)
      }
    }
    // Withdrawn as of an earlier day than it was said: what was given since stands.
    let backdated = evidence([consent(10), consent(30), consent(15, withdrawn: 15)])
    #expect(backdated.express?.givenAt == .init(seconds: 30))
  }

  @Test("F16 A withdrawal names a purpose or all of them, and its channel only")
  func scope() {
    let given = consent(10)
    #expect(evidence([given, consent(20, withdrawn: 20, purpose: "*")]).express == nil)
    #expect(evidence([given, consent(20, withdrawn: 20, purpose: "tracking")]).express != nil)
    #expect(evidence([given, consent(20, withdrawn: 20, channel: .sms)]).express != nil)
    let post = evidence([consent(20, withdrawn: 20, channel: .postcard)], channel: .letter)
    #expect(post.isWithdrawn)
  }

  @Test("F16 P09 Another identity of the person cannot consent for it, but can withdraw")
  func linked() {
    #expect(evidence([], linked: [consent(10, confirmed: 11)]).express == nil)
    #expect(evidence([consent(10)], linked: [consent(20, withdrawn: 20)]).express == nil)
  }

  @Test("F16 C15 What another legal entity was told is no concern of this one")
  func controller() {
    #expect(evidence([consent(10, controller: "Other Ltd")]).express == nil)
    #expect(evidence([consent(10, controller: "Shop Ltd")]).express != nil)
    let no = consent(20, withdrawn: 20, controller: "Other Ltd")
    #expect(evidence([consent(10), no]).express != nil)
  }

  @Test("F16 What is dated in the future does not count yet")
  func future() {
    #expect(evidence([consent(10)], now: 9).express == nil)
    #expect(evidence([consent(10)], now: 10).express != nil)
    #expect(evidence([consent(10, confirmed: 20)], now: 19).confirmed == nil)
    #expect(evidence([consent(10, confirmed: 20)], now: 20).confirmed != nil)
    // A no counts at once, whatever its date says.
    #expect(evidence([consent(10), consent(50, withdrawn: 50)], now: 20).express == nil)
  }

  @Test("F16 The latest consent counts, and of one given twice the confirmed")
  func latest() {
    let consents = [
      consent(10, confirmed: 12, version: "1"), consent(30, version: "2"),
      consent(10, version: "1"),
    ]
    for order in [consents, consents.reversed()] {
      #expect(evidence(order).express?.wordingVersion == "2")
      #expect(evidence(order).confirmed?.wordingVersion == "1")
    }
  }
}
