internal import Messages
internal import ServiceKit

/// Caps as people write them: `person=3/7d`, `company=10/30d`, `person=1/1d:sms,push` (F15).
enum CapText {
  private static let scope = EnumText<CartTrackerV1.StoreSettings.SendCap.Scope>("SCOPE_")

  /// Replaces all of a store's caps.
  static func set(
    _ texts: [String], in settings: inout CartTrackerV1.StoreSettings
  ) throws(CommandError) {
    settings.caps = []
    settings.uncapped = texts == ["none"]
    if texts == ["none"] || texts == ["default"] { return }
    for text in texts {
      guard let cap = cap(text) else {
        throw .usage(
          "--cap must be such as person=3/7d or company=10/30d:email,letter, or none or default "
            + "alone, is \"\(Printable.text(text))\"")
      }
      settings.caps.append(cap)
    }
  }

  private static func cap(_ text: String) -> CartTrackerV1.StoreSettings.SendCap? {
    let sides = text.split(separator: "=", maxSplits: 1)
    guard sides.count == 2, let scope = scope.value(sides[0]), scope != .unspecified else {
      return nil
    }
    let parts = sides[1].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let numbers = (parts.first ?? "").split(separator: "/", maxSplits: 1)
    guard numbers.count == 2, let count = UInt32(numbers[0]), count > 0,
      let span = SpanText(String(numbers[1]))?.duration, span > .zero
    else { return nil }
    var cap = CartTrackerV1.StoreSettings.SendCap(
      scope: scope, count: count, period: Protobuf.Duration(span))
    guard parts.count == 2 else { return cap }
    for name in parts[1].split(separator: ",", omittingEmptySubsequences: false) {
      guard let channel = FlowTexts.channel.value(name), channel.reachesPeople else { return nil }
      cap.channels.append(channel)
    }
    return cap
  }

  /// Such as `person 3 in 7d, company 10 in 30d (email)`.
  static func text(_ settings: CartTrackerV1.StoreSettings) -> String {
    if settings.uncapped { return "none" }
    if settings.caps.isEmpty { return "person 3 in 7d (default)" }
    return settings.caps.map { cap in
      let span = cap.period.map { ValueText.spanText($0.span) } ?? ""
      let channels = cap.channels.map { FlowTexts.channel.name($0) }.joined(separator: ", ")
      let suffix = channels.isEmpty ? "" : " (\(channels))"
      return "\(scope.name(cap.scope)) \(cap.count) in \(span)\(suffix)"
    }.joined(separator: ", ")
  }
}
