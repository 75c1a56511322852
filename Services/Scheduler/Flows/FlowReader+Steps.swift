internal import Messages

/// Lists of steps, and the steps that branch.
extension FlowReader {
  static let kinds: [(key: String, word: String)] = [
    ("pause", "pause"), ("evaluate data", "data"), ("evaluate event", "event"),
    ("send e-mail", "email"), ("send sms", "sms"), ("send chat", "chat"), ("send push", "push"),
    ("send letter", "letter"), ("send postcard", "postcard"), ("send internal", "internal"),
    ("send webhook", "webhook"), ("incentive", "incentive"),
    ("give incentive", "give"), ("tag", "tag"), ("split", "split"), ("exit", "exit"),
    ("go to", "go"),
  ]
  private static let keys = kinds.map(\.key)

  /// A list of steps, one step, `exit` or `go on`.
  ///
  /// - Parameters:
  ///   - place: what the names of steps here are made from, such as `4.clicked.`.
  ///   - depth: of lists of steps, from 1.
  mutating func steps(
    _ node: YAMLNode, _ path: String, _ place: String, _ depth: Int
  ) -> FlowDraft.List {
    guard depth <= FlowReader.depthMax else {
      problems.add(node, path, "steps are nested more than \(FlowReader.depthMax) levels deep")
      return []
    }
    switch node.value {
    case .list(let list):
      return list.enumerated().compactMap { index, node in
        step(node, "\(path)[\(index)]", "\(place)\(index + 1)", depth)
      }
    case .text("go on", _): return []
    case .fields, .text:
      return step(node, path, "\(place)1", depth).map { [$0] } ?? []
    case .nothing:
      problems.add(node, path, "holds no step; write exit, go on or a list of steps")
      return []
    }
  }

  /// The index of its draft; nil where it is none.
  private mutating func step(
    _ node: YAMLNode, _ path: String, _ place: String, _ depth: Int
  ) -> Int? {
    if problems.isFull { return nil }
    let count = drafts.count
    guard count < FlowReader.stepsMax else {
      if count == FlowReader.stepsMax {
        problems.add(node, path, "the flow has more than \(FlowReader.stepsMax) steps")
        drafts.append(draft(node, path, "over", .faulty))
      }
      return nil
    }
    switch node.value {
    case .text("exit", _):
      drafts.append(draft(node, path, derivedName("exit", place), .exit))
      return count
    case .fields(let fields): return step(node, fields, path, place, depth)
    default:
      let hint = node.text.map { NearestWord.hint($0, in: FlowReader.keys) } ?? ""
      problems.add(node, path, "\(node.kind) is no step\(hint)")
      return nil
    }
  }

  private mutating func step(
    _ node: YAMLNode, _ fields: [(key: YAMLNode, value: YAMLNode)], _ path: String,
    _ place: String, _ depth: Int
  ) -> Int? {
    var given: String?
    var namePlace: (line: Int, column: Int)?
    var action: (key: YAMLNode, value: YAMLNode)?
    for (key, value) in fields {
      switch key.text {
      case "name":
        given = name(value, "\(path).name")
        namePlace = (value.line, value.column)
      case let text? where FlowReader.keys.contains(text):
        if let first = action?.key.text {
          problems.add(key, "\(path).\(text)", "the step is \(first) already; begin it with -")
        } else {
          action = (key, value)
        }
      default:
        let known = FlowReader.keys + ["name"]
        let hint = stepHint(key.text ?? "", known)
        problems.add(key, "\(path).\(key.text ?? "?")", "there is no such step or field\(hint)")
      }
    }
    let index = drafts.count
    drafts.append(draft(node, path, "", .faulty))
    drafts[index].namePlace = namePlace
    guard let action, let key = action.key.text else {
      if fields.allSatisfy({ $0.key.text == "name" }) {
        problems.add(node, path, "says nothing to do, such as pause: 1 day")
      }
      drafts[index].name = given ?? derivedName("step", place)
      return index
    }
    let word = FlowReader.kinds.first { $0.key == key }?.word ?? "step"
    drafts[index].name = given ?? derivedName(word, place)
    let field = "\(path).\(key)"
    if let read = self.action(key, action.value, field, place, depth) {
      drafts[index].action = read
    }
    if drafts[index].isGoTo && given != nil {
      problems.add(node, "\(path).name", "go to is no step of its own and has no name")
    }
    return index
  }

  private func stepHint(_ word: String, _ known: [String]) -> String {
    let meant = [
      "wait": "pause", "delay": "pause", "goto": "go to", "email": "send e-mail",
      "send email": "send e-mail", "send mail": "send e-mail", "sms": "send sms",
      "letter": "send letter", "if": "evaluate data", "evaluate": "evaluate data",
      "end": "exit", "stop": "exit", "webhook": "send webhook", "a/b": "split",
    ]
    if let name = meant[word.lowercased()] { return "; did you mean \"\(name)\"?" }
    return NearestWord.hint(word, in: known)
  }

  private func draft(
    _ node: YAMLNode, _ path: String, _ name: String, _ action: FlowDraft.Action
  ) -> FlowDraft {
    FlowDraft(name: name, action: action, line: node.line, column: node.column, path: path)
  }

  /// Such as `pause-1`, or `sms-4.clicked.2` within a branch; the same text gives the same names.
  private func derivedName(_ word: String, _ place: String) -> String {
    let name = "\(word)-\(place)"
    if name.utf8.count <= FlowReader.nameBytesMax { return name }
    // FNV-1a of the place keeps it short.
    let hash = place.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3
    }
    return "\(word)-\(String(hash, radix: 36))"
  }

  /// Nil where the value was reported.
  private mutating func action(
    _ key: String, _ value: YAMLNode, _ path: String, _ place: String, _ depth: Int
  ) -> FlowDraft.Action? {
    if case .nothing = value.value, key != "exit" {
      problems.add(value, path, "its value is missing")
      return nil
    }
    switch key {
    case "pause": return pause(value, path).map { .pause($0) }
    case "evaluate data": return data(value, path, place, depth)
    case "evaluate event": return event(value, path, place, depth)
    case "incentive": return incentive(value, path).map { .incentive($0) }
    case "give incentive": return give(value, path, place, depth)
    case "tag": return tag(value, path)
    case "split": return split(value, path, place, depth)
    case "go to": return .goTo(reference(value, path))
    case "exit":
      if case .nothing = value.value { return .exit }
      problems.add(value, path, "exit takes no value; write - exit")
      return .exit
    default: return send(key, value, path, place, depth)
    }
  }

  private mutating func reference(_ node: YAMLNode, _ path: String) -> FlowDraft.Reference {
    FlowDraft.Reference(
      name: name(node, path), line: node.line, column: node.column, path: path)
  }

  // MARK: - Branches

  private mutating func data(
    _ node: YAMLNode, _ path: String, _ place: String, _ depth: Int
  ) -> FlowDraft.Action? {
    guard case .list(let list) = node.value, !list.isEmpty else {
      problems.add(node, path, "wants a list of branches, each with when and then")
      return nil
    }
    var branches: [FlowDraft.DataBranch] = []
    var noneMatched: FlowDraft.List = []
    for (index, entry) in list.enumerated() {
      let entryPath = "\(path)[\(index)]"
      if case .fields(let fields) = entry.value, fields.first?.key.text == "none matched" {
        if index + 1 < list.count || fields.count > 1 {
          problems.add(entry, entryPath, "none matched comes last, as an entry of its own")
        }
        noneMatched = steps(
          fields[0].value, "\(entryPath).none matched", "\(place).none.", depth + 1)
        continue
      }
      let branch = dataBranch(entry, entryPath, "\(place).\(index + 1).", depth)
      if let branch { add(branch, entry, entryPath, to: &branches) }
    }
    return .data(branches, noneMatched: noneMatched)
  }

  private mutating func add(
    _ branch: FlowDraft.DataBranch, _ node: YAMLNode, _ path: String,
    to branches: inout [FlowDraft.DataBranch]
  ) {
    if branch.label == "none matched" || branches.contains(where: { $0.label == branch.label }) {
      problems.add(
        node, path, "the label \(Quoted.text(branch.label)) stands for another branch already")
    }
    branches.append(branch)
  }

  private mutating func dataBranch(
    _ node: YAMLNode, _ path: String, _ place: String, _ depth: Int
  ) -> FlowDraft.DataBranch? {
    guard
      let fields = fields(node, path, required: ["when", "then"], optional: ["label"])
    else { return nil }
    let when = fields["when"].flatMap { condition($0, "\(path).when") }
    let then = fields["then"].map { steps($0, "\(path).then", place, depth + 1) } ?? []
    let label = fields["label"].flatMap { words($0, "\(path).label", bytesMax: 64) }
    // The branch stays where its condition is wrong, so that its steps are reached.
    let written = fields["when"]?.text?.split(whereSeparator: \.isWhitespace)
      .joined(separator: " ")
    return FlowDraft.DataBranch(
      label: label ?? Quoted.cut(written ?? path, 64), when: when ?? .any([]), then: then)
  }

  static let outcomes: [(key: String, kind: CommonV1.OutcomeKind)] = [
    ("clicked", .clicked), ("opened", .opened), ("replied", .replied), ("delivered", .delivered),
    ("bounced", .bounced),
  ]

  private mutating func event(
    _ node: YAMLNode, _ path: String, _ place: String, _ depth: Int
  ) -> FlowDraft.Action? {
    let outcomes = FlowReader.outcomes.map(\.key)
    guard
      let fields = fields(
        node, path, required: ["of", "within"], optional: outcomes + ["no action"]),
      case .fields(let ordered) = node.value
    else { return nil }
    let of =
      fields["of"].map { reference($0, "\(path).of") }
      ?? FlowDraft.Reference(name: nil, line: node.line, column: node.column, path: path)
    let within =
      fields["within"].flatMap { span($0, "\(path).within", PlainValues.minute...(90 * day)) }
    var branches: [FlowDraft.EventBranch] = []
    for key in ordered.compactMap(\.key.text) {
      guard let kind = FlowReader.outcomes.first(where: { $0.key == key })?.kind,
        let value = fields[key]
      else { continue }
      let then = steps(value, "\(path).\(key)", "\(place).\(key).", depth + 1)
      branches.append(FlowDraft.EventBranch(outcome: kind, then: then))
    }
    if branches.isEmpty {
      problems.add(
        node, path, "has no branch; there are: \(outcomes.joined(separator: ", ")), no action")
    }
    let noAction = fields["no action"].map {
      steps($0, "\(path).no action", "\(place).none.", depth + 1)
    }
    return .event(of: of, within: within ?? day, branches, noAction: noAction ?? [])
  }

  private mutating func split(
    _ node: YAMLNode, _ path: String, _ place: String, _ depth: Int
  ) -> FlowDraft.Action? {
    guard case .list(let list) = node.value, (2...16).contains(list.count) else {
      problems.add(node, path, "wants a list of 2 to 16 branches, each with branch, share, then")
      return nil
    }
    var branches: [FlowDraft.SplitBranch] = []
    var isWhole = true
    for (index, entry) in list.enumerated() {
      let entryPath = "\(path)[\(index)]"
      guard let fields = fields(entry, entryPath, required: ["branch", "share", "then"]) else {
        isWhole = false
        continue
      }
      let label = fields["branch"].flatMap { name($0, "\(entryPath).branch") }
      let share = fields["share"].flatMap { self.share($0, "\(entryPath).share") }
      let then = fields["then"].map {
        steps($0, "\(entryPath).then", "\(place).\(index + 1).", depth + 1)
      }
      if let label, branches.contains(where: { $0.label == label }) {
        problems.add(entry, "\(entryPath).branch", "another branch is \(Quoted.text(label)) too")
      }
      isWhole = isWhole && share != nil
      branches.append(
        FlowDraft.SplitBranch(label: label ?? entryPath, share: share ?? 0, then: then ?? []))
    }
    let sum = branches.reduce(0) { $0 + $1.share }
    if isWhole && sum != 10_000 {
      problems.add(node, path, "the shares add up to \(FlowGraph.percent(sum)), not 100 %")
    }
    return .split(branches)
  }

  private mutating func share(_ node: YAMLNode, _ path: String) -> Int? {
    guard let text = text(node, path) else { return nil }
    if let share = basisPoints(text), share > 0 { return share }
    problems.add(node, path, "\(Quoted.text(text)) is no share such as 50 % or 33.33 %")
    return nil
  }
}
