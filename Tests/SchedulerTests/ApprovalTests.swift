internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Stubs
internal import Synchronization
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Scheduler

@Suite struct ApprovalTests {
  private static func withFlow(
    _ body: @Sendable @escaping (HandlerFixture) async throws -> Void
  ) async throws {
    try await HandlerFixture.run { fixture in
      fixture.peer.set {
        $0.templates = [NotifierV1.Template(store: "shop", name: "cart-reminder", channel: .email)]
      }
      _ = try await fixture.apply(TestFlows.simple)
      try await body(fixture)
    }
  }

  private static func live(_ key: String, flow: String = "") -> SchedulerV1.SetModeRequest {
    .init(store: "shop", idempotencyKey: key, flow: flow, mode: .live)
  }

  private static func approval(_ key: String, _ version: UInt32) -> SchedulerV1.ApproveFlowRequest {
    .init(store: "shop", idempotencyKey: key, flow: "simple", version: version, note: "read it")
  }

  @Test("F21 A version goes live only when somebody else has approved it")
  func approves() async throws {
    try await Self.withFlow { fixture in
      _ = try await fixture.client.setMode(Self.live("store"))
      let unapproved = try await rpcError {
        try await fixture.client.setMode(Self.live("1", flow: "simple"))
      }
      #expect(unapproved.code == .failedPrecondition)
      let own = try await rpcError { try await fixture.client.approveFlow(Self.approval("2", 1)) }
      #expect(own.code == .failedPrecondition)
      let none = try await rpcError { try await fixture.other.approveFlow(Self.approval("3", 2)) }
      #expect(none.code == .notFound)
      #expect(try await fixture.client.getFlow(.init(store: "shop", flow: "simple")).mode == .test)
      let approved = try await fixture.other.approveFlow(Self.approval("4", 1))
      #expect(approved.approver == "spiffe://test/other" && approved.approvedAt != nil)
      _ = try await fixture.client.setMode(Self.live("5", flow: "simple"))
      let flow = try await fixture.client.getFlow(.init(store: "shop", flow: "simple"))
      #expect(flow.mode == .live && flow.approver == "spiffe://test/other")
      let listed = try await fixture.client.listFlows(.init(store: "shop"))
      #expect(listed.flows.map(\.approvedAt) == [approved.approvedAt])
    }
  }

  @Test("F21 A newer version that nobody approved is tested at the most, the approved one is live")
  func newer() async throws {
    try await Self.withFlow { fixture in
      _ = try await fixture.other.approveFlow(Self.approval("1", 1))
      _ = try await fixture.client.setMode(Self.live("2"))
      _ = try await fixture.client.setMode(Self.live("3", flow: "simple"))
      let scheduler = fixture.scheduler
      try scheduler.take([scheduler.episode("ann", cart: "c1")])
      try scheduler.settle()
      _ = try await fixture.apply(
        TestFlows.simple.replacing("7 days", with: "8 days"), version: 1, key: "k2")
      let refused = try await rpcError {
        try await fixture.client.setMode(Self.live("4", flow: "simple"))
      }
      #expect(refused.code == .failedPrecondition)
      try scheduler.take([scheduler.episode("bob", cart: "c2")])
      try scheduler.advance(by: SchedulerFixture.day)
      let modes = Dictionary(
        try scheduler.orders.map { ($0.contact, $0.mode) }, uniquingKeysWith: { first, _ in first })
      #expect(modes == ["ann": .live, "bob": .test])
    }
  }

  @Test("F21 An approval survives a restart")
  func restart() async throws {
    try await Self.withFlow { fixture in
      _ = try await fixture.other.approveFlow(Self.approval("1", 1))
      let again = try SchedulerFixture(
        engine: fixture.scheduler.engine, at: fixture.scheduler.now)
      #expect(again.flows.approval("simple", 1, in: "shop")?.approver == "spiffe://test/other")
      #expect(again.flows.approval("simple", 2, in: "shop") == nil)
    }
  }

  @Test("F21 Who changed what sends is kept, newest first and page by page")
  func audit() async throws {
    try await Self.withFlow { fixture in
      // The same text makes no version, and no entry.
      _ = try await fixture.apply(TestFlows.simple, version: 1, key: "again")
      _ = try await fixture.other.approveFlow(Self.approval("1", 1))
      _ = try await fixture.client.setMode(
        .init(store: "shop", idempotencyKey: "2", mode: .test, testAddresses: ["a@b.example"]))
      _ = try await fixture.client.setMode(Self.live("3"))
      let pause = SchedulerV1.PauseRequest(idempotencyKey: "4", channel: .sms, note: "outage")
      _ = try await fixture.client.pause(pause)
      _ = try await fixture.client.pause(pause)
      _ = try await fixture.client.resume(.init(idempotencyKey: "5", channel: .sms, note: "over"))
      let scheduler = fixture.scheduler
      try scheduler.take([scheduler.episode()])
      try scheduler.settle()
      let enrolment = try #require(try scheduler.enrolment())
      _ = try await fixture.client.endEnrolment(
        .init(store: "shop", idempotencyKey: "6", enrolment: enrolment.id.text))
      _ = try await fixture.client.moveEnrolments(
        .init(store: "shop", idempotencyKey: "7", flow: "simple", fromVersion: 1, toVersion: 1))
      var entries: [SchedulerV1.AuditEntry] = []
      var page = CommonV1.Page(limit: 3)
      repeat {
        let answer = try await fixture.client.listAudit(.init(store: "shop", page: page))
        entries += answer.entries
        page.after = answer.next
      } while !page.after.isEmpty
      #expect(
        entries.map(\.act) == [
          .moved, .ended, .resumed, .paused, .mode, .mode, .approved, .applied,
        ])
      #expect(entries[4].detail == "test → live")
      #expect(entries[3].note == "outage" && entries[3].store.isEmpty)
      #expect(entries[6].identity == "spiffe://test/other" && entries[6].version == 1)
      #expect(entries.allSatisfy { $0.at != nil && !$0.identity.isEmpty })
      let ofFlow = try await fixture.client.listAudit(.init(store: "shop", flow: "simple"))
      #expect(ofFlow.entries.map(\.act) == [.moved, .ended, .approved, .applied])
      let later = try await fixture.client.listAudit(
        .init(store: "shop", at: .init(from: Micros.timestamp(scheduler.now + 1))))
      #expect(later.entries.isEmpty)
    }
  }
}
