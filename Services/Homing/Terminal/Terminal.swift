internal import Glibc

/// Where a command writes. Everything goes out at once and unbuffered, so that lines of both
/// streams keep their order and a watcher sees each at once.
enum Terminal {
  static let isOutputTerminal = isatty(STDOUT_FILENO) == 1

  /// Bold headings for a person at a terminal who has not asked for none (NO_COLOR).
  static let usesStyle =
    isOutputTerminal && (getenv("NO_COLOR").map { $0.pointee == 0 } ?? true)

  static func print(_ line: String) {
    write(line + "\n", to: STDOUT_FILENO)
  }

  static func printError(_ line: String) {
    write(line + "\n", to: STDERR_FILENO)
  }

  static func heading(_ text: String) -> String {
    usesStyle ? "\u{1b}[1m\(text)\u{1b}[0m" : text
  }

  /// A reader that has gone away (a closed pipe) ends the process, as it does any filter.
  private static func write(_ text: String, to descriptor: Int32) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if errno == EPIPE {
        exit(0)
      } else if errno == EAGAIN {
        var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&ready, 1, -1)
      } else if errno != EINTR {
        return
      }
    }
  }
}
