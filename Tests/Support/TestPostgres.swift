internal import Foundation
internal import Synchronization

/// A PostgreSQL server of this test process, started when the first test asks for it. It ends with
/// the process.
package final class TestPostgres: Sendable {
  package struct Failure: Error {
    package let what: String
  }

  private static let started = Mutex<Result<TestPostgres, any Error>?>(nil)

  private let folder: TemporaryFolder
  /// The server ends when its input does.
  private let server: ChildProcess
  private let databases = Mutex(0)

  /// Blocks while it starts.
  package static func shared() throws -> TestPostgres {
    try started.withLock { known in
      let server = known ?? Result { try TestPostgres() }
      known = server
      return server
    }.get()
  }

  private init() throws {
    folder = try TemporaryFolder()
    // The server's own user looks into it.
    chmod(folder.path, 0o755)
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "postgres")
    server = try ChildProcess(script.path, [folder.path])
    guard server.line() == "ready" else {
      throw Failure(what: "PostgreSQL does not start: see \(folder.path)")
    }
  }

  /// Makes an empty database; its address. Blocks.
  package func database() throws -> String {
    let name = databases.withLock { count in
      count += 1
      return "test\(count)"
    }
    try command(
      "createdb",
      ["--host=\(folder.path)", "--username=homing", "--template=template0", name])
    return "postgresql://homing@/\(name)?host=\(folder.path)"
  }

  /// Ends every connection to a database, as a server that is started again does. Blocks.
  package func cut(_ address: String) throws {
    let name = address.split(separator: "/")[2].split(separator: "?")[0]
    try sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '\(name)'")
  }

  /// Runs a text in the server's own database. Blocks.
  package func sql(_ text: String) throws {
    try command(
      "psql",
      ["--host=\(folder.path)", "--username=homing", "--dbname=postgres", "--quiet", "-c", text])
  }

  private func command(_ name: String, _ arguments: [String]) throws {
    let process = try ChildProcess("/usr/lib/postgresql/15/bin/\(name)", arguments)
    while !process.line().isEmpty {}
    guard process.wait() == 0 else { throw Failure(what: "\(name) \(arguments)") }
  }
}
