internal import Glibc
internal import ServiceKit
package import Storage
internal import Synchronization

/// Tells a database that was restored from a backup from one that goes on where it was (T31).
///
/// A number rises with what the service does, about once a second: in the database, in the
/// transaction of what it does, and before that in a file beside it which no restore puts back. A
/// file that is ahead by more than the one number of a crash in between, or by that one after an
/// orderly end, means that the database does not know what was done since.
package final class RestoreBeat: Sendable {
  /// What the file says.
  package struct Mark: Sendable, Hashable {
    package let number: Int64
    /// The database is known to have the number: after an orderly end.
    package let isSettled: Bool
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
  ///
  /// - Parameter always: also within that second, for what is done seldom.
  package func note(_ session: any StorageSession, at now: Int64, always: Bool = false) throws {
    let isDue = last.withLock { $0.map { now - $0 >= RestoreBeat.every || now < $0 } ?? true }
    guard isDue || always else { return }
    let number = try RestoreBeat.number(session) + 1
    try write(Mark(number: number, isSettled: false, at: now))
    try session.execute(RestoreStatements.put, [.integer(number)])
    last.withLock { $0 = now }
  }

  /// At an orderly end: the number that was written last has been committed. Blocks.
  package func settle(_ session: any StorageSession) throws {
    guard let mark = try read(), !mark.isSettled, mark.number == (try RestoreBeat.number(session))
    else { return }
    try write(Mark(number: mark.number, isSettled: true, at: mark.at))
  }

  /// At a start, before anything is done: what the file knows and the database does not; nil where
  /// the database goes on where it was. Blocks.
  package func ahead(of session: any StorageSession) throws -> Mark? {
    guard let mark = try read() else { return nil }
    let crashed: Int64 = mark.isSettled ? 0 : 1
    return mark.number > (try RestoreBeat.number(session)) + crashed ? mark : nil
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
    guard words.count == 4, let number = Int64(words[0]), let at = Int64(words[1]) else {
      throw damaged
    }
    let mark = Mark(number: number, isSettled: words[2] == RestoreBeat.settled, at: at)
    guard RestoreBeat.text(mark) == words.joined(separator: " ") else { throw damaged }
    return mark
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

  private static let settled: Substring = "settled"

  private var damaged: StorageError {
    StorageError(.corrupt, "\(path) is damaged; without it a restore is not found")
  }

  private static func text(_ mark: Mark) -> String {
    let words = "\(mark.number) \(mark.at) \(mark.isSettled ? settled : "open")"
    return words + " " + Base64URL.text(Array(SHA256.hash(Array(words.utf8)).prefix(8)))
  }

  private func fault(_ what: String) -> StorageError {
    StorageError(errno == ENOSPC ? .full : .io, "\(path) \(what): error \(errno)")
  }
}
