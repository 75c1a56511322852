internal import Messages
internal import ServiceKit
internal import Storage
internal import Synchronization
internal import TestSupport
internal import Testing

@testable internal import Scheduler

@Suite struct CapTests {
  private static let hour = SchedulerFixture.hour
  private static let day = SchedulerFixture.day
  private typealias Cap = CartTrackerV1.StoreSettings.SendCap

  private static func cap(
    _ scope: Cap.Scope, _ count: UInt32, hours: Int64, _ channels: [CommonV1.Channel] = []
  ) -> Cap {
    Cap(
      scope: scope, count: count, period: .init(seconds: hours * 3600), channels: channels)
  }

  /// A flow of one send, started by the signal of the step's kind.
  private static func flow(_ kind: String, _ more: String = "") -> String {
    """
    flow: \(kind.replacing("-", with: ""))
    start: { signal: \(kind.replacing("-", with: "")) }
    re-entry: 0 s
    holdout: 0 %
    steps:
      - send \(kind): { template: hello, expires: 30 days\(more) }
        name: hello
    """
  }

  /// Two stores of one controller with a flow for each channel.
  private static func fixture(
    _ caps: [Cap], _ more: String = "", mode: CommonV1.Mode = .test
  ) throws -> SchedulerFixture {
    let fixture = try SchedulerFixture()
    fixture.facts.set { settings in
      settings.controller = "Shop GmbH"
      settings.caps = caps
    }
    for store in [SchedulerFixture.store, SchedulerFixture.otherStore] {
      for kind in ["e-mail", "sms", "letter", "push", "chat", "postcard"] {
        try fixture.apply(flow(kind, more), mode: mode, store: store)
      }
      try fixture.apply(flow("internal"), mode: mode, store: store)
    }
    return fixture
  }

  /// Who somebody is to the tracker.
  private static func know(
    _ contact: String, email: String = "", phone: String = "", company: String = "",
    linked: [String] = [], in fixture: SchedulerFixture
  ) {
    var profile = CartTrackerV1.ContactProfile(company: company)
    if !email.isEmpty { profile.destinations.append(.init(channel: .email, address: email)) }
    if !phone.isEmpty { profile.destinations.append(.init(channel: .sms, address: phone)) }
    fixture.facts.set(
      contact, .init(contact: .init(id: contact, profile: profile, linked: linked)))
  }

  struct Attempt: Sendable {
    let hour: Int64
    let contact: String
    var flow = "email"
    var store = SchedulerFixture.store

    init(
      _ hour: Int64, _ contact: String = "ann", _ flow: String = "email",
      in store: String = SchedulerFixture.store
    ) {
      (self.hour, self.contact, self.flow, self.store) = (hour, contact, flow, store)
    }
  }

  private static func start(
    _ attempt: Attempt, _ fixture: SchedulerFixture, _ number: Int
  ) throws {
    try fixture.take([
      fixture.change(
        .signal(.init(name: attempt.flow)), contact: attempt.contact, event: "e\(number)",
        store: attempt.store)
    ])
  }

  /// The hours at which attempts were sent, in their order; nil where they were not.
  private static func play(
    _ attempts: [Attempt], _ fixture: SchedulerFixture
  ) throws -> [Int64?] {
    let start = SchedulerFixture.start
    for (number, attempt) in attempts.enumerated() {
      try fixture.advance(to: start + attempt.hour * hour)
      try Self.start(attempt, fixture, number)
      try fixture.settle()
    }
    try fixture.advance(by: 40 * day)
    var left: [String: [Enrolment]] = [:]
    for store in Set(attempts.map(\.store)) {
      for enrolment in try fixture.enrolments(in: store) {
        left["\(store)/\(enrolment.contact)/\(enrolment.flow)", default: []].append(enrolment)
      }
    }
    return attempts.map { attempt in
      let enrolment = left["\(attempt.store)/\(attempt.contact)/\(attempt.flow)"]?.removeFirst()
      let sent = enrolment?.visits.first { $0.verdict == .sent }
      return sent.map { ($0.decidedAt - start) / hour }
    }
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let caps: [CartTrackerV1.StoreSettings.SendCap]
    let attempts: [Attempt]
    let sent: [Int64]
  }

  static let table: [Case] = [
    Case(
      testDescription: "nothing set is 3 in 7 days", caps: [],
      attempts: [Attempt(0), Attempt(1), Attempt(2), Attempt(3)], sent: [0, 1, 2, 168]),
    Case(
      testDescription: "one that is as old as the period no longer counts",
      caps: [cap(.person, 2, hours: 168)],
      attempts: [Attempt(0), Attempt(1), Attempt(168), Attempt(168), Attempt(169)],
      sent: [0, 1, 168, 169, 336]),
    Case(
      testDescription: "every channel to people counts, and none to staff",
      caps: [cap(.person, 5, hours: 24)],
      attempts: [
        Attempt(0, "ann", "email"), Attempt(1, "ann", "internal"), Attempt(2, "ann", "sms"),
        Attempt(3, "ann", "letter"), Attempt(4, "ann", "push"), Attempt(5, "ann", "chat"),
        Attempt(6, "ann", "internal"), Attempt(7, "ann", "postcard"),
      ], sent: [0, 1, 2, 3, 4, 5, 6, 24]),
    Case(
      testDescription: "a cap of a channel counts and holds that one",
      caps: [cap(.person, 1, hours: 24, [.sms])],
      attempts: [
        Attempt(0, "ann", "sms"), Attempt(1, "ann", "email"), Attempt(2, "ann", "email"),
        Attempt(3, "ann", "sms"),
      ], sent: [0, 1, 2, 24]),
    Case(
      testDescription: "of several caps each holds",
      caps: [cap(.person, 2, hours: 24), cap(.person, 3, hours: 168)],
      attempts: [Attempt(0), Attempt(1), Attempt(2), Attempt(30)], sent: [0, 1, 24, 168]),
    Case(
      testDescription: "somebody else has room", caps: [cap(.person, 1, hours: 24)],
      attempts: [Attempt(0), Attempt(1, "bob"), Attempt(2, "cy")], sent: [0, 1, 2]),
    Case(
      testDescription: "the same address in another store of the controller, on any channel",
      caps: [cap(.person, 2, hours: 24)],
      attempts: [
        Attempt(0, "dee"), Attempt(1, "dora", "sms", in: "shop2"), Attempt(2, "dee", "letter"),
        Attempt(25, "dora", "email", in: "shop2"),
      ], sent: [0, 1, 24, 25]),
    Case(
      testDescription: "two contacts with one telephone", caps: [cap(.person, 1, hours: 24)],
      attempts: [Attempt(0, "fay", "sms"), Attempt(1, "gus", "sms")], sent: [0, 24]),
    Case(
      testDescription: "contacts that are linked", caps: [cap(.person, 1, hours: 24)],
      attempts: [Attempt(0, "hal"), Attempt(1, "ida")], sent: [0, 24]),
    Case(
      testDescription: "colleagues share the company's cap",
      caps: [cap(.company, 2, hours: 24)],
      attempts: [
        Attempt(0, "jo"), Attempt(1, "kim", in: "shop2"), Attempt(2, "lou"), Attempt(3, "ann"),
      ], sent: [0, 1, 24, 3]),
  ]

  @Test("F15 C15 X08 A cap holds over persons, companies, channels and stores", arguments: table)
  func golden(given: Case) throws {
    let fixture = try Self.fixture(given.caps)
    Self.know("dee", email: "Dee@Example.com", in: fixture)
    Self.know("dora", email: " dee@example.com", phone: "+49 1", in: fixture)
    Self.know("fay", email: "fay@example.com", phone: "+49 170 1", in: fixture)
    Self.know("gus", email: "gus@example.com", phone: "+491701", in: fixture)
    Self.know("ida", linked: ["hal"], in: fixture)
    for contact in ["jo", "kim", "lou"] { Self.know(contact, company: "ACME", in: fixture) }
    #expect(try Self.play(given.attempts, fixture) == given.sent.map { $0 })
  }

  @Test("C15 Nothing is shared between controllers")
  func controllers() throws {
    let fixture = try Self.fixture([
      Self.cap(.person, 1, hours: 24), Self.cap(.company, 1, hours: 24),
    ])
    fixture.facts.state.withLock { $0.controllers["shop2"] = "Another GmbH" }
    Self.know("ann", email: "ann@example.com", company: "ACME", in: fixture)
    let sent = try Self.play([Attempt(0), Attempt(1, "ann", "email", in: "shop2")], fixture)
    #expect(sent == [0, 1])
  }

  @Test(
    "F15 What has not left does not count, what may have left does",
    arguments: [
      (CommonV1.OutcomeKind.failed, 2), (.skipped, 2), (.withdrawn, 2), (.handedOver, 24),
      (.unknown, 24), (.deferred, 24), (.delivered, 24),
    ] as [(CommonV1.OutcomeKind, Int64)])
  func released(kind: CommonV1.OutcomeKind, hour: Int64) throws {
    let fixture = try Self.fixture([
      Self.cap(.person, 1, hours: 24), Self.cap(.company, 1, hours: 24),
    ])
    Self.know("ann", email: "ann@example.com", company: "ACME", in: fixture)
    Self.know("eve", email: "ann@example.com", in: fixture)
    try Self.start(Attempt(0), fixture, 100)
    try fixture.settle()
    #expect(try fixture.count("send_count") == 3)
    let order = try #require(try fixture.orders.first)
    try fixture.tell(kind, of: order)
    // Told again, it changes nothing.
    try fixture.tell(kind, of: order, at: fixture.now + 1)
    #expect(try fixture.count("send_count") == (hour == 24 ? 3 : 0))
    try fixture.advance(by: 2 * Self.hour)
    try Self.start(Attempt(2, "eve"), fixture, 101)
    try fixture.advance(by: 2 * Self.day)
    let sent = try fixture.enrolment("eve")?.visits.first { $0.verdict == .sent }
    #expect(sent?.decidedAt == SchedulerFixture.start + hour * Self.hour)
  }

  @Test("F15 F19 A step that waits for room has one record, which becomes the next verdict")
  func oneRecord() throws {
    let fixture = try Self.fixture([Self.cap(.person, 1, hours: 24)])
    for number in 0..<2 { try Self.start(Attempt(0), fixture, number) }
    try fixture.settle()
    let until = SchedulerFixture.start + Self.day
    let waiting = try fixture.decisions.filter { $0.verdict == .deferred }
    #expect(waiting.map(\.reason) == [.frequencyCap])
    #expect(waiting.map(\.deferredUntil) == [Micros.timestamp(until)])
    #expect(waiting.map(\.channel) == [.email] && waiting.map(\.template) == ["hello"])
    #expect(try fixture.decisions.count == 2)
    #expect(fixture.ledger.heads.earliest == until)
    try fixture.advance(to: until - 1)
    #expect(try fixture.orders.count == 1)
    try fixture.advance(to: until)
    #expect(try fixture.orders.count == 2)
    #expect(try fixture.decisions.map(\.verdict) == [.sent, .sent])
    #expect(Set(try fixture.decisions.map(\.enrolment)).count == 2)
    // The expiry counts from when the step was first due.
    let orders = try fixture.orders
    #expect(Set(orders.map(\.expiresAt)).count == 1)
  }

  @Test("F15 F20 A step that waits in vain is stale at its own expiry, and a purchase ends it")
  func vain() throws {
    let fixture = try Self.fixture([Self.cap(.person, 1, hours: 168)])
    try fixture.apply(
      """
      flow: short
      start: { signal: short }
      re-entry: 0 s
      holdout: 0 %
      steps:
        - send e-mail:
            template: hello
            expires: 1 day
            if not sent:
              - tag: { add: [SILENT] }
          name: hello
      """)
    try Self.start(Attempt(0), fixture, 1)
    try Self.start(Attempt(0, "ann", "short"), fixture, 2)
    try fixture.advance(by: Self.day)
    #expect(try fixture.path().contains("hello DEFERRED FREQUENCY_CAP"))
    try fixture.advance(by: 1)
    #expect(try fixture.path().contains("hello SKIPPED STALE"))
    #expect(try fixture.bodies(.tracker).count == 1)

    try Self.start(Attempt(0), fixture, 3)
    try fixture.settle()
    try fixture.take([fixture.purchase(at: fixture.now + 1)])
    #expect(try fixture.path().last == "hello ENDED PURCHASED")
    try fixture.advance(by: 30 * Self.day)
    #expect(try fixture.orders.count == 1)
    #expect(try fixture.decisions.count == 4)
  }

  @Test("F15 A step that drops is skipped at once, and its fallback is taken")
  func drop() throws {
    let fixture = try Self.fixture([Self.cap(.person, 1, hours: 24)])
    try fixture.apply(
      """
      flow: drops
      start: { signal: drops }
      re-entry: 0 s
      holdout: 0 %
      steps:
        - send sms: { template: one, cap: drop }
          name: one
        - send sms:
            template: two
            cap: drop
            if not sent:
              - send internal: { template: three, to: [sales] }
                name: three
          name: two
      """)
    try Self.start(Attempt(0, "ann", "drops"), fixture, 1)
    try fixture.settle()
    #expect(
      try fixture.path() == ["one SENT", "two SKIPPED FREQUENCY_CAP", "three SENT"])
  }

  @Test("F15 F21 A dry run counts for dry runs, and for nothing that leaves")
  func dryRuns() throws {
    let fixture = try Self.fixture([Self.cap(.person, 1, hours: 24)], mode: .dryRun)
    for number in 0..<2 { try Self.start(Attempt(0), fixture, number) }
    try fixture.settle()
    #expect(try fixture.decisions.map(\.verdict).filter { $0 == .wouldSend }.count == 1)
    #expect(try fixture.decisions.map(\.verdict).filter { $0 == .deferred }.count == 1)
    try fixture.set(.test)
    try Self.start(Attempt(0, "ann", "sms"), fixture, 3)
    try fixture.settle()
    #expect(try fixture.orders.map(\.channel) == [.sms])
    // What left holds a dry run back.
    try fixture.set(.dryRun)
    try fixture.advance(by: Self.day - 1)
    try Self.start(Attempt(0, "ann", "push"), fixture, 4)
    try fixture.settle()
    #expect(try fixture.decisions.last?.reason == .frequencyCap)
  }

  @Test("F15 A store without caps counts nothing and reads nothing")
  func uncapped() throws {
    let fixture = try Self.fixture([])
    fixture.facts.set { $0.uncapped = true }
    Self.know("ann", email: "ann@example.com", company: "ACME", in: fixture)
    let sent = try Self.play((0..<6).map { Attempt(Int64($0)) }, fixture)
    #expect(sent == [0, 1, 2, 3, 4, 5])
    #expect(try fixture.count("send_count") == 0)
  }

  @Test("F14 F15 A step that waits for room goes on in another version of its flow")
  func moved() throws {
    let fixture = try Self.fixture([Self.cap(.person, 1, hours: 24)])
    for number in 0..<2 { try Self.start(Attempt(0), fixture, number) }
    try fixture.settle()
    try fixture.apply(Self.flow("e-mail", ", purpose: offers"))
    let moved = try fixture.move("email", from: 1, to: 2)
    #expect(moved.moved == 1 && moved.kept == 0)
    try fixture.advance(by: Self.day)
    #expect(Set(try fixture.orders.map(\.flowVersion)) == [1, 2])
    #expect(try fixture.decisions.map(\.verdict) == [.sent, .sent])
  }

  @Test("F15 What no cap looks at any more is forgotten")
  func forgotten() throws {
    let fixture = try Self.fixture([Self.cap(.person, 1, hours: 24)])
    _ = try Self.play([Attempt(0)], fixture)
    try fixture.advance(to: SchedulerFixture.start + SendLimit.periodMax)
    _ = try Upkeep(ledger: fixture.ledger).runOnce(now: fixture.clock.now)
    #expect(try fixture.count("send_count") == 1)
    try fixture.advance(by: 1)
    _ = try Upkeep(ledger: fixture.ledger).runOnce(now: fixture.clock.now)
    #expect(try fixture.count("send_count") == 0)
  }
}

/// Caps against a model that keeps a list of all that was sent.
@Suite struct CapPropertyTests {
  private static let hour = SchedulerFixture.hour

  private struct Sent {
    let at: Int64
    let person: Int
    let company: Int
  }

  @Test(
    "I9 F15 A thousand random sends are let through as a list of all of them says",
    arguments: 0..<4)
  func dropping(seed: UInt64) throws {
    var chance = SplitMix64(seed: seed)
    let fixture = try SchedulerFixture(rowsMax: [1, 4096][Int(seed % 2)])
    let (count, period) = (Int(1 + seed), (20 + Int64(seed)) * Self.hour)
    fixture.facts.set { settings in
      settings.controller = "Shop GmbH"
      settings.caps = [
        .init(scope: .person, count: UInt32(count), period: Micros.span(period)),
        .init(scope: .company, count: UInt32(2 * count), period: Micros.span(period)),
      ]
    }
    let text = """
      flow: many
      start: { signal: many }
      re-entry: 0 s
      holdout: 0 %
      steps:
        - send e-mail: { template: hello, cap: drop }
      """
    for store in ["shop", "shop2"] { try fixture.apply(text, store: store) }
    // Two contacts of each person, three persons of each company.
    for contact in 0..<12 {
      var profile = CartTrackerV1.ContactProfile(company: "company \(contact / 6)")
      profile.destinations = [.init(channel: .email, address: "p\(contact / 2)@example.com")]
      fixture.facts.set("c\(contact)", .init(contact: .init(profile: profile)))
    }
    var sent: [Sent] = []
    var expected = 0
    for number in 0..<250 {
      try fixture.advance(by: Int64.random(in: 1...3, using: &chance) * Self.hour / 2)
      let contact = Int.random(in: 0..<12, using: &chance)
      let store = Bool.random(using: &chance) ? "shop" : "shop2"
      try fixture.take([
        fixture.change(
          .signal(.init(name: "many")), contact: "c\(contact)", event: "e\(number)", store: store)
      ])
      try fixture.settle()
      let recent = sent.filter { $0.at + period > fixture.now }
      if recent.count(where: { $0.person == contact / 2 }) < count,
        recent.count(where: { $0.company == contact / 6 }) < 2 * count
      {
        sent.append(.init(at: fixture.now, person: contact / 2, company: contact / 6))
        expected += 1
      }
      #expect(try fixture.bodies(.notifier).count == expected, "send \(number)")
    }
    #expect(expected > 20 && expected < 250)
  }

  @Test("I9 F15 Whatever waits for room, no span ever holds more than its cap", arguments: 0..<4)
  func deferring(seed: UInt64) throws {
    var chance = SplitMix64(seed: seed)
    let fixture = try SchedulerFixture(rowsMax: [1, 4096][Int(seed % 2)])
    let period = 24 * Self.hour
    fixture.facts.set { settings in
      settings.caps = [.init(scope: .person, count: 2, period: Micros.span(period))]
    }
    for name in 0..<5 {
      try fixture.apply(
        """
        flow: many\(name)
        start: { signal: many\(name) }
        re-entry: 0 s
        holdout: 0 %
        steps:
          - send e-mail: { template: one, expires: 30 days }
          - send sms: { template: two, expires: 30 days }
        """)
    }
    for number in 0..<20 {
      try fixture.advance(by: Int64.random(in: 1...(9 * Self.hour), using: &chance))
      try fixture.take([
        fixture.change(
          .signal(.init(name: "many\(number % 5)")), contact: "ann", event: "e\(number)")
      ])
    }
    try fixture.advance(by: 40 * SchedulerFixture.day)
    let times = try fixture.enrolments.flatMap(\.visits).filter { $0.verdict == .sent }
      .map(\.decidedAt).sorted()
    #expect(times.count > 12)
    for (first, third) in zip(times, times.dropFirst(2)) { #expect(third - first >= period) }
    // Nor does anything wait while there is room.
    let slack = zip(times, times.dropFirst(2)).filter { $1 - $0 == period }
    #expect(slack.count > 8)
  }
}
