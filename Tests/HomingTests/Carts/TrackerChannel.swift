internal import Messages
internal import Synchronization
internal import Wire

@testable internal import Homing
@testable internal import Transport

/// A cart-tracker without a wire: answers each method with what a test says, and keeps what it was
/// asked.
final class TrackerChannel: Channel {
  struct State {
    var answers: [String: [@Sendable ([UInt8]) throws -> [UInt8]]] = [:]
    var streams: [String: [[UInt8]]] = [:]
    var requests: [(method: String, message: [UInt8])] = []
  }

  let state = Mutex(State())

  /// Answers the next call of a method; the last answer stays.
  func answer<Request: Message, Answer: Message>(
    _ method: RPCMethod, _ body: @escaping @Sendable (Request) throws -> Answer
  ) {
    state.withLock {
      $0.answers[method.name, default: []].append { try body(Request(encoded: $0)).encoded() }
    }
  }

  /// What a method with a stream of answers sends.
  func stream(_ method: RPCMethod, _ answers: [some Message]) throws {
    let encoded = try answers.map { try $0.encoded() }
    state.withLock { $0.streams[method.name] = encoded }
  }

  /// The requests of a method, in order.
  func requests<Request: Message>(_ method: RPCMethod) throws -> [Request] {
    try state.withLock { $0.requests }.filter { $0.method == method.name }
      .map { try Request(encoded: $0.message) }
  }

  func unary(
    _ method: RPCMethod, _ message: [UInt8], _ options: CallOptions
  ) async throws -> RawReply {
    let answer = state.withLock { state in
      state.requests.append((method.name, message))
      let answers = state.answers[method.name] ?? []
      if answers.count > 1 { state.answers[method.name]?.removeFirst() }
      return answers.first
    }
    guard let answer else { throw RPCError(.unimplemented, method.name) }
    return RawReply(message: try answer(message))
  }

  func open(_ method: RPCMethod, _ options: CallOptions) async throws -> any RawCall {
    ListedCall(state.withLock { $0.streams[method.name] ?? [] }) { message in
      self.state.withLock { $0.requests.append((method.name, message)) }
    }
  }
}

/// A call whose answers are known before.
private final class ListedCall: RawCall {
  private let answers: Mutex<[[UInt8]]>
  private let note: @Sendable ([UInt8]) -> Void

  init(_ answers: [[UInt8]], _ note: @escaping @Sendable ([UInt8]) -> Void) {
    self.answers = Mutex(answers)
    self.note = note
  }

  func send(_ message: [UInt8]) async throws { note(message) }
  func halfClose() async throws {}
  func next() async throws -> [UInt8]? {
    answers.withLock { $0.isEmpty ? nil : $0.removeFirst() }
  }
  func metadata() async throws -> Metadata { [:] }
  var trailers: Metadata { [:] }
  func cancel() {}
}

/// What a command prints, line by line.
final class PrintedLines {
  var lines: [String] = []
  func add(_ line: String) { lines.append(line) }
  var text: String { lines.joined(separator: "\n") }
}
