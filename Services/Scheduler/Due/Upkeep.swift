internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Stubs
internal import Transport

/// Forgets what nobody asks for any more, once a day: taken rows, and commands.
struct Upkeep: Worker {
  private static let interval: Duration = .seconds(86_400)

  let name = "upkeep"
  let ledger: Ledger

  func runOnce(now: Instant) throws -> NextRun {
    let rows = (now - Intake.keptFor).microseconds
    let commands = now.microseconds - Command<SchedulerV1.SetModeResponse>.keptFor
    for bucket in UInt8.min...UInt8.max {
      // One bucket at a time, so that nobody waits long for the writer.
      try ledger.engine.write { session in
        try ledger.lease.fence(session, bucket)
        try Intake.trim(session, bucket: bucket, before: rows)
        try session.execute(
          SchedulerStatements.forgetCommands, [.integer(bucket), .integer(commands)])
      }
    }
    return .at(now + Upkeep.interval)
  }
}

/// Tells notifier and direct-mail every mode at the start, until they have heard (F21); SetMode
/// tells the changes.
struct ModeTeller: Worker {
  private static let modesMax = 256
  private static let timeout: Duration = .seconds(5)

  let name = "modes"
  let modes: ModeRegistry
  let peers: Peers

  func runOnce(now: Instant) throws -> NextRun {
    let all = modes.all
    for start in stride(from: 0, to: all.count, by: ModeTeller.modesMax) {
      let part = Array(all[start..<min(start + ModeTeller.modesMax, all.count)])
      let failure = BlockingCall.wait { () async -> (any Error)? in
        do {
          try await peers.put(part, CallOptions(timeout: ModeTeller.timeout))
          return nil
        } catch { return error }
      }
      if let failure { throw failure }
    }
    return .whenWoken
  }
}
