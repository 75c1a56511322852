/// google.protobuf.Timestamp and Duration as the JSON mapping writes them.
package struct TimeText: Hashable, Sendable {
  package var seconds: Int64
  package var nanos: Int32

  package init(seconds: Int64, nanos: Int32) {
    self.seconds = seconds
    self.nanos = nanos
  }

  /// From 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z.
  static let timestampSeconds: ClosedRange<Int64> = -62_135_596_800...253_402_300_799
  /// About 10,000 years either way.
  static let durationSeconds: ClosedRange<Int64> = -315_576_000_000...315_576_000_000
  private static let nanosInSecond: Int32 = 1_000_000_000

  // MARK: Timestamp, RFC 3339

  /// Reads such as `2026-11-22T10:00:00.5Z` or with an offset such as `+02:00`; at most nine digits
  /// of a second.
  package static func timestamp(_ text: String) throws(DynamicError) -> TimeText {
    let wrong = DynamicError("is not a time in RFC 3339's form, such as 2026-11-22T10:00:00.5Z")
    var rest = Array(text.utf8)[...]
    guard let year = number(&rest, 4), take(&rest, "-"), let month = number(&rest, 2),
      take(&rest, "-"), let day = number(&rest, 2), take(&rest, "T"),
      let hour = number(&rest, 2), take(&rest, ":"), let minute = number(&rest, 2),
      take(&rest, ":"), let second = number(&rest, 2), let nanos = fraction(&rest),
      let offset = zone(&rest), rest.isEmpty, year >= 1, (1...12).contains(month),
      (1...lengthOfMonth(month, year)).contains(day), hour < 24, minute < 60, second < 60
    else { throw wrong }
    let seconds =
      days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset
    guard timestampSeconds.contains(seconds) else {
      throw DynamicError("is outside the years 1 to 9999 in UTC")
    }
    return TimeText(seconds: seconds, nanos: nanos)
  }

  /// In UTC, with 0, 3, 6 or 9 digits of a second.
  package func timestampText() throws(DynamicError) -> String {
    guard TimeText.timestampSeconds.contains(seconds), (0..<TimeText.nanosInSecond).contains(nanos)
    else {
      throw DynamicError("is no Timestamp: \(seconds) seconds, \(nanos) nanoseconds")
    }
    let dayCount = (seconds - TimeText.timestampSeconds.lowerBound) / 86_400
    let second = (seconds - TimeText.timestampSeconds.lowerBound) % 86_400
    let (year, month, day) = TimeText.civil(daysSinceYear1: dayCount)
    let date = TimeText.padded(year, 4) + "-" + TimeText.padded(month, 2) + "-"
    let time = [second / 3_600, second / 60 % 60, second % 60].map { TimeText.padded($0, 2) }
    return date + TimeText.padded(day, 2) + "T" + time.joined(separator: ":") + fractionText + "Z"
  }

  // MARK: Duration

  /// Reads such as `1.5s` or `-0.000000001s`.
  package static func duration(_ text: String) throws(DynamicError) -> TimeText {
    var rest = Array(text.utf8)[...]
    let isNegative = take(&rest, "-")
    let digits = rest.prefix { $0.isDigit }
    rest = rest.dropFirst(digits.count)
    guard !digits.isEmpty, digits.count <= 18, let nanos = fraction(&rest), take(&rest, "s"),
      rest.isEmpty
    else { throw DynamicError("is not a span in seconds, such as 1.5s") }
    let seconds = digits.reduce(Int64(0)) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
    let span = TimeText(
      seconds: isNegative ? -seconds : seconds, nanos: isNegative ? -nanos : nanos)
    guard span.isDuration else {
      throw DynamicError("is outside ±\(durationSeconds.upperBound) seconds")
    }
    return span
  }

  /// With 0, 3, 6 or 9 digits of a second.
  package func durationText() throws(DynamicError) -> String {
    guard isDuration else {
      throw DynamicError("is no Duration: \(seconds) seconds, \(nanos) nanoseconds")
    }
    let sign = seconds < 0 || nanos < 0 ? "-" : ""
    return "\(sign)\(seconds.magnitude)\(fractionText)s"
  }

  private var isDuration: Bool {
    let limit = TimeText.durationSeconds.upperBound
    let isSignSame = seconds == 0 || nanos == 0 || (seconds < 0) == (nanos < 0)
    let isWithin = TimeText.durationSeconds.contains(seconds) && nanos.magnitude < 1_000_000_000
    return isWithin && isSignSame && (seconds.magnitude < limit.magnitude || nanos == 0)
  }

  // MARK: Parts

  private var fractionText: String {
    if nanos == 0 { return "" }
    let digits = TimeText.padded(Int64(nanos.magnitude), 9)
    if digits.hasSuffix("000000") { return "." + digits.dropLast(6) }
    if digits.hasSuffix("000") { return "." + digits.dropLast(3) }
    return "." + digits
  }

  private static func padded(_ value: Int64, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
  }

  private static func take(_ rest: inout ArraySlice<UInt8>, _ scalar: Unicode.Scalar) -> Bool {
    guard rest.first == UInt8(ascii: scalar) else { return false }
    rest.removeFirst()
    return true
  }

  private static func number(_ rest: inout ArraySlice<UInt8>, _ width: Int) -> Int64? {
    let digits = rest.prefix(width)
    guard digits.count == width, digits.allSatisfy(\.isDigit) else { return nil }
    rest = rest.dropFirst(width)
    return digits.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
  }

  /// Nanoseconds of `.5` and the like; 0 where there is no point.
  private static func fraction(_ rest: inout ArraySlice<UInt8>) -> Int32? {
    guard take(&rest, ".") else { return 0 }
    let digits = rest.prefix { $0.isDigit }
    guard (1...9).contains(digits.count) else { return nil }
    rest = rest.dropFirst(digits.count)
    let value = digits.reduce(Int32(0)) { $0 * 10 + Int32($1 - UInt8(ascii: "0")) }
    return (digits.count..<9).reduce(value) { sum, _ in sum * 10 }
  }

  /// Seconds by which local time is ahead of UTC.
  private static func zone(_ rest: inout ArraySlice<UInt8>) -> Int64? {
    if take(&rest, "Z") { return 0 }
    let isBehind = rest.first == UInt8(ascii: "-")
    guard take(&rest, "-") || take(&rest, "+"), let hour = number(&rest, 2), take(&rest, ":"),
      let minute = number(&rest, 2), hour < 24, minute < 60
    else { return nil }
    return (hour * 3_600 + minute * 60) * (isBehind ? -1 : 1)
  }

  private static func isLeap(_ year: Int64) -> Bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
  }

  private static func lengthOfMonth(_ month: Int64, _ year: Int64) -> Int64 {
    switch month {
    case 2: isLeap(year) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  private static func daysBefore(year: Int64) -> Int64 {
    let past = year - 1
    return past * 365 + past / 4 - past / 100 + past / 400
  }

  /// Days from 1970-01-01, by the Gregorian calendar also before it was in use.
  private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let months = (1..<month).reduce(0) { $0 + lengthOfMonth($1, year) }
    return daysBefore(year: year) + months + day - 1 - 719_162
  }

  private static func civil(daysSinceYear1 count: Int64) -> (Int64, Int64, Int64) {
    // A year is 365.2425 days on average, so the guess is off by one at most.
    var year = count * 10_000 / 3_652_425 + 1
    if daysBefore(year: year + 1) <= count { year += 1 }
    if daysBefore(year: year) > count { year -= 1 }
    var rest = count - daysBefore(year: year)
    var month: Int64 = 1
    while rest >= lengthOfMonth(month, year) {
      rest -= lengthOfMonth(month, year)
      month += 1
    }
    return (year, month, rest + 1)
  }
}
