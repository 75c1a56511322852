internal import Glibc
internal import ServiceKit
package import Storage
internal import Synchronization

/// Tells a database that was restored from a backup from one that goes on where it was (T31).
///
/// A number rises with what the service does, about once a second: in the database, in the
/// transaction of what it does, and before that in a file beside it which no restore puts back. A
/// file that is ahead by more than the one number of a crash in between means that the database
/// does not know what was done since.
package final class RestoreBeat: Sendable {
  /// What the file says.
  package struct Mark: Sendable, Hashable {
    package let number: Int64
    /// When the service did something last, in microseconds.
    package let at: Int64
  }

  private let path: String
  private let flushes: Bool
  private let last = Mutex<Int64?>(nil)

  private static let every: Int64 = 1_000_000
  private static let sizeMax = 256

  /// - Parameter flushes: false only where nobody will miss it.
  package init(path: String, flushes: Bool = true) {
    self.path = path
    self.flushes = flushes
  }

  /// In the transaction of something that must not be done twice; about once a second it writes.
  package func note(_ session: any StorageSession, at now: Int64) throws {
    let isDue = last.withLock { $0.map { now - $0 >= RestoreBeat.every || now < $0 } ?? true }
    guard isDue else { return }
    let number = try RestoreBeat.number(session) + 1
    try write(Mark(number: number, at: now))
    try session.execute(RestoreStatements.put, [.integer(number)])
    last.withLock { $0 = now }
  }

  /// At a start, before anything is done: what the file knows and the database does not; nil where
  /// the database goes on where it was. Blocks.
  package func ahead(of session: any StorageSession) throws -> Mark? {
    guard let mark = try read() else { return nil }
    return mark.number > (try RestoreBeat.number(session)) + 1 ? mark : nil
  }

  /// The database knows of it from here on: what was found is found once.
  package func accept(_ mark: Mark, _ session: any StorageSession) throws {
    try session.execute(RestoreStatements.put, [.integer(mark.number)])
  }

  private static func number(_ session: any StorageSession) throws -> Int64 {
    try session.first(RestoreStatements.number) { try $0.integer(0) } ?? 0
  }

  // MARK: - The file

  private func read() throws -> Mark? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 && errno == ENOENT { return nil }
    guard descriptor >= 0 else { throw fault("cannot be opened") }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: RestoreBeat.sizeMax)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    guard count >= 0 else { throw fault("cannot be read") }
    let words = String(decoding: bytes.prefix(count), as: UTF8.self).split(separator: " ")
    guard words.count == 3, let number = Int64(words[0]), let at = Int64(words[1]),
      RestoreBeat.text(Mark(number: number, at: at)) == words.joined(separator: " ")
    else { throw StorageError(.corrupt, "\(path) is damaged; without it a restore is not found") }
    return Mark(number: number, at: at)
  }

  private func write(_ mark: Mark) throws {
    let new = path + ".new"
    let descriptor = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw fault("cannot be written") }
    defer { close(descriptor) }
    let bytes = Array(RestoreBeat.text(mark).utf8)
    guard pwrite(descriptor, bytes, bytes.count, 0) == bytes.count,
      !flushes || fdatasync(descriptor) == 0, rename(new, path) == 0
    else { throw fault("cannot be written") }
  }

  private static func text(_ mark: Mark) -> String {
    let words = "\(mark.number) \(mark.at)"
    return words + " " + Base64URL.text(Array(SHA256.hash(Array(words.utf8)).prefix(8)))
  }

  private func fault(_ what: String) -> StorageError {
    StorageError(errno == ENOSPC ? .full : .io, "\(path) \(what): error \(errno)")
  }
}

/// The number in the database, and what was found at starts.
package enum RestoreStatements {
  /// What a service's migration makes the tables with. Append-only as migrations are.
  package static let create = [
    """
    CREATE TABLE beat(
      id INTEGER NOT NULL PRIMARY KEY CONSTRAINT beat_single CHECK (id = 1),
      number BIGINT NOT NULL CONSTRAINT beat_number_range CHECK (number >= 0)
    )
    """,
    // What was due by `until` may have been done without a trace here.
    """
    CREATE TABLE restored(
      found_at BIGINT NOT NULL PRIMARY KEY,
      until BIGINT NOT NULL
    ) WITHOUT ROWID
    """,
  ]

  static let number = Statement(
    name: "beat", sql: "SELECT number FROM beat WHERE id = 1", scope: .reference)

  static let put = Statement(
    name: "put beat",
    sql: """
      INSERT INTO beat(id, number) VALUES (1, ?1)
      ON CONFLICT(id) DO UPDATE SET number = excluded.number
      """, scope: .reference)

  /// Keeps that a restored database was found.
  package static let addRestored = Statement(
    name: "add restored",
    sql: """
      INSERT INTO restored(found_at, until) VALUES (?1, ?2)
      ON CONFLICT(found_at) DO UPDATE SET until = excluded.until
      """, scope: .reference)

  /// Up to when nobody knows what was done.
  package static let until = Statement(
    name: "restored until", sql: "SELECT max(until) FROM restored", scope: .reference)

  /// Every statement, for the rule test.
  package static let all = [number, put, addRestored, until]
}
