internal import Messages
internal import Testing

@testable internal import CartTracker

@Suite struct RulePackTests {
  private static let channels: [CommonV1.Channel] = [
    .email, .sms, .chat, .push, .letter, .postcard,
  ]

  /// All that can be known of somebody.
  private static var evidence: [ConsentEvidence] {
    var found: [ConsentEvidence] = []
    for bits in 0..<32 {
      var consents: [Tracked.Consent] = []
      func add(_ bit: Int, _ consent: Tracked.Consent) {
        if bits & (1 << bit) != 0 { consents.append(consent) }
      }
      add(0, .init(channel: .email, purpose: "p", givenAt: .init(seconds: 5)))
      add(
        1,
        .init(
          channel: .email, purpose: "p", givenAt: .init(seconds: 5),
          confirmedAt: .init(seconds: 6)))
      add(
        2,
        .init(channel: .email, purpose: "p", givenAt: .init(seconds: 5), kind: .customerNotice))
      add(
        3,
        .init(
          channel: .email, purpose: "p", givenAt: .init(seconds: 4),
          withdrawnAt: .init(seconds: 4)))
      found.append(
        ConsentEvidence(
          of: consents, linked: [], channel: .email, purpose: "p", controller: "c",
          hasBought: bits & 16 != 0, now: 10_000_000))
    }
    return found
  }

  @Test("F16 DE, AT, CH, US and GB have packs, each with a rule for every channel")
  func countries() {
    #expect(RulePacks.shipped.all.map(\.country) == ["AT", "CH", "DE", "GB", "US", ""])
    for pack in RulePacks.shipped.all {
      for channel in Self.channels {
        #expect(!pack.grounds(channel, "anything").isEmpty, "\(pack.country) \(channel)")
      }
      #expect(pack.version.count == "2026-11-01".count)
    }
  }

  @Test("F16 What an unknown country allows, every pack allows")
  func strictest() {
    let packs = RulePacks.shipped
    for purpose in ["recovery", "feedback", "tracking", "audience", "anything"] {
      for channel in Self.channels {
        for evidence in Self.evidence {
          func allows(_ pack: RulePack) -> Bool {
            pack.grounds(channel, purpose).contains { $0.isGiven(by: evidence) }
          }
          guard allows(packs.pack(for: nil)) else { continue }
          for pack in packs.all { #expect(allows(pack), "\(pack.country) \(channel) \(purpose)") }
        }
      }
    }
  }

  @Test("F16 A channel or purpose that no line names is not allowed, whatever is known")
  func defaultDeny() throws {
    let packs = try RulePacks(parsing: "pack ** v1\nemail recovery no-objection\n")
    #expect(packs.pack(for: "DE").grounds(.email, "recovery") == [.noObjection])
    #expect(packs.pack(for: "DE").grounds(.email, "feedback") == [])
    #expect(packs.pack(for: "DE").grounds(.sms, "recovery") == [])
    let law = BasisRule(packs: packs, rules: try FoldFixture.rules(), now: 10)
    for evidence in Self.evidence {
      let basis = law.basis(
        .init(channel: .sms, purpose: "recovery"), packs.pack(for: nil), evidence)
      #expect(!basis.allowed && basis.reason == .noConsent && basis.asksFor == "not allowed")
    }
  }

  @Test(
    "F16 A pack that cannot be read names the line",
    arguments: [
      ("email * consent", 1, "stands before any pack"),
      ("pack ** v1\nemail *", 2, "needs a channel, a purpose and grounds"),
      ("pack ** v1\nfax * consent", 2, "needs a channel, a purpose and grounds"),
      ("pack ** v1\nemail * maybe", 2, "`maybe` is no ground"),
      ("pack ** v1\nemail * consent\nemail * consent", 3, "a second rule for channel and purpose"),
      ("pack ** v1\npack ** v2", 2, "a second pack of this country"),
      ("pack DE", 1, "needs a country and a version"),
      ("pack DE v1", 0, "there is no pack for all other countries"),
    ])
  func faults(text: String, line: Int, problem: String) {
    #expect(throws: RulePacks.Fault(line: line, problem: problem)) {
      try RulePacks(parsing: text)
    }
  }
}
