internal import Glibc
internal import Synchronization

/// Held from the making of pipes to their closing at exec: another child that inherited an end
/// would keep a plugin waiting for the end of its request for ever.
private let starting = Mutex(())

/// Runs a protoc plugin found on PATH: writes the request, then reads the response.
func runPlugin(_ name: String, _ request: [UInt8]) throws(Refusal) -> [UInt8] {
  // A plugin that ends early must become an error here, not a signal.
  signal(SIGPIPE, SIG_IGN)
  let plugin = try starting.withLock { (_) throws(Refusal) in try Plugin(name) }
  // Plugins read their whole request before they answer, so one after the other cannot block.
  let isWritten = writeAll(request, to: plugin.input)
  close(plugin.input)
  let response = readAll(from: plugin.output)
  close(plugin.output)
  var status: Int32 = 0
  while waitpid(plugin.processID, &status, 0) < 0 && errno == EINTR {}
  guard isWritten, status == 0, let response else { throw Refusal("\(name) failed") }
  return response
}

/// A plugin that was started, and our ends of its pipes.
private struct Plugin {
  let processID: pid_t
  let input: Int32
  let output: Int32

  init(_ name: String) throws(Refusal) {
    var requests: [Int32] = [-1, -1]
    var responses: [Int32] = [-1, -1]
    guard pipe(&requests) == 0, pipe(&responses) == 0 else {
      throw Refusal("no pipe to \(name): \(String(cString: strerror(errno)))")
    }
    for end in requests + responses { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, requests[0], STDIN_FILENO)
    posix_spawn_file_actions_adddup2(&actions, responses[1], STDOUT_FILENO)
    let arguments: [UnsafeMutablePointer<CChar>?] = [strdup(name), nil]
    defer { free(arguments[0]) }
    var child: pid_t = 0
    let problem = posix_spawnp(&child, name, &actions, nil, arguments, environ)
    close(requests[0])
    close(responses[1])
    guard problem == 0 else {
      close(requests[1])
      close(responses[0])
      throw Refusal("cannot start \(name): \(String(cString: strerror(problem)))")
    }
    processID = child
    input = requests[1]
    output = responses[0]
  }
}

/// Everything up to the end of a file; nil on an error.
func readAll(from descriptor: Int32) -> [UInt8]? {
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = read(descriptor, &chunk, chunk.count)
    if count == 0 { return bytes }
    if count < 0 {
      if errno == EINTR { continue }
      return nil
    }
    bytes += chunk.prefix(count)
  }
}

/// False when the other side no longer reads.
func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
  var rest = bytes[...]
  while !rest.isEmpty {
    let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    if count < 0 {
      if errno == EINTR { continue }
      return false
    }
    rest.removeFirst(count)
  }
  return true
}
