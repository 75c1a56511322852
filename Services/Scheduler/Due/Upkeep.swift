internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Stubs
internal import Transport

/// Forgets what nobody asks for any more, once a day: taken rows, commands, and sends
/// that no cap counts.
struct Upkeep: Worker {
  private static let interval: Duration = .seconds(86_400)

  let name = "upkeep"
  let ledger: Ledger

  func runOnce(now: Instant) throws -> NextRun {
    let rows = (now - Intake.keptFor).microseconds
    let commands = now.microseconds - Command<SchedulerV1.SetModeResponse>.keptFor
    let sends = now.microseconds - SendLimit.periodMax
    for bucket in UInt8.min...UInt8.max {
      // One bucket at a time, so that nobody waits long for the writer.
      try ledger.engine.write { session in
        try ledger.lease.fence(session, bucket)
        try Intake.trim(session, bucket: bucket, before: rows)
        try session.execute(
          SchedulerStatements.forgetCommands, [.integer(bucket), .integer(commands)])
        try session.execute(LimitStatements.forgetCounts, [.integer(bucket), .integer(sends)])
      }
    }
    return .at(now + Upkeep.interval)
  }
}

/// Tells notifier and direct-mail every pause (F22) and every mode (F21), at the start and whenever
/// they could not be told of a change, until they have heard.
struct BrakeTeller: Worker {
  private static let itemsMax = 256
  private static let timeout: Duration = .seconds(5)

  let name = "brakes"
  let modes: ModeRegistry
  let pauses: PauseRegistry
  let peers: Peers

  func runOnce(now: Instant) throws -> NextRun {
    try tell(pauses.all) { try await peers.put($0, CallOptions(timeout: BrakeTeller.timeout)) }
    try tell(modes.all) { try await peers.put($0, CallOptions(timeout: BrakeTeller.timeout)) }
    return .whenWoken
  }

  private func tell<Item: Sendable>(
    _ all: [Item], _ put: @escaping @Sendable ([Item]) async throws -> Void
  ) throws {
    for start in stride(from: 0, to: all.count, by: BrakeTeller.itemsMax) {
      let part = Array(all[start..<min(start + BrakeTeller.itemsMax, all.count)])
      let failure = BlockingCall.wait { () async -> (any Error)? in
        do {
          try await put(part)
          return nil
        } catch { return error }
      }
      if let failure { throw failure }
    }
  }
}
