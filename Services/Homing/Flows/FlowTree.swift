internal import Messages

/// A flow's steps as one tree: every step stands once, below the step that every way to it passes
/// last (its immediate dominator). Ways to a step that stands elsewhere are references.
struct FlowTree {
  /// Steps one below the other.
  typealias Chain = [Item]

  struct Item {
    var step: SchedulerV1.FlowStep
    /// Beside the way that goes on below, in their order.
    var branches: [Branch] = []
    /// Of the way to the next item, where it has one.
    var label = ""
    /// The next item is reached by the branches only, not straight from here.
    var isFork = false
    /// Where the last item of a chain leads; nil for an exit or where the branches say it all.
    var tail: Way?
  }

  struct Branch {
    var label: String
    var way: Way
  }

  indirect enum Way {
    case chain(Chain)
    /// The name of a step that stands elsewhere.
    case reference(String)
    /// The enrolment ends.
    case end
  }

  /// More than a flow may have.
  static let stepsMax = 1000

  let chain: Chain
  let steps: [SchedulerV1.FlowStep]

  /// - Throws: where the steps are not a flow's: names that are there twice, or not there.
  init(_ steps: [SchedulerV1.FlowStep]) throws(CommandError) {
    self.steps = steps
    guard !steps.isEmpty else {
      chain = []
      return
    }
    let graph = try FlowWays(steps)
    chain = FlowTreeBuilder(graph: graph).chain(from: 0)
  }
}

/// The ways between steps by their indices, and which step every way to a step passes last.
struct FlowWays {
  let steps: [SchedulerV1.FlowStep]
  /// For each step its branches' targets; nil ends the enrolment.
  let targets: [[Int?]]
  /// How many ways lead to a step; one more for the first.
  private(set) var arrivals: [Int]
  /// Those that stand below a step, in an order in which ways lead on.
  private(set) var below: [[Int]]
  private var dominators: [Int?]

  init(_ steps: [SchedulerV1.FlowStep]) throws(CommandError) {
    guard steps.count <= FlowTree.stepsMax else {
      throw .usage("the flow has \(steps.count) steps, more than \(FlowTree.stepsMax)")
    }
    let indices = Dictionary(steps.enumerated().map { ($1.name, $0) }) { first, _ in first }
    guard indices.count == steps.count else { throw .usage("two steps have the same name") }
    var targets: [[Int?]] = []
    for step in steps {
      var list: [Int?] = []
      for branch in step.branches {
        if !branch.step.isEmpty && indices[branch.step] == nil {
          throw .usage("there is no step \"\(Printable.text(branch.step))\"")
        }
        list.append(indices[branch.step])
      }
      targets.append(list)
    }
    self.steps = steps
    self.targets = targets
    arrivals = Array(repeating: 0, count: steps.count)
    below = Array(repeating: [], count: steps.count)
    dominators = Array(repeating: nil, count: steps.count)
    let order = FlowWays.order(targets)
    findDominators(order)
    for index in order {
      for case let target? in targets[index] { arrivals[target] += 1 }
      if index != 0, let dominator = dominators[index] { below[dominator].append(index) }
    }
    arrivals[0] += 1
  }

  /// Whether the only way to a step is one from here.
  func isOwn(_ target: Int, of index: Int) -> Bool {
    arrivals[target] == 1 && dominators[target] == index
  }

  /// Steps in reverse postorder: where no way leads back, each before those that it leads to.
  private static func order(_ targets: [[Int?]]) -> [Int] {
    var order: [Int] = []
    var isSeen = Array(repeating: false, count: targets.count)
    var way: [(index: Int, next: Int)] = [(0, 0)]
    isSeen[0] = true
    while let (index, next) = way.last {
      // The last branch first, so that the first ends up before the others.
      let list = targets[index]
      if next == list.count {
        order.append(index)
        way.removeLast()
        continue
      }
      way[way.count - 1].next += 1
      if let target = list[list.count - 1 - next], !isSeen[target] {
        isSeen[target] = true
        way.append((target, 0))
      }
    }
    return order.reversed()
  }

  /// Cooper, Harvey, Kennedy: "A Simple, Fast Dominance Algorithm".
  private mutating func findDominators(_ order: [Int]) {
    var position = Array(repeating: Int.max, count: steps.count)
    for (at, index) in order.enumerated() { position[index] = at }
    var sources: [[Int]] = Array(repeating: [], count: steps.count)
    for index in order {
      for case let target? in targets[index] { sources[target].append(index) }
    }
    dominators[0] = 0
    var isChanged = true
    while isChanged {
      isChanged = false
      for index in order where index != 0 {
        var common: Int?
        for source in sources[index] where dominators[source] != nil {
          common = common.map { meet($0, source, position) } ?? source
        }
        if dominators[index] != common {
          dominators[index] = common
          isChanged = true
        }
      }
    }
  }

  private func meet(_ a: Int, _ b: Int, _ position: [Int]) -> Int {
    var (a, b) = (a, b)
    while a != b {
      while position[a] > position[b] { a = dominators[a] ?? 0 }
      while position[b] > position[a] { b = dominators[b] ?? 0 }
    }
    return a
  }
}

/// Puts the steps of a graph one below the other.
struct FlowTreeBuilder {
  let graph: FlowWays

  func chain(from head: Int) -> FlowTree.Chain {
    var chain: FlowTree.Chain = []
    var present: Int? = head
    while let index = present {
      present = nil
      var item = FlowTree.Item(step: graph.steps[index])
      let targets = graph.targets[index]
      let joins = graph.below[index].filter { !graph.isOwn($0, of: index) }
      if let through = through(index, joins) {
        item.label = item.step.branches[through].label
        item.branches = targets.indices.filter { $0 != through }.map { branch(index, $0) }
        present = targets[through]
      } else if targets.count == 1, item.step.branches[0].label.isEmpty {
        item.tail = way(index, 0)
      } else {
        item.branches = targets.indices.map { branch(index, $0) }
        item.isFork = !targets.isEmpty
      }
      chain.append(item)
      for join in joins { chain += self.chain(from: join) }
    }
    return chain
  }

  /// The branch whose way goes on straight below, nil where each branch stands on its own: the
  /// only way; or what goes on while all other branches are short.
  private func through(_ index: Int, _ joins: [Int]) -> Int? {
    let targets = graph.targets[index]
    let own = targets.indices.filter { targets[$0].map { graph.isOwn($0, of: index) } == true }
    if targets.count == 1 { return own.first }
    guard joins.isEmpty else { return nil }
    let kind = graph.steps[index].kind
    // What goes on in these: none matched, or that it was sent.
    let usual = kind == .evaluateData ? targets.count - 1 : kind == .send ? 0 : nil
    guard let usual, own.contains(usual) else { return nil }
    let others = targets.indices.filter { $0 != usual }
    return others.allSatisfy { isShort(index, $0) } ? usual : nil
  }

  private func isShort(_ index: Int, _ branch: Int) -> Bool {
    guard let target = graph.targets[index][branch], graph.isOwn(target, of: index) else {
      return true
    }
    return graph.targets[target].allSatisfy { $0 == nil }
  }

  private func branch(_ index: Int, _ branch: Int) -> FlowTree.Branch {
    let label = graph.steps[index].branches[branch].label
    // The usual way of a message has no label of its own.
    return FlowTree.Branch(label: label.isEmpty ? "sent" : label, way: way(index, branch))
  }

  private func way(_ index: Int, _ branch: Int) -> FlowTree.Way {
    guard let target = graph.targets[index][branch] else { return .end }
    if graph.isOwn(target, of: index) { return .chain(chain(from: target)) }
    return .reference(graph.steps[target].name)
  }
}
