internal import ArgumentParser
internal import Glibc
internal import ServiceKit

/// `homing sample`: a made-up log to try things with.
struct SampleCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "sample", abstract: "Write a made-up log of two stores as CSV.",
    discussion: """
      Nothing in it exists: the stores, companies, people, prices and reasons are made up by \
      chance from the seed, and the same seed gives the same bytes. `homing replay --preset \
      sample` reads it.
      """)

  @Option(help: "Days, 1 to 3660.") var days = 30
  @Option(help: "Seed of chance.") var seed: UInt64 = 1
  @Option(help: ArgumentHelp("The first day.", valueName: "yyyy-mm-dd"))
  var start = "2026-09-01"
  @Option(help: ArgumentHelp("File to write (default: standard output).", valueName: "file"))
  var out: String?

  @OptionGroup var output: OutputOptions

  func perform() async throws {
    guard (1...3660).contains(days) else {
      throw CommandError.usage("--days must be from 1 to 3660, is \(days)")
    }
    guard let first = try? Instant(parsing: start + "T00:00:00Z"), first.seconds >= 0,
      first.seconds < 32_503_680_000
    else {
      throw CommandError.usage(
        "--start must be a day from 1970-01-01 to 2999-12-31, is \"\(Printable.text(start))\"")
    }
    let (days, seed, out) = (days, seed, out)
    try await BlockingWork.run {
      var log = SampleLog(start: Int(first.seconds), days: days, seed: seed)
      let file = try OutputFile(out)
      try file.write(SampleRow.header + "\n")
      while let lines = log.nextDay() {
        try file.write(lines.map { $0 + "\n" }.joined())
      }
      try file.close()
    }
    Terminal.printError("homing: these events are made up (seed \(seed))")
  }
}

/// A file that a person names, or standard output.
final class OutputFile {
  private let path: String
  private var descriptor: Int32

  /// - Parameter path: nil or `-` is standard output.
  init(_ path: String?) throws(CommandError) {
    self.path = path ?? "-"
    if self.path == "-" {
      descriptor = STDOUT_FILENO
      return
    }
    descriptor = open(self.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw .file("cannot write \(self.path): \(SystemError.text(errno))")
    }
  }

  deinit { if descriptor > STDERR_FILENO { Glibc.close(descriptor) } }

  func write(_ text: String) throws(CommandError) { try write(Array(text.utf8)) }

  /// A reader that has gone away ends the process, as it does any filter.
  func write(_ bytes: [UInt8]) throws(CommandError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if errno == EPIPE && descriptor == STDOUT_FILENO {
        exit(0)
      } else if errno == EAGAIN {
        var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&ready, 1, -1)
      } else if errno != EINTR {
        throw .file("cannot write \(path): \(SystemError.text(errno))")
      }
    }
  }

  /// Says whether everything has got to the file.
  func close() throws(CommandError) {
    guard descriptor > STDERR_FILENO else { return }
    let result = Glibc.close(descriptor)
    descriptor = -1
    if result != 0 { throw .file("cannot write \(path): \(SystemError.text(errno))") }
  }
}
