internal import Messages

/// What keeps a flow from writing too much.
extension FlowReader {
  static let ceilingMax = 1_000_000_000
  /// In hundredths of a percent: with more than half held out the flow is the exception.
  static let holdoutMax = 5_000

  /// Such as `5 %`, or fields: share, period.
  mutating func holdout(_ node: YAMLNode, _ path: String) -> FlowDefinition.Holdout? {
    var holdout = FlowDefinition.Holdout()
    guard case .fields = node.value else {
      holdout.share = holdoutShare(node, path) ?? holdout.share
      return holdout
    }
    guard let fields = fields(node, path, required: ["share"], optional: ["period"]) else {
      return nil
    }
    if let share = fields["share"] {
      holdout.share = holdoutShare(share, "\(path).share") ?? holdout.share
    }
    if let period = fields["period"] {
      holdout.period = span(period, "\(path).period", day...(730 * day)) ?? holdout.period
    }
    return holdout
  }

  private mutating func holdoutShare(_ node: YAMLNode, _ path: String) -> Int? {
    guard let text = text(node, path) else { return nil }
    if let share = basisPoints(text), share <= FlowReader.holdoutMax { return share }
    problems.add(
      node, path,
      "\(Quoted.text(text)) is no share from 0 % to \(FlowGraph.percent(FlowReader.holdoutMax))")
    return nil
  }

  mutating func ceiling(_ node: YAMLNode, _ path: String) -> Int? {
    guard let text = text(node, path) else { return nil }
    if let count = Int(text), (1...FlowReader.ceilingMax).contains(count) { return count }
    problems.add(
      node, path, "\(Quoted.text(text)) is no number of orders from 1 to \(FlowReader.ceilingMax)")
    return nil
  }

  /// `defer` or `drop`.
  mutating func isDroppedByCap(_ node: YAMLNode, _ path: String) -> Bool {
    guard let text = text(node, path) else { return false }
    switch text {
    case "drop": return true
    case "defer": return false
    default:
      let hint = NearestWord.hint(text, in: ["defer", "drop"])
      problems.add(node, path, "\(Quoted.text(text)) is neither defer nor drop\(hint)")
      return false
    }
  }
}
