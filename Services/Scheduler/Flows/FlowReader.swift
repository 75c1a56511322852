internal import Messages

/// Reads a flow from the text that a marketer writes, and checks it as a whole (F14).
///
/// ```yaml
/// flow: cart-recovery                 # its name
/// start: cart abandoned               # or a field: tag added, profile changed, signal, schedule
/// when: cart.total >= 20 EUR          # who enters; left out: everyone
/// re-entry: 7 days                    # not again within
/// max age: 1 day                      # not after an episode known later than this
/// holdout: 5 %                        # of companies, else contacts, never contacted; the default
/// ceiling: 10000                      # orders a day; one more pauses the flow; the default
/// steps:
///   - pause: 1 day                    # or { for: 1 day, until: monday 09:00 }
///   - evaluate data:                  # the first branch that holds
///       - when: bought
///         then: exit                  # or a list of steps, one step, `go on`
///       - none matched: go on         # may be left out
///   - send e-mail: cart-reminder      # or fields: template, expires, purpose, parameters, …
///     name: first-mail
///   - evaluate event:
///       of: first-mail
///       within: 1 day
///       clicked:                      # also opened, replied, delivered, bounced
///         - go to: second-mail
///       no action: go on
///   - split:
///       - { branch: a, share: 50 %, then: [{ incentive: 10 % }] }
///       - { branch: b, share: 50 %, then: [{ incentive: free shipping }] }
///   - send e-mail:                    # also expires, purpose, parameters, copies
///       template: cart-offer
///       window: mon-fri 09:00-17:00   # on the recipient's clock; outside of it the mail waits
///       cap: drop                     # where the person had enough; else it waits for room: defer
///       if not sent: exit
///     name: second-mail
///   - tag: { add: [WRITTEN TWICE] }
///   - exit
/// ```
/// After the last step of a branch the way leads to the step below the block, unless it went
/// elsewhere by `exit` or `go to`. The first branch of an evaluate event decides as soon as its
/// outcome is known, the others when the time is over, in their order.
struct FlowReader {
  static let bytesMax = 256 << 10
  static let stepsMax = 500
  /// Lists of steps within lists of steps.
  static let depthMax = 16
  static let nameBytesMax = 64

  var problems = ProblemList()
  let source: YAMLSource
  var drafts: [FlowDraft] = []

  /// - Throws: every problem that was found, at most 100, in the order of the text.
  static func read(_ text: String) throws(FlowProblems) -> FlowDefinition {
    if text.utf8.count > bytesMax {
      let problem = "has \(text.utf8.count) bytes, the limit is \(bytesMax)"
      throw FlowProblems(list: [FlowProblem(line: 1, column: 1, field: "", problem: problem)])
    }
    // Some editors begin a file with a byte order mark.
    let isMarked = text.unicodeScalars.first == "\u{FEFF}"
    let source = YAMLSource(isMarked ? String(text.unicodeScalars.dropFirst()) : text)
    var yaml = YAMLReader(source)
    guard let root = yaml.root() else { throw FlowProblems(list: yaml.problems.sorted) }
    var reader = FlowReader(source: source)
    let definition = reader.definition(root)
    if let definition, reader.problems.problems.isEmpty { return definition }
    throw FlowProblems(list: reader.problems.sorted)
  }

  private init(source: YAMLSource) { self.source = source }

  private mutating func definition(_ root: YAMLNode) -> FlowDefinition? {
    guard
      let fields = fields(
        root, "", required: ["flow", "start", "steps"],
        optional: ["when", "re-entry", "max age", "holdout", "ceiling"])
    else { return nil }
    let name = fields["flow"].flatMap { self.name($0, "flow") } ?? ""
    let start = fields["start"].flatMap { self.start($0, "start") }
    let entry = fields["when"].flatMap { self.condition($0, "when") }
    let reEntry = fields["re-entry"].flatMap { self.span($0, "re-entry", 0...(730 * day)) }
    let maxAge = fields["max age"].flatMap {
      self.span($0, "max age", PlainValues.minute...(30 * day))
    }
    let holdout = fields["holdout"].flatMap { self.holdout($0, "holdout") }
    let ceiling = fields["ceiling"].flatMap { self.ceiling($0, "ceiling") }
    let list = fields["steps"].map { self.steps($0, "steps", "", 1) } ?? []
    if let node = fields["steps"], list.isEmpty, case .list = node.value {
      problems.add(node, "steps", "holds no step")
    }
    var assembly = FlowAssembly(drafts: drafts, problems: problems)
    let (steps, first) = assembly.assemble(list)
    problems = assembly.problems
    guard let start else { return nil }
    return FlowDefinition(
      name: name, start: start, entry: entry, reEntry: reEntry ?? 7 * day, maxAge: maxAge ?? day,
      steps: steps, first: first, holdout: holdout ?? .init(), ceiling: ceiling)
  }

  var day: Int64 { PlainValues.day }

  // MARK: - How a flow starts

  private static let starts = [
    "cart abandoned", "tag added", "profile changed", "signal", "schedule",
  ]

  private mutating func start(_ node: YAMLNode, _ path: String) -> FlowDefinition.Start? {
    switch node.value {
    case .text(let text, _):
      switch text {
      case "cart abandoned": return .cartAbandoned
      case "profile changed": return .profileChanged([])
      case "tag added", "signal", "schedule":
        problems.add(node, path, "which one? write it on the next line, indented: \(text): …")
      default:
        let hint = NearestWord.hint(text, in: FlowReader.starts)
        problems.add(node, path, "\(Quoted.text(text)) starts no flow\(hint)")
      }
      return nil
    case .fields(let fields) where fields.count == 1:
      return start(fields[0].key, fields[0].value, path)
    default:
      problems.add(
        node, path, "is one of: " + FlowReader.starts.joined(separator: ", "))
      return nil
    }
  }

  private mutating func start(
    _ key: YAMLNode, _ value: YAMLNode, _ path: String
  ) -> FlowDefinition.Start? {
    let field = "\(path).\(key.text ?? "")"
    switch key.text {
    case "tag added": return words(value, field, bytesMax: 64).map { .tagAdded($0) }
    case "signal": return name(value, field).map { .signal($0) }
    case "profile changed":
      return texts(value, field, countMax: 64, bytesMax: 64).map { .profileChanged($0) }
    case "schedule": return schedule(value, field).map { .schedule($0) }
    default:
      let hint = NearestWord.hint(key.text ?? "", in: FlowReader.starts)
      problems.add(key, path, "\(Quoted.text(key.text ?? "")) starts no flow\(hint)")
      return nil
    }
  }

  private mutating func schedule(
    _ node: YAMLNode, _ path: String
  ) -> FlowDefinition.Schedule? {
    guard let fields = fields(node, path, required: ["first", "every"]) else { return nil }
    var firstAt: Int64?
    if let first = fields["first"] {
      firstAt = text(first, "\(path).first").flatMap { PlainValues.instant($0) }
      if firstAt == nil && first.text != nil {
        problems.add(
          first, "\(path).first",
          "is a time with its offset from UTC, such as 2026-12-01T09:00:00+01:00")
      }
    }
    let every = fields["every"].flatMap {
      period($0, "\(path).every", PlainValues.minute...(730 * day), monthsMax: 24)
    }
    guard let firstAt, let every else { return nil }
    return FlowDefinition.Schedule(firstAt: firstAt, period: every)
  }
}
