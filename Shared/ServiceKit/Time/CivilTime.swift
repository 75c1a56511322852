/// A date with a time of day, of no particular zone: what a calendar and a clock on a wall show.
///
/// By the Gregorian calendar, also before it was in use. Fields are not checked by the compiler:
/// whoever makes one from outside calls `check()`.
package struct CivilTime: Hashable, Comparable, Sendable {
  package var year: Int
  /// From 1 to 12.
  package var month: Int
  /// From 1 to the length of the month.
  package var day: Int
  package var hour: Int
  package var minute: Int
  package var second: Int
  package var microsecond: Int

  package init(
    year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0,
    microsecond: Int = 0
  ) {
    self.year = year
    self.month = month
    self.day = day
    self.hour = hour
    self.minute = minute
    self.second = second
    self.microsecond = microsecond
  }

  /// What a clock shows so long after 1970-01-01T00:00:00 of the same clock.
  init(microsecondsSince1970 microseconds: Int64) {
    let (seconds, microsecond) = microseconds.dividedDown(by: 1_000_000)
    let (days, second) = seconds.dividedDown(by: 86_400)
    (year, month, day) = CivilTime.date(days: days)
    hour = Int(second / 3600)
    minute = Int(second / 60 % 60)
    self.second = Int(second % 60)
    self.microsecond = Int(microsecond)
  }

  /// Since 1970-01-01T00:00:00 of the same clock.
  var microsecondsSince1970: Int64 {
    let seconds = Int64(hour) * 3600 + Int64(minute) * 60 + Int64(second)
    return (CivilTime.days(year, month, day) * 86_400 + seconds) * 1_000_000 + Int64(microsecond)
  }

  /// - Throws: for a field outside the calendar, or a year outside 1 to 9999.
  package func check() throws(TimeError) {
    guard (1...9999).contains(year) else { throw TimeError("year \(year) is not 1 to 9999") }
    guard (1...12).contains(month) else { throw TimeError("month \(month) is not 1 to 12") }
    let length = CivilTime.length(ofMonth: month, year)
    guard (1...length).contains(day) else { throw TimeError("day \(day) is not 1 to \(length)") }
    guard (0..<24).contains(hour) else { throw TimeError("hour \(hour) is not 0 to 23") }
    guard (0..<60).contains(minute) else { throw TimeError("minute \(minute) is not 0 to 59") }
    guard (0..<60).contains(second) else { throw TimeError("second \(second) is not 0 to 59") }
    guard (0..<1_000_000).contains(microsecond) else {
      throw TimeError("microsecond \(microsecond) is not 0 to 999999")
    }
  }

  /// 0 is Sunday, 6 is Saturday.
  package var weekday: Int { CivilTime.weekday(days: CivilTime.days(year, month, day)) }

  /// The same time of day some calendar months later or, below zero, earlier: a day that the month
  /// lacks becomes its last. Stops at the years 1 and 9999.
  package func adding(months: Int) -> CivilTime {
    let (sum, isOver) = (year * 12 + month - 1).addingReportingOverflow(months)
    let count = isOver ? (months < 0 ? Int.min : .max) : sum
    var result = self
    let month = min(max(count, 12), 9999 * 12 + 11)
    result.year = month / 12
    result.month = month % 12 + 1
    result.day = min(day, CivilTime.length(ofMonth: result.month, result.year))
    return result
  }

  package static func < (a: Self, b: Self) -> Bool {
    a.microsecondsSince1970 < b.microsecondsSince1970
  }

  static func isLeap(_ year: Int) -> Bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
  }

  package static func length(ofMonth month: Int, _ year: Int) -> Int {
    switch month {
    case 2: isLeap(year) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  static func weekday(days: Int64) -> Int { Int((days + 4).dividedDown(by: 7).remainder) }

  /// Days from 1970-01-01. Years are counted from March here, so that the leap day comes last.
  static func days(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
    let shifted = Int64(month > 2 ? year : year - 1)
    let (era, yearOfEra) = shifted.dividedDown(by: 400)
    let dayOfYear = Int64((153 * ((month + 9) % 12) + 2) / 5 + day - 1)
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  private static func date(days: Int64) -> (year: Int, month: Int, day: Int) {
    let (era, dayOfEra) = (days + 719_468).dividedDown(by: 146_097)
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (Int(year), Int(month), Int(dayOfYear - (153 * shifted + 2) / 5 + 1))
  }
}
