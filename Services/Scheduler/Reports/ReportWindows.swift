internal import Messages
internal import Wire

/// How long after it something earns a purchase (R00), in microseconds.
struct ReportWindows: Sendable, Equatable {
  private static let most = 366 * Micros.day

  var click = 5 * Micros.day
  var contact = 7 * Micros.day
  var letter = 30 * Micros.day

  init() {}

  /// - Throws: INVALID_ARGUMENT for a window below zero or above a year.
  init(_ windows: SchedulerV1.AttributionWindows?) throws(RPCError) {
    click = try ReportWindows.span(windows?.click, "click", default: click)
    contact = try ReportWindows.span(windows?.contact, "contact", default: contact)
    letter = try ReportWindows.span(windows?.letter, "letter", default: letter)
  }

  private static func span(
    _ span: Protobuf.Duration?, _ name: String, default fallback: Int64
  ) throws(RPCError) -> Int64 {
    guard let span else { return fallback }
    let value = Micros.of(span)
    guard (0...most).contains(value) else {
      throw RPCError(
        .invalidArgument, "a window is from 0 to 366 days",
        fieldViolations: [.init(field: "windows.\(name)", detail: "is \(span.seconds) seconds")])
    }
    return value
  }

  func contact(_ channel: CommonV1.Channel) -> Int64 {
    channel == .letter || channel == .postcard ? letter : contact
  }

  var message: SchedulerV1.AttributionWindows {
    SchedulerV1.AttributionWindows(
      click: Micros.span(click), contact: Micros.span(contact), letter: Micros.span(letter))
  }
}
