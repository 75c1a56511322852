internal import Descriptors
internal import DynamicMessages
internal import Messages
internal import Synchronization
internal import Wire

@testable internal import Transport

/// A server in this process without a wire: answers reflection from the generated descriptors,
/// health as it is told, and other methods with what they were sent.
final class ScriptedChannel: Channel {
  struct State {
    var calls: [(name: String, options: CallOptions)] = []
    /// What the next calls end with.
    var failures: [RPCError] = []
    var health: [HealthV1.ServiceHealth] = []
  }

  let state = Mutex(State())

  func unary(
    _ method: RPCMethod, _ message: [UInt8], _ options: CallOptions
  ) async throws -> RawReply {
    let failure = state.withLock { state in
      state.calls.append((method.name, options))
      return state.failures.isEmpty ? nil : state.failures.removeFirst()
    }
    if let failure { throw failure }
    return RawReply(
      message: try answer(method, message), metadata: ["said": "first"],
      trailers: ["said": "last"])
  }

  func open(_ method: RPCMethod, _ options: CallOptions) async throws -> any RawCall {
    state.withLock { $0.calls.append((method.name, options)) }
    return ScriptedCall(method)
  }

  private func answer(_ method: RPCMethod, _ message: [UInt8]) throws -> [UInt8] {
    switch method.name {
    case "homing.reflection.v1.Reflection/ListServices":
      return try ReflectionV1.ListServicesResponse(
        services: ["homing.echo.v1.Echo", "homing.health.v1.Health"]
      ).encoded()
    case "homing.reflection.v1.Reflection/Describe":
      let symbol = try ReflectionV1.DescribeRequest(encoded: message).symbol
      guard symbol.hasPrefix("homing.echo.v1.") || symbol.hasPrefix("homing.health.v1."),
        try ContractFixture.schema().pool.file(declaring: symbol) != nil
      else { throw RPCError(.notFound, "no such symbol") }
      return try ReflectionV1.DescribeResponse(files: ContractFixture.files).encoded()
    case "homing.health.v1.Health/List":
      return try HealthV1.ListResponse(services: state.withLock { $0.health }).encoded()
    case "homing.health.v1.Health/Check":
      let name = try HealthV1.CheckRequest(encoded: message).service
      let entry = state.withLock { $0.health.first { $0.service == name } }
      guard let entry else { throw RPCError(.notFound, "no such service") }
      return try HealthV1.CheckResponse(status: entry.status).encoded()
    default:
      return message
    }
  }
}

/// Sends back each message; ends with NOT_FOUND after the request with one empty part.
final class ScriptedCall: RawCall {
  private struct State {
    var messages: [[UInt8]] = []
    var isHalfClosed = false
    var sentCount = 0
    var end: Result<Void, RPCError>?
    var waiting: CheckedContinuation<Void, Never>?
  }

  static let ending: [UInt8] = [0x0A, 0x00]

  private let method: RPCMethod
  private let state = Mutex(State())

  init(_ method: RPCMethod) {
    self.method = method
  }

  func send(_ message: [UInt8]) async throws {
    change { state in
      state.sentCount += 1
      if message == ScriptedCall.ending { state.end = .failure(RPCError(.notFound, "gone")) }
      if method.kind != .clientStreaming { state.messages.append(message) }
    }
  }

  func halfClose() async throws {
    change { state in
      if method.kind == .clientStreaming { state.messages.append([0x10, UInt8(state.sentCount)]) }
      state.isHalfClosed = true
      if state.end == nil { state.end = .success(()) }
    }
  }

  func next() async throws -> [UInt8]? {
    while true {
      let step: Result<[UInt8]?, RPCError>? = state.withLock { state in
        if case .failure(let error) = state.end { return .failure(error) }
        if !state.messages.isEmpty { return .success(state.messages.removeFirst()) }
        return state.end == nil ? nil : .success(nil)
      }
      if let step { return try step.get() }
      await withCheckedContinuation { continuation in
        let isReady = state.withLock { state in
          if state.end != nil || !state.messages.isEmpty { return true }
          state.waiting = continuation
          return false
        }
        if isReady { continuation.resume() }
      }
    }
  }

  func metadata() async throws -> Metadata { ["said": "first"] }

  var trailers: Metadata { ["said": "last"] }

  func cancel() {
    change { $0.end = .failure(RPCError(.cancelled, "the call was cancelled")) }
  }

  private func change(_ body: (inout State) -> Void) {
    let waiting = state.withLock { state in
      body(&state)
      defer { state.waiting = nil }
      return state.waiting
    }
    waiting?.resume()
  }
}
