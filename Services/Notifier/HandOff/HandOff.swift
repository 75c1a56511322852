internal import Logging
internal import Messages
internal import ServiceKit
internal import Storage
internal import Synchronization
internal import Transport
internal import Wire

/// Takes due messages through permission, intent, provider and result ("Delivery semantics").
///
/// A message is in memory from when it is read as due until its change is durable. A hand-off
/// begins at its grant; the intent is committed only for a message that has a slot of its provider,
/// the provider is called only while the grant lives, and the slot is free again when the result is
/// durable: so a crash leaves at most as many unknown fates as there are slots.
final class HandOff: Sendable {
  /// A provider with its messages.
  final class Lane: Sendable {
    let provider: any Provider
    let channels: Set<CommonV1.Channel>
    fileprivate let state: Mutex<LaneState>

    init(_ provider: any Provider, _ channels: Set<CommonV1.Channel>, pace: Pace = .none) {
      self.provider = provider
      self.channels = channels
      state = Mutex(LaneState(slots: provider.slots, pace: pace, now: .now))
    }
  }

  private struct State {
    /// Every message in memory.
    var held: Set<MessageKey> = []
    var asks: [UInt64: Task<Void, Never>?] = [:]
    var lastAsk: UInt64 = 0
    var isStopping = false
    var onRoom: @Sendable () -> Void = {}
    var onQuiet: [CheckedContinuation<Void, Never>] = []
    var chance: SplitMix64
  }

  /// Before cart-tracker is asked again after it did not answer.
  private static let askBackoff = Backoff(first: .milliseconds(50), most: .seconds(5))
  /// Before a result is written again that could not be.
  private static let writeAgainAfter = Duration.milliseconds(200)

  let lanes: [Lane]
  private let desk: PermissionDesk
  private let messageLog: MessageLog
  private let loop: EventLoop
  private let state: Mutex<State>

  private var log: Logger { desk.log }
  private var clock: any WallClock { desk.clock }

  init(
    desk: PermissionDesk, messageLog: MessageLog, lanes: [Lane], loop: EventLoop, seed: UInt64
  ) {
    self.desk = desk
    self.messageLog = messageLog
    self.lanes = lanes
    self.loop = loop
    state = Mutex(State(chance: SplitMix64(seed: seed)))
  }

  /// Called when there is room for more messages.
  func onRoom(_ body: @escaping @Sendable () -> Void) { state.withLock { $0.onRoom = body } }

  /// No message is in memory.
  var isIdle: Bool { state.withLock { $0.held.isEmpty } }

  var heldCount: Int { state.withLock { $0.held.count } }

  func holds(_ key: MessageKey) -> Bool { state.withLock { $0.held.contains(key) } }

  func lane(_ channel: CommonV1.Channel) -> Lane? { lanes.first { $0.channels.contains(channel) } }

  /// Messages of a channel that may be taken.
  func room(_ channel: CommonV1.Channel) -> Int {
    lane(channel)?.state.withLock { $0.room } ?? PermissionDesk.batchMax
  }

  /// Takes due messages of one channel; those in memory already are left out.
  func take(_ messages: [DueMessage], _ channel: CommonV1.Channel) {
    let new = state.withLock { state in
      state.isStopping ? [] : messages.filter { state.held.insert($0.key).inserted }
    }
    guard let lane = lane(channel) else {
      for message in new { end(message, .channelOff) }
      return
    }
    lane.state.withLock { $0.enqueue(new) }
    pump(lane)
  }

  // MARK: - Asking and starting

  /// Starts what can start and asks for what can be asked for.
  private func pump(_ lane: Lane) {
    while !state.withLock({ $0.isStopping }) {
      let (start, ask) = lane.state.withLock { state in
        (
          state.takeToStart(.now), state.takeToAsk(atMost: PermissionDesk.batchMax, .now)
        )
      }
      if !start.isEmpty { begin(start, lane) }
      if !ask.isEmpty {
        begin(ask: ask, lane)
        state.withLock { $0.onRoom }()
      }
      if start.isEmpty && ask.isEmpty { return wakeLater(lane) }
    }
  }

  /// Looks at a lane again when its pace allows more.
  private func wakeLater(_ lane: Lane) {
    guard let span = lane.state.withLock({ $0.takeWake(.now) }) else { return }
    loop.execute {
      Task.immediate {
        try? await self.loop.sleep(for: span)
        lane.state.withLock { $0.woke() }
        self.pump(lane)
      }
    }
  }

  private func begin(ask messages: [DueMessage], _ lane: Lane) {
    let number = state.withLock { state in
      state.lastAsk += 1
      state.asks.updateValue(nil, forKey: state.lastAsk)
      return state.lastAsk
    }
    let task = Task.immediate {
      await self.ask(messages, lane)
      self.state.withLock { $0.asks[number] = nil }
      self.tellQuiet()
    }
    let isStopping = state.withLock { state in
      // It may have ended already.
      if state.asks[number] != nil { state.asks.updateValue(task, forKey: number) }
      return state.isStopping
    }
    if isStopping { task.cancel() }
  }

  /// Asks until there is an answer: while cart-tracker is away nothing goes out, and messages wait
  /// here or in the table.
  private func ask(_ messages: [DueMessage], _ lane: Lane) async {
    var left = messages
    var failures = 0
    while !left.isEmpty && !Task.isCancelled {
      do {
        let permissions = try await desk.ask(left)
        return answered(Array(zip(left, permissions)), lane)
      } catch {
        failures += 1
        if failures.nonzeroBitCount == 1 {
          log.warning(
            "permission cannot be asked for",
            metadata: ["failures": "\(failures)", "problem": "\(error)"])
        }
        let now = clock.now.microseconds
        let late = left.filter { now >= $0.expiresAt }
        left.removeAll { now >= $0.expiresAt }
        answered(late.map { ($0, .skip(.stale)) }, lane)
        let delay = state.withLock { state in
          HandOff.askBackoff.delay(failures: failures, &state.chance)
        }
        do { try await loop.sleep(for: delay) } catch { break }
      }
    }
    // Stopping: the table still has them.
    let store = messages.first?.order.store ?? ""
    lane.state.withLock { $0.answered(left.count, ready: [], store: store) }
    for message in left { drop(message.key) }
  }

  private func answered(_ decisions: [(DueMessage, Permission)], _ lane: Lane) {
    var ready: [ReadyMessage] = []
    for (message, permission) in decisions {
      switch permission {
      case .ready(let message): ready.append(message)
      case .skip(let reason): end(message, reason)
      case .wait(let reason, let until):
        wait(message, reason, until: until)
      }
    }
    let store = decisions.first?.0.order.store ?? ""
    lane.state.withLock { $0.answered(decisions.count, ready: ready, store: store) }
    pump(lane)
  }

  private func end(_ message: DueMessage, _ reason: CommonV1.ReasonCode) {
    let end: NotifierV1.MessageState = message.isUnsure ? .unknown : .skipped
    write(message, .end(end, reason)) { self.drop(message.key) }
  }

  private func wait(_ message: DueMessage, _ reason: CommonV1.ReasonCode, until: Int64) {
    let isNews = reason != message.reason
    write(message, .wait(reason, until: until, isNews: isNews)) {
      self.waits(message, reason, until: until) { self.giveBack(message, at: $0) }
    }
  }

  /// A message's wait is durable. Where the pause that it waits for has ended meanwhile, nobody
  /// wakes it: it becomes due at once.
  ///
  /// - Parameter done: is given when it is due.
  private func waits(
    _ message: DueMessage, _ reason: CommonV1.ReasonCode, until: Int64,
    _ done: @escaping @Sendable (Int64) -> Void
  ) {
    let now = clock.now.microseconds
    guard reason == .paused, until > now, desk.pause(message) == nil else { return done(until) }
    write(message, .wait(reason, until: now, isNews: false)) { done(now) }
  }

  // MARK: - Hand-off

  /// Writes the intents of messages that have their slots, then calls the provider.
  private func begin(_ messages: [ReadyMessage], _ lane: Lane) {
    messageLog.begin(messages, lane.provider.name) { result in
      switch result {
      case .failure(let error):
        self.log.error("intents cannot be written", metadata: ["error": "\(error)"])
        lane.state.withLock { $0.released(messages.count) }
        let again = (self.clock.now + .seconds(1)).microseconds
        for message in messages { self.giveBack(message.due, at: again) }
      case .success(let begun): self.call(Array(zip(messages, begun)), lane)
      }
      self.pump(lane)
    }
  }

  private func call(_ messages: [(ReadyMessage, MessageLog.Begun)], _ lane: Lane) {
    var parcels: [Parcel] = []
    let now = MonotonicInstant.now
    for (message, begun) in messages {
      switch begun {
      case .begun where message.isFresh(now):
        if case .wait(let reason, let until) = desk.pause(message.due) {
          hold(message.due, reason, until: until, lane)
        } else {
          parcels.append(parcel(message, lane))
        }
      case .begun:
        // The intent took too long to become durable: the provider was not called.
        let again = clock.now.microseconds
        write(message.due, .wait(message.due.reason, until: again, isNews: false)) {
          self.release(message.due, lane, until: again)
        }
      case .gone, .suppressed: release(message.due, lane)
      }
    }
    if !parcels.isEmpty { lane.provider.send(parcels) }
  }

  /// A pause came after the permission, and before the provider was called (F22).
  private func hold(
    _ message: DueMessage, _ reason: CommonV1.ReasonCode, until: Int64, _ lane: Lane
  ) {
    let isNews = reason != message.reason
    write(message, .wait(reason, until: until, isNews: isNews)) {
      self.waits(message, reason, until: until) { self.release(message, lane, until: $0) }
    }
  }

  private func parcel(_ message: ReadyMessage, _ lane: Lane) -> Parcel {
    let began = clock.now.microseconds
    return Parcel(
      key: message.due.key, order: message.due.order, recipient: message.recipient,
      locale: message.locale, content: message.content
    ) { result in
      self.finished(message, result, began, lane)
    }
  }

  private func finished(
    _ message: ReadyMessage, _ result: ProviderResult, _ began: Int64, _ lane: Lane
  ) {
    var due = message.due
    let now = clock.now.microseconds
    due.grant = message.grant
    due.add(
      NotifierV1.OutboundMessage.Attempt(
        at: .init(microseconds: began), endedAt: .init(microseconds: now),
        provider: lane.provider.name, status: result.status, answer: result.answer,
        providerID: result.providerID))
    let change = state.withLock { state in
      HandOffRules.change(
        &due, result, isIdempotent: lane.provider.isIdempotent, lane.provider.retries, now: now,
        &state.chance)
    }
    let provider = lane.provider
    let parcel = Parcel(
      key: due.key, order: due.order, recipient: message.recipient, locale: message.locale,
      content: message.content, done: { _ in })
    let also: @Sendable (any StorageSession) throws -> Void = { session in
      if result.fate == .taken { try provider.store(parcel, session, now: now) }
    }
    let ended = due
    write(due, change, also: also) { self.release(ended, lane, until: change.until) }
  }

  /// Writes a change, again and again until it is durable: what a provider did cannot be undone.
  private func write(
    _ message: DueMessage, _ change: MessageLog.Change,
    also: @escaping @Sendable (any StorageSession) throws -> Void = { _ in },
    _ done: @escaping @Sendable () -> Void
  ) {
    messageLog.write(message, change, also: also) { result in
      guard case .failure(let error) = result else { return done() }
      if (error as? StorageError)?.code == .closed { return done() }
      self.log.error(
        "a message's change cannot be written",
        metadata: ["message": "\(message.order.id)", "error": "\(error)"])
      self.loop.execute {
        Task.immediate {
          try? await self.loop.sleep(for: HandOff.writeAgainAfter)
          self.write(message, change, also: also, done)
        }
      }
    }
  }

  /// - Parameter until: when it is due again; nil: it has ended.
  private func release(_ message: DueMessage, _ lane: Lane, until: Int64? = nil) {
    lane.state.withLock { $0.released() }
    if let until { giveBack(message, at: until) } else { drop(message.key) }
    pump(lane)
  }

  /// Leaves a message to the table, to be read again.
  ///
  /// Only then is it noted when it is due: who reads it before finds it in memory and leaves it
  /// out. Both in one step: else the notifier would seem idle between the two.
  private func giveBack(_ message: DueMessage, at instant: Int64) {
    state.withLock { state in
      state.held.remove(message.key)
      messageLog.heads.note(message.key.bucket, message.order.channel, instant)
    }
    tellQuiet()
  }

  private func drop(_ key: MessageKey) {
    state.withLock { _ = $0.held.remove(key) }
    tellQuiet()
  }

  // MARK: - Stopping

  /// Begins no further hand-off, and waits until those under way have their results, for the span
  /// at most.
  func stop(atMost span: Duration) async {
    let asks = state.withLock { state in
      state.isStopping = true
      return state.asks.values.compactMap { $0 }
    }
    for ask in asks { ask.cancel() }
    let alarm = Task.immediate {
      try? await loop.sleep(for: span)
      self.quiet()
    }
    await withCheckedContinuation { continuation in
      state.withLock { $0.onQuiet.append(continuation) }
      tellQuiet()
    }
    alarm.cancel()
  }

  private func tellQuiet() {
    let isStopping = state.withLock { $0.isStopping && $0.asks.isEmpty }
    if isStopping && lanes.allSatisfy({ $0.state.withLock { $0.busy == 0 } }) { quiet() }
  }

  private func quiet() {
    let waiting = state.withLock { state in
      defer { state.onQuiet = [] }
      return state.onQuiet
    }
    for waiter in waiting { waiter.resume() }
  }
}
