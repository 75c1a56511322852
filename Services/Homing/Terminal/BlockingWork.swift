internal import Glibc
internal import Synchronization

/// Work that may block, such as reading what a person types, on a thread of its own: the
/// cooperative pool has one thread a core, and blocking it would stop the connection too.
enum BlockingWork {
  /// Runs `body` on a new thread. Ends early with `CancellationError` when the task is cancelled;
  /// the thread then goes on until its call returns, and its result is dropped.
  static func run<Result: Sendable>(
    _ body: @escaping @Sendable () throws -> Result
  ) async throws -> Result {
    let outcome = Outcome<Result>()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        outcome.wait(continuation)
        startThread { outcome.resume(Swift.Result { try body() }) }
      }
    } onCancel: {
      outcome.resume(.failure(CancellationError()))
    }
  }

  private static func startThread(_ body: @escaping @Sendable () -> Void) {
    var thread = pthread_t()
    let box = Unmanaged.passRetained(Box(body))
    let result = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
        return nil
      }, box.toOpaque())
    guard result == 0 else {
      // Without threads the only choice is to do it here.
      box.takeRetainedValue().body()
      return
    }
    pthread_detach(thread)
  }

  private final class Box {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
}

/// The first result, handed over once, whichever of waiting and resuming comes first.
private final class Outcome<Success: Sendable>: Sendable {
  private typealias Waiting = CheckedContinuation<Success, any Error>
  private enum State {
    case empty
    case waiting(Waiting)
    case early(Result<Success, any Error>)
    case done
  }

  private let state = Mutex(State.empty)

  func wait(_ continuation: CheckedContinuation<Success, any Error>) {
    let early: Result<Success, any Error>? = state.withLock { state in
      if case .early(let result) = state {
        state = .done
        return result
      }
      state = .waiting(continuation)
      return nil
    }
    if let early { continuation.resume(with: early) }
  }

  func resume(_ result: Result<Success, any Error>) {
    let waiting: Waiting? = state.withLock { state in
      switch state {
      case .empty:
        state = .early(result)
        return nil
      case .waiting(let continuation):
        state = .done
        return continuation
      case .early, .done:
        return nil
      }
    }
    waiting?.resume(with: result)
  }
}
