internal import Delivery
internal import Messages

/// One version of a flow, ready to be followed.
final class FlowVersion: Sendable {
  let store: String
  let number: UInt32
  let definition: FlowDefinition
  /// What its steps write to people for, each once (F16).
  let uses: [CartTrackerV1.Use]
  private let steps: [String: Int]
  /// For each step: whether facts may be needed from it on before the next wait.
  private let needs: [Bool]
  /// For each step: whether they may be needed when its wait is over.
  private let needsAfterWait: [Bool]

  init(store: String, number: UInt32, definition: FlowDefinition) {
    self.store = store
    self.number = number
    self.definition = definition
    var steps: [String: Int] = [:]
    for (index, step) in definition.steps.enumerated() { steps[step.name] = index }
    self.steps = steps
    uses = FlowVersion.uses(of: definition)
    var needs = FactNeeds(definition.steps)
    self.needs = definition.steps.indices.map { needs.from($0) }
    needsAfterWait = definition.steps.indices.map { needs.afterWait(at: $0) }
  }

  var name: String { definition.name }

  private static let usesMax = 32

  /// As many as facts can be asked for: what is beyond is not allowed, since nothing says that it
  /// is.
  private static func uses(of flow: FlowDefinition) -> [CartTrackerV1.Use] {
    var uses: [CartTrackerV1.Use] = []
    for step in flow.steps {
      guard case .send(let send) = step.action, send.channel.needsBasis,
        !uses.contains(send.use), uses.count < usesMax
      else { continue }
      uses.append(send.use)
    }
    return uses
  }

  /// The index of a step; nil where this version has none of that name.
  func step(named name: String) -> Int? { steps[name] }

  /// The step's name; empty for an index that is not one of this version.
  func name(of step: Int) -> String {
    definition.steps.indices.contains(step) ? definition.steps[step].name : ""
  }

  /// Whether the next decision about the enrolment may use facts.
  func needsFacts(_ enrolment: Enrolment) -> Bool {
    if enrolment.phase == .entering {
      return definition.entry != nil || definition.first.map { needs[$0] } ?? false
    }
    if let send = enrolment.failedSend, definition.steps.indices.contains(send),
      case .send(let action) = definition.steps[send].action
    {
      return action.fallback?.then.map { needs[$0] } ?? false
    }
    guard let step = enrolment.step, needs.indices.contains(step) else { return false }
    switch definition.steps[step].action {
    case .pause, .evaluateEvent: return needsAfterWait[step]
    default: return needs[step]
    }
  }
}

/// Works out for each step whether facts may be needed before the next wait. Ways never lead back,
/// so each step is looked at once.
private struct FactNeeds {
  private let steps: [FlowStep]
  private var known: [Bool?]

  init(_ steps: [FlowStep]) {
    self.steps = steps
    known = Array(repeating: nil, count: steps.count)
  }

  mutating func from(_ index: Int?) -> Bool {
    guard let index, steps.indices.contains(index) else { return false }
    if let known = known[index] { return known }
    let isNeeded: Bool
    switch steps[index].action {
    case .pause(let pause): isNeeded = pause.needsZone
    case .send, .evaluateData, .give: isNeeded = true
    case .evaluateEvent, .incentive, .tag, .split: isNeeded = afterWait(at: index)
    case .exit: isNeeded = false
    }
    known[index] = isNeeded
    return isNeeded
  }

  /// From any way that leads on from the step.
  mutating func afterWait(at index: Int) -> Bool {
    let step = steps[index]
    var isNeeded = from(step.next)
    switch step.action {
    case .evaluateData(let branches):
      for branch in branches { isNeeded = from(branch.then) || isNeeded }
    case .evaluateEvent(let wait):
      for branch in wait.branches { isNeeded = from(branch.then) || isNeeded }
    case .split(let branches): for branch in branches { isNeeded = from(branch.then) || isNeeded }
    case .send(let send):
      if let fallback = send.fallback { isNeeded = from(fallback.then) || isNeeded }
    case .give(let give):
      if let otherwise = give.otherwise { isNeeded = from(otherwise.then) || isNeeded }
    case .pause, .incentive, .tag, .exit: break
    }
    return isNeeded
  }
}

extension Pause {
  /// Whether its end depends on where the contact lives.
  var needsZone: Bool {
    if until != nil { return true }
    if case .months = period { return true }
    return false
  }
}
