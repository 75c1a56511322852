internal import Messages

/// Flows in words and files.
enum FlowTexts {
  static let mode = EnumText<CommonV1.Mode>("MODE_")
  static let kind = EnumText<SchedulerV1.StepKind>("STEP_KIND_")
  static let channel = EnumText<CommonV1.Channel>("CHANNEL_")
  /// The limit of the contract.
  static let bytesMax = 256 << 10

  /// What starts it, as a clause.
  static func start(_ start: SchedulerV1.FlowStart) -> String {
    switch start {
    case .cartAbandoned: "starts when a cart is abandoned"
    case .tagAdded: "starts when a tag is added"
    case .profileChanged: "starts when a profile changes"
    case .signal: "starts with a signal"
    case .schedule: "starts by a schedule"
    default: "starts in a way that this version does not know"
    }
  }

  /// Such as `dry run`.
  static func words(_ mode: CommonV1.Mode) -> String {
    String(self.mode.name(mode).map { $0 == "_" ? " " : $0 })
  }

  /// Name, version and what else the answer knows.
  static func heading(_ flow: SchedulerV1.Flow) -> String {
    var text = flow.name
    if flow.version > 0 { text += ", version \(flow.version)" }
    text += ": " + start(flow.start)
    if flow.mode != .unspecified { text += "; \(words(flow.mode))" }
    return Printable.text(text)
  }

  /// What stands below the name in a picture.
  static func subtitle(_ flow: SchedulerV1.Flow) -> String {
    var parts: [String] = []
    if flow.version > 0 { parts.append("version \(flow.version)") }
    parts.append(start(flow.start))
    if flow.mode != .unspecified { parts.append(words(flow.mode)) }
    return Printable.text(parts.joined(separator: " · "))
  }

  /// A flow file as text.
  static func read(_ path: String) async throws -> String {
    let bytes = try await BlockingWork.run { try InputFile.bytes(path, bytesMax: bytesMax) }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw CommandError.file("\(path) is not UTF-8")
    }
    return text
  }
}
