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

@Suite struct PauseTests {
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

  @Test("F22 A pause is at notifier and direct-mail when it is acknowledged, and so is its end")
  func told() async throws {
    try await Self.withFlow { fixture in
      let paused = try await fixture.client.pause(
        .init(idempotencyKey: "p", store: "shop", channel: .email, note: "wrong price"))
      #expect(paused.holds && paused.revision == 1 && paused.author == "spiffe://test/client")
      #expect(paused.note == "wrong price" && paused.since != nil)
      #expect(fixture.peer.state.withLock { $0.pauses } == [paused])
      #expect(fixture.peer.state.withLock { $0.letterPauses } == [paused])
      let resumed = try await fixture.client.resume(
        .init(idempotencyKey: "r", store: "shop", channel: .email))
      #expect(resumed.id == paused.id && !resumed.holds && resumed.revision == 2)
      #expect(fixture.peer.state.withLock { $0.pauses } == [paused, resumed])
    }
  }

  @Test("F22 A pause is of the installation, a store, a channel, a flow or a template")
  func levels() async throws {
    try await Self.withFlow { fixture in
      let requests: [SchedulerV1.PauseRequest] = [
        .init(idempotencyKey: "1"), .init(idempotencyKey: "2", store: "shop"),
        .init(idempotencyKey: "3", store: "shop", channel: .letter),
        .init(idempotencyKey: "4", store: "shop", flow: "simple"),
        .init(idempotencyKey: "5", store: "shop", template: "cart-reminder"),
        .init(idempotencyKey: "6", channel: .sms),
      ]
      var ids: Set<String> = []
      for request in requests { ids.insert(try await fixture.client.pause(request).id) }
      #expect(ids.count == 6)
      let all = try await fixture.client.listPauses(.init())
      #expect(all.pauses.count == 6 && Set(all.pauses.map(\.id)) == ids)
      // What holds everywhere holds in the store too.
      #expect(try await fixture.ofShop.listPauses(.init(store: "shop")).pauses.count == 6)
      _ = try await fixture.client.resume(.init(idempotencyKey: "7", store: "shop"))
      #expect(try await fixture.client.listPauses(.init()).pauses.count == 5)
      #expect(try await fixture.client.listPauses(.init(withPast: true)).pauses.count == 6)
    }
  }

  @Test("F22 A pause that holds already stays as it is, and one that does not cannot be resumed")
  func once() async throws {
    try await Self.withFlow { fixture in
      let first = try await fixture.client.pause(.init(idempotencyKey: "1", store: "shop"))
      let second = try await fixture.other.pause(.init(idempotencyKey: "2", store: "shop"))
      #expect(first == second)
      let none = try await rpcError {
        try await fixture.client.resume(.init(idempotencyKey: "3", store: "shop", flow: "simple"))
      }
      #expect(none.code == .notFound)
      let end = SchedulerV1.ResumeRequest(idempotencyKey: "4", store: "shop")
      let resumed = try await fixture.client.resume(end)
      #expect(try await fixture.client.resume(end) == resumed)
      let over = try await rpcError {
        try await fixture.client.resume(.init(idempotencyKey: "5", store: "shop"))
      }
      #expect(over.code == .notFound)
      // Another pause of the same, of its own.
      let third = try await fixture.client.pause(.init(idempotencyKey: "6", store: "shop"))
      #expect(third.holds && third.id != first.id)
    }
  }

  @Test("F22 What would hold nothing is refused with the field's name")
  func refused() async throws {
    try await Self.withFlow { fixture in
      func refusal(_ request: SchedulerV1.PauseRequest) async throws -> [String] {
        let error = try await rpcError { try await fixture.client.pause(request) }
        return ["\(error.code)"] + error.fieldViolations.map(\.field)
      }
      let wrong = "\(RPCError.Code.invalidArgument)"
      let unknown = "\(RPCError.Code.notFound)"
      let channel = CommonV1.Channel(rawValue: 77)
      #expect(
        try await refusal(.init(idempotencyKey: "1", channel: channel)) == [wrong, "channel"])
      #expect(try await refusal(.init(idempotencyKey: "2", flow: "simple")) == [wrong, "flow"])
      #expect(try await refusal(.init(idempotencyKey: "3", template: "x")) == [wrong, "template"])
      #expect(try await refusal(.init(idempotencyKey: "4", store: "none")) == [unknown])
      #expect(
        try await refusal(.init(idempotencyKey: "5", store: "shop", flow: "none")) == [unknown])
      let foreign = try await rpcError {
        try await fixture.ofShop.pause(.init(idempotencyKey: "6"))
      }
      #expect(foreign.code == .permissionDenied)
      #expect(fixture.peer.state.withLock { $0.pauses.isEmpty })
    }
  }

  @Test("F22 Where who sends is away the call says so, and both are told again until they heard")
  func away() async throws {
    try await Self.withFlow { fixture in
      let request = SchedulerV1.PauseRequest(idempotencyKey: "1", store: "shop")
      fixture.peer.set { $0.isNotifierAway = true }
      let away = try await rpcError { try await fixture.client.pause(request) }
      #expect(away.code == .unavailable)
      // The other one holds already. The client has asked more than once.
      #expect(fixture.peer.state.withLock { Set($0.letterPauses.map(\.holds)) } == [true])
      #expect(fixture.peer.state.withLock { $0.retells } > 0)
      fixture.peer.set { $0.isNotifierAway = false }
      let teller = BrakeTeller(
        modes: fixture.scheduler.modes, pauses: fixture.scheduler.pauses,
        peers: Peers(tracker: fixture.peer, notifier: fixture.peer, directMail: fixture.peer))
      #expect(try teller.runOnce(now: fixture.scheduler.clock.now) == .whenWoken)
      #expect(fixture.peer.state.withLock { $0.pauses.map(\.holds) } == [true])
      #expect(try await fixture.client.pause(request).holds)
    }
  }

  @Test("F22 A pause survives a restart, and so does its end")
  func restart() async throws {
    try await Self.withFlow { fixture in
      let kept = try await fixture.client.pause(.init(idempotencyKey: "1", store: "shop"))
      _ = try await fixture.client.pause(.init(idempotencyKey: "2", channel: .sms))
      let past = try await fixture.client.resume(.init(idempotencyKey: "3", channel: .sms))
      let again = try SchedulerFixture(
        engine: fixture.scheduler.engine, at: fixture.scheduler.now)
      #expect(Set(again.pauses.all.map(\.id)) == [kept.id, past.id])
      #expect(again.pauses.pause(kept.id) == kept && again.pauses.pause(past.id) == past)
    }
  }
}
