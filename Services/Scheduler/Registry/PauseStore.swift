internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Wire

/// What a pause covers: what is set must all fit, nothing set is the installation.
struct PauseScope: Hashable, Sendable {
  let store: String
  let channel: CommonV1.Channel
  let flow: String
  let template: String

  init(_ request: SchedulerV1.PauseRequest) {
    store = request.store
    channel = request.channel
    flow = request.flow
    template = request.template
  }

  init(_ request: SchedulerV1.ResumeRequest) {
    store = request.store
    channel = request.channel
    flow = request.flow
    template = request.template
  }

  /// Such as `channel email, template hello`; of the store tells the entry itself.
  var text: String {
    var parts: [String] = []
    if channel != .unspecified {
      parts.append("channel " + "\(channel)".replacing("CHANNEL_", with: "").lowercased())
    }
    if !flow.isEmpty { parts.append("flow \(flow)") }
    if !template.isEmpty { parts.append("template \(template)") }
    if parts.isEmpty { parts.append(store.isEmpty ? "the installation" : "the store") }
    return parts.joined(separator: ", ")
  }

  /// Exactly one flow, with all that it sends.
  var isFlow: Bool { !flow.isEmpty && channel == .unspecified && template.isEmpty }

  fileprivate var values: [SQLValue] {
    [.text(store), .integer(channel.rawValue), .text(flow), .text(template)]
  }
}

/// Pauses in their table (F22). In a transaction; the registry is to be told after it.
enum PauseStore {
  /// Who pauses a flow that has reached its ceiling.
  static let automatic = "homing"
  static let noPause = RPCError(.notFound, "no pause holds exactly this")

  /// Holds what the scope covers; a pause of the same scope that holds already stays as it is.
  static func hold(
    _ scope: PauseScope, _ request: SchedulerV1.PauseRequest, by author: String,
    _ writing: Writing
  ) throws -> CommonV1.Pause {
    if let known = try holding(scope, writing.session) { return known }
    let name = [
      scope.store, "\(scope.channel.rawValue)", scope.flow, scope.template,
      request.idempotencyKey, "\(writing.now)",
    ].joined(separator: "\u{0}")
    let pause = CommonV1.Pause(
      id: UUIDText.text(Array(SHA256.hash(Array(name.utf8)).prefix(16))), store: scope.store,
      channel: scope.channel, flow: scope.flow, template: scope.template, holds: true,
      revision: 1, since: Micros.timestamp(writing.now), author: author, note: request.note)
    try put(pause, scope, writing)
    try AuditStore.add(
      .init(
        identity: author, store: scope.store, flow: scope.flow, act: .paused,
        detail: scope.text, note: request.note), writing)
    return pause
  }

  /// Ends the pause of this scope.
  ///
  /// - Throws: NOT_FOUND where none holds.
  static func resume(
    _ scope: PauseScope, note: String, by author: String, _ writing: Writing
  ) throws -> CommonV1.Pause {
    guard var pause = try holding(scope, writing.session) else { throw noPause }
    pause.holds = false
    pause.revision += 1
    try put(pause, scope, writing)
    // Whoever paused it: else a flow at its ceiling would be paused again at once.
    if scope.isFlow { try writing.resumeDay(of: .init(store: scope.store, flow: scope.flow)) }
    try AuditStore.add(
      .init(
        identity: author, store: scope.store, flow: scope.flow, act: .resumed,
        detail: scope.text, note: note), writing)
    return pause
  }

  private static func holding(
    _ scope: PauseScope, _ session: any StorageSession
  ) throws -> CommonV1.Pause? {
    try session.first(BrakeStatements.holdingPause, scope.values) {
      try Stored.decode(CommonV1.Pause.self, $0.blob(0), "pause")
    }
  }

  private static func put(
    _ pause: CommonV1.Pause, _ scope: PauseScope, _ writing: Writing
  ) throws {
    try writing.session.execute(
      BrakeStatements.putPause,
      [.text(pause.id)] + scope.values + [
        .flag(pause.holds), .integer(pause.revision),
        .integer(pause.since.map { Micros.of($0) } ?? 0), .blob(try Stored.encode(pause)),
      ])
  }
}
