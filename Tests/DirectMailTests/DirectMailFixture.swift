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

@testable internal import DirectMail
@testable internal import ServiceKit

/// direct-mail in this process, called over TLS, with a scripted cart-tracker and press, a clock
/// that a test moves, and whoever waits for outcomes.
final class DirectMailFixture: Sendable {
  /// 2026-03-02T09:00:00Z, a Monday: 10:00 in Berlin.
  static let morning = Instant(seconds: 1_772_442_000)
  /// 16:00 in Berlin of that day.
  static let cutOff = Instant(seconds: 1_772_463_600)

  /// What outlives a crash, and what a test steers.
  struct Place: Sendable {
    let folder: TemporaryFolder
    let tracker: ScriptedTracker
    let outcomes: Journal<CommonV1.Outcome>
    let press: ScriptedPress
    let interruptions: Interruptions

    init() throws {
      folder = try TemporaryFolder()
      tracker = ScriptedTracker()
      outcomes = Journal()
      press = ScriptedPress()
      interruptions = Interruptions()
    }
  }

  let place: Place
  let clock: VirtualClock
  let database: DirectMailDatabase
  let time: any VirtualTimeSubject
  private let parts: ServiceParts
  private let server: TestServer
  let client: DirectMailV1.DirectMailClient

  var tracker: ScriptedTracker { place.tracker }
  var press: ScriptedPress { place.press }
  var letters: String { place.folder.file("letters") }

  private init(
    place: Place, clock: VirtualClock, database: DirectMailDatabase, parts: ServiceParts,
    server: TestServer
  ) throws {
    self.place = place
    self.clock = clock
    self.database = database
    self.parts = parts
    self.server = server
    time = try #require(parts.virtualTime)
    client = DirectMailV1.DirectMailClient(try server.client())
  }

  /// - Parameter old: of a fixture that was stopped: starts again on what it left.
  static func start(
    _ old: Place? = nil, settings own: [String: String] = [:], testAddresses: [String]? = ["post:*"]
  ) async throws -> DirectMailFixture {
    let place = try old ?? Place()
    let clock = VirtualClock(at: old == nil ? morning : .epoch)
    var settings = Settings(
      environment: [
        "HOMING_CART_TRACKER": "127.0.0.1:1", "HOMING_HOUSEHOLD_PERIOD": "0s",
      ].merging(own) { $1 })
    let configuration = DirectMailConfiguration(reading: &settings)
    try settings.check()
    let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let context = ServiceContext(
      name: "direct-mail", configuration: ServiceConfiguration(&settings, hasData: false),
      log: log, clock: clock, virtualClock: clock, group: TestLoops.group,
      health: HealthRegistry(), seed: 7)
    var options = SQLiteOptions()
    options.flushes = false
    let database = try DirectMailDatabase(
      SQLiteEngine.file(place.folder.file("direct-mail.db"), options),
      fatal: { preconditionFailure("\($0)") })
    try await setModes(database, testAddresses)
    let counts = DeliveryCounts()
    let outcomes = place.outcomes
    let sender = OutboxSender(
      Outbox(target: "scheduler"), engine: database.engine, counts: counts, log: log,
      send: { rows in try rows.map { try note($0, outcomes) } })
    let parts = try Composition.compose(
      context, configuration,
      Composition.Outside(
        database: database, source: place.tracker, press: place.press,
        files: BatchFiles(
          own: place.folder.file("batches"), handOver: place.folder.file("letters"),
          flushes: false),
        links: try links(), counts: counts, sender: sender,
        journal: try OptOutJournal(path: place.folder.file("optouts.journal"), flushes: false),
        beat: RestoreBeat(path: place.folder.file("direct-mail.beat"), flushes: false),
        reached: { try place.interruptions.reached($0) }))
    let server = try await TestServer.start { setup in
      setup.grants = try Grants(parsing: [
        "spiffe://test/client=scheduler,staff,marketer,operator,shop,gateway"
      ])
      setup.register = { parts.register(&$0) }
    }
    for part in parts.parts { try await part.start() }
    return try DirectMailFixture(
      place: place, clock: clock, database: database, parts: parts, server: server)
  }

  /// TEST for the store `shop`, LIVE for `live`; nil sets none.
  private static func setModes(
    _ database: DirectMailDatabase, _ testAddresses: [String]?
  ) async throws {
    guard let testAddresses else { return }
    try await database.commit([]) { session in
      try ModeBook.write(
        [
          .init(store: "shop", mode: .test, testAddresses: testAddresses, revision: 1),
          .init(store: "live", mode: .live, revision: 1),
        ], session)
    }
  }

  static func links() throws -> LetterLinks {
    try LetterLinks(
      base: "https://go.shop.test",
      keys: [(1, Secret([UInt8](repeating: 7, count: 32)))])
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

  func putTemplate(_ name: String = "hello", store: String = "shop") async throws {
    _ = try await client.putTemplate(
      .init(
        store: store, idempotencyKey: "put-\(name)", template: name, format: .a4FormB,
        text: "Hello"))
  }

  func order(
    _ number: Int, contact: String = "anna", store: String = "shop",
    _ change: (inout CommonV1.SendOrder) -> Void = { _ in }
  ) -> CommonV1.SendOrder {
    let now = clock.now
    var order = CommonV1.SendOrder(
      id: DerivedID.of("test", store, "\(number)"), store: store, channel: .letter,
      contact: contact, cart: "cart-1",
      anchor: .init(at: (now - .seconds(3600)).timestamp, event: "e1"),
      enrolment: DerivedID.of("enrolment", "\(number)"), flow: "flow", flowVersion: 1,
      step: "letter", template: "hello", dueAt: now.timestamp,
      expiresAt: (now + .seconds(5 * 86_400)).timestamp, mode: store == "live" ? .live : .test)
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

  @discardableResult
  func send(_ rows: [CommonV1.SendOrders.Row]) async throws -> [CommonV1.Receipt] {
    try await client.send(.init(outbox: DirectMailFixture.outbox, rows: rows)).receipts
  }

  /// Waits until nothing is left to do at the present instant.
  func settle() async {
    let end = MonotonicInstant.now + .seconds(60)
    while !time.isIdle {
      if MonotonicInstant.now > end {
        Issue.record("there is work to do after a minute")
        return
      }
      await Task.yield()
    }
  }

  func advance(by span: Duration) async throws {
    try clock.advance(to: clock.now + span)
    time.advanced(to: clock.now)
    await settle()
  }

  /// Lets the clock go to the next cut-off.
  func advanceToCutOff() async throws {
    let next = try #require(time.nextDue(after: clock.now))
    try await advance(by: next - clock.now)
  }

  func piece(_ order: CommonV1.SendOrder) async throws -> DirectMailV1.MailPiece {
    try await client.getMailPiece(.init(store: order.store, piece: order.id))
  }

  func batches(_ store: String = "shop") async throws -> [DirectMailV1.Batch] {
    try await client.listBatches(.init(store: store)).batches
  }

  /// Kinds of an order's outcomes so far, with their reasons.
  func told(_ order: CommonV1.SendOrder) -> [String] {
    place.outcomes.entries.filter { $0.order == order.id }.map { outcome in
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
        positions: [.init(bucket: 3, seq: 17)], grantedAt: DirectMailFixture.morning.timestamp,
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
        profile: .init(givenName: "Anna", locale: "en", address: address(contact))),
      carts: [
        .init(id: "cart-1", contact: contact, header: .init(url: "https://www.shop.test/c/1"))
      ], storeRevision: 1)
  }

  static func address(_ contact: String) -> CommonV1.Address {
    .init(
      countryCode: "DE", person: "Anna \(contact)", streetLines: ["Hauptstraße \(contact.count)"],
      postalCode: "80331", locality: contact)
  }

  static let store = CartTrackerV1.Store(
    id: "shop",
    settings: .init(
      name: "Shop", controller: "Shop GmbH", timeZone: "Europe/Berlin", locale: "en",
      countryCode: "DE", window: .init(length: .months(1)),
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
    guard ["shop", "other", "live"].contains(id) else { throw RPCError(.notFound, "no such store") }
    var store = ScriptedTracker.store
    store.id = id
    return store
  }

  func facts(_ request: CartTrackerV1.FactsRequest) async throws -> CartTrackerV1.FactsResponse {
    .init(facts: request.subjects.map { ScriptedTracker.facts(contact: $0.contact) })
  }
}

/// Draws pages of plain text: one line for each letter, the same for the same.
final class ScriptedPress: Press {
  typealias Refusal = @Sendable (LetterOrder) -> LetterRefusal?

  private let refusal = Mutex<Refusal> { _ in nil }

  func refuses(_ body: @escaping Refusal) { refusal.withLock { $0 = body } }

  func check(
    _ text: String, _ format: DirectMailV1.Format
  ) -> (faults: [(field: String, problem: String)], parameters: [String]) {
    text.contains("wrong") ? ([("1:1 blocks", "is wrong")], []) : ([], ["greeting"])
  }

  func begin(_ path: String, _ format: DirectMailV1.Format, date: Instant) throws -> any PressRun {
    ScriptedRun(path, refusal.withLock { $0 }, date)
  }

  func preview(
    _ letter: LetterOrder, _ format: DirectMailV1.Format, page: Int, dotsPerInch: Int
  ) throws -> [UInt8] {
    if let refusal = refusal.withLock({ $0 })(letter) { throw refusal }
    let hasCart = letter.facts.carts.contains { $0.id == letter.order.cart }
    return Array("\(page) \(dotsPerInch) \(letter.isSample && hasCart)".utf8)
  }
}

final class ScriptedRun: PressRun {
  struct Unprepared: Error {}

  private let path: String
  private let refusal: ScriptedPress.Refusal
  private var text: String
  private var prepared: [String: LetterOrder] = [:]
  private var pages = 0

  init(_ path: String, _ refusal: @escaping ScriptedPress.Refusal, _ date: Instant) {
    self.path = path
    self.refusal = refusal
    text = "%PDF \(date)\n"
  }

  func prepare(_ letter: LetterOrder) throws -> SheetFacts {
    if let refusal = refusal(letter) { throw refusal }
    prepared[letter.order.id] = letter
    return SheetFacts(addressLines: letter.address.map { [$0.person] + $0.streetLines } ?? [])
  }

  func draw(_ id: String) throws -> ClosedRange<Int> {
    guard let letter = prepared.removeValue(forKey: id) else { throw Unprepared() }
    pages += 1
    text += "\(id) \(letter.order.contact) \(letter.cartLink) \(letter.objectionCode)"
    text += " \(letter.facts.contact?.profile?.givenName ?? "") \(letter.template.version)"
    text += " \(letter.isSample)\n"
    return pages...pages
  }

  func drop(_ id: String) { prepared[id] = nil }

  func finish() throws -> Int {
    try TestFiles.write(Array(text.utf8), path)
    return pages
  }
}

/// Where closings are interrupted.
final class Interruptions: Sendable {
  struct Cut: Error {}

  private let point = Mutex<BatchCloser.Point?>(nil)
  let seen = Journal<BatchCloser.Point>()

  /// From now on; nil lets closings go on.
  func cut(at point: BatchCloser.Point?) { self.point.withLock { $0 = point } }

  func reached(_ point: BatchCloser.Point) throws {
    seen.add(point)
    if self.point.withLock({ $0 }) == point { throw Cut() }
  }
}
