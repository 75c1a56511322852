internal import Messages
internal import ServiceKit
internal import Storage
internal import Testing

@testable internal import Scheduler

@Suite struct MachineTests {
  private static let day = SchedulerFixture.day
  private static let hour = SchedulerFixture.hour

  /// The reference flow after its first message.
  private static func mailed() throws -> (SchedulerFixture, CommonV1.SendOrder) {
    let fixture = try SchedulerFixture()
    try fixture.apply(TestFlows.reference)
    try fixture.take([fixture.episode()])
    try fixture.advance(by: day)
    return (fixture, try #require(try fixture.orders.first))
  }

  @Test("F05 F06 A click decides at once")
  func clicked() throws {
    let (fixture, order) = try Self.mailed()
    try fixture.tell(.handedOver, of: order)
    try fixture.advance(by: Self.hour)
    try fixture.tell(.clicked, of: order)
    try fixture.settle()
    #expect(try fixture.orders.map(\.template) == ["cart-reminder", "cart-help"])
    #expect(try fixture.enrolment()?.reason == .flowEnded)
    let path = try fixture.path()
    #expect(path.suffix(3).prefix(2) == ["response PASSED clicked", "help-mail SENT"])
    #expect(path.last?.hasSuffix("ENDED FLOW_ENDED") == true)
  }

  @Test("F05 An open waits for the time to be over, and loses against a click")
  func opened() throws {
    let (fixture, order) = try Self.mailed()
    try fixture.tell(.opened, of: order)
    try fixture.settle()
    #expect(try fixture.orders.count == 1)
    try fixture.advance(by: Self.day - 1)
    #expect(try fixture.enrolment()?.visits.count == 3)
    try fixture.advance(by: 1)
    #expect(try fixture.path().last == "response PASSED opened")
    try fixture.advance(by: Self.day)
    #expect(try fixture.orders.map(\.template) == ["cart-reminder", "cart-sms"])

    let (second, other) = try Self.mailed()
    try second.tell(.opened, of: other)
    try second.advance(by: Self.hour)
    try second.tell(.clicked, of: other)
    try second.settle()
    #expect(try second.orders.map(\.template) == ["cart-reminder", "cart-help"])
  }

  @Test("M19 What a machine opened or clicked decides nothing")
  func machines() throws {
    let (fixture, order) = try Self.mailed()
    try fixture.tell(.opened, of: order, actor: .machine)
    try fixture.tell(.clicked, of: order, actor: .unspecified)
    try fixture.advance(by: Self.day)
    #expect(try fixture.path().contains("response PASSED no action"))
  }

  @Test("An outcome after the time was over decides nothing, however late the step is decided")
  func lateOutcome() throws {
    let (fixture, order) = try Self.mailed()
    try fixture.clock.advance(to: fixture.clock.now + .seconds(90_000))
    try fixture.tell(.clicked, of: order)
    try fixture.settle()
    #expect(try fixture.path().contains("response PASSED no action"))
    // One that happened in time and is learnt late decides.
    let (second, other) = try Self.mailed()
    let at = second.now + Self.hour
    try second.clock.advance(to: second.clock.now + .seconds(90_000))
    try second.tell(.clicked, of: other, at: at)
    try second.settle()
    #expect(try second.path().contains("response PASSED clicked"))
  }

  @Test("Outcomes of nobody's order are held, of one that is over kept")
  func strayOutcomes() throws {
    let (fixture, order) = try Self.mailed()
    var stray = order
    stray.enrolment = "00000000-0000-0000-0000-000000000000"
    #expect(try fixture.tell(.clicked, of: stray).verdict == .held)
    stray = order
    stray.id = order.enrolment
    #expect(try fixture.tell(.clicked, of: stray).verdict == .held)
    try fixture.take([fixture.purchase()])
    #expect(try fixture.tell(.withdrawn, of: order, reason: .purchased).verdict == .stored)
    #expect(try fixture.enrolment()?.visits.compactMap(\.order).map(\.end) == [.withdrawn])
    #expect(try fixture.decisions.flatMap(\.outcomes).map(\.kind) == [.withdrawn])
  }

  @Test("F21 A dry run decides and records, and orders nothing; its events are no action")
  func dryRun() throws {
    let fixture = try SchedulerFixture()
    try fixture.apply(TestFlows.reference, mode: nil)
    try fixture.take([fixture.episode()])
    try fixture.advance(by: 10 * Self.day)
    #expect(try fixture.orders == [])
    #expect(try fixture.bodies(.tracker).isEmpty)
    #expect(try fixture.path().contains("first-mail WOULD_SEND"))
    #expect(try fixture.path().contains("response PASSED no action"))
    #expect(try fixture.path().contains("sms-without-open WOULD_SEND"))
  }

  @Test("F21 The more careful of store and flow is in force; a flow without a mode has its store's")
  func modes() throws {
    let fixture = try SchedulerFixture()
    #expect(fixture.modes.inForce("f", in: "shop", isApproved: true) == .dryRun)
    try fixture.set(.test, flow: "f")
    #expect(fixture.modes.inForce("f", in: "shop", isApproved: true) == .dryRun)
    try fixture.set(.test)
    #expect(fixture.modes.inForce("f", in: "shop", isApproved: true) == .test)
    #expect(fixture.modes.inForce("g", in: "shop", isApproved: true) == .test)
    try fixture.set(.draft, flow: "f")
    #expect(fixture.modes.inForce("f", in: "shop", isApproved: true) == .draft)
    #expect(fixture.modes.stated("f", in: "shop")?.revision == 2)
  }

  @Test("F15 F20 An order names its hours: the store's or the standard ones, then the step's")
  func hours() throws {
    let fixture = try SchedulerFixture()
    fixture.facts.set { $0.uncapped = true }
    fixture.facts.set(hours: [
      .init(channel: .push, window: .init(fromMinute: 540, toMinute: 1080, weekdays: [1]))
    ])
    try fixture.apply(
      """
      flow: hours
      start: cart abandoned
      steps:
        - send e-mail: one
        - send e-mail: { template: two, window: mon-fri 09:00-17:00 }
        - send sms: three
        - send push: { template: four, window: 10:00-12:00 }
      """)
    try fixture.take([fixture.episode()])
    try fixture.settle()
    let texts = try fixture.orders.map { $0.windows.map(SendWindowText.text) }
    #expect(
      texts == [
        ["00:00-00:00"], ["00:00-00:00", "mon-fri 09:00-17:00"], ["08:00-20:00"],
        ["mon 09:00-18:00", "10:00-12:00"],
      ])
  }

  @Test("D01 A letter without direct-mail is skipped, and its fallback is taken")
  func channelOff() throws {
    let fixture = try SchedulerFixture(closed: [.letter, .postcard])
    try fixture.apply(
      """
      flow: letters
      start: cart abandoned
      steps:
        - send letter:
            template: quote-letter
            expires: 2 days
            if not sent: [{ tag: { add: [NO LETTER] } }]
          name: letter
        - send postcard: { template: card, expires: 2 days }
          name: card
      """)
    try fixture.take([fixture.episode()])
    try fixture.settle()
    #expect(try fixture.path().first == "letter SKIPPED CHANNEL_OFF")
    #expect(try fixture.bodies(.tracker).count == 1)
    #expect(try fixture.bodies(.directMail).isEmpty)
    #expect(try fixture.path().contains("card SKIPPED CHANNEL_OFF"))
  }

  @Test("A message that could not be sent takes its fallback in place of the wait")
  func fallback() throws {
    let fixture = try SchedulerFixture()
    try fixture.apply(
      """
      flow: fall
      start: cart abandoned
      steps:
        - send e-mail:
            template: cart-reminder
            expires: 2 days
            if not sent: [{ send sms: { template: cart-sms, expires: 1 day } }, exit]
          name: mail
        - pause: 1 day
          name: wait
        - tag: { add: [LATER] }
      """)
    try fixture.take([fixture.episode("ann"), fixture.episode("bob", cart: "b")])
    try fixture.settle()
    let orders = try fixture.orders
    let first = try #require(orders.first { $0.contact == "ann" })
    try fixture.tell(.skipped, of: first, reason: .noConsent)
    try fixture.settle()
    #expect(try fixture.path("ann").prefix(2) == ["mail SENT", "wait SKIPPED NO_CONSENT"])
    #expect(
      try fixture.orders.filter { $0.contact == "ann" }.map(\.template) == [
        "cart-reminder", "cart-sms",
      ])
    try fixture.advance(by: Self.day)
    let late = try #require(orders.first { $0.contact == "bob" })
    try fixture.tell(.failed, of: late, reason: .providerRefused)
    try fixture.settle()
    #expect(try fixture.orders.filter { $0.contact == "bob" }.count == 1)
  }

  /// A mail at the end of its flow, with a text in its place.
  private static func atTheEnd() throws -> (SchedulerFixture, CommonV1.SendOrder) {
    let fixture = try SchedulerFixture()
    try fixture.apply(
      """
      flow: last
      start: cart abandoned
      re-entry: 1 day
      steps:
        - send e-mail:
            template: cart-reminder
            expires: 7 days
            if not sent: [{ send sms: { template: cart-sms, expires: 1 day }, name: text }]
          name: mail
      """)
    try fixture.take([fixture.episode("ann")])
    try fixture.settle()
    #expect(try fixture.enrolment("ann")?.reason == .flowEnded)
    return (fixture, try #require(try fixture.orders.first))
  }

  @Test("F16 A send that is refused days later takes its fallback though its flow was at its end")
  func fallbackAtTheEnd() throws {
    let (fixture, mail) = try Self.atTheEnd()
    try fixture.advance(by: 2 * Self.day)
    try fixture.tell(.skipped, of: mail, reason: .objection)
    try fixture.settle()
    #expect(try fixture.path("ann") == ["mail SENT", "text SENT"])
    #expect(try fixture.orders.map(\.template) == ["cart-reminder", "cart-sms"])
    let text = try #require(try fixture.orders.last)
    #expect(text.dueAt == Micros.timestamp(fixture.now))
    let enrolment = try #require(try fixture.enrolment("ann"))
    #expect(enrolment.reason == .flowEnded && enrolment.endedAt == fixture.now)
    // Said again, nothing more is sent.
    try fixture.tell(.skipped, of: mail, reason: .objection)
    try fixture.tell(.failed, of: mail, reason: .providerRefused)
    try fixture.settle()
    #expect(try fixture.orders.count == 2)
  }

  @Test("F07 P09 What stopped the person meanwhile, or a new enrolment, leaves a flow at its end")
  func stoppedAtTheEnd() throws {
    for stop in ["bought", "bought there", "active", "handed over", "entered anew"] {
      let (fixture, mail) = try Self.atTheEnd()
      try fixture.advance(by: 2 * Self.day)
      var reason = CommonV1.ReasonCode.objection
      switch stop {
      case "bought": try fixture.take([fixture.purchase("ann", at: fixture.now)])
      case "bought there": reason = .purchased
      case "active":
        try fixture.take([fixture.episode("ann", state: .reopened, revision: 2)])
      case "handed over": try fixture.tell(.handedOver, of: mail)
      default:
        try fixture.apply(
          """
          flow: last
          start: cart abandoned
          re-entry: 1 day
          steps: [{ pause: 1 day }]
          """)
        try fixture.take([fixture.episode("ann", cart: "c9")])
      }
      try fixture.settle()
      let isAnew = stop == "entered anew"
      #expect(try fixture.enrolment("ann", cart: "c9")?.phase == (isAnew ? .waiting : nil))
      let before = try fixture.orders.count
      try fixture.tell(.skipped, of: mail, reason: reason)
      try fixture.settle()
      #expect(try fixture.orders.count == before, "\(stop)")
    }
  }

  @Test("F20 A step later than its own expiry is skipped as stale")
  func stale() throws {
    let fixture = try SchedulerFixture(isVirtual: false)
    try fixture.apply(TestFlows.simple)
    try fixture.take([fixture.episode("ann")])
    try fixture.settle()
    try fixture.advance(by: 3 * Self.day + 1)
    #expect(try fixture.path() == ["pause-1 PASSED", "mail SKIPPED STALE"])
  }

  @Test("F16 A channel that the law closes is skipped with its reason, and its fallback is taken")
  func noConsent() throws {
    for mode in [CommonV1.Mode.test, .dryRun] {
      let fixture = try SchedulerFixture()
      try fixture.apply(
        """
        flow: consent
        start: cart abandoned
        steps:
          - send e-mail:
              template: one
              if not sent: [{ send sms: two, name: text }, { exit: , name: end }]
            name: mail
        """, mode: mode)
      fixture.facts.deny("ann", [.email])
      try fixture.take([fixture.episode("ann"), fixture.episode("bob", cart: "c2")])
      try fixture.settle()
      let verdict = mode == .test ? "SENT" : "WOULD_SEND"
      #expect(
        try fixture.path("ann")
          == ["mail SKIPPED NO_CONSENT", "text \(verdict)", "end ENDED FLOW_ENDED"])
      #expect(try fixture.path("bob") == ["mail \(verdict)"])
    }
  }

  @Test("F07 What facts tell of a purchase ends the enrolment before anything is ordered")
  func boughtByFacts() throws {
    let fixture = try SchedulerFixture()
    try fixture.apply(TestFlows.simple)
    try fixture.take([fixture.episode()])
    fixture.facts.set(
      "ann",
      .init(
        contact: .init(id: "ann"), purchasedAt: Micros.timestamp(fixture.now + 1),
        positions: [.init(bucket: 3, seq: 9)]))
    try fixture.advance(by: Self.day)
    #expect(try fixture.orders == [])
    #expect(try fixture.enrolment()?.reason == .purchased)
    #expect(try fixture.path() == ["pause-1 PASSED", "mail ENDED PURCHASED"])
    let mail = try fixture.decisions.first { $0.step == "mail" }
    #expect(mail?.positions == [.init(bucket: 3, seq: 9)])
  }

  @Test("M11 An incentive goes with the messages that follow, and expires")
  func incentive() throws {
    let fixture = try SchedulerFixture()
    try fixture.apply(
      """
      flow: offers
      start: cart abandoned
      steps:
        - incentive: { give: 10 %, valid for: 7 days }
        - pause: 1 day
        - send e-mail: { template: cart-offer, expires: 2 days }
      """)
    try fixture.take([fixture.episode()])
    try fixture.advance(by: Self.day)
    let incentive = try #require(try fixture.orders.first?.incentive)
    #expect(incentive.kind == .percentage && incentive.basisPoints == 1000)
    #expect(incentive.expiresAt == Micros.timestamp(SchedulerFixture.start + 7 * Self.day))
  }

  @Test("F18 A split gives each contact the same branch for ever, by its shares")
  func split() throws {
    let text = """
      flow: halves
      start: cart abandoned
      re-entry: 0 s
      steps:
        - split:
            - branch: a
              share: 30 %
              then: [{ send e-mail: { template: cart-reminder, expires: 1 day } }]
            - branch: b
              share: 70 %
              then: [{ send e-mail: { template: cart-help, expires: 1 day } }]
          name: half
      """
    let fixture = try SchedulerFixture()
    try fixture.apply(text.replacing("re-entry: 0 s\n", with: ""))
    for number in 0..<400 { try fixture.take([fixture.episode("p\(number)", cart: "c\(number)")]) }
    try fixture.settle()
    let orders = try fixture.orders
    let share = Double(orders.count { $0.variant == "a" }) / 400
    #expect(orders.count == 400 && share > 0.2 && share < 0.4)
    #expect(orders.allSatisfy { ($0.variant == "a") == ($0.template == "cart-reminder") })
    try fixture.advance(by: 8 * Self.day)
    for number in 0..<400 { try fixture.take([fixture.episode("p\(number)", cart: "d\(number)")]) }
    try fixture.settle()
    let all = try fixture.orders
    #expect(all.count == 800)
    for (_, of) in Dictionary(grouping: all, by: \.contact) {
      #expect(Set(of.map(\.variant)).count == 1)
    }
  }

  @Test("F02 A pause until a time of day ends in the contact's zone, else in the store's")
  func zones() throws {
    let fixture = try SchedulerFixture()
    try fixture.apply(
      """
      flow: mornings
      start: cart abandoned
      steps:
        - pause: { for: 1 hour, until: "09:00" }
        - send e-mail: { template: cart-reminder, expires: 2 days }
      """)
    fixture.facts.set(
      "ny", .init(contact: .init(id: "ny", profile: .init(timeZone: "America/New_York"))))
    fixture.facts.set(
      "de", .init(contact: .init(id: "de", profile: .init(address: .init(countryCode: "DE")))))
    try fixture.take([
      fixture.episode("ny"), fixture.episode("de", cart: "d"), fixture.episode("utc", cart: "u"),
    ])
    try fixture.settle()
    func due(_ contact: String) throws -> Int64? {
      try fixture.enrolment(contact)?.dueAt.map { ($0 - SchedulerFixture.start) / Self.hour }
    }
    // It is 08:00 UTC, a Monday: 09:00 is passed in Berlin and to come in New York.
    #expect(try due("ny") == 6)
    #expect(try due("de") == 24)
    #expect(try due("utc") == 1)
  }

  @Test("F14 A flow edited while people are in it keeps their version, unless they are moved")
  func versions() throws {
    let fixture = try SchedulerFixture()
    try fixture.apply(TestFlows.simple)
    try fixture.take([fixture.episode("ann"), fixture.episode("bob", cart: "b")])
    try fixture.settle()
    try fixture.apply(TestFlows.simple.replacing("cart-reminder", with: "cart-help"))
    try fixture.take([fixture.episode("cy", cart: "c")])
    try fixture.advance(by: Self.day)
    let templates = Dictionary(
      uniqueKeysWithValues: try fixture.orders.map {
        ($0.contact, "\($0.flowVersion) \($0.template)")
      })
    #expect(
      templates == ["ann": "1 cart-reminder", "bob": "1 cart-reminder", "cy": "2 cart-help"])
  }

  @Test("F14 Moving takes enrolments along by the names of their steps")
  func moving() throws {
    let (fixture, order) = try Self.mailed()
    try fixture.take([fixture.episode("bob", cart: "b")])
    try fixture.settle()
    // Without the first pause, so that bob's step is gone.
    try fixture.apply(
      TestFlows.reference.replacing(
        "  - pause: 1 day\n    name: first-pause\n", with: "  - tag: { add: [IN] }\n"
      )
      .replacing("template: cart-help", with: "template: cart-rescue"))
    let answer = try fixture.move("reference", from: 1, to: 2)
    #expect(answer.moved == 1 && answer.kept == 1)
    try fixture.tell(.clicked, of: order)
    try fixture.settle()
    #expect(try fixture.orders.map(\.template) == ["cart-reminder", "cart-rescue"])
    #expect(try fixture.enrolment("ann")?.version == 2)
    #expect(try fixture.enrolment("bob")?.version == 1)
    #expect(try fixture.path("ann").count == 6)
  }
}
