internal import Messages

/// A step as it was read, before the ways between steps are known.
struct FlowDraft {
  /// Given, or made from its kind and place.
  var name: String
  /// Where it was given.
  var namePlace: (line: Int, column: Int)?
  var action: Action
  var line: Int
  var column: Int
  var path: String

  /// Steps one after the other, by their indices in the array of drafts; none: the way goes on.
  typealias List = [Int]

  enum Action {
    case pause(Pause)
    case data([DataBranch], noneMatched: List)
    case event(of: Reference, within: Int64, [EventBranch], noAction: List)
    case send(SendStep, ifNotSent: List?)
    case incentive(IncentiveStep)
    case give(GiveStep, otherwise: List?)
    case tag(add: [String], remove: [String])
    case split([SplitBranch])
    case exit
    /// No step of its own: the way leads to the step of this name.
    case goTo(Reference)
    /// Was reported; the way goes on.
    case faulty
  }

  /// The name of another step where it is used.
  struct Reference {
    /// Nil: was reported.
    var name: String?
    var line: Int
    var column: Int
    var path: String
  }

  struct DataBranch {
    var label: String
    var when: Condition
    var then: List
  }

  struct EventBranch {
    var outcome: CommonV1.OutcomeKind
    var then: List
  }

  struct SplitBranch {
    var label: String
    var share: Int
    var then: List
  }

  var isGoTo: Bool {
    if case .goTo = action { return true }
    return false
  }

  /// The lists of steps below it, in the order of the text.
  var lists: [List] {
    switch action {
    case .data(let branches, let noneMatched): branches.map(\.then) + [noneMatched]
    case .event(_, _, let branches, let noAction): branches.map(\.then) + [noAction]
    case .send(_, let ifNotSent): ifNotSent.map { [$0] } ?? []
    case .give(_, let otherwise): otherwise.map { [$0] } ?? []
    case .split(let branches): branches.map(\.then)
    default: []
    }
  }
}
