package import Messages
package import ServiceKit

/// Hours in which something may be handed over, on the recipient's clock (F15).
///
/// Open is what the clock shows: in a night in which an hour is shown twice, a time within the
/// window is open both times; where clocks skip the opening, it opens with the first instant after.
package struct SendHours: Sendable, Hashable {
  /// Minutes after midnight; `to` is later than `from` or lies in the next day.
  private let from: Int
  private let to: Int
  /// On which it opens, 0 is Sunday; empty: every day.
  private let weekdays: Set<Int>

  private static let day = 1440

  /// - Returns: nil for minutes past the day or days that no week has.
  package init?(_ window: CommonV1.SendWindow) {
    guard window.fromMinute < Self.day, window.toMinute < Self.day,
      window.weekdays.allSatisfy({ (1...7).contains($0) })
    else { return nil }
    let isAllDay = window.fromMinute == window.toMinute
    from = isAllDay ? 0 : Int(window.fromMinute)
    to = isAllDay ? Self.day : Int(window.toMinute)
    weekdays = Set(window.weekdays.map { Int($0 % 7) })
  }

  /// Where nothing is stated: SMS and push from 08:00 to 20:00, all else at any time (F20).
  package static func standard(_ channel: CommonV1.Channel) -> CommonV1.SendWindow? {
    channel == .sms || channel == .push
      ? CommonV1.SendWindow(fromMinute: 8 * 60, toMinute: 20 * 60) : nil
  }

  package func isOpen(at instant: Instant, zone: TimeZoneRules) -> Bool {
    let local = zone.civilTime(at: instant)
    let minute = local.hour * 60 + local.minute
    if from < to { return opens(on: local.weekday) && minute >= from && minute < to }
    // Across midnight: the day on which it opened counts.
    return minute >= from && opens(on: local.weekday)
      || minute < to && opens(on: (local.weekday + 6) % 7)
  }

  /// The instant itself where it is open, else the first at which it is.
  package func opening(from instant: Instant, zone: TimeZoneRules) -> Instant {
    var at = instant
    // A week has every weekday; a change of the clocks may add a turn.
    for _ in 0..<16 {
      if isOpen(at: at, zone: zone) { return at }
      let next = at + wait(zone.civilTime(at: at))
      at = SendHours.change(in: zone, after: at, upTo: next) ?? next
    }
    return Instant.latest
  }

  /// The instant itself where all are open in all zones, else the first at which they are.
  ///
  /// - Returns: nil where they are never open together within two weeks.
  package static func opening(
    of all: [SendHours], from instant: Instant, zones: [TimeZoneRules]
  ) -> Instant? {
    let end = instant + .seconds(14 * 86_400)
    var at = instant
    while at <= end {
      let next = zones.reduce(at) { at, zone in
        all.reduce(at) { max($0, $1.opening(from: at, zone: zone)) }
      }
      if next == at { return at }
      at = next
    }
    return nil
  }

  // MARK: - Clocks

  private func opens(on weekday: Int) -> Bool { weekdays.isEmpty || weekdays.contains(weekday) }

  /// Until a clock that nobody changes shows the opening time next; more than zero.
  private func wait(_ local: CivilTime) -> Duration {
    let minutes = (from - local.hour * 60 - local.minute + 2 * Self.day - 1) % Self.day + 1
    return .seconds(minutes * 60 - local.second) - .microseconds(local.microsecond)
  }

  /// The first instant in a span of a day at most at which the clocks were changed.
  private static func change(
    in zone: TimeZoneRules, after start: Instant, upTo end: Instant
  ) -> Instant? {
    let offset = zone.offset(at: start)
    if zone.offset(at: end) == offset { return nil }
    var (before, after) = (start, end)
    while after - before > .microseconds(1) {
      let middle = Instant(
        microseconds: before.microseconds + (after.microseconds - before.microseconds) / 2)
      if zone.offset(at: middle) == offset { before = middle } else { after = middle }
    }
    return after
  }
}
