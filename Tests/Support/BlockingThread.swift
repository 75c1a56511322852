internal import Transport

/// Runs what blocks on a thread of its own.
package func onThread<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
  let outcome = Promise<Result<R, any Error>>()
  try Thread.start(name: "blocking") { outcome.fulfil(Result { try body() }) }
  return try await outcome.value.get()
}
