internal import ArgumentParser
internal import Messages
internal import ServiceKit

/// A window as a person writes it: `90s`, `30m`, `1h`, `1h30m`, `1d`, `1w` or `1mo`.
struct WindowText: Hashable, Sendable, ExpressibleByArgument {
  let window: CartTrackerV1.Window

  init?(_ text: String) {
    if text.hasSuffix("mo") {
      guard let months = UInt32(text.dropLast(2)), (1...24).contains(months) else { return nil }
      window = CartTrackerV1.Window(length: .months(months))
      return
    }
    guard let span = SpanText(text)?.duration, span > .zero else { return nil }
    window = CartTrackerV1.Window(length: .span(Protobuf.Duration(span)))
  }

  init?(argument: String) { self.init(argument) }
}

/// A span in which days and weeks may be said too: `10m`, `1d12h`, `1w`.
struct SpanText: Hashable, Sendable, ExpressibleByArgument {
  let duration: Duration

  init?(_ text: String) {
    var hours = ""
    var rest = Substring(text)
    while !rest.isEmpty {
      let number = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
      let unit = rest.dropFirst(number.count).prefix { $0.isLetter }
      guard !number.isEmpty else { return nil }
      rest = rest.dropFirst(number.count + unit.count)
      switch unit {
      case "d", "w":
        guard let count = Double(number) else { return nil }
        hours += "\(count * (unit == "d" ? 24 : 168))h"
      default: hours += number + unit
      }
    }
    // Zero may be said without a unit.
    if text == "0" { hours = "0s" }
    guard let span = TimeSpan(hours) else { return nil }
    duration = span.duration
  }

  init?(argument: String) { self.init(argument) }
}

extension CartTrackerV1.Window {
  /// In microseconds, at the least: a month has 28 days, one of which may be an hour short.
  var microsecondsMin: Int64 {
    switch length {
    case .span(let span): span.span.microsecondsClamped
    case .months(let months): Int64(months) * (28 * 24 - 1) * 3_600_000_000
    case nil: 0
    }
  }

  /// In microseconds, at the most.
  var microsecondsMax: Int64 {
    switch length {
    case .months(let months): Int64(months) * (31 * 24 + 1) * 3_600_000_000
    case .span, nil: microsecondsMin
    }
  }
}
