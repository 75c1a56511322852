internal import Messages
internal import Testing

@testable internal import CartTracker

/// Country × channel × evidence → verdict, written down from the law and not from the packs (F16).
@Suite struct GoldenBasisTests {
  /// What is known of somebody, a column each:
  ///
  /// - `-` nothing, or an address that was typed in: no consent
  /// - `c` an express consent; `d` one that was confirmed
  /// - `n` the notice of an existing customer, and no purchase; `b` with one
  /// - `w` a confirmed consent that was withdrawn, by somebody who has bought
  /// - `g` the same, and a confirmed consent given again
  private static let columns = Array("-cdnbwg")

  /// A letter where it is allowed, a point where it is not.
  private static let table = """
    DE email    recovery  ..d.b.g
    DE email    feedback  ..d.b.g
    DE email    news      ..d...g
    DE email    audience  .cd...g
    DE email    tracking  .cd...g
    DE sms      recovery  ..d...g
    DE chat     recovery  ..d...g
    DE push     recovery  .cd...g
    DE letter   recovery  -cdnb.g
    DE postcard recovery  -cdnb.g
    AT email    recovery  .cd.b.g
    AT email    audience  .cd...g
    AT sms      recovery  .cd.b.g
    AT chat     recovery  .cd...g
    AT push     recovery  .cd...g
    AT letter   recovery  -cdnb.g
    CH email    recovery  .cd.b.g
    CH email    tracking  -cdnb.g
    CH email    audience  .cd...g
    CH sms      recovery  .cd.b.g
    CH chat     recovery  .cd...g
    CH letter   recovery  -cdnb.g
    US email    recovery  -cdnb.g
    US email    tracking  -cdnb.g
    US sms      recovery  .cd...g
    US chat     recovery  .cd...g
    US push     recovery  .cd...g
    US letter   recovery  -cdnb.g
    GB email    recovery  .cdnb.g
    GB email    audience  .cd...g
    GB sms      recovery  .cdnb.g
    GB chat     recovery  .cd...g
    GB push     recovery  .cd...g
    GB letter   recovery  -cdnb.g
    FR email    recovery  ..d...g
    FR sms      recovery  ..d...g
    FR email    tracking  ..d...g
    FR letter   recovery  -cdnb.g
    ?? email    recovery  ..d...g
    ?? sms      recovery  ..d...g
    ?? push     recovery  ..d...g
    ?? letter   recovery  -cdnb.g
    """

  private static let channels: [Substring: CommonV1.Channel] = [
    "email": .email, "sms": .sms, "chat": .chat, "push": .push, "letter": .letter,
    "postcard": .postcard,
  ]

  private static func shop(
    _ country: String, _ channel: CommonV1.Channel, _ purpose: String, _ column: Character
  ) throws -> FoldShop {
    var shop = try FoldShop()
    shop.add(at: 0)
    func say(_ at: Int64, _ consent: Tracked.Consent) {
      var consent = consent
      consent.channel = channel
      consent.purpose = purpose
      consent.source = "form"
      let profile = Tracked.ContactProfile(consents: [consent])
      shop.send(.contactUpserted(.init(profile: profile)), at: at)
    }
    let known = Tracked.ContactProfile(
      destinations: [.init(channel: .email, address: "ann@b.example")],
      address: country == "??" ? nil : .init(countryCode: country))
    shop.send(.contactUpserted(.init(profile: known)), at: 1)
    if "bwg".contains(column) { shop.send(.purchase(.init(order: "o")), at: 5) }
    switch column {
    case "c": say(10, .init(givenAt: .init(seconds: 10)))
    case "d", "w", "g":
      say(10, .init(givenAt: .init(seconds: 10), confirmedAt: .init(seconds: 11)))
    case "n", "b": say(10, .init(givenAt: .init(seconds: 10), kind: .customerNotice))
    default: break
    }
    if "wg".contains(column) {
      say(20, .init(givenAt: .init(seconds: 20), withdrawnAt: .init(seconds: 20)))
    }
    if column == "g" {
      say(30, .init(givenAt: .init(seconds: 30), confirmedAt: .init(seconds: 31)))
    }
    return shop
  }

  @Test(
    "F16 each country allows what its law allows, and nothing else",
    arguments: table.split(separator: "\n"))
  func golden(line: Substring) throws {
    let words = line.split(separator: " ")
    let channel = try #require(Self.channels[words[1]])
    for (column, expected) in zip(Self.columns, words[3]) {
      let shop = try Self.shop(String(words[0]), channel, String(words[2]), column)
      let law = BasisRule(packs: .shipped, rules: shop.rules, now: 100_000_000)
      let basis = law.basis(
        .init(channel: channel, purpose: String(words[2])), .init(shop.group("ann")))
      #expect(basis.allowed == (expected != "."), "\(column): \(basis)")
      #expect(basis.allowed == (basis.reason == .unspecified))
      if "cdnb".contains(column) && expected == column && channel != .letter {
        #expect(basis.consent != nil || basis.restsOn == "no-objection")
      }
    }
  }

  @Test("F16 a letter that was objected to says so; a digital message says that consent is missing")
  func reasons() throws {
    for (channel, reason) in [
      (.letter, .objection), (.postcard, .objection), (.email, .noConsent),
    ] as [(CommonV1.Channel, CommonV1.ReasonCode)] {
      let shop = try Self.shop("DE", channel, "recovery", "w")
      let law = BasisRule(packs: .shipped, rules: shop.rules, now: 100_000_000)
      let basis = law.basis(.init(channel: channel), .init(shop.group("ann")))
      #expect(basis.reason == reason)
      #expect(basis.consent?.withdrawnAt == .init(seconds: 20))
    }
  }

  @Test("F16 the country is that of the postal address, else of the telephone number")
  func country() throws {
    for (address, number, country) in [
      ("AT", "+4915112345", "AT"), ("", "+447911123456", "GB"), ("", "+12025550100", ""),
      ("", "", ""), ("BR", "+4915112345", ""),
    ] {
      var shop = try FoldShop()
      var profile = Tracked.ContactProfile()
      if !address.isEmpty { profile.address = .init(countryCode: address) }
      if !number.isEmpty { profile.destinations = [.init(channel: .sms, address: number)] }
      shop.send(.contactUpserted(.init(profile: profile)), at: 1)
      let law = BasisRule(packs: .shipped, rules: shop.rules, now: 100_000_000)
      #expect(law.basis(.init(channel: .email), .init(shop.group("ann"))).country == country)
    }
  }
}
