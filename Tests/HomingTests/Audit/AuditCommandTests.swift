internal import ArgumentParser
internal import Messages
internal import Stubs
internal import Testing
internal import Wire

@testable internal import Homing
@testable internal import Transport

@Suite struct AuditCommandTests {
  private let scheduler = TrackerChannel()
  private let tracker = TrackerChannel()
  private let printed = PrintedLines()
  private var schedulerCaller: SchedulerCaller { .init(scheduler, timeout: .seconds(1)) }
  private var trackerCaller: TrackerCaller { .init(tracker, timeout: .seconds(1)) }

  private static func sent(_ contact: String, _ kind: CommonV1.OutcomeKind) -> SchedulerV1.Decision
  {
    .init(
      id: "d-\(contact)", flow: "f", step: "mail", verdict: .sent, channel: .email,
      outcomes: [
        .init(
          order: "o", store: "shop", enrolment: "n", step: "mail", channel: .email, kind: kind,
          at: .init(seconds: 60),
          grant: .init(positions: [.init(bucket: 3, seq: 9)], grantedAt: .init(seconds: 59)),
          id: "i")
      ], contact: contact, cart: "c", anchor: .init(at: .init(seconds: 5), event: "e"))
  }

  @Test(
    "X03 Every hand-off is checked with its grant; what was bought before it is counted and told")
  func handOffs() async throws {
    scheduler.answer(SchedulerV1.SchedulerMethods.listDecisions) {
      (_: SchedulerV1.ListDecisionsRequest) in
      SchedulerV1.ListDecisionsResponse(decisions: [
        Self.sent("ann", .handedOver), Self.sent("bob", .unknown), Self.sent("eve", .skipped),
      ])
    }
    tracker.answer(CartTrackerV1.CartTrackerMethods.auditHandOffs) {
      (_: CartTrackerV1.AuditHandOffsRequest) in
      CartTrackerV1.AuditHandOffsResponse(findings: [
        .init(),
        .init(violated: true, event: "buy", position: .init(bucket: 3, seq: 8), checked: 9),
      ])
    }
    let command = try AuditHandOffsCommand.parse([
      "here:1", "--store", "shop", "--tracker", "here:2",
    ])
    let counts = try await command.audit(schedulerCaller, trackerCaller) { printed.add($0) }
    #expect(counts == .init(handOffs: 2, violations: 1))
    #expect(printed.lines.last == "2 hand-offs, 1 violations")
    #expect(printed.lines.count == 4)
    #expect(printed.lines[2].contains("bob") && printed.lines[2].contains("BEFORE: buy at 3:8"))
    let asked: [CartTrackerV1.AuditHandOffsRequest] = try tracker.requests(
      CartTrackerV1.CartTrackerMethods.auditHandOffs)
    #expect(asked.first?.handOffs.map(\.contact) == ["ann", "bob"])
    #expect(asked.first?.handOffs.first?.anchor?.event == "e")
    #expect(asked.first?.handOffs.first?.grant?.positions == [.init(bucket: 3, seq: 9)])
  }

  private func check(_ change: (inout RecordCheck) -> Void) -> RecordCheck {
    var check = RecordCheck()
    check.add(CartTrackerV1.Episode(id: "e1", contact: "ann"))
    check.add(
      SchedulerV1.Enrolment(id: "n1", episode: "e1", state: .ended, reason: .flowEnded))
    check.add(SchedulerV1.Decision(id: "d1", enrolment: "n1", step: "mail", verdict: .sent))
    change(&check)
    check.finish()
    return check
  }

  @Test("F19 X01 One enrolment for each episode and one record for each step are right")
  func right() {
    let check = check { $0.add(CartTrackerV1.Episode(id: "e2", contact: "bob")) }
    #expect(check.faults == ["episode e2 has 0 enrolments"])
    let both = self.check {
      $0.add(CartTrackerV1.Episode(id: "e2", contact: "bob"))
      $0.add(SchedulerV1.Enrolment(id: "n2", episode: "e2", state: .refused, reason: .reEntry))
    }
    #expect(both.faults.isEmpty)
    #expect(both.lines == ["2 episodes, 2 enrolments (1 entered), 1 records: 0 faults"])
  }

  @Test("F19 X01 What is missing, or there twice, or without a reason is named")
  func wrong() {
    #expect(
      check {
        $0.add(SchedulerV1.Decision(id: "d2", enrolment: "n1", step: "mail", verdict: .sent))
      }.faults == ["step mail of enrolment n1 has two records"])
    #expect(
      check {
        $0.add(SchedulerV1.Enrolment(id: "n2", episode: "e1", state: .refused, reason: .merged))
      }.faults == ["episode e1 has 2 enrolments"])
    #expect(
      check {
        $0.add(SchedulerV1.Enrolment(id: "n2", state: .ended, reason: .purchased))
      }.faults == ["enrolment n2 ended without any record"])
    #expect(
      check { $0.add(SchedulerV1.Enrolment(id: "n3", state: .refused)) }.faults
        == ["enrolment n3 was refused without a reason"])
    #expect(
      check {
        $0.add(SchedulerV1.Decision(id: "d2", enrolment: "n1", step: "sms", verdict: .skipped))
      }.faults == ["step sms of enrolment n1 was skipped without a reason"])
    #expect(
      check {
        $0.add(
          SchedulerV1.Decision(
            enrolment: "n1", step: "sms", verdict: .sent, order: "o",
            outcomes: [.init(kind: .handedOver), .init(kind: .failed)]))
      }.faults == ["order o has 2 ends"])
  }
}
