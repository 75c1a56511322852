internal import Messages
internal import ServiceKit
internal import Wire

/// Sends rows through services on a virtual clock, from one due instant to the next.
///
/// Rows before a due instant are recorded and everything is at rest before the clock moves there;
/// rows of that very instant come after it.
struct ReplayDriver {
  private let services: any ReplayServices
  private let sender: RecordSender
  private let plan: ReplayPlan
  private let report: @Sendable (ReplayProgress) -> Void
  private let pause: @Sendable (Duration) async throws -> Void
  private var rows: any RowSource
  private var buffer: ArraySlice<ReplayRow> = []
  private var now: Int64
  private var horizons: DueHorizon
  private var knownContacts: Set<String> = []
  private var progress = ReplayProgress()
  private var lastSentAt: Int64
  private var disturbedAt: UInt64 = 0

  /// Rows asked of the source at once.
  private static let rowsAtOnce = 4096
  private static let callsInFlightMax = 8
  /// Before services are asked once more whether they rest; short ones first, since most of the
  /// time little is to be done.
  private static let restPauses: [Duration] = [
    .zero, .zero, .microseconds(200), .microseconds(500), .milliseconds(1), .milliseconds(2),
  ]

  /// - Parameters:
  ///   - pause: waits for a span; of the loop that also serves the calls.
  ///   - report: told of progress after every step, however small.
  init(
    _ services: any ReplayServices, _ plan: ReplayPlan, _ rows: any RowSource,
    pause: @escaping @Sendable (Duration) async throws -> Void,
    report: @escaping @Sendable (ReplayProgress) -> Void = { _ in }
  ) {
    self.services = services
    self.plan = plan
    self.rows = rows
    self.pause = pause
    self.report = report
    sender = RecordSender(services: services, pause: pause)
    now = plan.firstAt
    lastSentAt = plan.lastAt
    horizons = DueHorizon(lateness: plan.settings.lateness)
  }

  /// - Throws: `RPCError` of a service, `CommandError` for what a person can set right.
  mutating func run() async throws -> ReplayProgress {
    try await advance(to: plan.firstAt)
    for store in plan.stores { try await put(store) }
    var due = try await rest()
    if let step = plan.step {
      due = try await sendInSteps(max(1, Int64(step / .microseconds(1))))
    } else {
      while let row = try await peek() {
        if let instant = due, instant <= row.sentAt {
          try await advance(to: instant)
        } else {
          try await send(before: due ?? .max, untilNextDue: true)
        }
        due = try await rest()
      }
    }
    try await drain(due)
    return progress
  }

  private mutating func sendInSteps(_ step: Int64) async throws -> Int64? {
    var due: Int64?
    while let row = try await peek() {
      let start = plan.firstAt + (row.sentAt - plan.firstAt) / step * step
      if start > now {
        try await advance(to: start)
        _ = try await rest()
      }
      try await send(before: start + step, untilNextDue: false)
      due = try await rest()
    }
    return due
  }

  /// Lets the clock run on after the last row.
  private mutating func drain(_ first: Int64?) async throws {
    var due = first
    let silence = plan.settings.window.microsecondsMax
    let lateness = plan.settings.lateness.microsecondsClamped
    let end = plan.drains ? lastSentAt + silence + lateness : lastSentAt
    while plan.step == nil, let instant = due, instant <= end {
      try await advance(to: instant)
      due = try await rest()
    }
    if end > now {
      try await advance(to: end)
      _ = try await rest()
    }
  }

  // MARK: - Rows

  private mutating func peek() async throws -> ReplayRow? {
    if buffer.isEmpty { buffer = try await rows.next(Self.rowsAtOnce)[...] }
    return buffer.first
  }

  /// Sends the rows before `limit`, several calls at once.
  ///
  /// - Parameter untilNextDue: stops also before the earliest instant at which what was sent may
  ///   fall due.
  private mutating func send(before limit: Int64, untilNextDue: Bool) async throws {
    var limit = limit
    var batches: [String: RecordBatch] = [:]
    let sender = sender
    // A batch ends with what the service refuses of it, a disturbance with nil.
    try await withThrowingTaskGroup(of: [FileSurvey.Refusal]?.self) { group in
      var inFlight = 0
      var isDisturbed = false
      func waitForOne() async throws {
        guard let ended = try await group.next() else { return }
        if let ended { progress.add(ended) } else { isDisturbed = false }
        inFlight -= 1
      }
      func start(_ batch: RecordBatch) async throws {
        while inFlight >= Self.callsInFlightMax { try await waitForOne() }
        group.addTask { try await sender.send(batch) }
        inFlight += 1
      }
      while let row = try await peek(), row.sentAt < limit {
        buffer.removeFirst()
        if untilNextDue { limit = min(limit, horizons.earliest(row)) }
        var batch = batches.removeValue(forKey: row.store) ?? RecordBatch(row.store)
        add(row, to: &batch)
        if batch.isFull || isDisturbanceDue {
          try await start(batch)
        } else {
          batches[row.store] = batch
        }
        if isDisturbanceDue, let disturbance = plan.disturbance {
          // A service that is just being started is not ended; calls may be on their way.
          while isDisturbed { try await waitForOne() }
          disturbedAt = progress.sentCount
          group.addTask {
            try await disturbance.act()
            return nil
          }
          inFlight += 1
          isDisturbed = true
        }
      }
      for batch in batches.values { try await start(batch) }
      while inFlight > 0 { try await waitForOne() }
    }
    // A process that was started anew stands at the last instant it made durable.
    if plan.disturbance != nil { try await advance(to: now) }
    report(progress)
  }

  private var isDisturbanceDue: Bool {
    guard let disturbance = plan.disturbance else { return false }
    return progress.sentCount - disturbedAt >= UInt64(disturbance.interval)
  }

  private mutating func add(_ row: ReplayRow, to batch: inout RecordBatch) {
    let contact = row.event.contact
    if !plan.contacts.isEmpty, !contact.isEmpty, knownContacts.insert(contact).inserted,
      let at = row.event.at
    {
      let profile = plan.contacts.profile(contact, at: at)
      let event = CartTrackerV1.Event(
        id: "\(plan.idPrefix)-c\(row.number)", at: at, sourceOrder: row.number, contact: contact,
        kind: .contactUpserted(.init(profile: profile)))
      batch.add(event, byteCount: 512)
    }
    batch.add(row.event, byteCount: row.byteCount)
    lastSentAt = max(lastSentAt, row.sentAt)
    progress.sentCount += 1
  }

  // MARK: - The services

  private mutating func put(_ store: String) async throws {
    var isRepeated = false
    while true {
      let services = services
      let present = try await sender.patiently { try await services.store(store) }
      let request = try plan.settings.request(store, present, idPrefix: plan.idPrefix)
      do {
        let made = try await sender.patiently { try await services.putStore(request) }
        horizons.add(made.settings ?? request.settings)
        return
      } catch let error as RPCError where error.code == .aborted && !isRepeated {
        isRepeated = true
      }
    }
  }

  private mutating func advance(to instant: Int64) async throws {
    let services = services
    let timestamp = Protobuf.Timestamp(microseconds: instant)
    do {
      try await sender.patiently { try await services.advance(to: timestamp) }
    } catch let error as RPCError where error.code == .unimplemented {
      throw CommandError.usage(
        "the service does not run on a virtual clock (HOMING_CLOCK=virtual), so its time cannot "
          + "be moved; --local starts one that does")
    }
    now = instant
    progress.now = instant
    report(progress)
  }

  /// Waits until nothing runs anywhere; the next instant at which something falls due.
  private func rest() async throws -> Int64? {
    let services = services
    var previous: [ClockV1.StatusResponse]?
    var pauses = Self.restPauses[...]
    var waited = Duration.zero
    while true {
      let statuses = try await sender.patiently { try await services.statuses() }
      let sent = statuses.reduce(0) { $0 &+ $1.sent }
      let received = statuses.reduce(0) { $0 &+ $1.received }
      let isQuiet = statuses.allSatisfy(\.idle) && sent == received
      // Between the answers of two processes a row may travel; one process answers for itself.
      if isQuiet && (statuses.count == 1 || previous == statuses) {
        let due = statuses.compactMap { $0.nextDue?.microseconds }.min()
        if let due, due <= now {
          throw RPCError(.internalError, "a service at rest has something due before its now")
        }
        return due
      }
      previous = isQuiet ? statuses : nil
      if isQuiet { continue }
      let span = pauses.popFirst() ?? .milliseconds(5)
      guard waited < RecordSender.busyPatience else {
        throw RPCError(.deadlineExceeded, "the services do not come to rest")
      }
      waited += span
      if span > .zero { try await pause(span) }
    }
  }
}

/// How far a replay has come.
struct ReplayProgress: Hashable, Sendable {
  /// Rows sent, each copy counted.
  fileprivate(set) var sentCount: UInt64 = 0
  /// Rows that a service refuses.
  private(set) var refusals: [FileSurvey.Refusal] = []
  private(set) var refusedRows: Set<UInt64> = []
  /// Where the virtual clock stands, in microseconds since 1970.
  fileprivate(set) var now: Int64 = 0

  fileprivate mutating func add(_ refusals: [FileSurvey.Refusal]) {
    for refusal in refusals where refusedRows.insert(refusal.row).inserted {
      if self.refusals.count < FileSurvey.refusalsShown { self.refusals.append(refusal) }
    }
  }
}

/// The earliest instants at which events can make something fall due.
private struct DueHorizon {
  private let lateness: Int64
  /// Of all stores, the shortest.
  private var window = Int64.max
  private var grace = Int64.max

  init(lateness: Duration) { self.lateness = lateness.microsecondsClamped }

  mutating func add(_ settings: CartTrackerV1.StoreSettings?) {
    guard let settings else { return }
    let windows = [settings.window] + settings.kinds.map(\.window)
    for case let window? in windows { self.window = min(self.window, window.microsecondsMin) }
    grace = min(grace, (settings.checkoutGrace?.span ?? .seconds(900)).microsecondsClamped)
  }

  func earliest(_ row: ReplayRow) -> Int64 {
    var instant = row.at.addingReportingOverflow(window).partialValue
    switch row.event.kind {
    case .checkoutLeft: instant = min(instant, row.at + grace)
    case .quoteRequested(let quote):
      if let deadline = quote.deadline { instant = min(instant, deadline.microseconds) }
    case .deadlineSet(let set):
      if let deadline = set.deadline { instant = min(instant, deadline.microseconds) }
    default: break
    }
    return instant + lateness
  }
}
