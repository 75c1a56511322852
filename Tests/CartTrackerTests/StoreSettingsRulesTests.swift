internal import Messages
internal import Testing
internal import Wire

@testable internal import CartTracker

@Suite struct StoreSettingsRulesTests {
  private static func problems(
    _ windows: [Tracked.StoreSettings.ChannelWindow] = [],
    caps: [Tracked.StoreSettings.SendCap] = [], uncapped: Bool = false
  ) -> [String] {
    var settings = Tracked.StoreSettings(
      name: "Shop", controller: "Shop GmbH", timeZone: "Europe/Berlin", locale: "de",
      countryCode: "DE", window: .init(length: .months(1)), windows: windows)
    settings.caps = caps
    settings.uncapped = uncapped
    do throws(RPCError) {
      try StoreSettingsRules.check(settings)
      return []
    } catch {
      return error.fieldViolations.map { "\($0.field): \($0.detail)" }
    }
  }

  @Test("F15 A store has hours for each channel that reaches a screen")
  func right() {
    let days: [UInt32] = [1, 2, 3, 4, 5]
    #expect(
      Self.problems([
        .init(channel: .sms, window: .init(fromMinute: 600, toMinute: 1080, weekdays: days)),
        .init(channel: .email, window: .init()),
      ]) == [])
  }

  @Test("F15 Hours that no day has, of another channel, or twice, are refused by their field")
  func wrong() {
    let hours = CommonV1.SendWindow(fromMinute: 600, toMinute: 1080)
    #expect(
      Self.problems([
        .init(channel: .sms, window: .init(fromMinute: 600, toMinute: 1440)),
        .init(channel: .push, window: .init(weekdays: [0])),
        .init(channel: .letter, window: hours), .init(channel: .chat, window: hours),
        .init(channel: .chat, window: hours),
      ]) == [
        "settings.windows[0].window: minutes must be 0 to 1,439 and weekdays 1 to 7",
        "settings.windows[1].window: minutes must be 0 to 1,439 and weekdays 1 to 7",
        "settings.windows[2].channel: must be EMAIL, SMS, CHAT or PUSH, is CHANNEL_LETTER",
        "settings.windows[4].channel: is named twice",
      ])
  }

  @Test("F15 A store caps persons and companies, or nobody")
  func caps() {
    let week = Protobuf.Duration(seconds: 7 * 86_400)
    #expect(
      Self.problems(caps: [
        .init(scope: .person, count: 3, period: week),
        .init(scope: .company, count: 1000, period: .init(seconds: 366 * 86_400)),
        .init(scope: .person, count: 1, period: .init(nanos: 1000), channels: [.sms, .letter]),
      ]) == [])
    #expect(Self.problems(uncapped: true) == [])
  }

  @Test("F15 A cap of nobody, of nothing, for ever or of staff is refused by its field")
  func wrongCaps() {
    let day = Protobuf.Duration(seconds: 86_400)
    #expect(
      Self.problems(
        caps: [
          .init(count: 3, period: day), .init(scope: .init(rawValue: 9), count: 3, period: day),
          .init(scope: .person, count: 0, period: day),
          .init(scope: .person, count: 1001, period: .init()), .init(scope: .person, count: 1),
          .init(scope: .company, count: 1, period: .init(seconds: 366 * 86_400 + 1)),
          .init(
            scope: .company, count: 1, period: day,
            channels: [.internal, .email, .webhook, .email]),
        ], uncapped: true) == [
          "settings.caps[0].scope: must be PERSON or COMPANY, is SCOPE_UNSPECIFIED",
          "settings.caps[1].scope: must be PERSON or COMPANY, is 9",
          "settings.caps[2].count: must be 1 to 1000, is 0",
          "settings.caps[3].count: must be 1 to 1000, is 1001",
          "settings.caps[3].period: must be more than zero and at most 366 days",
          "settings.caps[4].period: must be more than zero and at most 366 days",
          "settings.caps[5].period: must be more than zero and at most 366 days",
          "settings.caps[6].channels[0]: must be EMAIL, SMS, CHAT, PUSH, LETTER or POSTCARD, is "
            + "CHANNEL_INTERNAL",
          "settings.caps[6].channels[2]: must be EMAIL, SMS, CHAT, PUSH, LETTER or POSTCARD, is "
            + "CHANNEL_WEBHOOK",
          "settings.caps[6].channels[3]: is named twice",
          "settings.uncapped: must be off where there are caps, of which there are 7",
        ])
  }
}
