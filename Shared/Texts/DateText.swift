package import ServiceKit

/// Days and instants as text.
package enum DateText {
  /// Such as `24. Dezember 2026`, of the day it then is in the zone.
  package static func day(_ instant: Instant, _ zone: TimeZoneRules, _ forms: LocaleForms) -> String
  {
    let civil = zone.civilTime(at: instant)
    return forms.date(civil.day, forms.months[civil.month - 1], civil.year)
  }

  /// RFC 5322 §3.3, in UTC, such as `Mon, 23 Nov 2026 01:47:00 +0000`.
  package static func mail(_ instant: Instant) -> String {
    let civil = TimeZoneRules.utc.civilTime(at: instant)
    func two(_ value: Int) -> String { (value < 10 ? "0" : "") + "\(value)" }
    let year = String(repeating: "0", count: 4 - "\(civil.year)".utf8.count) + "\(civil.year)"
    // 1970-01-01 was a Thursday.
    let days = instant.seconds >= 0 ? instant.seconds / 86_400 : (instant.seconds - 86_399) / 86_400
    let weekday = weekdays[Int(((days % 7) + 7) % 7)]
    let time = "\(two(civil.hour)):\(two(civil.minute)):\(two(civil.second))"
    return "\(weekday), \(two(civil.day)) \(months[civil.month - 1]) \(year) \(time) +0000"
  }

  private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]
}
