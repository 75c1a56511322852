internal import DynamicMessages
internal import Messages

/// Episodes against enrolments, enrolments against decisions: exactly one each.
struct RecordCheck {
  /// Faults that are named; more are counted.
  private static let namedMax = 20

  private(set) var episodes = 0
  private(set) var enrolments = 0
  private(set) var entered = 0
  private(set) var decisions = 0
  private(set) var faultCount = 0
  /// A sentence each.
  private(set) var faults: [String] = []
  /// Enrolments of each episode that there should be one of.
  private var ofEpisode: [String: Int] = [:]
  private var steps: Set<String> = []
  /// Entered and over, without a decision so far.
  private var silent: Set<String> = []

  mutating func add(_ episode: CartTrackerV1.Episode) {
    episodes += 1
    ofEpisode[episode.id] = 0
  }

  mutating func add(_ enrolment: SchedulerV1.Enrolment) {
    enrolments += 1
    if !enrolment.episode.isEmpty, ofEpisode[enrolment.episode] != nil {
      ofEpisode[enrolment.episode, default: 0] += 1
    }
    switch enrolment.state {
    case .refused where enrolment.reason == .unspecified:
      note("enrolment \(enrolment.id) was refused without a reason")
    case .ended:
      entered += 1
      silent.insert(enrolment.id)
      if enrolment.reason == .unspecified {
        note("enrolment \(enrolment.id) ended without a reason")
      }
    case .running: entered += 1
    default: break
    }
  }

  mutating func add(_ decision: SchedulerV1.Decision) {
    decisions += 1
    silent.remove(decision.enrolment)
    if !steps.insert("\(decision.enrolment) \(decision.step)").inserted {
      note("step \(decision.step) of enrolment \(decision.enrolment) has two records")
    }
    switch decision.verdict {
    case .skipped where decision.reason == .unspecified:
      note("step \(decision.step) of enrolment \(decision.enrolment) was skipped without a reason")
    case .unspecified:
      note("step \(decision.step) of enrolment \(decision.enrolment) has no verdict")
    default: break
    }
    let ends = decision.outcomes.count { RecordCheck.ends.contains($0.kind) }
    if ends > 1 { note("order \(decision.order) has \(ends) ends") }
  }

  private static let ends: [CommonV1.OutcomeKind] = [
    .handedOver, .unknown, .skipped, .withdrawn, .failed,
  ]

  mutating func finish() {
    for (episode, count) in ofEpisode.sorted(by: { $0.key < $1.key }) where count != 1 {
      note("episode \(episode) has \(count) enrolments")
    }
    for enrolment in silent.sorted() {
      note("enrolment \(enrolment) ended without any record")
    }
  }

  private mutating func note(_ fault: String) {
    faultCount += 1
    if faults.count < RecordCheck.namedMax { faults.append(fault) }
  }

  var lines: [String] {
    faults + [
      "\(episodes) episodes, \(enrolments) enrolments (\(entered) entered), \(decisions) records: "
        + "\(faultCount) faults"
    ]
  }

  var json: JSONValue {
    .object([
      JSONMember("episodes", .number("\(episodes)")),
      JSONMember("enrolments", .number("\(enrolments)")),
      JSONMember("entered", .number("\(entered)")),
      JSONMember("decisions", .number("\(decisions)")),
      JSONMember("faults", .number("\(faultCount)")),
      JSONMember("named", .array(faults.map { .string($0) })),
    ])
  }
}
