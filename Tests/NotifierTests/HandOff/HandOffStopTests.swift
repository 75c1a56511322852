internal import Messages
internal import ServiceKit
internal import Stubs
internal import Synchronization
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

@testable internal import Notifier

/// What keeps a message from going out, at each point of its way.
@Suite struct HandOffStopTests {
  private func start(
    _ provider: ScriptedProvider
  ) async throws -> NotifierFixture {
    let notifier = try await NotifierFixture.start(lanes: [provider.lane])
    try await notifier.allowTests()
    try await notifier.putTemplate()
    return notifier
  }

  @Test("T15 An address suppressed between permission and hand-off gets nothing")
  func suppressedInBetween() async throws {
    // One slot, which the first message keeps: the second has its permission and waits.
    let provider = ScriptedProvider(slots: 1) { _ in nil }
    let notifier = try await start(provider)
    let orders = (1...2).map { notifier.order($0) }
    try await notifier.send(orders)
    await provider.parcels.wait()
    let answer = try await notifier.client.putSuppressions(
      .init(
        store: "shop", idempotencyKey: "k",
        suppressions: [.init(channel: .sms, address: "+999 12345", cause: .staff)]))
    #expect((answer.added, answer.withdrawn) == (1, 1))
    provider.parcels.entries[0].done(ProviderResult(.taken))
    await notifier.settle()
    #expect(provider.parcels.entries.count == 1)
    let told = orders.map { notifier.told($0) }
    #expect(Set(told) == [["HANDED_OVER"], ["WITHDRAWN SUPPRESSED"]])
    await notifier.stop()
  }

  @Test("T15 A suppressed address that no message had named before gets nothing either")
  func suppressedBefore() async throws {
    let provider = ScriptedProvider()
    let notifier = try await start(provider)
    _ = try await notifier.client.putSuppressions(
      .init(
        store: "shop", idempotencyKey: "k",
        suppressions: [
          .init(channel: .sms, address: "+99912345", cause: .import, wholeController: true)
        ]))
    let order = notifier.order(1)
    try await notifier.send([order])
    await notifier.settle()
    #expect(provider.parcels.entries.isEmpty)
    #expect(notifier.told(order) == ["SKIPPED SUPPRESSED"])
    await notifier.stop()
  }

  @Test("A cancelled order does not go out, also where it has its permission already")
  func cancelled() async throws {
    let provider = ScriptedProvider(slots: 1) { _ in nil }
    let notifier = try await start(provider)
    let orders = (1...2).map { notifier.order($0) }
    try await notifier.send(orders)
    let first = await provider.parcels.wait()
    let waiting = try #require(orders.first { $0.id != first.id })
    let position = CommonV1.Position(bucket: UInt32(first.key.bucket), seq: 3)
    let receipts = try await notifier.send([
      .init(
        position: position,
        action: .cancel(
          .init(id: waiting.id, store: "shop", channel: .sms, reason: .endedByStaff))),
      .init(
        position: .init(bucket: position.bucket, seq: 4),
        action: .cancel(.init(id: first.id, store: "shop", channel: .sms, reason: .endedByStaff))),
    ])
    #expect(receipts.map(\.verdict) == [.stored, .stored])
    first.done(ProviderResult(.taken))
    await notifier.settle()
    #expect(provider.parcels.entries.count == 1)
    #expect(notifier.told(waiting) == ["WITHDRAWN ENDED_BY_STAFF"])
    // Its hand-off had begun.
    #expect(try await notifier.message(orders.first { $0.id == first.id }!).state == .handedOver)
    await notifier.stop()
  }

  @Test("X03 A grant older than a second is asked for again before the provider is called")
  func oldGrant() async throws {
    let provider = ScriptedProvider(slots: 1) { _ in nil }
    let notifier = try await start(provider)
    // A grant that is old when it comes, then a good one.
    let count = Mutex(0)
    notifier.tracker.answers { subject in
      let number = count.withLock { count in
        count += 1
        return count
      }
      var answer = ScriptedTracker.grant(subject)
      if number < 3 { answer.grant?.lifetime = .init(seconds: 0) }
      return answer
    }
    let order = notifier.order(1)
    try await notifier.send([order])
    await provider.parcels.wait().done(ProviderResult(.taken))
    await notifier.settle()
    #expect(count.withLock { $0 } == 3)
    #expect(notifier.told(order) == ["HANDED_OVER"])
    await notifier.stop()
  }

  @Test("X03 A grant that grows old while its intent is written is void, and asked for again")
  func oldAfterIntent() async throws {
    let provider = ScriptedProvider()
    let notifier = try await start(provider)
    let database = notifier.database
    let count = Mutex(0)
    notifier.tracker.answers { subject in
      var answer = ScriptedTracker.grant(subject)
      let isFirst = count.withLock { count in
        count += 1
        return count == 1
      }
      if isFirst {
        answer.grant?.lifetime = .init(seconds: 0, nanos: 300_000_000)
        // The writer has something else to do until the grant is void.
        let end = MonotonicInstant.now + .milliseconds(400)
        database.submit([], { _ in while MonotonicInstant.now < end {} }, done: { _ in })
      }
      return answer
    }
    let order = notifier.order(1)
    try await notifier.send([order])
    await notifier.settle()
    #expect(count.withLock { $0 } == 2)
    #expect(provider.parcels.entries.count == 1)
    #expect(notifier.told(order) == ["HANDED_OVER"])
    await notifier.stop()
  }

  @Test("T14 While cart-tracker cannot be asked nothing goes out; then all does")
  func trackerAway() async throws {
    let provider = ScriptedProvider()
    let notifier = try await start(provider)
    notifier.tracker.answers { _ in throw RPCError(.unavailable, "away") }
    let orders = (1...300).map { notifier.order($0, contact: "anna-\($0)") }
    try await notifier.send(Array(orders[..<200]))
    try await notifier.send(Array(orders[200...]), from: 201)
    await notifier.tracker.asked.wait(5)
    #expect(provider.parcels.entries.isEmpty)
    #expect(!notifier.time.isIdle)
    notifier.tracker.answers { ScriptedTracker.grant($0) }
    await notifier.settle()
    #expect(provider.parcels.entries.count == 300)
    #expect(orders.allSatisfy { notifier.told($0) == ["HANDED_OVER"] })
    await notifier.stop()
  }

  @Test("M10 Calls that the provider puts off end after as many as its rule allows")
  func givesUp() async throws {
    let provider = ScriptedProvider { _ in
      ProviderResult(.later(.providerRefused, after: nil), status: 450, answer: "busy")
    }
    let notifier = try await start(provider)
    let order = notifier.order(1)
    try await notifier.send([order])
    await notifier.settle()
    for _ in 1..<RetryRule().callsMax { try await notifier.advance(by: .seconds(1000)) }
    #expect(notifier.told(order) == ["DEFERRED PROVIDER_REFUSED", "FAILED PROVIDER_REFUSED"])
    #expect(try await notifier.message(order).attempts.count == RetryRule().callsMax)
    await notifier.stop()
  }

  @Test("An order for a template or store that does not exist, or with a bad field, is held")
  func held() async throws {
    let notifier = try await start(ScriptedProvider())
    let changes: [(inout CommonV1.SendOrder) -> Void] = [
      { $0.template = "none" }, { $0.store = "none" }, { $0.channel = .letter },
      { $0.channel = .email }, { $0.mode = .dryRun }, { $0.expiresAt = $0.dueAt },
      { $0.id = String($0.id.dropLast()) + "x" },
    ]
    for (index, change) in changes.enumerated() {
      let order = notifier.order(index) { change(&$0) }
      let number = UInt64(index + 1)
      let receipt = try #require(try await notifier.send([order], from: number).first)
      #expect(receipt.verdict == .held, "\(index)")
      #expect(!receipt.problem.isEmpty)
      #expect(try await notifier.send([order], from: number).map(\.verdict) == [.held])
    }
    #expect(notifier.time.received == UInt64(changes.count))
    await notifier.stop()
  }

  @Test("A hand-off begins only for as many messages as the provider takes at once")
  func slots() async throws {
    let provider = ScriptedProvider(slots: 3) { _ in nil }
    let notifier = try await start(provider)
    try await notifier.send((1...20).map { notifier.order($0, contact: "anna-\($0)") })
    await provider.parcels.wait(3)
    let listed = try await notifier.client.listMessages(.init(store: "shop", states: [.sending]))
    #expect(listed.messages.count == 3)
    #expect(provider.parcels.entries.count == 3)
    provider.answers { _ in ProviderResult(.taken) }
    for parcel in provider.parcels.entries { parcel.done(ProviderResult(.taken)) }
    await notifier.settle()
    #expect(provider.parcels.entries.count == 20)
    await notifier.stop()
  }

  @Test("A channel without a provider skips its orders")
  func noProvider() async throws {
    let notifier = try await NotifierFixture.start(lanes: [])
    try await notifier.allowTests()
    try await notifier.putTemplate()
    let order = notifier.order(1)
    try await notifier.send([order])
    await notifier.settle()
    #expect(notifier.told(order) == ["SKIPPED CHANNEL_OFF"])
    await notifier.stop()
  }
}
