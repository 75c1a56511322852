internal import ServiceKit
internal import Storage

/// Shares transactions among calls that come at the same time.
final class Committer: Sendable {
  private struct Item: Sendable {
    let rows: Int
    let work: @Sendable (Writing) throws -> any Sendable
  }

  private let group: GroupCommit<Item, any Sendable>

  /// - Parameters:
  ///   - threadName: nil: each call is committed by whoever makes it, for tests.
  ///   - fatal: called where nobody knows what a commit did; should end the process.
  init(
    _ ledger: Ledger, clock: any WallClock, threadName: String? = "intake",
    fatal: @escaping @Sendable (StorageError) -> Void
  ) throws {
    group = try GroupCommit(
      name: threadName, weight: { $0.rows }, fatal: fatal,
      commit: { items in
        try ledger.write(now: clock.now.microseconds) { writing in
          try items.map { try $0.work(writing) }
        }
      })
  }

  /// What `body` gives, once it is durable. It may run more than once.
  ///
  /// - Parameter rows: that it writes, about.
  func run<R: Sendable>(
    rows: Int = 1, _ body: @escaping @Sendable (Writing) throws -> R
  ) async throws -> R {
    let answer = try await group.submit(Item(rows: rows) { try body($0) })
    guard let answer = answer as? R else { preconditionFailure("an answer of another call") }
    return answer
  }

  func close() { group.close() }
}
