package import Logging
package import Messages
package import ServiceKit
package import Storage

/// Sends the rows of one outbox: those of a bucket one after the other, several buckets in one
/// call.
///
/// What the target has taken is deleted, what it refused for good is kept as held, and its bucket
/// goes on. Where it says RETRY, or a call fails, those buckets alone wait, longer each time. Rows
/// are read when there is room to send them, so that a target which is down costs disk and delay,
/// never memory; after a restart sending goes on from the table. A row may be sent twice, never out
/// of its bucket's order.
package final class OutboxSender: ServicePart {
  package struct Configuration: Sendable {
    /// Calls at once: more hide a longer way to the target; each costs its rows in memory.
    package var callsMax = 4
    /// Rows of a call; the contract's intakes take 256.
    package var rowsMax = Intake.rowsMax
    /// Bytes of a call's rows; a larger row is sent alone.
    package var bytesMax = 1 << 20
    /// Before a bucket that had to wait is sent again.
    package var backoff = Backoff(first: .milliseconds(50), most: .seconds(2))
    /// Of the backoff's chance.
    package var seed: UInt64 = 0
    /// Rows that the target has and that are not deleted yet: more make fewer commits, and after a
    /// crash so many are sent once more.
    package var acknowledgedMax = 4096
    /// They are deleted after this in any case.
    package var acknowledgedFor: Duration = .milliseconds(500)
    /// Whether its rows count as sent: not where the target has no intake, which would count them
    /// as received.
    package var isCounted = true

    package init() {}
  }

  /// One call to the target: as many receipts as rows, in their order.
  ///
  /// - Throws: anything; all rows of the call are then sent again later. An `RPCError`
  ///   INVALID_ARGUMENT means that one of them is at fault, which is found by sending them one by
  ///   one, and held.
  package typealias Send = @Sendable ([OutboxRow]) async throws -> [CommonV1.Receipt]

  package let name: String
  private let pump: OutboxPump
  private let loop: WorkerLoop

  /// - Parameters:
  ///   - clock: for the waits between attempts; the machine's also where the service's is virtual,
  ///     since the target is as real as ever.
  package init(
    _ outbox: Outbox, engine: any StorageEngine, counts: DeliveryCounts,
    configuration: Configuration = Configuration(), clock: any WallClock = SystemClock(),
    health: HealthRegistry? = nil, log: Logger, send: @escaping Send
  ) {
    name = "to " + outbox.target
    pump = OutboxPump(
      outbox, engine: engine, counts: counts, configuration: configuration, clock: clock, log: log,
      send: send)
    var worker = WorkerLoop.Configuration()
    worker.seed = configuration.seed
    loop = WorkerLoop(pump, clock: clock, configuration: worker, health: health, log: log)
    pump.onAnswer { [weak loop] in loop?.wake() }
  }

  /// Sends what the table has, and from then on what it is woken for.
  package func start() async throws {
    pump.noteCommitted(0...255)
    try loop.start()
  }

  /// Sends no more; calls under way are cancelled, and what they had rows of is sent again by the
  /// next start.
  package func stop() async {
    await pump.cancelCalls()
    await loop.stop()
    let pump = pump
    // What is not deleted is sent once more, and has no second effect.
    try? await Blocking.run(name: name) { try pump.forgetAcknowledged() }
  }

  /// Rows that were put carry what is to stand nowhere once the target has them (P10).
  package func noteErasure() { pump.noteErasure() }

  /// Rows of these buckets were committed. After each commit that had some, and before whoever
  /// committed them counts as idle. Costs a lock.
  package func wake(_ buckets: some Sequence<UInt8>) {
    pump.noteCommitted(buckets)
    loop.wake()
  }

  /// Nothing waits and no call is under way, as of every `wake` so far. Rows that were held do not
  /// wait. Does not block.
  package var isIdle: Bool { pump.isIdle }

  /// Rows that were held since the start.
  package var held: UInt64 { pump.held }
}
