/// Runs what blocks on threads of its own, in the order it came.
package final class ThreadPool: Sendable {
  private struct State {
    var waiting = Fifo<@Sendable () -> Void>()
    var isClosed = false
    var running = 0
  }

  private let state = Monitor(State())
  private let waitingMax: Int
  private let isInline: Bool

  /// - Parameters:
  ///   - name: of the threads; at most 15 bytes are shown.
  ///   - waitingMax: jobs that wait; more are refused with `StorageError.full`.
  package init(name: String, count: Int, waitingMax: Int = 65_536) throws {
    precondition(count >= 1 && waitingMax >= 1)
    self.waitingMax = waitingMax
    isInline = false
    for index in 0..<count {
      state.withLock { $0.running += 1 }
      let state = state
      do {
        try WorkerThread.start(name: count == 1 ? name : "\(name)-\(index)") {
          ThreadPool.work(state)
        }
      } catch {
        state.withLock { $0.running -= 1 }
        close()
        throw error
      }
    }
  }

  private init() {
    waitingMax = 1
    isInline = true
  }

  /// Runs each job at once on the thread that brings it: for simulations.
  package static func inline() -> ThreadPool { ThreadPool() }

  deinit { stop() }

  /// What `body` gives, once a thread was free for it.
  package func run<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
    if isInline { return try body() }
    return try await withCheckedThrowingContinuation { continuation in
      let isAccepted = submit { continuation.resume(with: Result { try body() }) }
      if let refusal = isAccepted { continuation.resume(throwing: refusal) }
    }
  }

  /// Lets what waits run, refuses what comes, and blocks until the threads have ended.
  package func close() {
    stop()
    if !isInline { state.wait { $0.running == 0 ? () : nil } }
  }

  private func stop() {
    state.withLock { $0.isClosed = true }
    state.wakeAll()
  }

  private func submit(_ job: @escaping @Sendable () -> Void) -> StorageError? {
    let refusal: StorageError? = state.withLock { state in
      if state.isClosed { return StorageError(.closed, "the threads have ended") }
      if state.waiting.count >= waitingMax {
        return StorageError(.full, "\(waitingMax) jobs wait already")
      }
      state.waiting.append(job)
      return nil
    }
    if refusal == nil { state.wakeOne() }
    return refusal
  }

  private static func work(_ state: Monitor<State>) {
    while true {
      let job: (@Sendable () -> Void)?? = state.wait { state in
        if let job = state.waiting.popFirst() { return .some(job) }
        return state.isClosed ? .some(nil) : nil
      }
      guard let found = job, let run = found else { break }
      run()
    }
    state.withLock { $0.running -= 1 }
    state.wakeAll()
  }
}

/// One thread, so that its jobs run one after the other.
package typealias SerialThread = ThreadPool

extension ThreadPool {
  package convenience init(serial name: String, waitingMax: Int = 65_536) throws {
    try self.init(name: name, count: 1, waitingMax: waitingMax)
  }
}

/// A queue whose first element is taken in constant time.
struct Fifo<Element> {
  private var items: [Element?] = []
  private var head = 0

  var count: Int { items.count - head }

  mutating func append(_ element: Element) { items.append(element) }

  var first: Element? { head < items.count ? items[head] : nil }

  mutating func popFirst() -> Element? {
    guard head < items.count else { return nil }
    let element = items[head]
    items[head] = nil
    head += 1
    // Moved once for as many elements as were taken, so it costs little for each.
    if head >= 64 && head * 2 >= items.count {
      items.removeFirst(head)
      head = 0
    }
    return element
  }
}
