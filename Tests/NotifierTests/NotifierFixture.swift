@testable internal import Delivery
internal import Logging
internal import Messages
internal import Storage
internal import Stubs
internal import Synchronization
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

@testable internal import Notifier
@testable internal import ServiceKit

/// A notifier in this process, called over TLS, with a scripted cart-tracker and provider, a clock
/// that a test moves, and whoever waits for outcomes.
final class NotifierFixture: Sendable {
  /// 2026-03-02T09:00:00Z.
  static let morning = Instant(seconds: 1_772_442_000)

  let folder: TemporaryFolder
  let tracker: ScriptedTracker
  let outcomes: Journal<CommonV1.Outcome>
  let clock: VirtualClock
  let database: NotifierDatabase
  let time: any VirtualTimeSubject
  private let parts: ServiceParts
  private let server: TestServer
  let client: NotifierV1.NotifierClient

  private init(
    folder: TemporaryFolder, tracker: ScriptedTracker, outcomes: Journal<CommonV1.Outcome>,
    clock: VirtualClock, database: NotifierDatabase, parts: ServiceParts, server: TestServer
  ) throws {
    self.folder = folder
    self.tracker = tracker
    self.outcomes = outcomes
    self.clock = clock
    self.database = database
    self.parts = parts
    self.server = server
    time = try #require(parts.virtualTime)
    client = NotifierV1.NotifierClient(try server.client())
  }

  static func start(
    lanes: [HandOff.Lane], folder: TemporaryFolder? = nil, tracker: ScriptedTracker? = nil,
    outcomes: Journal<CommonV1.Outcome>? = nil, settings own: [String: String] = [:]
  ) async throws -> NotifierFixture {
    let isNew = folder == nil
    let folder = try folder ?? TemporaryFolder()
    let (tracker, outcomes) = (tracker ?? ScriptedTracker(), outcomes ?? Journal())
    let clock = VirtualClock(at: isNew ? morning : .epoch)
    var settings = Settings(
      // Tests run side by side, each with the files of its own readers.
      environment: own.merging(
        ["HOMING_CART_TRACKER": "127.0.0.1:1", "HOMING_READERS": "1"]) { $1 })
    let configuration = NotifierConfiguration(reading: &settings)
    let context = ServiceContext(
      name: "notifier", configuration: ServiceConfiguration(&settings, hasData: false),
      log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, clock: clock,
      virtualClock: clock, group: TestLoops.group, health: HealthRegistry(), seed: 7)
    var options = SQLiteOptions()
    options.flushes = false
    let database = try NotifierDatabase(
      SQLiteEngine.file(folder.file("notifier.db"), options),
      fatal: { preconditionFailure("\($0)") })
    let counts = DeliveryCounts()
    let sender = OutboxSender(
      Outbox(target: "scheduler"), engine: database.engine, counts: counts,
      log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      send: { rows in try rows.map { try note($0, outcomes) } })
    let parts = try Composition.compose(
      context, configuration,
      Composition.Outside(
        database: database, source: tracker, lanes: lanes,
        links: try ContentFixture.links(), counts: counts, sender: sender,
        journal: try OptOutJournal(path: folder.file("optouts.journal"), flushes: false),
        beat: RestoreBeat(path: folder.file("notifier.beat"), flushes: false)))
    let server = try await TestServer.start { setup in
      setup.grants = try Grants(parsing: [
        "spiffe://test/client=scheduler,staff,marketer,operator,shop,gateway"
      ])
      setup.register = { parts.register(&$0) }
    }
    for part in parts.parts { try await part.start() }
    return try NotifierFixture(
      folder: folder, tracker: tracker, outcomes: outcomes, clock: clock, database: database,
      parts: parts, server: server)
  }

  private static func note(
    _ row: OutboxRow, _ outcomes: Journal<CommonV1.Outcome>
  ) throws -> CommonV1.Receipt {
    let decoded = try SchedulerV1.TakeOutcomesRequest.Row(body: row)
    if let outcome = decoded.outcome { outcomes.add(outcome) }
    return .init(position: .init(bucket: UInt32(row.bucket), seq: row.seq), verdict: .stored)
  }

  /// Ends in order.
  func stop() async {
    for part in parts.parts.reversed() { await part.stop() }
    await server.cut()
  }

  // MARK: - What tests do

  /// Sets TEST for the store, with every address that reaches nobody.
  func allowTests(_ addresses: [String] = ["@test", "+999*"], store: String = "shop") async throws {
    _ = try await client.putModes(
      .init(modes: [.init(store: store, mode: .test, testAddresses: addresses, revision: 1)]))
  }

  func putTemplate(
    _ name: String = "hello", channel: CommonV1.Channel = .sms,
    _ parts: NotifierV1.TemplateParts = .init(text: "Hello from {{store_name}}")
  ) async throws {
    _ = try await client.putTemplate(
      .init(
        store: "shop", idempotencyKey: "put-\(name)", template: name, channel: channel,
        parts: parts))
  }

  func order(
    _ number: Int, contact: String = "anna", channel: CommonV1.Channel = .sms,
    _ change: (inout CommonV1.SendOrder) -> Void = { _ in }
  ) -> CommonV1.SendOrder {
    let now = clock.now
    var order = CommonV1.SendOrder(
      id: DerivedID.of("test", "\(number)"), store: "shop", channel: channel, contact: contact,
      cart: "cart-1", anchor: .init(at: (now - .seconds(3600)).timestamp, event: "e1"),
      enrolment: DerivedID.of("enrolment", "\(number)"), flow: "flow", flowVersion: 1,
      step: "first",
      template: "hello", dueAt: now.timestamp, expiresAt: (now + .seconds(86_400)).timestamp,
      mode: .test)
    change(&order)
    return order
  }

  static let outbox = "018f4c3e-7b2a-7c1d-9e5f-000000000001"

  /// Sends rows as the scheduler would: numbered from `first` on within their contact's bucket.
  @discardableResult
  func send(_ orders: [CommonV1.SendOrder], from first: UInt64 = 1) async throws
    -> [CommonV1.Receipt]
  {
    try await send(
      orders.enumerated().map { index, order in
        let bucket = OwnerKey.contact(store: order.store, contact: order.contact).bucket
        return .init(
          position: .init(bucket: UInt32(bucket), seq: first + UInt64(index)),
          action: .send(order))
      })
  }

  func send(_ rows: [CommonV1.SendOrders.Row]) async throws -> [CommonV1.Receipt] {
    try await client.send(.init(outbox: NotifierFixture.outbox, rows: rows)).receipts
  }

  /// Waits until nothing is left to do at the present instant.
  func settle() async {
    while !time.isIdle { await Task.yield() }
  }

  func advance(by span: Duration) async throws {
    try clock.advance(to: clock.now + span)
    time.advanced(to: clock.now)
    await settle()
  }

  func message(_ order: CommonV1.SendOrder) async throws -> NotifierV1.OutboundMessage {
    let answer = try await client.getMessage(
      .init(store: order.store, message: order.id, withContent: true))
    return try #require(answer.message)
  }

  /// Kinds of an order's outcomes so far, with their reasons.
  func told(_ order: CommonV1.SendOrder) -> [String] {
    outcomes.entries.filter { $0.order == order.id }.map { outcome in
      let kind = "\(outcome.kind)".dropFirst("OUTCOME_KIND_".count)
      return outcome.reason == .unspecified
        ? String(kind) : "\(kind) \("\(outcome.reason)".dropFirst("REASON_CODE_".count))"
    }
  }
}

extension SchedulerV1.TakeOutcomesRequest.Row {
  /// A row as it is put: without its position, which the contract requires.
  init(body row: OutboxRow) throws {
    let request = try SchedulerV1.TakeOutcomesRequest(
      encoded: IntakeClient.request("018f4c3e-7b2a-7c1d-9e5f-000000000002", [row]))
    self = try #require(request.rows.first)
  }
}

/// A cart-tracker that says what a test tells it to.
final class ScriptedTracker: StopSource {
  typealias Answer = @Sendable (CartTrackerV1.StopSubject) throws -> CartTrackerV1.StopAnswer

  let asked = Journal<CartTrackerV1.CheckStopRequest>()
  private let answer: Mutex<Answer>
  private let revision = Mutex<UInt32>(1)

  init() { answer = Mutex { ScriptedTracker.grant($0) } }

  func answers(_ body: @escaping Answer) { answer.withLock { $0 = body } }

  static func grant(_ subject: CartTrackerV1.StopSubject) -> CartTrackerV1.StopAnswer {
    .init(
      grant: .init(
        positions: [.init(bucket: 3, seq: 17)], grantedAt: NotifierFixture.morning.timestamp,
        lifetime: .init(seconds: 1)),
      facts: facts(contact: subject.contact))
  }

  static func refuse(
    _ subject: CartTrackerV1.StopSubject, _ reason: CommonV1.ReasonCode, lasting: Bool
  ) -> CartTrackerV1.StopAnswer {
    .init(
      refusal: .init(reason: reason, lasting: lasting), facts: facts(contact: subject.contact))
  }

  static func facts(contact: String) -> CartTrackerV1.Facts {
    .init(
      contact: .init(
        store: "shop", id: contact,
        profile: .init(
          givenName: "Anna", locale: "en",
          destinations: [
            .init(channel: .email, address: "\(contact)@shop.test"),
            .init(channel: .sms, address: "+99912345"),
          ])), storeRevision: 1,
      bases: [.email, .sms].map { .init(use: .tracking($0), allowed: true) })
  }

  static let store = CartTrackerV1.Store(
    id: "shop",
    settings: .init(
      name: "Shop", controller: "Shop GmbH", timeZone: "Europe/Berlin", locale: "en",
      countryCode: "DE",
      imprint: .init(
        legalName: "Shop GmbH",
        address: .init(
          countryCode: "DE", streetLines: ["Hauptstraße 1"], postalCode: "80331",
          locality: "München"), senderName: "Shop", senderEmail: "hello@shop.test",
        supportEmail: "help@shop.test", website: "https://www.shop.test")),
    revision: 1)

  func checkStop(
    _ request: CartTrackerV1.CheckStopRequest
  ) async throws -> CartTrackerV1.CheckStopResponse {
    asked.add(request)
    let answer = answer.withLock { $0 }
    return .init(answers: try request.subjects.map(answer))
  }

  func store(_ id: String) async throws -> CartTrackerV1.Store {
    guard ["shop", "other"].contains(id) else { throw RPCError(.notFound, "no such store") }
    var store = ScriptedTracker.store
    store.id = id
    return store
  }

  func facts(_ request: CartTrackerV1.FactsRequest) async throws -> CartTrackerV1.FactsResponse {
    .init(facts: request.subjects.map { ScriptedTracker.facts(contact: $0.contact) })
  }
}

/// A provider that answers what a test tells it to.
final class ScriptedProvider: Provider {
  let name: String
  let slots: Int
  let isIdempotent: Bool
  let parcels = Journal<Parcel>()
  private let answer: Mutex<@Sendable (Parcel) -> ProviderResult?>

  /// - Parameter answer: nil: the test calls the parcel's `done`.
  init(
    name: String = "scripted", slots: Int = 4, isIdempotent: Bool = true,
    _ answer: @escaping @Sendable (Parcel) -> ProviderResult? = { _ in ProviderResult(.taken) }
  ) {
    self.name = name
    self.slots = slots
    self.isIdempotent = isIdempotent
    self.answer = Mutex(answer)
  }

  var lane: HandOff.Lane { HandOff.Lane(self, [.sms, .email]) }

  func answers(_ body: @escaping @Sendable (Parcel) -> ProviderResult?) {
    answer.withLock { $0 = body }
  }

  func send(_ parcels: [Parcel]) {
    let answer = answer.withLock { $0 }
    for parcel in parcels {
      self.parcels.add(parcel)
      if let result = answer(parcel) { parcel.done(result) }
    }
  }
}
