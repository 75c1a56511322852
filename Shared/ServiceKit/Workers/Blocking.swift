internal import Transport

/// Calls that block: files, SQL.
package enum Blocking {
  /// Runs `body` on a thread of its own, so that neither a loop nor the cooperative pool waits for
  /// it. Goes on to its end where the caller is cancelled meanwhile.
  ///
  /// - Parameter name: of the thread; at most 15 bytes are shown.
  /// - Throws: what `body` does; `SystemError` where there is no thread to be had.
  package static func run<R: Sendable>(
    name: String, _ body: @escaping @Sendable () throws -> R
  ) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
      do {
        try Thread.start(name: name) { continuation.resume(with: Result { try body() }) }
      } catch {
        continuation.resume(throwing: error)
      }
    }
  }
}
