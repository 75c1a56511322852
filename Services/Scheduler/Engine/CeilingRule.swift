internal import ServiceKit

/// How many orders a flow makes in a calendar day of its store's zone before it is paused (F20).
/// Pure.
enum CeilingRule {
  /// Where the flow says nothing. A replay, on a virtual clock, has no ceiling then: what it sends
  /// reaches nobody.
  static let standard = 10_000
  /// How long a step that the ceiling holds back waits until it is looked at again.
  static let wait = 10 * Micros.minute

  static func ceiling(_ flow: FlowDefinition, isVirtual: Bool) -> Int64? {
    if let stated = flow.ceiling { return Int64(stated) }
    return isVirtual ? nil : Int64(standard)
  }

  /// The day that the store's calendar shows, such as 20261102.
  static func day(at instant: Int64, zone: TimeZoneRules) -> Int64 {
    let local = zone.civilTime(at: Instant(microseconds: instant))
    return Int64(local.year) * 10_000 + Int64(local.month) * 100 + Int64(local.day)
  }
}

/// What a flow has ordered today.
struct FlowDay: Sendable, Equatable {
  var day: Int64 = 0
  var sent: Int64 = 0
  /// Until somebody resumes the flow, also past midnight.
  var isHalted = false

  /// Begins anew with another day.
  mutating func enter(_ day: Int64) {
    if isHalted || day == self.day { return }
    (self.day, sent) = (day, 0)
  }
}
