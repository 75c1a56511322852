internal import Delivery
internal import Messages
internal import ServiceKit
internal import Stubs
internal import Synchronization
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Scheduler

@Suite struct HandlerTests {
  private static let templates =
    ["cart-reminder", "cart-help"].map {
      NotifierV1.Template(store: "shop", name: $0, channel: .email)
    } + [NotifierV1.Template(store: "shop", name: "cart-sms", channel: .sms)]

  private static func withFlow(
    _ body: @Sendable @escaping (HandlerFixture) async throws -> Void
  ) async throws {
    try await HandlerFixture.run { fixture in
      fixture.peer.set { $0.templates = templates }
      _ = try await fixture.apply(TestFlows.reference)
      _ = try await fixture.client.setMode(
        .init(store: "shop", idempotencyKey: "m", mode: .test, testAddresses: ["@replay.invalid"]))
      try await body(fixture)
    }
  }

  @Test("F14 Each text that differs is a version; the same again is none, an older base is refused")
  func versions() async throws {
    try await HandlerFixture.run { fixture in
      fixture.peer.set { $0.templates = Self.templates }
      let first = try await fixture.apply(TestFlows.simple)
      #expect(first.version == 1 && first.author == "spiffe://test/client")
      #expect(first.mode == .dryRun && first.steps.count == 2 && first.text == TestFlows.simple)
      let same = try await fixture.apply(TestFlows.simple, version: 1, key: "k2")
      #expect(same.version == 1)
      let other = TestFlows.simple.replacing("1 day", with: "2 days")
      let error = try await rpcError { try await fixture.apply(other, version: 0, key: "k3") }
      #expect(error.code == .aborted)
      let second = try await fixture.apply(other, version: 1, key: "k4")
      #expect(second.version == 2)
      let again = try await fixture.apply(other, version: 1, key: "k4")
      #expect(again == second)
      let reused = try await rpcError { try await fixture.apply(TestFlows.simple, key: "k4") }
      #expect(reused.code == .failedPrecondition)
      let all = try await fixture.client.listFlows(.init(store: "shop"))
      #expect(all.flows.map(\.version) == [2])
      let versions = try await fixture.client.listFlows(
        .init(store: "shop", page: .init(limit: 1), flow: "simple"))
      #expect(versions.flows.map(\.version) == [2])
      let rest = try await fixture.client.listFlows(
        .init(store: "shop", page: .init(limit: 1, after: versions.next), flow: "simple"))
      #expect(rest.flows.map(\.version) == [1] && rest.next.isEmpty)
      let old = try await fixture.client.getFlow(.init(store: "shop", flow: "simple", version: 1))
      #expect(old.text == TestFlows.simple)
      let none = try await rpcError {
        try await fixture.client.getFlow(.init(store: "shop", flow: "nothing"))
      }
      #expect(none.code == .notFound)
    }
  }

  @Test("F14 Faults name line, column and field; a template that is not there is one")
  func faults() async throws {
    try await HandlerFixture.run { fixture in
      let wrong = TestFlows.simple.replacing("pause: 1 day", with: "pause: soon")
      let check = try await fixture.client.checkFlow(.init(store: "shop", text: wrong))
      #expect(check.problems.map(\.line) == [5] && check.flow == nil)
      let error = try await rpcError { try await fixture.apply(wrong) }
      #expect(error.code == .invalidArgument)
      #expect(error.fieldViolations.first?.field.hasPrefix("5:") == true)
      fixture.peer.set { $0.templates = [NotifierV1.Template(name: "other", channel: .email)] }
      let missing = try await fixture.client.checkFlow(.init(store: "shop", text: TestFlows.simple))
      #expect(missing.problems.map(\.problem).first?.contains("cart-reminder") == true)
      #expect(missing.problems.first?.problem.contains("other") == true)
      fixture.peer.set { $0.isNotifierAway = true }
      let right = try await fixture.client.checkFlow(.init(store: "shop", text: TestFlows.simple))
      #expect(right.problems == [] && right.flow?.steps.count == 2)
      #expect(try await fixture.apply(TestFlows.simple).version == 1)
    }
  }

  @Test("F14 A letter's template is looked for at direct-mail, where that answers")
  func letterTemplates() async throws {
    try await HandlerFixture.run { fixture in
      let text = """
        flow: by-post
        start: cart abandoned
        steps:
          - pause: 1 day
          - send letter: { template: letter-reminder }
        """
      let request = SchedulerV1.CheckFlowRequest(store: "shop", text: text)
      let refused = try await fixture.client.checkFlow(request)
      #expect(refused.problems.map(\.line) == [5])
      #expect(refused.problems.first?.problem.contains("no template letter-reminder") == true)
      fixture.peer.set {
        $0.letterTemplates = [.init(store: "shop", name: "letter-reminder", format: .a4FormB)]
      }
      #expect(try await fixture.client.checkFlow(request).problems == [])
      fixture.peer.set { $0.letterTemplates = [] }
      fixture.peer.set { $0.isDirectMailAway = true }
      #expect(try await fixture.client.checkFlow(request).problems == [])
    }
  }

  @Test("F21 A mode holds when it is answered, at whoever sends too")
  func modes() async throws {
    try await HandlerFixture.run { fixture in
      func set(_ mode: CommonV1.Mode, _ key: String) async throws {
        _ = try await fixture.client.setMode(
          .init(store: "shop", idempotencyKey: key, mode: mode, testAddresses: ["a@b.example"]))
      }
      try await set(.test, "2")
      #expect(fixture.peer.state.withLock { $0.modes.map(\.mode) } == [.test])
      #expect(fixture.scheduler.modes.inForce("", in: "shop", isApproved: false) == .test)
      fixture.peer.set { $0.isNotifierAway = true }
      let away = try await rpcError { try await set(.dryRun, "3") }
      #expect(away.code == .unavailable)
      fixture.peer.set { $0.isNotifierAway = false }
      try await set(.dryRun, "3")
      #expect(fixture.peer.state.withLock { $0.modes.map(\.revision) } == [1, 2])
      #expect(fixture.peer.state.withLock { $0.letterModes.map(\.revision) } == [1, 2])
      fixture.peer.set { $0.isDirectMailAway = true }
      let letters = try await rpcError { try await set(.test, "4") }
      #expect(letters.code == .unavailable)
      let unknown = try await rpcError {
        try await fixture.client.setMode(
          .init(store: "none", idempotencyKey: "4", mode: .test))
      }
      #expect(unknown.code == .notFound)
      let noFlow = try await rpcError {
        try await fixture.client.setMode(
          .init(store: "shop", idempotencyKey: "5", flow: "none", mode: .test))
      }
      #expect(noFlow.code == .notFound)
    }
  }

  @Test("Changes and outcomes are taken by calls, and repeats are told from new rows")
  func intake() async throws {
    try await Self.withFlow { fixture in
      let change = fixture.scheduler.episode()
      let request = SchedulerV1.TakeChangesRequest(
        outbox: SchedulerFixture.outbox, changes: [change])
      #expect(try await fixture.client.takeChanges(request).receipts.map(\.verdict) == [.stored])
      #expect(
        try await fixture.client.takeChanges(request).receipts.map(\.verdict) == [.repeated])
      #expect(fixture.scheduler.ledger.counts.received == 1)
      var stranger = fixture.scheduler.episode()
      stranger.store = "other"
      let held = try await fixture.client.takeChanges(
        .init(outbox: SchedulerFixture.outbox, changes: [stranger]))
      #expect(held.receipts.map(\.verdict) == [.held])
      try fixture.scheduler.advance(by: SchedulerFixture.day)
      let order = try #require(try fixture.scheduler.orders.first)
      let outcome = CommonV1.Outcome(
        order: order.id, store: "shop", enrolment: order.enrolment, step: order.step,
        channel: order.channel, kind: .clicked, at: Micros.timestamp(fixture.scheduler.now),
        actor: .human, id: "00000000-0000-4000-8000-000000000001")
      let taken = try await fixture.client.takeOutcomes(
        .init(
          outbox: SchedulerFixture.outbox,
          rows: [.init(position: .init(bucket: 1, seq: 1), outcome: outcome)]))
      #expect(taken.receipts.map(\.verdict) == [.stored])
      try fixture.scheduler.settle()
      #expect(try fixture.scheduler.orders.last?.template == "cart-help")
    }
  }

  @Test("Enrolments and decisions are listed page by page, and shown whole")
  func lists() async throws {
    try await Self.withFlow { fixture in
      for number in 0..<25 {
        try fixture.scheduler.take([
          fixture.scheduler.episode("p\(number)", cart: "c\(number)")
        ])
      }
      try fixture.scheduler.advance(by: SchedulerFixture.day)
      var seen: [String] = []
      var page = CommonV1.Page(limit: 7)
      repeat {
        let answer = try await fixture.client.listEnrolments(.init(store: "shop", page: page))
        seen += answer.enrolments.map(\.id)
        page.after = answer.next
      } while !page.after.isEmpty
      #expect(seen.count == 25 && Set(seen).count == 25)
      let one = try await fixture.client.listEnrolments(
        .init(store: "shop", contact: "p3", states: [.running]))
      #expect(one.enrolments.map(\.cart) == ["c3"])
      #expect(one.enrolments.first?.step == "response")
      let ofCart = try await fixture.client.listEnrolments(.init(store: "shop", cart: "c4"))
      #expect(ofCart.enrolments.map(\.contact) == ["p4"])
      let whole = try await fixture.client.getEnrolment(
        .init(store: "shop", enrolment: seen[0]))
      #expect(whole.decisions.map(\.step) == ["first-pause", "check", "first-mail"])
      #expect(whole.decisions.last?.verdict == .sent)
      #expect(whole.decisions[1].facts.map(\.name) == ["bought"])
      var decisions: [SchedulerV1.Decision] = []
      page = CommonV1.Page(limit: 10)
      repeat {
        let answer = try await fixture.client.listDecisions(
          .init(store: "shop", page: page, step: "first-mail", verdicts: [.sent]))
        decisions += answer.decisions
        page.after = answer.next
      } while !page.after.isEmpty
      #expect(decisions.count == 25)
      let foreign = try await rpcError {
        try await fixture.client.listEnrolments(
          .init(store: "shop", page: .init(limit: 7, after: "00"), contact: "p3"))
      }
      #expect(foreign.code == .invalidArgument)
      let none = try await rpcError {
        try await fixture.client.getEnrolment(
          .init(store: "shop", enrolment: "00000000-0000-4000-8000-000000000001"))
      }
      #expect(none.code == .notFound)
    }
  }

  @Test("An enrolment ended by hand cancels its orders, once")
  func end() async throws {
    try await Self.withFlow { fixture in
      try fixture.scheduler.take([fixture.scheduler.episode()])
      try fixture.scheduler.advance(by: SchedulerFixture.day)
      let id = try #require(try fixture.scheduler.enrolment()).id.text
      let request = SchedulerV1.EndEnrolmentRequest(
        store: "shop", idempotencyKey: "e", enrolment: id)
      let ended = try await fixture.client.endEnrolment(request)
      #expect(ended.reason == .endedByStaff && ended.state == .ended)
      #expect(try await fixture.client.endEnrolment(request) == ended)
      #expect(try fixture.scheduler.cancels.map(\.reason) == [.endedByStaff])
    }
  }

  @Test("R04 R05 A report counts who entered, what each message came to, and what it earned")
  func report() async throws {
    try await Self.withFlow { fixture in
      let scheduler = fixture.scheduler
      for contact in ["ann", "bob", "cy"] {
        try scheduler.take([scheduler.episode(contact, cart: contact)])
      }
      try scheduler.take([scheduler.episode("old", abandonedAt: scheduler.now - 3 * Micros.day)])
      try scheduler.advance(by: Micros.day)
      for order in try scheduler.orders { try scheduler.tell(.handedOver, of: order) }
      let orders = try scheduler.orders
      let ann = try #require(orders.first { $0.contact == "ann" })
      try scheduler.tell(.opened, of: ann)
      try scheduler.tell(.clicked, of: ann)
      try scheduler.tell(
        .opened, of: try #require(orders.first { $0.contact == "bob" }), actor: .machine)
      try scheduler.advance(by: Micros.hour)
      try scheduler.take([
        scheduler.purchase("ann", order: "o1", euros: 80),
        scheduler.purchase("bob", order: "o2", euros: 20),
      ])
      try scheduler.take([scheduler.purchase("bob", order: "o2", euros: 20, reversal: true)])
      let report = try await fixture.client.report(.init(store: "shop"))
      let whole = try #require(report.rows.first)
      #expect(whole.flow == "reference" && whole.step.isEmpty)
      #expect(whole.entered == 3 && whole.sent == 3 && whole.opened == 1 && whole.clicked == 1)
      #expect(whole.machineOpened == 1 && whole.purchased == 1 && whole.purchasedByClick == 1)
      #expect(whole.revenue == [.init(currencyCode: "EUR", units: 80)])
      let mail = try #require(report.rows.first { $0.step == "first-mail" })
      #expect(mail.template == "cart-reminder" && mail.channel == .email && mail.sent == 3)
      #expect(report.reasons.contains(.init(reason: .tooOld, count: 1)))
      #expect(report.reasons.contains(.init(reason: .purchased, count: 1)))
      #expect(report.windows?.contact == .init(seconds: 604_800))
      let narrow = try await fixture.client.report(
        .init(store: "shop", windows: .init(contact: .init(seconds: 60))))
      #expect(narrow.rows.first?.purchased == 0)
    }
  }

  @Test("X01 An explanation tells every rule in order, and which services did not answer")
  func explain() async throws {
    try await Self.withFlow { fixture in
      let scheduler = fixture.scheduler
      try scheduler.take([scheduler.episode()])
      try scheduler.take([scheduler.episode(cart: "c2")])
      try scheduler.advance(by: Micros.day)
      let order = try #require(try scheduler.orders.first)
      fixture.peer.set { state in
        state.episodes = [
          .init(
            id: "e", cart: "c1", knownAt: Micros.timestamp(SchedulerFixture.start), enrols: true)
        ]
        state.messages = [
          .init(
            order: order, state: .skipped, reason: .noConsent,
            takenAt: Micros.timestamp(scheduler.now),
            outcomes: [
              .init(
                order: order.id, store: "shop", enrolment: order.enrolment, step: order.step,
                channel: order.channel, kind: .skipped, at: Micros.timestamp(scheduler.now),
                id: order.id)
            ])
        ]
      }
      let answer = try await fixture.client.explain(.init(store: "shop", contact: "ann"))
      #expect(answer.missing == [])
      #expect(Set(answer.lines.map(\.service)) == ["cart-tracker", "scheduler", "notifier"])
      #expect(
        answer.lines.contains { $0.rule == "first-mail" && $0.result == "Ordered cart-reminder." })
      #expect(answer.lines.contains { $0.reason == .merged })
      #expect(answer.lines.contains { $0.reason == .noConsent })
      let times = answer.lines.compactMap { $0.at.map(Micros.of) }
      #expect(times == times.sorted())
      fixture.peer.set { $0.isNotifierAway = true }
      let partial = try await fixture.client.explain(.init(store: "shop", cart: "c1"))
      #expect(partial.missing == ["notifier"])
      let both = try await rpcError {
        try await fixture.client.explain(.init(store: "shop", contact: "a", cart: "b"))
      }
      #expect(both.code == .invalidArgument)
    }
  }
}
