/// What went wrong in storage. Equal by code and message.
package struct StorageError: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Code: Hashable, Sendable {
    /// Somebody else held a lock for too long. Nothing happened: retry.
    case busy
    /// The disk, or a limit on what waits, is full. Nothing happened: retry later.
    case full
    /// Reading or writing failed before the commit. Nothing happened: retry once, then stop.
    case io
    /// A file or a row is damaged, or of another program. Do not retry.
    case corrupt
    /// A named CHECK, a key or NOT NULL refused the row. Do not retry.
    case constraint(String)
    /// Another owner has the bucket. Do not retry; stop working on it.
    case fenced
    /// The database was written by newer code. Do not retry.
    case newer
    /// A migration that was applied is not the one in the code. Do not retry.
    case differs
    /// Another living process has the folder. Retry once it has ended.
    case taken
    /// The file cannot be opened. Do not retry before somebody mends it.
    case unavailable
    /// The engine was closed. Do not retry here.
    case closed
    /// The statement itself, or its values, are wrong. Do not retry.
    case statement
    /// A COMMIT or sync failed, so that nobody knows what the disk holds. The process must stop and
    /// recover; nothing may be retried before that.
    case uncertain
  }

  package let code: Code
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// Whether the same transaction may be tried again in this process.
  package var isRetrySafe: Bool {
    switch code {
    case .busy, .full, .io: true
    default: false
    }
  }

  package var description: String { "storage (\(code)): \(message)" }

  static let isClosed = StorageError(.closed, "the database is closed")
}
