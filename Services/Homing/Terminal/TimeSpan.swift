internal import ArgumentParser

/// A span as a person writes it: `5s`, `250ms`, `1m30s`, `1.5h`.
struct TimeSpan: Hashable, Sendable {
  let duration: Duration

  init(_ duration: Duration) {
    self.duration = duration
  }

  /// At most about 31 years, so that no sum of spans overflows.
  static let secondsMax = 1e9

  init?(_ text: String) {
    var rest = Substring(text)
    var seconds = 0.0
    guard !rest.isEmpty else { return nil }
    while !rest.isEmpty {
      let number = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
      rest = rest.dropFirst(number.count)
      let unit = rest.prefix { $0.isLetter }
      rest = rest.dropFirst(unit.count)
      guard let count = Double(number), let factor = TimeSpan.factor(of: unit) else { return nil }
      seconds += count * factor
    }
    guard seconds <= TimeSpan.secondsMax else { return nil }
    duration = .seconds(seconds)
  }

  private static func factor(of unit: Substring) -> Double? {
    switch unit {
    case "ns": 1e-9
    case "us", "µs", "μs": 1e-6
    case "ms": 1e-3
    case "s": 1
    case "m": 60
    case "h": 3600
    default: nil
    }
  }

  /// Three significant digits with the unit that fits, such as `1.25 ms`.
  static func text(_ duration: Duration) -> String {
    let seconds = duration / .seconds(1)
    switch abs(seconds) {
    case 0: return "0 s"
    case ..<1e-3: return significant(seconds * 1e6) + " µs"
    case ..<1: return significant(seconds * 1e3) + " ms"
    default: return significant(seconds) + " s"
    }
  }

  private static func significant(_ value: Double) -> String {
    let places = abs(value) >= 100 ? 0 : abs(value) >= 10 ? 1 : 2
    let scale = places == 0 ? 1 : places == 1 ? 10 : 100
    let scaled = Int((value * Double(scale)).rounded())
    if places == 0 { return "\(scaled)" }
    let fraction = "\(abs(scaled) % scale)"
    let zeros = String(repeating: "0", count: places - fraction.count)
    return "\(scaled < 0 ? "-" : "")\(abs(scaled) / scale).\(zeros)\(fraction)"
  }
}

extension TimeSpan: ExpressibleByArgument {
  init?(argument: String) {
    self.init(argument)
  }
}
