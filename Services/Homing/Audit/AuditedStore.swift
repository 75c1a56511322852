internal import ArgumentParser
internal import Transport

/// A store whose records are held against cart-tracker's.
struct AuditedStore: ParsableArguments {
  @OptionGroup var at: SchedulerStore
  @Option(help: "HOST:PORT of cart-tracker.") var tracker: String

  /// Calls both for `body` and closes the connections.
  ///
  /// - Throws: `CommandError` for the status of a call.
  func call<Result>(
    _ body: (SchedulerCaller, TrackerCaller) async throws -> Result
  ) async throws -> Result {
    let client = try at.scheduler.connection.client(
      tracker, timeout: at.scheduler.deadline.duration)
    defer { client.close() }
    let caller = TrackerCaller(client, timeout: at.scheduler.deadline.duration)
    return try await at.call { try await body($0, caller) }
  }
}
