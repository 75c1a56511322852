internal import DynamicMessages
internal import Wire

/// Statuses and metadata as text.
enum StatusText {
  /// What an error says beside code and message, a line each.
  static func details(_ status: RPCError) -> [String] {
    var lines: [String] = []
    if let retryAfter = status.retryAfter {
      lines.append("retry after \(TimeSpan.text(retryAfter))")
    }
    for violation in status.fieldViolations {
      lines.append(Printable.text("\(violation.field): \(violation.detail)"))
    }
    return lines
  }

  static func json(_ error: CommandError) -> JSONValue {
    var members = [
      JSONMember("kind", .string(error.kind.rawValue)),
      JSONMember("message", .string(error.message)),
    ]
    if let status = error.status { members.append(JSONMember("status", json(status))) }
    return ["error": .object(members)]
  }

  static func json(_ status: RPCError) -> JSONValue {
    var members = [
      JSONMember("code", .string(status.code.description)),
      JSONMember("number", .number("\(status.code.rawValue)")),
      JSONMember("message", .string(status.message)),
    ]
    if let retryAfter = status.retryAfter {
      let (seconds, attoseconds) = retryAfter.components
      let span = TimeText(seconds: seconds, nanos: Int32(attoseconds / 1_000_000_000))
      if let text = try? span.durationText() {
        members.append(JSONMember("retryAfter", .string(text)))
      }
    }
    if !status.fieldViolations.isEmpty {
      let violations: [JSONValue] = status.fieldViolations.map {
        ["field": .string($0.field), "description": .string($0.detail)]
      }
      members.append(JSONMember("fieldViolations", .array(violations)))
    }
    if !status.trailers.isEmpty { members.append(JSONMember("trailers", json(status.trailers))) }
    return .object(members)
  }

  /// A list, since a key may come several times; values of `-bin` keys in base64.
  static func json(_ metadata: Metadata) -> JSONValue {
    .array(metadata.map { ["key": .string($0.key), "value": .string(text($0.key, $0.value))] })
  }

  static func lines(_ metadata: Metadata) -> [String] {
    metadata.map { Printable.text("\($0.key): \(text($0.key, $0.value))") }
  }

  private static func text(_ key: String, _ value: [UInt8]) -> String {
    key.hasSuffix("-bin") ? Base64.text(value) : String(decoding: value, as: UTF8.self)
  }
}
