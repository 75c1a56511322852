internal import Messages

/// What one version of a flow says: a tree of steps with joins, checked as a whole.
///
/// Steps name each other by index. Following them always ends: no way leads back (F02).
struct FlowDefinition: Sendable {
  /// Index in `steps`.
  typealias StepIndex = Int

  var name: String
  var start: Start
  /// Who enters, beside the start itself; nil: everyone.
  var entry: Condition?
  /// A contact that entered less than this ago does not enter again; microseconds (F20).
  var reEntry: Int64
  /// An episode known later than this after its time is not enrolled; microseconds (F20).
  var maxAge: Int64
  var steps: [FlowStep]
  /// Where enrolments begin; nil: a flow without steps.
  var first: StepIndex?
  /// Who is never contacted (F17).
  var holdout = Holdout()
  /// Orders of a calendar day in the store's zone at most; one more pauses the flow (F20). Nil:
  /// `CeilingRule.standard`.
  var ceiling: Int?

  /// A share of companies, else of contacts, chosen anew for each period.
  struct Holdout: Sendable, Equatable {
    /// In hundredths of a percent.
    var share = 500
    /// Microseconds, counted from 1970.
    var period = 90 * PlainValues.day
  }

  /// What starts an enrolment (F01).
  enum Start: Sendable, Equatable {
    case cartAbandoned
    case tagAdded(String)
    /// Any of these fields or attributes; empty: any change.
    case profileChanged([String])
    case signal(String)
    case schedule(Schedule)
  }

  /// A first run, then one every period (F13); each covers the episodes since the run before.
  struct Schedule: Sendable, Equatable {
    var firstAt: Int64
    var period: Period
  }
}

/// One step and the ways on.
struct FlowStep: Sendable {
  /// Unique in the flow; the same text gives the same names.
  var name: String
  var action: StepAction
  /// The way on where the action names no other; nil ends the enrolment.
  var next: FlowDefinition.StepIndex?
  /// Where it stands in the text, from 1.
  var line: Int
  var column: Int
}

/// What a step does.
enum StepAction: Sendable {
  case pause(Pause)
  /// The first branch that holds; else `next` is the explicit "none matched".
  case evaluateData([DataBranch])
  case evaluateEvent(EventWait)
  case send(SendStep)
  case incentive(IncentiveStep)
  case give(GiveStep)
  case tag(add: [String], remove: [String])
  /// Shares of the branches, in hundredths of a percent, 10,000 in sum (F18).
  case split([SplitBranch])
  case exit
}

/// A span, or calendar months.
enum Period: Sendable, Equatable {
  /// Microseconds, more than zero.
  case span(Int64)
  case months(Int)
}

/// How long to wait, counted from when the step was reached.
struct Pause: Sendable, Equatable {
  /// nil: only until `until`.
  var period: Period?
  /// Then on to the next such time in the contact's zone.
  var until: LocalTime?

  struct LocalTime: Sendable, Equatable {
    /// Minutes after midnight.
    var minute: Int
    /// 1 is Monday; nil: any day.
    var weekday: Int?
  }
}

struct DataBranch: Sendable {
  var label: String
  var when: Condition
  /// nil ends the enrolment.
  var then: FlowDefinition.StepIndex?
}

/// Waits for what becomes of a sent message (F05).
struct EventWait: Sendable {
  /// The step whose message is meant; it comes before this one on every way here.
  var of: FlowDefinition.StepIndex
  /// Microseconds from when this step was reached; after it, `next` is "no action".
  var within: Int64
  /// In the order of the text, which is their order of weight: the first decides as soon as its
  /// outcome is known, a later one when `within` is over and none before it is known. So an open
  /// does not hide the click that follows it.
  var branches: [EventBranch]
}

struct EventBranch: Sendable {
  /// OPENED, CLICKED, REPLIED, DELIVERED or BOUNCED.
  var outcome: CommonV1.OutcomeKind
  var then: FlowDefinition.StepIndex?
}

struct SendStep: Sendable {
  var channel: CommonV1.Channel
  var template: String
  /// Not handed over later than this after it was due; microseconds (F20).
  var expires: Int64
  /// What the consent must be for; empty means `recovery`.
  var purpose: String
  /// Only within these hours on the recipient's clock; nil: the channel's alone count (F15).
  var window: CommonV1.SendWindow? = nil
  /// What a cap of the store does: the step is dropped, else it waits for room (F15).
  var isDroppedByCap = false
  /// Values for the template, by the names it uses.
  var parameters: [CommonV1.Attribute]
  /// For internal notifications users or groups, for a webhook its endpoint.
  var recipients: [String]
  /// Addresses that get a copy (M04).
  var copies: [String]
  /// The way on where it could not be sent: skipped or failed; absent: `next`.
  var fallback: Fallback?

  struct Fallback: Sendable {
    /// nil ends the enrolment.
    var then: FlowDefinition.StepIndex?
  }
}

/// Goes with the messages that follow (M11).
struct IncentiveStep: Sendable {
  var incentive: CommonV1.Incentive
  /// Microseconds from when the step was passed; nil: it does not expire.
  var validFor: Int64?
}

/// Gives what the store's incentive of this name says (M12); it goes with the messages that follow.
struct GiveStep: Sendable {
  var incentive: String
  /// The way on where nothing can be given; absent: `next`.
  var otherwise: SendStep.Fallback?
}

struct SplitBranch: Sendable {
  var label: String
  var share: Int
  var then: FlowDefinition.StepIndex?
}
