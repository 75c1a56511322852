package import Messages
internal import Stubs
internal import Synchronization
package import Transport
internal import Wire

/// What a service shows of itself to whoever moves its virtual clock. Nothing here may block.
package protocol VirtualTimeSubject: Sendable {
  /// The earliest instant after the one given at which something is to be decided.
  func nextDue(after instant: Instant) -> Instant?
  /// Nothing runs, nothing waits to be projected or sent, nothing is due by the clock.
  ///
  /// Must be false from `advanced(to:)` on until what has become due by it is decided.
  var isIdle: Bool { get }
  /// Rows ever put into outboxes for our other services; outlasts a restart.
  var sent: UInt64 { get }
  /// Rows of our other services' outboxes that were taken, each once; outlasts a restart.
  var received: UInt64 { get }
  /// The clock shows this now. Called in order of the instants, never twice at once.
  func advanced(to instant: Instant)
}

/// Serves `homing.clock.v1.Clock` for a process with a virtual clock.
package final class ClockHandler: ClockV1.ClockService {
  private let clock: VirtualClock
  private let subject: any VirtualTimeSubject
  /// Held while the clock moves, so that the subject hears of each move in order.
  private let move = Mutex(())

  package init(_ clock: VirtualClock, _ subject: any VirtualTimeSubject) {
    self.clock = clock
    self.subject = subject
  }

  package func advance(
    _ request: ClockV1.AdvanceRequest, _ call: ServerCall
  ) throws -> Reply<ClockV1.AdvanceResponse> {
    guard let to = request.to, let instant = try? Instant(to) else {
      throw RPCError(
        .invalidArgument, "to is no instant of the years 1 to 9999",
        fieldViolations: [.init(field: "to", detail: "must be an instant")])
    }
    do throws(TimeError) {
      try advance(to: instant)
    } catch {
      throw RPCError(.failedPrecondition, error.description)
    }
    return .now(ClockV1.AdvanceResponse(now: clock.now.timestamp))
  }

  private func advance(to instant: Instant) throws(TimeError) {
    try move.withLock { (_) throws(TimeError) in
      let before = clock.now
      try clock.advance(to: instant)
      if instant > before { subject.advanced(to: instant) }
    }
  }

  package func status(
    _ request: ClockV1.StatusRequest, _ call: ServerCall
  ) throws -> Reply<ClockV1.StatusResponse> {
    // Under the same lock: no answer shows the clock moved and the subject not told yet.
    let response = move.withLock { _ in
      let now = clock.now
      // Idle is asked before the sums: what is counted after it was seen idle is in the next round.
      let isIdle = subject.isIdle
      return ClockV1.StatusResponse(
        now: now.timestamp, nextDue: subject.nextDue(after: now)?.timestamp, idle: isIdle,
        sent: subject.sent, received: subject.received)
    }
    return .now(response)
  }
}
