internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Wire

/// Takes pauses from the scheduler, and wakes what waited for the end of one (F22).
struct PauseDesk: Sendable {
  let pauses: PauseBook
  let database: NotifierDatabase
  let heads: DueHeads
  let clock: any WallClock

  func put(_ request: CommonV1.PutPausesRequest) async throws {
    for (index, pause) in request.pauses.enumerated() where pause.revision > UInt64(Int64.max) {
      throw RPCError(
        .invalidArgument, "pauses[\(index)].revision is too large",
        fieldViolations: [.init(field: "pauses[\(index)].revision", detail: "at most 2^63 - 1")])
    }
    try await database.commit([], weight: 4) { try PauseBook.write(request.pauses, $0) }
    pauses.put(request.pauses)
    // Also for a repeat: the call before may not have come this far.
    if request.pauses.contains(where: { !$0.holds }) { try await wake() }
  }

  /// Makes what waits for the end of a pause due now; what another pause covers waits again.
  ///
  /// After the book knows: a message whose wait commits later looks at the book then.
  private func wake() async throws {
    let now = clock.now.microseconds
    let buckets = Array(0...255 as ClosedRange<UInt8>)
    let woken = try await database.commit(buckets, weight: 256) { session in
      try buckets.filter { bucket in
        try session.execute(
          MessageStatements.wakePaused, [.integer(bucket), .integer(now)]) > 0
      }
    }
    for bucket in woken {
      for number in CommonV1.Channel.digital {
        heads.note(bucket, .init(rawValue: number), now)
      }
    }
  }
}
