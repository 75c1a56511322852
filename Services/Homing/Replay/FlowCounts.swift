internal import Messages

/// What the flows of a replay have done.
struct FlowCounts: Hashable, Sendable {
  /// Messages handed over, letters among them, by channel and template.
  var messages: [String: [String: UInt64]] = [:]
  /// Letters and postcards.
  var letters: UInt64 = 0
  /// Why something did not happen, or ended: by the step, or `enrolment`, then by the reason.
  var reasons: [String: [String: UInt64]] = [:]

  private static let reasonTexts = EnumText<CommonV1.ReasonCode>("REASON_CODE_")

  mutating func add(_ report: SchedulerV1.ReportResponse) {
    for count in report.reasons {
      let step = count.step.isEmpty ? "enrolment" : count.step
      reasons[step, default: [:]][Self.reasonTexts.name(count.reason), default: 0] += count.count
    }
    for row in report.rows where !row.step.isEmpty && row.variant.isEmpty {
      // What may have reached its person counts: nobody will try again.
      let count = row.sent + row.unknown
      if row.channel == .letter || row.channel == .postcard { letters += count }
      if count > 0 {
        messages[CartTexts.channel.name(row.channel), default: [:]][row.template, default: 0] +=
          count
      }
    }
  }

  /// Asks the scheduler for what the replay has left behind.
  static func read(_ services: any FlowServices, stores: [String]) async throws -> FlowCounts {
    var counts = FlowCounts()
    for store in stores { counts.add(try await services.report(.init(store: store))) }
    return counts
  }
}
