internal import Glibc
package import Messages
package import Wire

/// The methods a server serves. Filled by the generated `register(in:)` of each service.
package struct MethodTable {
  private(set) var entries: [MethodEntry] = []

  package init() {}

  /// `package.Service` of every method so far.
  package var services: [String] { Set(entries.map(\.method.service)).sorted() }

  /// - Parameter handler: decodes the request, calls the service and answers, all in the turn of
  ///   the loop.
  package mutating func unary(
    _ method: RPCMethod, _ handler: @escaping @Sendable (UnaryTurn) throws -> Void
  ) {
    add(method, .unary(handler))
  }

  /// - Parameter store: names the store a request concerns, where the request has one.
  package mutating func clientStreaming<Request: Message, Answer: Message>(
    _ method: RPCMethod, store: (@Sendable (Request) -> String)? = nil,
    _ body: @escaping @Sendable (RequestStream<Request>, ServerCall) async throws -> Reply<Answer>
  ) {
    add(
      method,
      .streaming { stream, call in
        let requests = RequestStream(stream: stream, check: storeCheck(store, call))
        let reply = try await body(requests, call)
        try await stream.value.answer(resolve { reply })
      })
  }

  package mutating func serverStreaming<Request: Message, Answer: Message>(
    _ method: RPCMethod, store: (@Sendable (Request) -> String)? = nil,
    _ body: @escaping @Sendable (Request, ResponseWriter<Answer>, ServerCall) async throws -> Void
  ) {
    add(
      method,
      .streaming { stream, call in
        let requests = RequestStream(stream: stream, check: storeCheck(store, call))
        guard let request = try await requests.next() else {
          throw RPCError(.invalidArgument, "the call has no request message")
        }
        try await body(request, ResponseWriter(stream: stream), call)
      })
  }

  package mutating func bidirectional<Request: Message, Answer: Message>(
    _ method: RPCMethod, store: (@Sendable (Request) -> String)? = nil,
    _ body:
      @escaping @Sendable (
        RequestStream<Request>, ResponseWriter<Answer>, ServerCall
      ) async throws -> Void
  ) {
    add(
      method,
      .streaming { stream, call in
        let requests = RequestStream(stream: stream, check: storeCheck(store, call))
        try await body(requests, ResponseWriter(stream: stream), call)
      })
  }

  private mutating func add(_ method: RPCMethod, _ handler: MethodEntry.Handler) {
    precondition(
      !entries.contains { $0.method == method }, "\(method.name) is served twice")
    entries.append(MethodEntry(method: method, index: entries.count, handler: handler))
  }
}

/// A method with what answers it.
final class MethodEntry: Sendable {
  enum Handler: Sendable {
    /// Called inline with the request's bytes; they are dead after the call.
    case unary(@Sendable (UnaryTurn) throws -> Void)
    /// Run as a task on the connection's loop.
    case streaming(@Sendable (LoopBound<ServerStream>, ServerCall) async throws -> Void)
  }

  let method: RPCMethod
  let index: Int
  let handler: Handler
  private let name: [UInt8]

  init(method: RPCMethod, index: Int, handler: Handler) {
    self.method = method
    name = Array(method.name.utf8)
    self.index = index
    self.handler = handler
  }

  func isNamed(_ other: UnsafeRawBufferPointer) -> Bool {
    name.count == other.count && !name.isEmpty
      && name.withUnsafeBytes { memcmp($0.baseAddress!, other.baseAddress!, other.count) == 0 }
  }

  var hash: Int { name.withUnsafeBytes { MethodEntry.hash($0) } }

  /// FNV-1a over the last bytes, where names differ, and the length.
  static func hash(_ name: UnsafeRawBufferPointer) -> Int {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325 ^ UInt64(name.count)
    for index in max(0, name.count - 16)..<name.count {
      hash = (hash ^ UInt64(name[index])) &* 0x100_0000_01b3
    }
    return Int(truncatingIfNeeded: hash >> 8) & Int.max
  }
}

/// One unary call in the turn of the loop that received it. Dead when the turn is over.
package struct UnaryTurn {
  private let connection: ServerConnection
  private let id: UInt32
  /// The request's bytes.
  package let message: UnsafeRawBufferPointer
  package let call: ServerCall

  init(
    _ connection: ServerConnection, _ id: UInt32, _ message: UnsafeRawBufferPointer,
    _ call: ServerCall
  ) {
    self.connection = connection
    self.id = id
    self.message = message
    self.call = call
  }

  /// Memory for the request's C form.
  package var arena: Arena { connection.core.frameArena }

  /// The answer, at once.
  package func answer(
    _ metadata: Metadata, _ trailers: Metadata, _ encode: MessageEncoding
  ) throws {
    try connection.answer(id, metadata, trailers, encode: encode)
  }

  /// The answer, when `work` has it.
  package func answer<Answer: Message>(
    later work: @escaping @Sendable () async throws -> Reply<Answer>
  ) throws {
    try connection.run(id, call) { stream in
      try await stream.value.answer(resolve(work))
    }
  }
}

/// The answer at the end of a chain of `later`.
private func resolve<Answer>(
  _ work: @Sendable () async throws -> Reply<Answer>
) async throws -> (answer: Answer, metadata: Metadata, trailers: Metadata) {
  var reply = try await work()
  while true {
    switch reply {
    case .now(let answer, let metadata, let trailers): return (answer, metadata, trailers)
    case .later(let more): reply = try await more()
    }
  }
}

private func storeCheck<Request>(
  _ store: (@Sendable (Request) -> String)?, _ call: ServerCall
) -> (@Sendable (Request) throws -> Void)? {
  guard let store else { return nil }
  return { try call.authorize(store: store($0)) }
}

/// Finds a method by its bytes: open addressing over a power of two, no allocation for a look-up.
struct MethodIndex {
  private let slots: [MethodEntry?]
  let entries: [MethodEntry]

  init(_ table: MethodTable) {
    entries = table.entries
    var size = 16
    while size < 4 * entries.count { size *= 2 }
    var slots = [MethodEntry?](repeating: nil, count: size)
    for entry in entries {
      var slot = entry.hash & (size - 1)
      while slots[slot] != nil { slot = (slot + 1) & (size - 1) }
      slots[slot] = entry
    }
    self.slots = slots
  }

  func find(_ name: UnsafeRawBufferPointer) -> MethodEntry? {
    let mask = slots.count - 1
    var slot = MethodEntry.hash(name) & mask
    while let entry = slots[slot] {
      if entry.isNamed(name) { return entry }
      slot = (slot + 1) & mask
    }
    return nil
  }
}
