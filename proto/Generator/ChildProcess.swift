internal import Glibc

/// Runs a protoc plugin found on PATH: writes the request, then reads the response.
func runPlugin(_ name: String, _ request: [UInt8]) throws(Refusal) -> [UInt8] {
  // A plugin that ends early must become an error here, not a signal.
  signal(SIGPIPE, SIG_IGN)
  var input: [Int32] = [-1, -1]
  var output: [Int32] = [-1, -1]
  guard pipe(&input) == 0, pipe(&output) == 0 else {
    throw Refusal("no pipe to \(name): \(String(cString: strerror(errno)))")
  }
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO)
  posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO)
  for descriptor in input + output { posix_spawn_file_actions_addclose(&actions, descriptor) }
  var child: pid_t = 0
  let arguments: [UnsafeMutablePointer<CChar>?] = [strdup(name), nil]
  let problem = posix_spawnp(&child, name, &actions, nil, arguments, environ)
  posix_spawn_file_actions_destroy(&actions)
  free(arguments[0])
  close(input[0])
  close(output[1])
  guard problem == 0 else {
    throw Refusal("cannot start \(name): \(String(cString: strerror(problem)))")
  }
  // Plugins read their whole request before they answer, so one after the other cannot block.
  let isWritten = writeAll(request, to: input[1])
  close(input[1])
  let response = readAll(from: output[0])
  close(output[0])
  var status: Int32 = 0
  while waitpid(child, &status, 0) < 0 && errno == EINTR {}
  guard isWritten, status == 0, let response else { throw Refusal("\(name) failed") }
  return response
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
