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
  /// Whether rows themselves start a flow, not only the silence after them.
  private var startsAtRows = false

  /// Rows asked of the source at once.
  private static let rowsAtOnce = 4096
  private static let callsInFlightMax = 8
  /// How long flows may go on after the last row.
  private static let flowsMax = Duration.seconds(60 * 86_400)
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
    if let flow = plan.flow, let flows = services.flows {
      var setup = FlowSetup(flow, flows, sender, idPrefix: plan.idPrefix)
      for store in plan.stores { try await setup.prepare(store) }
      startsAtRows = setup.startsAtRows
    }
    var due = try await rest()
    if let step = plan.step {
      due = try await sendInSteps(max(1, Int64(step / .microseconds(1))))
    } else {
      while let row = try await peek() {
        if let instant = due.next, instant <= row.sentAt {
          try await advance(to: instant)
        } else {
          try await send(before: due.next ?? .max, untilNextDue: true)
        }
        due = try await rest()
      }
    }
    try await drain(due)
    return progress
  }

  private mutating func sendInSteps(_ step: Int64) async throws -> Due {
    var due = Due()
    while let row = try await peek() {
      let start = plan.firstAt + (row.sentAt - plan.firstAt) / step * step
      due = try await runOn(to: start, due)
      try await send(before: start + step, untilNextDue: false)
      due = try await rest()
    }
    return due
  }

  /// Lets the clock run on after the last row, and until the flows have ended.
  private mutating func drain(_ first: Due) async throws {
    let silence = plan.settings.window.microsecondsMax
    let lateness = plan.settings.lateness.microsecondsClamped
    let end = plan.drains ? lastSentAt + silence + lateness : lastSentAt
    var due = try await runOn(to: end, first)
    guard plan.drains else { return }
    let limit = end + Self.flowsMax.microsecondsClamped
    while let flow = due.flows, flow <= limit, let instant = due.next {
      try await advance(to: max(now, gridded(instant)))
      due = try await rest()
    }
  }

  /// Lets the clock run up to `end`, which it does not pass. With a step and without flows nothing
  /// on the way depends on when it is asked for, so it goes there at once.
  private mutating func runOn(to end: Int64, _ first: Due) async throws -> Due {
    var due = first
    while plan.step == nil || plan.flow != nil, let instant = due.next, instant < end {
      let next = gridded(instant)
      if next >= end { break }
      try await advance(to: next)
      due = try await rest()
    }
    if end > now {
      try await advance(to: end)
      due = try await rest()
    }
    return due
  }

  /// The end of the step that an instant lies in; the instant itself where there are no steps.
  private func gridded(_ instant: Int64) -> Int64 {
    guard let step = plan.step?.microsecondsClamped, step > 0 else { return instant }
    let over = (instant - plan.firstAt) % step
    return over == 0 ? instant : instant + (step - over)
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
        if untilNextDue {
          limit = min(limit, startsAtRows && !row.isView ? row.sentAt : horizons.earliest(row))
        }
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
    report(progress)
  }

  private var isDisturbanceDue: Bool {
    guard let disturbance = plan.disturbance else { return false }
    return progress.sentCount - disturbedAt >= UInt64(disturbance.interval)
  }

  private mutating func add(_ row: ReplayRow, to batch: inout RecordBatch) {
    let contact = row.event.contact
    // Who only looks at things has no cart, and no flow that could want an address.
    if !plan.contacts.isEmpty, !row.isView, !contact.isEmpty,
      knownContacts.insert(contact).inserted,
      let at = row.event.at
    {
      let profile = plan.contacts.profile(contact, at: at)
      let event = CartTrackerV1.Event(
        id: "\(plan.idPrefix)-c\(row.number)", at: at, sourceOrder: row.number, contact: contact,
        kind: .contactUpserted(.init(profile: profile)))
      batch.add(event, byteCount: 512)
    }
    var sent = row.event
    if plan.flow != nil { plan.contacts.rewrite(&sent) }
    batch.add(sent, byteCount: row.byteCount)
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

  /// When something falls due next.
  private struct Due {
    /// Anywhere; nil: never.
    var next: Int64?
    /// At scheduler or notifier.
    var flows: Int64?
  }

  /// Waits until nothing runs anywhere; the next instants at which something falls due.
  private func rest() async throws -> Due {
    let services = services
    let timestamp = Protobuf.Timestamp(microseconds: now)
    var previous: [ClockV1.StatusResponse]?
    var pauses = Self.restPauses[...]
    var waited = Duration.zero
    while true {
      let statuses = try await sender.patiently { try await services.statuses() }
      // A process that was started anew stands at the last instant it made durable.
      if statuses.contains(where: { ($0.now?.microseconds ?? 0) < now }) {
        previous = nil
        try await sender.patiently { try await services.advance(to: timestamp) }
        continue
      }
      let sent = statuses.reduce(0) { $0 &+ $1.sent }
      let received = statuses.reduce(0) { $0 &+ $1.received }
      let isQuiet = statuses.allSatisfy(\.idle) && sent == received
      // Between the answers of two processes a row may travel; one process answers for itself.
      if isQuiet && (statuses.count == 1 || previous == statuses) {
        let dues = statuses.map { $0.nextDue?.microseconds }
        let due = Due(
          next: dues.compactMap(\.self).min(), flows: dues.dropFirst().compactMap(\.self).min())
        if let next = due.next, next <= now {
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
