internal import Glibc
internal import Synchronization

/// A process of ours that is started, listened to and ended.
///
/// It is in a process group of its own, so that Ctrl-C reaches it by way of us.
final class ServiceProcess: Sendable {
  /// How a process is started.
  struct Launch: Sendable {
    var program: String
    var arguments: [String] = []
    var environment: [String: String]
    /// Where its standard error goes; added to.
    var logFile: String
  }

  private struct State {
    /// Nothing may be sent to the number once the process is reaped: it may be another's by then.
    var isReaped = false
  }

  private let processID: pid_t
  /// Its standard output.
  private let output: Int32
  private let state = Mutex(State())

  init(_ launch: Launch) throws(CommandError) {
    var pipes: [Int32] = [-1, -1]
    guard pipe(&pipes) == 0 else {
      throw .file("cannot make a pipe: \(SystemError.text(errno))")
    }
    for end in pipes { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    let processID = ServiceProcess.spawn(launch, output: pipes[1])
    close(pipes[1])
    switch processID {
    case .success(let id): self.processID = id
    case .failure(let failure):
      close(pipes[0])
      throw .file("cannot start \(launch.program): \(SystemError.text(failure.number))")
    }
    output = pipes[0]
  }

  deinit { close(output) }

  private struct SpawnFailure: Error {
    let number: Int32
  }

  private static func spawn(_ launch: Launch, output: Int32) -> Result<pid_t, SpawnFailure> {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    posix_spawn_file_actions_addopen(
      &actions, STDERR_FILENO, launch.logFile, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // Signals that we ignore would stay ignored in the child.
    var signals = sigset_t()
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETPGROUP) | Int16(POSIX_SPAWN_SETSIGDEF))
    let words = [launch.program] + launch.arguments
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    var environment = launch.environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in arguments + environment { free(text) } }
    var processID: pid_t = 0
    let result = posix_spawn(
      &processID, launch.program, &actions, &attributes, &arguments, &environment)
    return result == 0 ? .success(processID) : .failure(SpawnFailure(number: result))
  }

  /// The line that begins so, without its beginning, from what the process prints; nil when it ends
  /// before. Waits without an end of its own.
  func line(after prefix: String) async throws -> String? {
    let output = output
    return try await BlockingWork.run {
      var text: [UInt8] = []
      while let chunk = try InputFile.chunk(output, "the service's output") {
        text += chunk
        var lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        text = Array(lines.removeLast())
        for line in lines where line.starts(with: prefix.utf8) {
          return String(decoding: line.dropFirst(prefix.utf8.count), as: UTF8.self)
        }
      }
      return nil
    }
  }

  func send(_ signal: Int32) {
    state.withLock { if !$0.isReaped { kill(processID, signal) } }
  }

  /// Waits until it has ended.
  func ended() async throws {
    try await BlockingWork.run { [self] in
      var information = siginfo_t()
      while waitid(P_PID, id_t(processID), &information, WEXITED | WNOWAIT) != 0 && errno == EINTR {
      }
      state.withLock { state in
        guard !state.isReaped else { return }
        var status: Int32 = 0
        waitpid(processID, &status, 0)
        state.isReaped = true
      }
    }
  }

  /// Asks it to end, and ends it after `patience`. Not to be called in a task that is cancelled.
  func stop(
    patience: Duration = .seconds(10), pause: @escaping @Sendable (Duration) async throws -> Void
  ) async {
    send(SIGTERM)
    await withTaskGroup(of: Void.self) { group in
      group.addTask { try? await self.ended() }
      group.addTask {
        guard (try? await pause(patience)) != nil else { return }
        self.send(SIGKILL)
        try? await self.ended()
      }
      await group.next()
      group.cancelAll()
    }
  }
}
