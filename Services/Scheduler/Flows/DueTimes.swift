internal import ServiceKit

/// When waits end and runs begin. A day is 24 hours; months are calendar months in the zone; a
/// local time that the clocks skip moves forward, of two that they show it is the first (C13).
extension Period {
  /// So long after an instant, in microseconds since 1970.
  func end(from start: Int64, zone: TimeZoneRules, count: Int = 1) -> Int64 {
    switch self {
    case .span(let span):
      let (product, isOver) = span.multipliedReportingOverflow(by: Int64(count))
      let (sum, isSumOver) = start.addingReportingOverflow(product)
      let isPast = (count < 0) != (span < 0)
      return Instant(microseconds: isOver || isSumOver ? (isPast ? .min : .max) : sum).microseconds
    case .months(let months):
      let (product, isOver) = months.multipliedReportingOverflow(by: count)
      let clamped = isOver ? (count < 0 ? -120_000 : 120_000) : product
      return zone.adding(months: clamped, to: Instant(microseconds: start)).microseconds
    }
  }
}

extension Pause {
  /// When a pause that was reached at an instant is over, in the contact's zone.
  func due(from reachedAt: Int64, zone: TimeZoneRules) -> Int64 {
    let start = period?.end(from: reachedAt, zone: zone) ?? reachedAt
    return until?.next(from: start, zone: zone) ?? start
  }
}

extension Pause.LocalTime {
  /// The first instant, this one included, at which local clocks show it.
  func next(from start: Int64, zone: TimeZoneRules) -> Int64 {
    let today = zone.civilTime(at: Instant(microseconds: start))
    let midnight = TimeZoneRules.utc.instant(
      ofLocal: CivilTime(year: today.year, month: today.month, day: today.day))
    // From yesterday on: a time that the clocks skip at midnight moves into the next day.
    for offset in -1...9 {
      let day = TimeZoneRules.utc.civilTime(at: midnight + .seconds(86_400 * offset))
      // 1 is Monday here, 0 is Sunday there.
      if let weekday, weekday % 7 != day.weekday { continue }
      let local = CivilTime(
        year: day.year, month: day.month, day: day.day, hour: minute / 60, minute: minute % 60)
      let instant = zone.instant(ofLocal: local).microseconds
      if instant >= start { return instant }
    }
    // The calendar ends.
    return Instant.latest.microseconds
  }
}

extension FlowDefinition.Schedule {
  /// The run of this number, in microseconds since 1970; 0 is the first.
  ///
  /// Counted from the first run, so that the 31st does not become the 28th for good.
  func run(_ index: Int, zone: TimeZoneRules) -> Int64 {
    index == 0 ? firstAt : period.end(from: firstAt, zone: zone, count: index)
  }

  /// The first run after an instant.
  func next(after instant: Int64, zone: TimeZoneRules) -> (index: Int, at: Int64) {
    if instant < firstAt { return (0, firstAt) }
    let length: Int64 =
      switch period {
      case .span(let span): max(1, span)
      // No month is longer, so this is never past the run.
      case .months(let months): Int64(max(1, months)) * 31 * PlainValues.day
      }
    var index = max(0, Int((instant - firstAt) / length) - 1)
    while run(index, zone: zone) <= instant {
      if run(index + 1, zone: zone) <= run(index, zone: zone) { break }
      index += 1
    }
    return (index, run(index, zone: zone))
  }

  /// The episodes that a run takes: those since the run before, each once (F13); the first takes
  /// those of one period.
  func covered(by index: Int, zone: TimeZoneRules) -> Range<Int64> {
    let end = run(index, zone: zone)
    return min(run(index - 1, zone: zone), end)..<end
  }
}
