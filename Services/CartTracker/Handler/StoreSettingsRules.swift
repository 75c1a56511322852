internal import Delivery
internal import Messages
internal import ServiceKit
internal import Wire

/// What a store's settings must be like, beyond what the contract's options say of each field.
enum StoreSettingsRules {
  static let monthsMax: UInt32 = 24
  static let capCountMax: UInt32 = 1000
  static let capPeriodMax: Int64 = 366 * 86_400 * 1_000_000

  /// - Throws: INVALID_ARGUMENT that names every field at fault.
  static func check(_ settings: Tracked.StoreSettings) throws(RPCError) {
    var violations: [RPCError.FieldViolation] = []
    func add(_ field: String, _ detail: String) {
      violations.append(.init(field: "settings." + field, detail: detail))
    }
    if (try? TimeZoneRules(name: settings.timeZone)) == nil {
      add("time_zone", "is no IANA name that is known here")
    }
    let country = settings.countryCode.utf8
    if country.count != 2 || !country.allSatisfy((UInt8(ascii: "A")...UInt8(ascii: "Z")).contains) {
      add("country_code", "must be two capital letters, has \(country.count) bytes")
    }
    if let problem = problem(of: settings.window) { add("window", problem) }
    for (index, kind) in settings.kinds.enumerated() where kind.window != nil {
      if let problem = problem(of: kind.window) { add("kinds[\(index)].window", problem) }
    }
    let spans = [
      ("checkout_grace", settings.checkoutGrace), ("allowed_lateness", settings.allowedLateness),
      ("max_lateness", settings.maxLateness), ("feed_limit", settings.feedLimit),
    ]
    for (field, span) in spans where span.map({ $0.microseconds < 0 }) ?? false {
      add(field, "must not be negative")
    }
    if let expiry = settings.cartExpiry, expiry.microseconds <= 0 {
      add("cart_expiry", "must be more than zero")
    }
    if settings.confirmOpen && settings.cartSource.isEmpty {
      add("confirm_open", "needs a cart_source that is asked")
    }
    for (field, problem) in problems(of: settings.windows) { add(field, problem) }
    for (field, problem) in problems(of: settings.caps) { add(field, problem) }
    if settings.uncapped && !settings.caps.isEmpty {
      add("uncapped", "must be off where there are caps, of which there are \(settings.caps.count)")
    }
    if let weights = settings.scoreWeights {
      let sum = [weights.worth, weights.stage, weights.history, weights.recency]
        .reduce(UInt64(0)) { $0 + UInt64($1) }
      if sum != 100 { add("score_weights", "must add up to 100, do to \(sum)") }
    }
    if !violations.isEmpty {
      throw RPCError(
        .invalidArgument, "the settings are not valid", fieldViolations: violations)
    }
  }

  private static func problems(
    of windows: [Tracked.StoreSettings.ChannelWindow]
  ) -> [(field: String, problem: String)] {
    var seen: Set<CommonV1.Channel> = []
    return windows.enumerated().compactMap { index, item in
      let field = "windows[\(index)]"
      guard item.channel.hasHours else {
        return ("\(field).channel", "must be EMAIL, SMS, CHAT or PUSH, is \(item.channel)")
      }
      guard seen.insert(item.channel).inserted else {
        return ("\(field).channel", "is named twice")
      }
      guard item.window.flatMap({ SendHours($0) }) != nil else {
        return ("\(field).window", "minutes must be 0 to 1,439 and weekdays 1 to 7")
      }
      return nil
    }
  }

  private static func problems(
    of caps: [Tracked.StoreSettings.SendCap]
  ) -> [(field: String, problem: String)] {
    caps.enumerated().flatMap { index, cap in
      var problems: [(field: String, problem: String)] = []
      if cap.scope != .person && cap.scope != .company {
        problems.append(("scope", "must be PERSON or COMPANY, is \(cap.scope)"))
      }
      if !(1...capCountMax).contains(cap.count) {
        problems.append(("count", "must be 1 to \(capCountMax), is \(cap.count)"))
      }
      let period = cap.period?.microseconds ?? 0
      if period <= 0 || period > capPeriodMax {
        problems.append(("period", "must be more than zero and at most 366 days"))
      }
      for (place, channel) in cap.channels.enumerated() {
        if !channel.reachesPeople {
          problems.append(
            (
              "channels[\(place)]",
              "must be EMAIL, SMS, CHAT, PUSH, LETTER or POSTCARD, is \(channel)"
            ))
        } else if cap.channels[..<place].contains(channel) {
          problems.append(("channels[\(place)]", "is named twice"))
        }
      }
      return problems.map { ("caps[\(index)].\($0.field)", $0.problem) }
    }
  }

  private static func problem(of window: Tracked.Window?) -> String? {
    switch window?.length {
    case .span(let span)?:
      span.microseconds > 0 ? nil : "a span must be more than zero"
    case .months(let months)?:
      (1...monthsMax).contains(months) ? nil : "months must be 1 to \(monthsMax), are \(months)"
    case nil: "needs a span or months"
    }
  }
}
