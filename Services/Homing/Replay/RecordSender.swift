internal import Messages
internal import Wire

/// Events on their way to one store in one call.
struct RecordBatch: Sendable {
  static let eventsMax = 1024
  /// Below the 4 MiB that a frame may have, since an event's size is a guess.
  static let bytesMax = 1 << 20

  let store: String
  private(set) var events: [CartTrackerV1.Event] = []
  private(set) var byteCount = 0

  init(_ store: String) { self.store = store }

  var isFull: Bool { events.count >= Self.eventsMax || byteCount >= Self.bytesMax }

  mutating func add(_ event: CartTrackerV1.Event, byteCount: Int) {
    events.append(event)
    self.byteCount += byteCount
  }
}

/// Sends batches until they are durable. Ids make every repeat safe.
struct RecordSender: Sendable {
  let services: any ReplayServices
  let pause: @Sendable (Duration) async throws -> Void

  /// A server that was there is waited for so long.
  static let patience = Duration.seconds(60)
  /// One that is too busy is; it is getting on, unless something in it stands still.
  static let busyPatience = Duration.seconds(600)

  /// - Returns: the events that the service refuses, with its reason.
  func send(_ batch: RecordBatch) async throws -> [FileSurvey.Refusal] {
    try await send(batch.events[...], batch.store)
  }

  private func send(
    _ events: ArraySlice<CartTrackerV1.Event>, _ store: String
  ) async throws -> [FileSurvey.Refusal] {
    let request = CartTrackerV1.RecordRequest(
      store: store, source: "replay", events: Array(events))
    do {
      _ = try await patiently { try await services.record(request) }
      return []
    } catch let error as RPCError where error.code == .invalidArgument {
      if events.count == 1, let event = events.first {
        return [FileSurvey.Refusal(row: event.sourceOrder, reason: error.message)]
      }
      // All are checked before any is stored, so the halves tell which one is meant.
      let middle = events.startIndex + events.count / 2
      return try await send(events[..<middle], store) + send(events[middle...], store)
    }
  }

  /// Repeats what the server is too busy for, or while it is started anew.
  func patiently<Result: Sendable>(
    _ call: @Sendable () async throws -> Result
  ) async throws -> Result {
    var waited = Duration.zero
    var waitedForBusy = Duration.zero
    while true {
      do {
        return try await call()
      } catch let error as RPCError
        where error.code == .resourceExhausted || error.code == .unavailable
      {
        let span = min(max(error.retryAfter ?? .milliseconds(20), .milliseconds(5)), .seconds(5))
        if error.code == .unavailable { waited += span } else { waitedForBusy += span }
        guard waited < Self.patience && waitedForBusy < Self.busyPatience else { throw error }
        try await pause(span)
      }
    }
  }
}
