internal import Glibc
package import Messages
package import Wire

/// The methods a server serves. Filled by the generated `register(in:)` of each service.
package struct MethodTable {
  private(set) var entries: [MethodEntry] = []

  package init() {}

  /// `package.Service` of every method so far.
  package var services: [String] { Set(entries.map(\.method.service)).sorted() }

  /// - Parameter store: names the store a request concerns, where the request has one.
  package mutating func unary<Request: Message, Answer: Message>(
    _ method: RPCMethod, store: (@Sendable (Request) -> String)? = nil,
    _ body: @escaping @Sendable (Request, ServerCall) throws -> Reply<Answer>
  ) {
    add(method, .unary { connection, id, message, call in
      let request = try Request.decode(message, in: connection.core.frameArena)
      if let store { try call.authorize(store: store(request)) }
      switch try body(request, call) {
      case .now(let answer, let metadata, let trailers):
        try connection.answer(id, answer, metadata, trailers)
      case .later(let work):
        try connection.run(id, call) { stream in
          try await stream.value.answer(resolve(work))
        }
      }
    })
  }

  package mutating func clientStreaming<Request: Message, Answer: Message>(
    _ method: RPCMethod, store: (@Sendable (Request) -> String)? = nil,
    _ body: @escaping @Sendable (RequestStream<Request>, ServerCall) async throws -> Reply<Answer>
  ) {
    add(method, .streaming { stream, call in
      let requests = RequestStream(stream: stream, check: storeCheck(store, call))
      let reply = try await body(requests, call)
      try await stream.value.answer(resolve { reply })
    })
  }

  package mutating func serverStreaming<Request: Message, Answer: Message>(
    _ method: RPCMethod, store: (@Sendable (Request) -> String)? = nil,
    _ body: @escaping @Sendable (Request, ResponseWriter<Answer>, ServerCall) async throws -> Void
  ) {
    add(method, .streaming { stream, call in
      let requests = RequestStream(stream: stream, check: storeCheck(store, call))
      guard let request = try await requests.next() else {
        throw RPCError(.invalidArgument, "the call has no request message")
      }
      try await body(request, ResponseWriter(stream: stream), call)
    })
  }

  package mutating func bidirectional<Request: Message, Answer: Message>(
    _ method: RPCMethod, store: (@Sendable (Request) -> String)? = nil,
    _ body: @escaping @Sendable (
      RequestStream<Request>, ResponseWriter<Answer>, ServerCall
    ) async throws -> Void
  ) {
    add(method, .streaming { stream, call in
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
    case unary(
      @Sendable (ServerConnection, UInt32, UnsafeRawBufferPointer, ServerCall) throws -> Void)
    /// Run as a task on the connection's loop.
    case streaming(@Sendable (LoopBound<ServerStream>, ServerCall) async throws -> Void)
  }

  let method: RPCMethod
  let index: Int
  let handler: Handler

  init(method: RPCMethod, index: Int, handler: Handler) {
    self.method = method
    self.index = index
    self.handler = handler
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
  private let names: [[UInt8]]
  private let slots: [Int]
  let entries: [MethodEntry]

  init(_ table: MethodTable) {
    entries = table.entries
    names = entries.map { Array($0.method.name.utf8) }
    var size = 16
    while size < 4 * entries.count { size *= 2 }
    var slots = [Int](repeating: -1, count: size)
    for (index, name) in names.enumerated() {
      var slot = name.withUnsafeBytes { MethodIndex.hash($0) } & (size - 1)
      while slots[slot] >= 0 { slot = (slot + 1) & (size - 1) }
      slots[slot] = index
    }
    self.slots = slots
  }

  func find(_ name: UnsafeRawBufferPointer) -> MethodEntry? {
    let mask = slots.count - 1
    var slot = MethodIndex.hash(name) & mask
    while slots[slot] >= 0 {
      let index = slots[slot]
      if MethodIndex.equal(names[index], name) { return entries[index] }
      slot = (slot + 1) & mask
    }
    return nil
  }

  private static func equal(_ known: [UInt8], _ name: UnsafeRawBufferPointer) -> Bool {
    known.count == name.count && !known.isEmpty
      && known.withUnsafeBytes { memcmp($0.baseAddress!, name.baseAddress!, name.count) == 0 }
  }

  /// FNV-1a over the last bytes, where names differ, and the length.
  private static func hash(_ name: UnsafeRawBufferPointer) -> Int {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325 ^ UInt64(name.count)
    for index in max(0, name.count - 16)..<name.count {
      hash = (hash ^ UInt64(name[index])) &* 0x100_0000_01b3
    }
    return Int(truncatingIfNeeded: hash >> 8) & Int.max
  }
}
