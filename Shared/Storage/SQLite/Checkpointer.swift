/// Moves the write-ahead log into the file on a thread and a connection of its own, while commits
/// go on: whoever waits for a commit does not wait for that.
///
/// What is committed meanwhile stays in the log, so that the writer has to move this rest itself
/// before the log can begin anew: little, since it was written just now.
final class Checkpointer: Sendable {
  private enum State {
    case idle
    case wanted
    case running
    /// The rest is the writer's.
    case done
    case closing
    case closed
  }

  private let connection: SQLiteConnection
  private let state = Monitor(State.idle)

  init(path: String, _ options: SQLiteOptions) throws {
    var own = options
    own.cacheSize = 64 << 10
    connection = try SQLiteConnection(path: path, own, isReader: false)
    let (state, connection) = (state, connection)
    try WorkerThread.start(name: "checkpoint") { Checkpointer.work(state, connection) }
  }

  /// True once for each checkpoint that has ended; else one begins, if none is under way.
  func takeDoneOrBegin() -> Bool {
    let isDone = state.withLock { state in
      switch state {
      case .done:
        state = .idle
        return true
      case .idle: state = .wanted
      case .wanted, .running, .closing, .closed: break
      }
      return false
    }
    if !isDone { state.wakeAll() }
    return isDone
  }

  /// Waits for what runs.
  func close() {
    state.withLock { state in if state != .closed { state = .closing } }
    state.wakeAll()
    state.wait { $0 == .closed ? () : nil }
    connection.close()
  }

  private static func work(_ state: Monitor<State>, _ connection: SQLiteConnection) {
    while true {
      let isWanted = state.wait { state -> Bool? in
        switch state {
        case .wanted:
          state = .running
          return true
        case .closing: return false
        default: return nil
        }
      }
      if !isWanted { break }
      // One that fails leaves all in the log; the writer then tries itself.
      try? connection.use { _ = try $0.execute(SQLiteStatements.checkpoint, []) }
      state.withLock { state in if state == .running { state = .done } }
    }
    state.withLock { $0 = .closed }
    state.wakeAll()
  }
}
