/// A POSIX TZ rule as RFC 8536 §3.3 has it, such as `CET-1CEST,M3.5.0,M10.5.0/3`: for the years
/// after a zone's table.
struct ZoneRule: Hashable, Sendable {
  /// From `at` on clocks are `offset` seconds ahead of UTC.
  struct Change: Hashable, Sendable {
    let at: Int64
    let offset: Int64
  }

  /// Seconds ahead of UTC.
  let standard: Int64
  let summer: Summer?

  struct Summer: Hashable, Sendable {
    let offset: Int64
    let start: Day
    let end: Day
  }

  /// A day of each year, and a time of it.
  struct Day: Hashable, Sendable {
    enum Date: Hashable, Sendable {
      /// 1 to 365; 29 February is never counted.
      case withoutLeapDay(Int)
      /// 0 to 365.
      case withLeapDay(Int)
      /// The weekday's first to fourth, or as week 5 its last, of the month.
      case weekday(month: Int, week: Int, weekday: Int)
    }

    let date: Date
    /// Seconds after midnight; may lie outside the day.
    let time: Int64

    /// What clocks show, in seconds since 1970 of the same clocks.
    func local(_ year: Int) -> Int64 { days(year) * 86_400 + time }

    private func days(_ year: Int) -> Int64 {
      switch date {
      case .withoutLeapDay(let number):
        let isAfterLeapDay = CivilTime.isLeap(year) && number >= 60
        return CivilTime.days(year, 1, 1) + Int64(number - (isAfterLeapDay ? 0 : 1))
      case .withLeapDay(let number): return CivilTime.days(year, 1, 1) + Int64(number)
      case .weekday(let month, let week, let weekday):
        let first = CivilTime.days(year, month, 1)
        let day = (weekday - CivilTime.weekday(days: first) + 7) % 7 + (week - 1) * 7
        let isWithin = day < CivilTime.length(ofMonth: month, year)
        return first + Int64(isWithin ? day : day - 7)
      }
    }
  }

  func offset(at seconds: Int64) -> Int64 {
    guard summer != nil else { return standard }
    let year = CivilTime(microsecondsSince1970: (seconds + standard) * 1_000_000).year
    return changes(years: year - 1...year + 1).last { $0.at <= seconds }?.offset ?? standard
  }

  /// In order of time.
  func changes(after start: Int64, upTo end: Int64) -> [Change] {
    guard summer != nil, start < end else { return [] }
    let lower = CivilTime(microsecondsSince1970: start * 1_000_000).year
    let upper = CivilTime(microsecondsSince1970: end * 1_000_000).year
    return changes(years: lower - 1...upper + 1).filter { $0.at > start && $0.at <= end }
  }

  private func changes(years: ClosedRange<Int>) -> [Change] {
    guard let summer else { return [] }
    let all = years.flatMap { year in
      [
        Change(at: summer.start.local(year) - standard, offset: summer.offset),
        Change(at: summer.end.local(year) - summer.offset, offset: standard),
      ]
    }
    // Summer time may begin again the moment it ends, where it lasts all year.
    return all.sorted {
      ($0.at, $0.offset == summer.offset ? 1 : 0) < ($1.at, $1.offset == summer.offset ? 1 : 0)
    }
  }
}

extension ZoneRule {
  /// - Throws: for text that is no such rule.
  init(parsing text: [UInt8]) throws(TimeError) {
    var reader = ZoneRuleReader(rest: text[...])
    guard let rule = reader.rule(), reader.rest.isEmpty else {
      throw TimeError("a rule of \(text.count) bytes is not as RFC 8536 §3.3 has it")
    }
    self = rule
  }
}

/// Each function takes what it names from the front, or answers nil.
private struct ZoneRuleReader {
  var rest: ArraySlice<UInt8>

  mutating func rule() -> ZoneRule? {
    guard name(), let west = time(hoursMax: 24) else { return nil }
    if rest.isEmpty { return ZoneRule(standard: -west, summer: nil) }
    guard name() else { return nil }
    var summer = -west + 3600
    if rest.first != UInt8(ascii: ",") {
      guard let west = time(hoursMax: 24) else { return nil }
      summer = -west
    }
    guard let start = day(), let end = day() else { return nil }
    return ZoneRule(
      standard: -west, summer: ZoneRule.Summer(offset: summer, start: start, end: end))
  }

  private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard rest.first == UInt8(ascii: scalar) else { return false }
    rest.removeFirst()
    return true
  }

  private mutating func number(_ range: ClosedRange<Int>) -> Int? {
    let digits = rest.prefix { (0x30...0x39).contains($0) }
    guard (1...3).contains(digits.count) else { return nil }
    rest = rest.dropFirst(digits.count)
    let value = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    return range.contains(value) ? value : nil
  }

  /// Three letters or more, or anything in angle brackets; what they say is not needed.
  private mutating func name() -> Bool {
    if take("<") {
      let name = rest.prefix { $0 != UInt8(ascii: ">") }
      rest = rest.dropFirst(name.count)
      return name.count >= 3 && take(">")
    }
    let name = rest.prefix { (0x41...0x5A).contains($0 & 0xDF) }
    rest = rest.dropFirst(name.count)
    return name.count >= 3
  }

  private mutating func time(hoursMax: Int) -> Int64? {
    let isNegative = take("-")
    if !isNegative { _ = take("+") }
    guard let hours = number(0...hoursMax) else { return nil }
    var seconds = hours * 3600
    for unit in [60, 1] where take(":") {
      guard let part = number(0...59) else { return nil }
      seconds += part * unit
    }
    return Int64(isNegative ? -seconds : seconds)
  }

  private mutating func day() -> ZoneRule.Day? {
    guard take(","), let date = date() else { return nil }
    guard take("/") else { return ZoneRule.Day(date: date, time: 7200) }
    // Up to a week either way, as version 3 of the format allows.
    guard let time = time(hoursMax: 167) else { return nil }
    return ZoneRule.Day(date: date, time: time)
  }

  private mutating func date() -> ZoneRule.Day.Date? {
    if take("J") { return number(1...365).map { .withoutLeapDay($0) } }
    guard take("M") else { return number(0...365).map { .withLeapDay($0) } }
    guard let month = number(1...12), take("."), let week = number(1...5), take("."),
      let weekday = number(0...6)
    else { return nil }
    return .weekday(month: month, week: week, weekday: weekday)
  }
}
