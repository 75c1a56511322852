internal import ServiceKit
internal import Wire

/// When batches close.
enum CutOff: Sendable, Hashable {
  /// Each day at this minute of it, in the store's time zone.
  case daily(minute: Int)
  /// Each time the span has passed since 1970.
  case every(Duration)

  /// - Throws: INVALID_ARGUMENT where `text` is no time such as `16:00`.
  static func daily(parsing text: String) throws(RPCError) -> CutOff {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy(CutOff.isTwoDigits), let hour = UInt(parts[0]),
      let minute = UInt(parts[1]), hour < 24, minute < 60
    else { throw RPCError(.invalidArgument, "it is no time such as 16:00") }
    return .daily(minute: Int(hour * 60 + minute))
  }

  private static func isTwoDigits(_ text: Substring) -> Bool {
    text.utf8.count == 2 && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
  }

  /// The first cut-off after `now` that is not before `due`.
  func next(after now: Instant, from due: Instant, _ zone: TimeZoneRules) -> Instant {
    // A step before `due`, so that a cut-off at it counts.
    let bound = max(now, due - .microseconds(1))
    switch self {
    case .every(let span):
      let step = max(1, span.microseconds)
      let passed = bound.microseconds / step
      return Instant(microseconds: (passed + 1) * step)
    case .daily(let minute):
      var day = zone.civilTime(at: bound)
      day.hour = minute / 60
      day.minute = minute % 60
      day.second = 0
      day.microsecond = 0
      let today = zone.instant(ofLocal: day)
      if today > bound { return today }
      // Noon of the next day is never the same day, whatever the clocks skip.
      day.hour = 12
      day.minute = 0
      var next = zone.civilTime(at: zone.instant(ofLocal: day) + .seconds(86_400))
      next.hour = minute / 60
      next.minute = minute % 60
      next.second = 0
      next.microsecond = 0
      return zone.instant(ofLocal: next)
    }
  }
}

extension Duration {
  /// Whole ones.
  fileprivate var microseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1_000_000 + attoseconds / 1_000_000_000_000
  }
}
