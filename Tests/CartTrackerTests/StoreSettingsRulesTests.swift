internal import Messages
internal import Testing
internal import Wire

@testable internal import CartTracker

@Suite struct StoreSettingsRulesTests {
  private static func problems(
    _ windows: [Tracked.StoreSettings.ChannelWindow]
  ) -> [String] {
    let settings = Tracked.StoreSettings(
      name: "Shop", controller: "Shop GmbH", timeZone: "Europe/Berlin", locale: "de",
      countryCode: "DE", window: .init(length: .months(1)), windows: windows)
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
}
