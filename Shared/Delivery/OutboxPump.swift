internal import Logging
internal import Messages
internal import ServiceKit
internal import Storage
internal import Synchronization
internal import Wire

/// Moves rows from the table into calls: the worker behind `OutboxSender`.
///
/// Its thread reads and deletes; the calls are tasks that touch memory only.
final class OutboxPump: Worker {
  /// Rows of one call.
  private struct Call {
    var shares: [OutboxLanes.Share] = []
    var rows: [OutboxRow] = []
    var bytes = 0
    var isAlone = false
  }

  private struct State {
    var lanes: OutboxLanes
    /// Calls under way by their numbers; nil until the task is known.
    var calls: [UInt64: Task<Void, Never>?] = [:]
    var lastCall: UInt64 = 0
    var isStopping = false
    /// Rows that the target has and the table may hold: how many, and since when.
    var acknowledged = 0
    var acknowledgedSince: Instant?
    /// To be marked in the table.
    var held: [(bucket: UInt8, seq: UInt64, problem: String)] = []
    var heldCount: UInt64 = 0
    /// Rows with personal data are on their way that is to stand nowhere once they are deleted
    /// (P10); true at first, since nobody knows what the last run left.
    var hasErasure = true
    var onAnswer: @Sendable () -> Void = {}
    var waitingForCalls: [CheckedContinuation<Void, Never>] = []
  }

  let name: String
  private let outbox: Outbox
  private let engine: any StorageEngine
  private let counts: DeliveryCounts
  private let configuration: OutboxSender.Configuration
  private let clock: any WallClock
  private let log: Logger
  private let send: OutboxSender.Send
  private let state: Mutex<State>

  init(
    _ outbox: Outbox, engine: any StorageEngine, counts: DeliveryCounts,
    configuration: OutboxSender.Configuration, clock: any WallClock, log: Logger,
    send: @escaping OutboxSender.Send
  ) {
    precondition(configuration.callsMax > 0 && configuration.rowsMax > 0)
    name = "to " + outbox.target
    self.outbox = outbox
    self.engine = engine
    self.counts = counts
    self.configuration = configuration
    self.clock = clock
    self.log = log
    self.send = send
    state = Mutex(
      State(lanes: OutboxLanes(backoff: configuration.backoff, seed: configuration.seed)))
  }

  /// Called after each call, on any thread.
  func onAnswer(_ call: @escaping @Sendable () -> Void) { state.withLock { $0.onAnswer = call } }

  func noteCommitted(_ buckets: some Sequence<UInt8>) {
    state.withLock { state in
      for bucket in buckets { state.lanes.noteCommitted(bucket) }
    }
  }

  func noteErasure() { state.withLock { $0.hasErasure = true } }

  var isIdle: Bool { state.withLock { $0.lanes.isIdle } }

  var held: UInt64 { state.withLock { $0.heldCount } }

  // MARK: - On the thread

  func runOnce(now: Instant) throws -> NextRun {
    if isDeletionDue(now) { try forgetAcknowledged() }
    let (wanted, room) = state.withLock { state in
      let room = state.isStopping ? 0 : configuration.callsMax - state.calls.count
      return (state.lanes.take(now: now, calls: room, rowsMax: configuration.rowsMax), room)
    }
    if wanted.isEmpty { return nextRun(hasRoom: room > 0) }
    for call in try read(wanted, room) { begin(call) }
    return .again
  }

  private func nextRun(hasRoom: Bool) -> NextRun {
    let next = state.withLock { state in
      let deletion = state.acknowledgedSince.map { $0 + configuration.acknowledgedFor }
      return [hasRoom ? state.lanes.nextStallEnd : nil, deletion].compactMap { $0 }.min()
    }
    return next.map { .at($0) } ?? .whenWoken
  }

  /// Reads the rows of these buckets and makes calls of them; buckets that find no place in them
  /// are given back.
  private func read(_ wanted: [OutboxLanes.Wanted], _ room: Int) throws -> [Call] {
    var calls: [Call] = []
    var given = 0
    do {
      try engine.read { session in
        for want in wanted {
          let (rows, end, isAll) = try read(want, session)
          given += 1
          guard let last = rows.last else {
            state.withLock { state in
              noteEnd(want.bucket, end, &state)
              state.lanes.giveBack(want.bucket, withNoneUntil: end)
            }
            continue
          }
          let share = OutboxLanes.Share(
            bucket: want.bucket, last: last.seq, end: isAll ? end : nil)
          let hasPlace = place(rows, share, want.isAlone, room, &calls)
          state.withLock { state in
            noteEnd(want.bucket, end, &state)
            if !hasPlace { state.lanes.giveBack(want.bucket) }
          }
        }
      }
    } catch {
      state.withLock { state in
        for want in wanted[given...] { state.lanes.giveBack(want.bucket) }
        for call in calls { for share in call.shares { state.lanes.giveBack(share.bucket) } }
      }
      throw error
    }
    return calls
  }

  private func noteEnd(_ bucket: UInt8, _ end: UInt64, _ state: inout State) {
    let grown = state.lanes.noteEnd(bucket, end)
    if configuration.isCounted { counts.add(sent: grown) }
  }

  /// A bucket's rows, the number of its last one, and whether these are all that wait.
  private func read(
    _ want: OutboxLanes.Wanted, _ session: any StorageSession
  ) throws -> (rows: [OutboxRow], end: UInt64, isAll: Bool) {
    let (bucket, target) = (SQLValue.integer(want.bucket), SQLValue.text(outbox.target))
    let next = try session.first(DeliveryStatements.head, [bucket, target]) { try $0.integer(0) }
    guard let next, next > 1 else { return ([], 0, true) }
    let end = UInt64(next - 1)
    if end <= want.after { return ([], end, true) }
    var rows: [OutboxRow] = []
    var bytes = 0
    var isCut = false
    try session.rows(
      DeliveryStatements.waiting,
      [bucket, target, .integer(want.after), .integer(want.rows)]
    ) { row in
      let body = try row.blob(2)
      bytes += body.count
      if bytes > configuration.bytesMax && !rows.isEmpty {
        isCut = true
        return false
      }
      rows.append(
        OutboxRow(
          bucket: want.bucket, seq: UInt64(bitPattern: try row.integer(0)),
          createdAt: try row.integer(1), body: body))
      return true
    }
    return (rows, end, !isCut && rows.count < want.rows)
  }

  /// Puts a bucket's rows into the last call or a further one; false where there is no room.
  private func place(
    _ rows: [OutboxRow], _ share: OutboxLanes.Share, _ isAlone: Bool, _ room: Int,
    _ calls: inout [Call]
  ) -> Bool {
    let bytes = rows.reduce(0) { $0 + $1.body.count }
    let fits =
      calls.last.map { last in
        !isAlone && !last.isAlone && last.rows.count + rows.count <= configuration.rowsMax
          && last.bytes + bytes <= configuration.bytesMax
      } ?? false
    if !fits {
      if calls.count >= room { return false }
      calls.append(Call(isAlone: isAlone))
    }
    calls[calls.count - 1].shares.append(share)
    calls[calls.count - 1].rows += rows
    calls[calls.count - 1].bytes += bytes
    return true
  }

  // MARK: - Calls

  private func begin(_ call: Call) {
    let number = state.withLock { state in
      state.lastCall += 1
      state.calls.updateValue(nil, forKey: state.lastCall)
      return state.lastCall
    }
    let task = Task.immediate { await self.make(call, number) }
    let isStopping = state.withLock { state in
      // It may have ended already.
      if state.calls[number] != nil { state.calls.updateValue(task, forKey: number) }
      return state.isStopping
    }
    if isStopping { task.cancel() }
  }

  private func make(_ call: Call, _ number: UInt64) async {
    do {
      let receipts = try await send(call.rows)
      let isAnswer =
        receipts.count == call.rows.count
        && zip(call.rows, receipts).allSatisfy {
          $1.position.map { $0.bucket } == UInt32($0.bucket) && $1.position?.seq == $0.seq
        }
      guard isAnswer else {
        throw RPCError(.internalError, "the receipts are not those of the rows")
      }
      end(number) { $0.end(call.shares, call.rows, receipts, now: $1) }
    } catch {
      // Only the target's own word is against a row: an answer that cannot be read is not.
      let isRefused = (error as? RPCError)?.code == .invalidArgument
      let problem = RPCError(thrown: error).description
      end(number) { $0.fail(call.shares, call.rows, problem, isRefused: isRefused, now: $1) }
    }
  }

  private func end(
    _ number: UInt64, _ body: (inout OutboxLanes, Instant) -> OutboxLanes.Result
  ) {
    let now = clock.now
    let (result, onAnswer, waiting) = state.withLock { state in
      let result = body(&state.lanes, now)
      state.calls[number] = nil
      state.held += result.held
      state.heldCount += UInt64(result.held.count)
      state.acknowledged += result.acknowledged
      if result.acknowledged > 0 {
        state.acknowledgedSince = state.acknowledgedSince ?? now
      }
      var waiting: [CheckedContinuation<Void, Never>] = []
      if state.calls.isEmpty { swap(&waiting, &state.waitingForCalls) }
      return (result, state.onAnswer, waiting)
    }
    note(result)
    onAnswer()
    for waiter in waiting { waiter.resume() }
  }

  private func note(_ result: OutboxLanes.Result) {
    for row in result.held {
      log.error(
        "a row was refused for good and is held",
        metadata: [
          "target": "\(outbox.target)", "bucket": "\(row.bucket)", "seq": "\(row.seq)",
          "problem": "\(row.problem)",
        ])
    }
    // The first time, then ever more rarely.
    if let problem = result.stall, result.failures.nonzeroBitCount == 1 {
      log.warning(
        "rows have to wait",
        metadata: [
          "target": "\(outbox.target)", "failures": "\(result.failures)", "problem": "\(problem)",
        ])
    }
  }

  /// Begins no more calls, and returns when none is under way.
  func cancelCalls() async {
    let calls = state.withLock { state in
      state.isStopping = true
      return state.calls.values.compactMap { $0 }
    }
    for call in calls { call.cancel() }
    await withCheckedContinuation { continuation in
      let isDone = state.withLock { state in
        if !state.calls.isEmpty { state.waitingForCalls.append(continuation) }
        return state.calls.isEmpty
      }
      if isDone { continuation.resume() }
    }
  }

  // MARK: - Deleting

  private func isDeletionDue(_ now: Instant) -> Bool {
    state.withLock { state in
      if state.acknowledged >= configuration.acknowledgedMax || !state.held.isEmpty { return true }
      return state.acknowledgedSince.map { now >= $0 + configuration.acknowledgedFor } ?? false
    }
  }

  /// When all that was on its way is deleted. Where a reader is in the way, the next deletion does
  /// it.
  private func emptyLogAfterErasure() {
    guard state.withLock({ $0.hasErasure && $0.lanes.isIdle }) else { return }
    do {
      try engine.emptyLog()
      state.withLock { $0.hasErasure = false }
    } catch {
      log.debug("the log is not emptied yet", metadata: ["error": "\(error)"])
    }
  }

  /// Deletes what the target has, and marks what it refused, in one transaction.
  func forgetAcknowledged() throws {
    let (ranges, held) = state.withLock { state in
      defer {
        state.acknowledged = 0
        state.acknowledgedSince = nil
        state.held = []
      }
      return (state.lanes.takeAcknowledged(), state.held)
    }
    if ranges.isEmpty && held.isEmpty { return }
    do {
      try engine.write { session in
        let target = SQLValue.text(outbox.target)
        for row in held {
          try session.execute(
            DeliveryStatements.hold,
            [.integer(row.bucket), target, .integer(row.seq), .text(row.problem)])
        }
        for range in ranges {
          try session.execute(
            DeliveryStatements.forget,
            [.integer(range.bucket), target, .integer(range.after), .integer(range.last)])
        }
      }
      emptyLogAfterErasure()
    } catch {
      let now = clock.now
      state.withLock { state in
        state.lanes.giveBack(ranges)
        state.held += held
        state.acknowledgedSince = now
      }
      throw error
    }
  }
}
