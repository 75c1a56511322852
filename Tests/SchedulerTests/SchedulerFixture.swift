internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Synchronization
internal import TestSupport

@testable internal import Scheduler

/// A scheduler without its server: database, intake and due worker, driven by hand.
final class SchedulerFixture: Sendable {
  static let store = "shop"
  /// Another one, of the same controller unless said.
  static let otherStore = "shop2"
  static let day = Micros.day
  static let hour = Micros.hour
  /// 2026-11-02T08:00:00Z, a Monday.
  static let start: Int64 = 1_793_606_400 * 1_000_000

  let engine: any StorageEngine
  let ledger: Ledger
  let flows = FlowRegistry()
  let modes = ModeRegistry()
  let pauses = PauseRegistry()
  let facts: ScriptedFacts
  let clock: VirtualClock
  let worker: DueWorker
  let isVirtual: Bool
  private let seqs = Mutex([UInt64](repeating: 0, count: 256))

  /// - Parameter engine: nil: one in memory.
  init(
    engine: (any StorageEngine)? = nil, facts: ScriptedFacts = ScriptedFacts(),
    isVirtual: Bool = true, rowsMax: Int = DueWorker.rowsMax,
    closed: Set<CommonV1.Channel> = [], restores: RestoreGate? = nil,
    at now: Int64 = SchedulerFixture.start
  ) throws {
    self.engine = try engine ?? SQLiteEngine.inMemory()
    self.facts = facts
    self.isVirtual = isVirtual
    try Migrator(SchedulerMigrations.all).migrate(self.engine)
    let lease = try self.engine.write { try BucketLease.take($0, owner: "test") }
    ledger = Ledger(
      engine: self.engine, lease: lease, flows: flows,
      targets: [.notifier, .directMail, .tracker, .shop], isVirtual: isVirtual,
      restores: restores,
      onCommit: { [pauses] commit in
        for flow in commit.halted { pauses.put(flow.pause) }
      })
    clock = VirtualClock(at: Instant(microseconds: now))
    try flows.load(self.engine)
    try modes.load(self.engine)
    try pauses.load(self.engine)
    var chance = SplitMix64(seed: 1)
    _ = try restores?.find(in: self.engine, now: clock.now, chance: &chance)
    let stood = try ledger.load(now: clock.now, chance: &chance)
    if stood > now { try clock.advance(to: Instant(microseconds: stood)) }
    worker = DueWorker(
      ledger: ledger, modes: modes, source: facts, closedChannels: closed, rowsMax: rowsMax)
  }

  var now: Int64 { clock.now.microseconds }

  // MARK: - Flows and modes

  /// Applies a flow, and tests it by default.
  func apply(
    _ text: String, mode: CommonV1.Mode? = .test, store: String = SchedulerFixture.store
  ) throws {
    let definition = try FlowReader.read(text)
    let version = flows.newest(definition.name, in: store)?.version.number ?? 0
    let entry = try ledger.write(now: now) { writing in
      try FlowStore.apply(
        definition,
        .init(store: store, idempotencyKey: "k", text: text, version: version), by: "me",
        writing)
    }
    flows.put(entry)
    if let mode { try set(mode, store: store) }
  }

  func set(
    _ mode: CommonV1.Mode, flow: String = "", store: String = SchedulerFixture.store,
    tested: [String] = []
  ) throws {
    let set = try ledger.write(now: now) { writing in
      try ModeStore.set(
        .init(
          store: store, idempotencyKey: "k", flow: flow, mode: mode, testAddresses: tested),
        by: "me", writing)
    }
    modes.put(set)
  }

  /// Somebody resumes a flow.
  func resume(_ flow: String, by author: String = "you") throws {
    let request = SchedulerV1.ResumeRequest(idempotencyKey: "k", store: Self.store, flow: flow)
    let pause = try ledger.write(now: now) { writing in
      try PauseStore.resume(PauseScope(request), note: "", by: author, writing)
    }
    pauses.put(pause)
  }

  /// Somebody else than the author lets a version go live.
  func approve(_ flow: String, _ version: UInt32 = 1) throws {
    let approved = try ledger.write(now: now) { writing in
      try ApprovalStore.approve(
        .init(store: Self.store, idempotencyKey: "k", flow: flow, version: version), by: "you",
        writing)
    }
    flows.approve(flow, version, in: Self.store, approved.approval)
  }

  func move(
    _ flow: String, from: UInt32, to: UInt32
  ) throws -> SchedulerV1.MoveEnrolmentsResponse {
    try ledger.write(now: now) { writing in
      let move = try FlowStore.versions(
        of: .init(store: Self.store, flow: flow, fromVersion: from, toVersion: to), flows,
        writing.session)
      var sum = SchedulerV1.MoveEnrolmentsResponse()
      for bucket in UInt8.min...UInt8.max {
        let part = try FlowStore.move(move, in: bucket, writing)
        sum.moved += part.moved
        sum.kept += part.kept
      }
      return sum
    }
  }

  // MARK: - What happens

  /// Takes changes as one call; the receipts.
  @discardableResult
  func take(
    _ changes: [CartTrackerV1.Change], outbox: String = SchedulerFixture.outbox,
    stores: [String: StoreBook.Answer] = [
      store: .known(StoreProfile(store: store)),
      otherStore: .known(StoreProfile(store: otherStore)),
    ]
  ) throws -> [CommonV1.Receipt] {
    let intake = try Intake(
      source: "cart-tracker", outbox: outbox, positions: changes.map(\.position))
    return try ledger.write(now: now) { writing in
      for bucket in intake.buckets { try writing.fence(bucket) }
      let effects = ChangeIntake(writing: writing, stores: stores)
      return try intake.take(writing.session, now: writing.now) {
        try effects.apply(changes[$0])
      }
    }.receipts.receipts
  }

  static let outbox = "018f4c3e-7b2a-7c1d-9e5f-0123456789ab"

  func change(
    _ kind: CartTrackerV1.Change.Kind, contact: String = "ann", guest: String = "",
    at: Int64? = nil, event: String = "e1", store: String = SchedulerFixture.store
  ) -> CartTrackerV1.Change {
    let owner = OwnerKeys.owner(store: store, contact: contact, guest: guest)
    let seq = seqs.withLock { seqs in
      seqs[Int(owner.bucket)] += 1
      return seqs[Int(owner.bucket)]
    }
    return CartTrackerV1.Change(
      position: .init(bucket: UInt32(owner.bucket), seq: seq), store: store, contact: contact,
      guest: guest, anchor: .init(at: Micros.timestamp(at ?? now), event: event), kind: kind)
  }

  static func episodeID(_ cart: String, _ contact: String) -> String {
    UUIDText.text(Array(SHA256.hash(Array("\(contact)/\(cart)".utf8)).prefix(16)))
  }

  /// An episode whose cart was last active an hour before it was given up.
  func episode(
    _ contact: String = "ann", cart: String = "c1", state: CartTrackerV1.EpisodeState = .running,
    revision: UInt32 = 1, abandonedAt: Int64? = nil, knownAt: Int64? = nil, enrols: Bool = true,
    kind: CartTrackerV1.CartKind = .cart, company: String = ""
  ) -> CartTrackerV1.Change {
    let abandoned = abandonedAt ?? now
    return change(
      .episode(
        CartTrackerV1.Episode(
          id: Self.episodeID(cart, contact), store: Self.store, cart: cart, contact: contact,
          state: state, trigger: .inactivity,
          anchor: .init(
            at: Micros.timestamp(abandoned - Self.hour), event: "last-\(contact)-\(cart)"),
          abandonedAt: Micros.timestamp(abandoned), knownAt: Micros.timestamp(knownAt ?? now),
          revision: revision, enrols: enrols, kind: kind, company: company)), contact: contact)
  }

  func purchase(
    _ contact: String = "ann", carts: [String] = [], at: Int64? = nil, order: String = "o1",
    euros: Int64 = 50, reversal: Bool = false
  ) -> CartTrackerV1.Change {
    change(
      .purchase(
        CartTrackerV1.PurchaseSeen(
          carts: carts, order: order,
          revenue: .init(currencyCode: "EUR", units: reversal ? -euros : euros),
          reversal: reversal)), contact: contact, at: at, event: "buy-\(order)-\(reversal)")
  }

  func link(
    _ contact: String, _ other: String, unlinked: Bool = false, isGuest: Bool = false
  ) -> CartTrackerV1.Change {
    change(
      .identity(.init(other: other, unlinked: unlinked)), contact: contact,
      guest: isGuest ? other : "")
  }

  /// Tells what became of an order.
  @discardableResult
  func tell(
    _ kind: CommonV1.OutcomeKind, of order: CommonV1.SendOrder, at: Int64? = nil,
    reason: CommonV1.ReasonCode = .unspecified, actor: CommonV1.Outcome.Actor = .human
  ) throws -> CommonV1.Receipt {
    let at = at ?? now
    let name = "\(order.id)/\(kind.rawValue)/\(at)/\(actor.rawValue)"
    let id = UUIDText.text(Array(SHA256.hash(Array(name.utf8)).prefix(16)))
    let row = SchedulerV1.TakeOutcomesRequest.Row(
      position: nextPosition(order),
      outcome: CommonV1.Outcome(
        order: order.id, store: order.store, enrolment: order.enrolment, step: order.step,
        channel: order.channel, kind: kind, at: Micros.timestamp(at), reason: reason,
        actor: actor, id: id))
    return try take(row)
  }

  func nextPosition(_ order: CommonV1.SendOrder) -> CommonV1.Position {
    let bucket = OwnerKey.contact(store: order.store, contact: order.contact).bucket
    let seq = seqs.withLock { seqs in
      seqs[Int(bucket)] += 1
      return seqs[Int(bucket)]
    }
    return CommonV1.Position(bucket: UInt32(bucket), seq: seq)
  }

  func take(_ row: SchedulerV1.TakeOutcomesRequest.Row) throws -> CommonV1.Receipt {
    let intake = try Intake(source: "notifier", outbox: Self.outbox, positions: [row.position])
    return try ledger.write(now: now) { writing in
      for bucket in intake.buckets { try writing.fence(bucket) }
      let effects = OutcomeIntake(writing: writing)
      return try intake.take(writing.session, now: writing.now) { _ in try effects.apply(row) }
    }.receipts.receipts[0]
  }

  // MARK: - Time

  /// Moves the clock and decides what is due.
  func advance(by span: Int64) throws { try advance(to: now + span) }

  func advance(to instant: Int64) throws {
    try clock.advance(to: Instant(microseconds: instant))
    try settle()
  }

  /// Runs the worker until nothing is due.
  func settle() throws {
    for _ in 0..<10_000 {
      if try worker.runOnce(now: clock.now) != .again { return }
    }
    throw Unsettled()
  }

  struct Unsettled: Error {}

  // MARK: - What there is

  var enrolments: [Enrolment] {
    get throws { try enrolments(in: Self.store) }
  }

  func enrolments(in store: String) throws -> [Enrolment] {
    try engine.read { session in
      try (UInt8.min...UInt8.max).flatMap { bucket in
        try session.all(
          EnrolmentStatements.newest,
          [.integer(bucket), .integer(Int64.max), .text(store), ""]
        ) { try EnrolmentRow($0, bucket: bucket).enrolment }
      }
    }.sorted { ($0.place.number, $0.id) < ($1.place.number, $1.id) }
  }

  /// Rows of a table, for what no list shows.
  func count(_ table: String) throws -> Int {
    let statement = Statement(
      name: "test count", sql: "SELECT count(*) FROM \(table)", scope: .reference)
    return try engine.read { session in
      Int(try session.first(statement) { try $0.integer(0) } ?? 0)
    }
  }

  func enrolment(_ contact: String = "ann", cart: String? = nil) throws -> Enrolment? {
    try enrolments.last { $0.contact == contact && (cart == nil || $0.cart == cart) }
  }

  /// Every decision, in order of time and id.
  var decisions: [SchedulerV1.Decision] {
    get throws {
      try engine.read { session in
        let list = DecisionList(
          request: .init(store: Self.store), session: session, flows: flows)
        var found: [SchedulerV1.Decision] = []
        var page = CommonV1.Page(limit: 1000)
        while true {
          let answer = try list.page(
            try ListPage(page, SchedulerV1.ListDecisionsRequest(), { _ in }, store: Self.store))
          found += answer.decisions
          if answer.next.isEmpty { return found }
          page.after = answer.next
        }
      }
    }
  }

  /// `step verdict` of a contact's decisions in the order made.
  func path(_ contact: String = "ann") throws -> [String] {
    let enrolments = try self.enrolments.filter { $0.contact == contact }
    return try engine.read { session in
      let reader = EnrolmentReader(session: session, flows: flows)
      return try enrolments.flatMap { enrolment in
        try reader.decisions(of: enrolment).map { read in
          let branch = read.record.branch.isEmpty ? "" : " \(read.record.branch)"
          let reason = read.record.reason == .unspecified ? "" : " \(read.record.reason)"
          return "\(read.record.step) \(read.record.verdict)\(branch)\(reason)"
            .replacing("VERDICT_", with: "").replacing("REASON_CODE_", with: "")
        }
      }
    }
  }

  /// Rows of an outbox, oldest first within a bucket.
  func outbox(_ target: Writing.Target) throws -> [CommonV1.SendOrders.Row] {
    try bodies(target).map { body in
      // The position, which is required, stands beside the body.
      try CommonV1.SendOrders.Row(encoded: [10, 2, 16, 1] + body)
    }
  }

  func bodies(_ target: Writing.Target) throws -> [[UInt8]] {
    let statement = Statement(
      name: "test outbox",
      sql: "SELECT body FROM outbox WHERE target = ?1 ORDER BY created_at, bucket, seq",
      scope: .allBuckets)
    return try engine.read { session in
      try session.all(statement, [.text(target.rawValue)]) { try $0.blob(0) }
    }
  }

  /// What was ordered of the notifier.
  var orders: [CommonV1.SendOrder] {
    get throws {
      try outbox(.notifier).compactMap { row in
        if case .send(let order) = row.action { return order }
        return nil
      }
    }
  }

  var cancels: [CommonV1.CancelOrder] {
    get throws {
      try outbox(.notifier).compactMap { row in
        if case .cancel(let order) = row.action { return order }
        return nil
      }
    }
  }
}

/// Facts from memory; stores that are away give none.
final class ScriptedFacts: FactsSource, StoreSource {
  struct State {
    var facts: [String: CartTrackerV1.Facts] = [:]
    /// Channels that the law closes.
    var denied: [String: Set<CommonV1.Channel>] = [:]
    var away: Set<String> = []
    var asked = 0
    var calls = 0
    var settings = CartTrackerV1.StoreSettings(timeZone: "UTC")
    /// Of stores that have another than the settings say.
    var controllers: [String: String] = [:]
  }

  let state = Mutex(State())

  struct Away: Error {}

  func set(_ contact: String, _ facts: CartTrackerV1.Facts) {
    state.withLock { $0.facts[contact] = facts }
  }

  func set(_ change: (inout CartTrackerV1.StoreSettings) -> Void) {
    state.withLock { change(&$0.settings) }
  }

  func set(hours: [CartTrackerV1.StoreSettings.ChannelWindow]) {
    state.withLock { $0.settings.windows = hours }
  }

  func deny(_ contact: String, _ channels: Set<CommonV1.Channel>) {
    state.withLock { $0.denied[contact] = channels }
  }

  func setAway(_ store: String, _ isAway: Bool) {
    state.withLock { state in
      if isAway { state.away.insert(store) } else { state.away.remove(store) }
    }
  }

  var asked: Int { state.withLock { $0.asked } }

  func profiles(of stores: Set<String>) -> [String: StoreBook.Answer] {
    Dictionary(
      uniqueKeysWithValues: stores.map { store in
        let settings = state.withLock { state in
          var settings = state.settings
          settings.controller = state.controllers[store] ?? settings.controller
          return settings
        }
        return (store, .known(StoreProfile(.init(id: store, settings: settings))))
      })
  }

  func facts(_ asks: [FactsAsk]) -> [Result<[CartTrackerV1.Facts], any Error>] {
    state.withLock { state in
      asks.map { ask in
        state.calls += 1
        if state.away.contains(ask.store) { return .failure(Away()) }
        state.asked += ask.subjects.count
        return .success(
          ask.subjects.map { subject in
            var facts =
              state.facts[subject.contact]
              ?? CartTrackerV1.Facts(contact: .init(store: ask.store, id: subject.contact))
            let denied = state.denied[subject.contact] ?? []
            facts.bases = subject.uses.map { use in
              denied.contains(use.channel)
                ? .init(use: use, asksFor: "consent", reason: .noConsent)
                : .init(use: use, allowed: true, restsOn: "consent")
            }
            return facts
          })
      }
    }
  }

  func store(_ id: String) async throws -> CartTrackerV1.Store? {
    CartTrackerV1.Store(id: id, revision: 1)
  }
}

/// Flows that tests use.
enum TestFlows {
  static let simple = """
    flow: simple
    start: cart abandoned
    re-entry: 7 days
    steps:
      - pause: 1 day
      - send e-mail: { template: cart-reminder, expires: 2 days }
        name: mail
    """

  static let reference = """
    flow: reference
    start: cart abandoned
    re-entry: 7 days
    steps:
      - pause: 1 day
        name: first-pause
      - evaluate data:
          - when: bought
            then: exit
        name: check
      - send e-mail: { template: cart-reminder, expires: 2 days }
        name: first-mail
      - evaluate event:
          of: first-mail
          within: 1 day
          clicked:
            - send e-mail: { template: cart-help, expires: 2 days }
              name: help-mail
            - exit
          opened:
            - pause: 1 day
              name: opened-pause
            - send sms: { template: cart-sms, expires: 1 day }
              name: sms-after-open
            - exit
          no action:
            - send sms: { template: cart-sms, expires: 1 day }
              name: sms-without-open
        name: response
      - pause: 2 days
        name: last-pause
      - tag: { add: [TRIED] }
        name: tagged
    """
}
