internal import Descriptors
internal import DynamicMessages

/// Short texts about declarations.
enum SymbolText {
  /// The first sentence of a comment, on one line.
  static func summary(_ comment: String) -> String {
    var text = ""
    for word in comment.split(whereSeparator: \.isWhitespace) {
      text += (text.isEmpty ? "" : " ") + word
      if word.hasSuffix(".") || word.hasSuffix(":") { break }
    }
    return text
  }

  /// A type's name without the package that it shares with `symbol`.
  static func short(_ typeName: String, near symbol: String) -> String {
    guard let dot = symbol.lastIndex(of: ".") else { return typeName }
    let prefix = symbol[...dot]
    return typeName.hasPrefix(prefix) ? String(typeName.dropFirst(prefix.count)) : typeName
  }

  static func json(_ method: MethodDescriptor) -> JSONValue {
    [
      "method": .string(method.path), "kind": .string(method.kind.text),
      "request": .string(method.inputType), "answer": .string(method.outputType),
      "idempotency": .string(method.idempotency.optionText),
      "roles": .array(method.roles.map { .string($0) }),
      "about": .string(summary(method.comment)),
    ]
  }
}

extension MethodDescriptor.Kind {
  /// For people and scripts.
  var text: String {
    switch self {
    case .unary: "unary"
    case .clientStreaming: "client streaming"
    case .serverStreaming: "server streaming"
    case .bidirectional: "bidirectional"
    }
  }
}

extension MethodDescriptor.IdempotencyLevel {
  /// Whether a call may be sent again, in a word.
  var text: String {
    switch self {
    case .unknown: "no"
    case .noSideEffects: "reads"
    case .idempotent: "safe"
    }
  }

  /// As the proto file writes it.
  var optionText: String {
    switch self {
    case .unknown: "IDEMPOTENCY_UNKNOWN"
    case .noSideEffects: "NO_SIDE_EFFECTS"
    case .idempotent: "IDEMPOTENT"
    }
  }
}
