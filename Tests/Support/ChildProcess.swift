internal import Glibc
internal import Synchronization

/// A program that a test runs, with its standard input and output as pipes; it is killed with this
/// object.
///
/// Not Foundation's: its `Process` waits with `select`, which overwrites memory where a test
/// process has more than 1,024 files open.
package final class ChildProcess: Sendable {
  package struct Failure: Error {
    package let what: String
  }

  package let id: Int32
  private let input: Int32
  private let output: Int32
  private let status = Mutex<Int32?>(nil)

  /// - Parameter path: of the program; no search path is looked at.
  package init(_ path: String, _ arguments: [String]) throws {
    var (forInput, forOutput): ([Int32], [Int32]) = ([0, 0], [0, 0])
    guard pipe(&forInput) == 0, pipe(&forOutput) == 0 else {
      throw Failure(what: "no pipe: error \(errno)")
    }
    for end in forInput + forOutput { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, forInput[0], 0)
    posix_spawn_file_actions_adddup2(&actions, forOutput[1], 1)
    let words = ([path] + arguments).map { strdup($0) } + [nil]
    var id: pid_t = 0
    let code = posix_spawn(&id, path, &actions, nil, words, environ)
    for word in words { free(word) }
    posix_spawn_file_actions_destroy(&actions)
    close(forInput[0])
    close(forOutput[1])
    (input, output) = (forInput[1], forOutput[0])
    self.id = id
    guard code == 0 else { throw Failure(what: "\(path) does not start: error \(code)") }
  }

  deinit {
    close(input)
    close(output)
    if status.withLock({ $0 }) == nil && id > 0 {
      kill(id, SIGKILL)
      _ = wait()
    }
  }

  /// The next line that it writes, without its end; what is left at the end. Blocks.
  package func line() -> String {
    var line: [UInt8] = []
    var byte: UInt8 = 0
    while read(output, &byte, 1) == 1, byte != 0x0A { line.append(byte) }
    return String(decoding: line, as: UTF8.self)
  }

  /// How it ended: its exit code, or 128 and the signal. Blocks.
  package func wait() -> Int32 {
    status.withLock { known in
      if let known { return known }
      var raw: Int32 = 0
      while waitpid(id, &raw, 0) < 0 && errno == EINTR {}
      let code = raw & 0x7F == 0 ? (raw >> 8) & 0xFF : 128 + (raw & 0x7F)
      known = code
      return code
    }
  }
}
