/// What a parameter is in one message.
package enum Value: Sendable {
  case absent
  case text(String)
  case flag(Bool)
  case list([ValueFrame])

  /// Whether a section shows, and a required parameter is there.
  package var isPresent: Bool {
    switch self {
    case .absent: false
    case .text(let text): !text.isEmpty
    case .flag(let flag): flag
    case .list(let entries): !entries.isEmpty
    }
  }
}

/// The values of one scope, by slot.
package struct ValueFrame: Sendable {
  package private(set) var values: [Value]

  package init(_ scope: ParameterScope) {
    let count =
      switch scope {
      case .message: MessageParameter.allCases.count
      case .line: LineParameter.allCases.count
      case .coveredCart: CoveredCartParameter.allCases.count
      case .postalLine, .amount: 1
      }
    values = [Value](repeating: .absent, count: count)
  }

  /// A frame of a scope with one parameter.
  package init(single text: String) { values = [.text(text)] }

  package subscript(parameter: MessageParameter) -> Value {
    get { values[parameter.rawValue] }
    set { values[parameter.rawValue] = newValue }
  }

  package subscript(parameter: LineParameter) -> Value {
    get { values[parameter.rawValue] }
    set { values[parameter.rawValue] = newValue }
  }

  package subscript(parameter: CoveredCartParameter) -> Value {
    get { values[parameter.rawValue] }
    set { values[parameter.rawValue] = newValue }
  }

  /// An empty text is absent.
  package mutating func set(_ parameter: MessageParameter, _ text: String?) {
    self[parameter] = text.flatMap { $0.isEmpty ? nil : .text($0) } ?? .absent
  }

  /// An empty text is absent.
  package mutating func set(_ parameter: LineParameter, _ text: String?) {
    self[parameter] = text.flatMap { $0.isEmpty ? nil : .text($0) } ?? .absent
  }
}

/// All that a template may show of one message.
package struct MessageValues: Sendable {
  package var message = ValueFrame(.message)
  /// By whole name, such as `flow.headline`.
  package var named: [String: Value] = [:]

  package init() {}

  /// Whether a required parameter has a value; one of a line must be in each line shown.
  package func isPresent(_ name: String) -> Bool {
    switch ParameterPlace(name, in: [.message]) {
    case .slot(_, let slot, _): return message.values[slot].isPresent
    case .named(let name): return named[name]?.isPresent ?? false
    case nil: break
    }
    guard case .slot(_, let slot, _)? = ParameterPlace(name, in: [.line]),
      case .list(let lines) = message[.lines]
    else { return false }
    return lines.allSatisfy { $0.values[slot].isPresent }
  }
}
