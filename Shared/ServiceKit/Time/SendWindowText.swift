package import Messages

extension CommonV1.Channel {
  /// Whether it rings or shows at once (F15): letters and staff have no hours.
  package var hasHours: Bool { [.email, .sms, .chat, .push].contains(self) }

  /// To customers: caps and holdouts count these only (F15, F17).
  package var reachesPeople: Bool { hasHours || self == .letter || self == .postcard }
}

/// Hours of a day as people write them: `08:00-20:00`, `mon-fri 09:00-17:30`,
/// `sat,sun 10:00-14:00`; `22:00-06:00` goes on into the next day, `00:00-00:00` is all day.
package enum SendWindowText {
  package enum Fault: Error, Equatable {
    case malformed
    case unknownDay(String)
  }

  package static let weekdays = [
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
  ]

  package static func parse(_ text: String) throws(Fault) -> CommonV1.SendWindow {
    let parts = text.split(separator: " ")
    guard let hours = parts.last, parts.count <= 2 else { throw .malformed }
    let ends = hours.split(separator: "-", omittingEmptySubsequences: false)
    guard ends.count == 2, let from = minute(ends[0]), let to = minute(ends[1]) else {
      throw .malformed
    }
    let days = parts.count == 2 ? try days(parts[0]) : []
    return .init(fromMinute: from, toMinute: to, weekdays: days)
  }

  package static func text(_ window: CommonV1.SendWindow) -> String {
    func two(_ number: UInt32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    func clock(_ minute: UInt32) -> String { "\(two(minute / 60)):\(two(minute % 60))" }
    let hours = "\(clock(window.fromMinute))-\(clock(window.toMinute))"
    let days = Set(window.weekdays).sorted()
    if days.isEmpty { return hours }
    let names = days.map { (1...7).contains($0) ? weekdays[Int($0) - 1].prefix(3) : "?" }
    let isRow = days.count > 2 && days.last == days[0] + UInt32(days.count) - 1
    let list = isRow ? "\(names[0])-\(names[names.count - 1])" : names.joined(separator: ",")
    return "\(list) \(hours)"
  }

  /// Minutes after midnight of a time such as `9:05`; nil for other text.
  package static func minute(_ text: Substring) -> UInt32? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    let isNumbers = parts.allSatisfy { part in
      (1...2).contains(part.utf8.count) && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }
    guard parts.count == 2, isNumbers, parts[1].utf8.count == 2, let hour = UInt32(parts[0]),
      let minute = UInt32(parts[1]), hour < 24, minute < 60
    else { return nil }
    return hour * 60 + minute
  }

  /// `mon-fri`, `mon,wed`, `sat-mon`; in ascending order.
  private static func days(_ text: Substring) throws(Fault) -> [UInt32] {
    var days: Set<UInt32> = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false)
      guard let first = ends.first, ends.count <= 2 else { throw .malformed }
      let end = try day(ends.last ?? first)
      var next = try day(first)
      days.insert(next)
      while next != end {
        next = next % 7 + 1
        days.insert(next)
      }
    }
    return days.sorted()
  }

  /// A day of the week by its name or the name's first three letters; 1 is Monday.
  package static func day(_ text: Substring) throws(Fault) -> UInt32 {
    let name = text.lowercased()
    let index = weekdays.firstIndex { $0 == name || (name.count == 3 && $0.hasPrefix(name)) }
    guard let index else { throw .unknownDay(String(text)) }
    return UInt32(index + 1)
  }
}
