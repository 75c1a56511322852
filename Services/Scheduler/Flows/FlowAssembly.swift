internal import Messages

/// Makes a flow's steps from what was read: finds the ways between them and checks these as a
/// whole. Names are unique, each way leads to a step, no way leads back, each step is reached, and
/// an evaluate event comes after its message on every way.
struct FlowAssembly {
  private(set) var problems: ProblemList
  private let drafts: [FlowDraft]
  /// The ways on from each draft, in the order of its branches, then `next`; nil: the end.
  private var ways: [[Int?]]
  private var byName: [String: Int] = [:]
  /// Whether every way is known, so that what seems not to be reached is not.
  private var isWhole = true

  init(drafts: [FlowDraft], problems: ProblemList) {
    self.drafts = drafts
    self.problems = problems
    ways = Array(repeating: [], count: drafts.count)
  }

  /// - Parameter list: the outermost steps.
  /// - Returns: the steps in the order of the text and the first one; of use where there are no
  ///   problems.
  mutating func assemble(
    _ list: FlowDraft.List
  ) -> (steps: [FlowStep], first: FlowDefinition.StepIndex?) {
    nameSteps()
    let first = link(list, onward: nil)
    refuseCycles()
    let reached = reached(from: first, without: nil)
    if isWhole { checkReach(list, reached) }
    checkEvents(first, reached)
    guard problems.problems.isEmpty else { return ([], nil) }
    return steps(first)
  }

  // MARK: - Names and ways

  private mutating func nameSteps() {
    for (index, draft) in drafts.enumerated() where !draft.isGoTo {
      if let other = byName[draft.name] {
        let place = draft.namePlace ?? (draft.line, draft.column)
        problems.add(
          place.line, place.column, "\(draft.path).name",
          "\(Quoted.text(draft.name)) is the name of the step in line \(drafts[other].line) too")
        isWhole = false
      } else {
        byName[draft.name] = index
      }
    }
  }

  /// Links the steps of a list, and those below them.
  ///
  /// - Parameter onward: where the way leads after the last.
  /// - Returns: where the list begins; `onward` where it is empty.
  private mutating func link(_ list: FlowDraft.List, onward: Int?) -> Int? {
    var next = onward
    for index in list.reversed() {
      let draft = drafts[index]
      switch draft.action {
      case .exit: ways[index] = []
      case .goTo(let reference): ways[index] = resolve(reference).map { [$0] } ?? []
      case .send(_, let fallback), .give(_, let fallback):
        ways[index] = (fallback.map { [link($0, onward: next)] } ?? []) + [next]
      default:
        var heads: [Int?] = []
        for list in draft.lists { heads.append(link(list, onward: next)) }
        switch draft.action {
        // Their last list is what `next` is: none matched, no action.
        case .data, .event: ways[index] = heads
        case .split: ways[index] = heads
        default: ways[index] = [next]
        }
      }
      next = index
    }
    return next
  }

  private mutating func resolve(_ reference: FlowDraft.Reference) -> Int? {
    guard let name = reference.name else {
      isWhole = false
      return nil
    }
    if let index = byName[name] { return index }
    isWhole = false
    let hint =
      name == "exit"
      ? "; write - exit" : NearestWord.hint(name, in: byName.keys.sorted())
    problems.add(
      reference.line, reference.column, reference.path,
      "there is no step \(Quoted.text(name))\(hint)")
    return nil
  }

  // MARK: - Checks

  /// Every cycle has a `go to`: all other ways lead down the text.
  private mutating func refuseCycles() {
    // 0 not seen, 1 on the way, 2 done.
    var states = Array(repeating: UInt8(0), count: drafts.count)
    for start in drafts.indices where states[start] == 0 {
      var way = [start]
      var position = [0]
      states[start] = 1
      while let index = way.last {
        let at = position[position.count - 1]
        guard at < ways[index].count else {
          states[index] = 2
          way.removeLast()
          position.removeLast()
          continue
        }
        position[position.count - 1] += 1
        guard let target = ways[index][at] else { continue }
        if states[target] == 0 {
          states[target] = 1
          way.append(target)
          position.append(0)
        } else if states[target] == 1, let begin = way.firstIndex(of: target) {
          reportCycle(way[begin...], target)
        }
      }
    }
  }

  private mutating func reportCycle(_ way: ArraySlice<Int>, _ target: Int) {
    guard let last = way.last(where: { drafts[$0].isGoTo }),
      case .goTo(let place) = drafts[last].action
    else { return }
    var names = (way + [target]).filter { !drafts[$0].isGoTo }.map { drafts[$0].name }
    if drafts[target].isGoTo, let first = names.first { names.append(first) }
    let isLong = names.count > 12
    let shown = isLong ? names.prefix(6) + ["…"] + names.suffix(5) : names[...]
    problems.add(
      place.line, place.column, place.path,
      "the way leads back: \(shown.joined(separator: " → ")); a flow has to come to its end")
  }

  private func reached(from first: Int?, without removed: Int?) -> Set<Int> {
    guard let first, first != removed else { return [] }
    var reached: Set<Int> = [first]
    var left = [first]
    while let index = left.popLast() {
      for case let target? in ways[index] where target != removed && !reached.contains(target) {
        reached.insert(target)
        left.append(target)
      }
    }
    return reached
  }

  /// The first step of each list that no way leads to.
  private mutating func checkReach(_ list: FlowDraft.List, _ reached: Set<Int>) {
    for index in list {
      let draft = drafts[index]
      if !reached.contains(index) {
        problems.add(
          draft.line, draft.column, draft.path,
          "no way leads here: every way before it ends or goes elsewhere")
        return
      }
      for list in draft.lists { checkReach(list, reached) }
    }
  }

  private mutating func checkEvents(_ first: Int?, _ reached: Set<Int>) {
    for (index, draft) in drafts.enumerated() {
      guard case .event(let of, _, let branches, _) = draft.action, of.name != nil,
        let message = resolve(of)
      else { continue }
      guard case .send(let step, _) = drafts[message].action else {
        if case .faulty = drafts[message].action { continue }
        problems.add(
          of.line, of.column, of.path,
          "\(Quoted.text(drafts[message].name)) sends nothing; name a step that sends a message")
        continue
      }
      let isAround = self.reached(from: first, without: message).contains(index)
      if isAround && reached.contains(index) && isWhole {
        problems.add(
          of.line, of.column, of.path,
          "\(Quoted.text(drafts[message].name)) does not come before this step on every way")
      }
      for branch in branches where !FlowAssembly.canBecome(branch.outcome, step.channel) {
        let word = FlowReader.outcomes.first { $0.kind == branch.outcome }?.key ?? ""
        problems.add(
          of.line, of.column, "\(draft.path).evaluate event.\(word)",
          "it is never known whether \(FlowGraph.noun(step.channel)) was \(word)")
      }
    }
  }

  /// Whether a message on this channel may come to that.
  private static func canBecome(
    _ outcome: CommonV1.OutcomeKind, _ channel: CommonV1.Channel
  ) -> Bool {
    switch channel {
    case .email, .chat: true
    case .push: outcome != .replied
    case .sms, .letter, .postcard: outcome != .opened
    case .internal: outcome == .opened || outcome == .delivered
    default: outcome == .delivered || outcome == .bounced
    }
  }

  // MARK: - The steps themselves

  private func steps(_ first: Int?) -> ([FlowStep], FlowDefinition.StepIndex?) {
    var indices: [Int: Int] = [:]
    for (index, draft) in drafts.enumerated() where !draft.isGoTo { indices[index] = indices.count }
    /// A `go to` is the step that it names.
    func index(_ draft: Int?) -> FlowDefinition.StepIndex? {
      guard let draft else { return nil }
      return indices[drafts[draft].isGoTo ? (ways[draft].first ?? nil) ?? draft : draft]
    }
    let steps = drafts.enumerated().filter { !$1.isGoTo }.map { at, draft in
      let ways = ways[at].map(index)
      return FlowStep(
        name: draft.name, action: action(draft, ways) { index(byName[$0]) },
        next: isSplit(draft) ? nil : ways.last ?? nil, line: draft.line, column: draft.column)
    }
    return (steps, index(first))
  }

  private func isSplit(_ draft: FlowDraft) -> Bool {
    if case .split = draft.action { return true }
    return false
  }

  private func action(
    _ draft: FlowDraft, _ ways: [FlowDefinition.StepIndex?],
    _ named: (String) -> FlowDefinition.StepIndex?
  ) -> StepAction {
    switch draft.action {
    case .pause(let pause): return .pause(pause)
    case .data(let branches, _):
      return .evaluateData(
        zip(branches, ways).map { DataBranch(label: $0.label, when: $0.when, then: $1) })
    case .event(let of, let within, let branches, _):
      return .evaluateEvent(
        EventWait(
          of: of.name.flatMap(named) ?? 0, within: within,
          branches: zip(branches, ways).map { EventBranch(outcome: $0.outcome, then: $1) }))
    case .send(var step, let ifNotSent):
      if ifNotSent != nil { step.fallback = SendStep.Fallback(then: ways.first ?? nil) }
      return .send(step)
    case .give(var step, let otherwise):
      if otherwise != nil { step.otherwise = SendStep.Fallback(then: ways.first ?? nil) }
      return .give(step)
    case .incentive(let step): return .incentive(step)
    case .tag(let add, let remove): return .tag(add: add, remove: remove)
    case .split(let branches):
      return .split(
        zip(branches, ways).map { SplitBranch(label: $0.label, share: $0.share, then: $1) })
    case .exit: return .exit
    case .goTo, .faulty: preconditionFailure("only drafts that are steps become steps")
    }
  }
}
