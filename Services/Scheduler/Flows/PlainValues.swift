internal import Messages
internal import ServiceKit

/// Spans, amounts and times as a marketer writes them.
enum PlainValues {
  static let second: Int64 = 1_000_000
  static let minute = 60 * second
  static let hour = 60 * minute
  static let day = 24 * hour
  static let week = 7 * day

  static let spanExamples = "write such as 90 seconds, 30 minutes, 12 hours, 1 day or 2 weeks"

  private static let units: [(names: [String], length: Int64)] = [
    (["s", "sec", "second", "seconds"], second), (["m", "min", "minute", "minutes"], minute),
    (["h", "hour", "hours"], hour), (["d", "day", "days"], day), (["w", "week", "weeks"], week),
  ]
  private static let monthNames = ["mo", "month", "months"]

  enum SpanError: Error { case malformed, unknownUnit(String), mixedMonths, tooLong }

  /// Such as `90s`, `1 day`, `1h30m`, `1 month`; months stand alone.
  static func period(_ text: String) throws(SpanError) -> Period {
    var rest = Substring(text)
    var sum: Int64 = 0
    var months = 0
    var parts = 0
    while !rest.isEmpty {
      rest = rest.drop { $0 == " " }
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      rest = rest.dropFirst(digits.count).drop { $0 == " " }
      let unit = rest.prefix { $0.isLetter }
      rest = rest.dropFirst(unit.count)
      if digits.isEmpty || unit.isEmpty || parts >= 4 { throw .malformed }
      guard let count = Int64(digits), count <= 1_000_000_000 else { throw .tooLong }
      parts += 1
      let name = unit.lowercased()
      if monthNames.contains(name) {
        months += Int(count)
      } else if let length = units.first(where: { $0.names.contains(name) })?.length {
        let (product, isOver) = count.multipliedReportingOverflow(by: length)
        let (next, isSumOver) = sum.addingReportingOverflow(product)
        if isOver || isSumOver { throw .tooLong }
        sum = next
      } else {
        throw .unknownUnit(String(unit))
      }
    }
    if parts == 0 { throw .malformed }
    if months > 0 || monthNames.contains(where: text.lowercased().hasSuffix) {
      if parts > 1 { throw .mixedMonths }
      return .months(months)
    }
    return .span(sum)
  }

  static func sentence(_ error: SpanError, _ text: String) -> String {
    switch error {
    case .malformed: return "\(Quoted.text(text)) is no span of time; \(spanExamples)"
    case .tooLong: return "\(Quoted.text(text)) is too long a span of time"
    case .mixedMonths: return "months have no fixed length and stand alone, such as 2 months"
    case .unknownUnit(let unit):
      let names = ["seconds", "minutes", "hours", "days", "weeks", "months"]
      return "\(Quoted.text(unit)) is no unit of time\(NearestWord.hint(unit, in: names))"
    }
  }

  /// The largest units that leave no rest, such as `1 day` or `1 hour 30 minutes`.
  static func text(_ period: Period) -> String {
    switch period {
    case .months(let months): return counted(Int64(months), "month")
    case .span(let span):
      var rest = span
      var parts: [String] = []
      let units = [
        (week, "week"), (day, "day"), (hour, "hour"), (minute, "minute"), (second, "second"),
      ]
      for (length, name) in units {
        // Days read better than a week and a day.
        if name == "week" && rest % week != 0 { continue }
        if rest >= length { parts.append(counted(rest / length, name)) }
        rest %= length
      }
      return parts.isEmpty ? "0 seconds" : parts.joined(separator: " ")
    }
  }

  static func counted(_ count: Int64, _ noun: String) -> String {
    "\(count) \(noun)\(count == 1 ? "" : "s")"
  }

  // MARK: - Numbers and money

  /// A decimal number without an exponent; at most 9 digits after the point. Nil for other text.
  static func decimal(_ text: some StringProtocol) -> (units: Int64, nanos: Int32)? {
    let isNegative = text.hasPrefix("-")
    let parts = text.dropFirst(isNegative ? 1 : 0)
      .split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2, let whole = parts.first, isDigits(whole), whole.count <= 15,
      var units = Int64(whole)
    else { return nil }
    var nanos: Int32 = 0
    if parts.count == 2 {
      let fraction = parts[1]
      guard isDigits(fraction), fraction.count <= 9 else { return nil }
      let padded = fraction + String(repeating: "0", count: 9 - fraction.count)
      nanos = Int32(padded) ?? 0
    }
    if isNegative { (units, nanos) = (-units, -nanos) }
    return (units, nanos)
  }

  private static func isDigits(_ text: some StringProtocol) -> Bool {
    !text.isEmpty && text.allSatisfy { $0.isASCII && $0.isNumber }
  }

  /// An amount with its currency after it, such as `20 EUR` or `19.90 CHF`. Nil for other text.
  static func money(_ text: String) -> CommonV1.Money? {
    let parts = text.split(separator: " ")
    guard parts.count == 2, isCurrency(parts[1]), let amount = decimal(parts[0]) else { return nil }
    return CommonV1.Money(
      currencyCode: String(parts[1]), units: amount.units, nanos: amount.nanos)
  }

  /// Three capitals (ISO 4217).
  static func isCurrency(_ text: some StringProtocol) -> Bool {
    text.count == 3 && text.allSatisfy { $0.isASCII && $0.isLetter && $0.isUppercase }
  }

  /// Such as `19.9 EUR`.
  static func text(_ money: CommonV1.Money) -> String {
    let isNegative = money.units < 0 || money.nanos < 0
    var text = "\(isNegative ? "-" : "")\(money.units.magnitude)"
    if money.nanos != 0 {
      let digits = "\(money.nanos.magnitude)"
      var fraction = String(repeating: "0", count: max(0, 9 - digits.count)) + digits
      while fraction.hasSuffix("0") { fraction.removeLast() }
      if fraction.count == 1 { fraction += "0" }
      text += "." + fraction
    }
    return "\(text) \(money.currencyCode)"
  }

  // MARK: - Times

  /// Such as `09:00` or `monday 09:00`.
  static func localTime(_ text: String) throws(SendWindowText.Fault) -> Pause.LocalTime {
    let parts = text.split(separator: " ")
    guard parts.count <= 2, let minute = parts.last.flatMap({ SendWindowText.minute($0) }) else {
      throw .malformed
    }
    let weekday = parts.count == 2 ? Int(try SendWindowText.day(parts[0])) : nil
    return Pause.LocalTime(minute: Int(minute), weekday: weekday)
  }

  static func text(_ time: Pause.LocalTime) -> String {
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let clock = "\(two(time.minute / 60)):\(two(time.minute % 60))"
    guard let weekday = time.weekday else { return clock }
    let name = SendWindowText.weekdays[weekday - 1]
    return name.prefix(1).uppercased() + name.dropFirst() + " " + clock
  }

  /// An instant with its offset (RFC 3339), or a date, which means its beginning in UTC.
  static func instant(_ text: String) -> Int64? {
    let isDate = text.utf8.count == 10
    return (try? Instant(parsing: isDate ? text + "T00:00:00Z" : text))?.microseconds
  }
}
