internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Stubs
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Notifier

@Suite struct SuppressionDeskTests {
  private func start(_ provider: ScriptedProvider) async throws -> NotifierFixture {
    let notifier = try await NotifierFixture.start(lanes: [provider.lane])
    try await notifier.allowTests()
    try await notifier.putTemplate()
    return notifier
  }

  private func token(_ purpose: LinkPurpose, _ parcel: Parcel, _ now: Instant) throws -> String {
    let address = try ContentFixture.links().address(
      purpose, message: parcel.key.id, bucket: parcel.key.bucket, now: now)
    return String(try #require(address.split(separator: "/").last))
  }

  @Test("M18 An unsubscribe withdraws what waits, tells the scheduler, and keeps its proof")
  func unsubscribes() async throws {
    let provider = ScriptedProvider()
    let notifier = try await start(provider)
    let first = notifier.order(1)
    let second = notifier.order(2) { $0.dueAt = (notifier.clock.now + .seconds(60)).timestamp }
    try await notifier.send([first, second])
    await notifier.settle()
    let parcel = try #require(provider.parcels.entries.first)
    let token = try token(.unsubscribe, parcel, notifier.clock.now)
    let before = try await notifier.client.describeUnsubscribe(.init(token: token))
    #expect((before.storeName, before.done, before.channel) == ("Shop", false, .sms))
    #expect(!before.address.contains("1234"))
    let answer = try await notifier.client.unsubscribe(
      .init(
        token: token, oneClick: true, at: notifier.clock.now.timestamp, evidence: "POST /u/x"))
    #expect(answer.withdrawn == 1)
    let again = try await notifier.client.unsubscribe(
      .init(token: token, oneClick: true, at: notifier.clock.now.timestamp, evidence: "again"))
    #expect(again.withdrawn == 0)
    #expect(try await notifier.client.describeUnsubscribe(.init(token: token)).done)
    try await notifier.advance(by: .seconds(60))
    #expect(provider.parcels.entries.count == 1)
    #expect(notifier.told(second) == ["WITHDRAWN SUPPRESSED"])
    #expect(notifier.told(first) == ["HANDED_OVER", "OPTED_OUT"])
    let proofs = try notifier.database.read { session in
      try session.all(
        Statement(
          name: "proofs", sql: "SELECT kind, evidence FROM opt_out", scope: .allBuckets)
      ) { "\(try $0.text(0)) \(try $0.text(1))" }
    }
    #expect(proofs.first == "one-click POST /u/x")
    await notifier.stop()
  }

  @Test("A link that is not ours, or for something else, is not found")
  func wrongToken() async throws {
    let provider = ScriptedProvider()
    let notifier = try await start(provider)
    try await notifier.send([notifier.order(1)])
    await notifier.settle()
    let parcel = try #require(provider.parcels.entries.first)
    let click = try token(.click, parcel, notifier.clock.now)
    let good = try token(.unsubscribe, parcel, notifier.clock.now)
    for token in ["x", click, String(good.dropLast()) + "A", ""] {
      let error = try await rpcError {
        try await notifier.client.unsubscribe(
          .init(token: token, at: notifier.clock.now.timestamp))
      }
      #expect(error.code == (token.isEmpty ? .invalidArgument : .notFound), "\(token)")
    }
    await notifier.stop()
  }

  @Test(
    "C15 An opt-out holds for every store of the controller, a bounce put for one store does not")
  func scopes() async throws {
    let notifier = try await start(ScriptedProvider())
    _ = try await notifier.client.optOut(
      .init(
        store: "shop", idempotencyKey: "a", channel: .sms, address: "+99912345",
        at: notifier.clock.now.timestamp, evidence: "call"))
    _ = try await notifier.client.putSuppressions(
      .init(
        store: "shop", idempotencyKey: "b",
        suppressions: [.init(channel: .email, address: "Anna@Shop.test", cause: .bounce)]))
    func listed(_ store: String) async throws -> [String] {
      try await notifier.client.listSuppressions(.init(store: store)).suppressions.map(\.address)
        .sorted()
    }
    #expect(try await listed("shop") == ["+99912345", "anna@shop.test"])
    #expect(try await listed("other") == ["+99912345"])
    await notifier.stop()
  }

  @Test("An opt-out by contact withdraws all that waits for it, once for each key")
  func optOutOfContact() async throws {
    let provider = ScriptedProvider()
    let notifier = try await start(provider)
    let order = notifier.order(1) { $0.dueAt = (notifier.clock.now + .seconds(60)).timestamp }
    try await notifier.send([order])
    let request = NotifierV1.OptOutRequest(
      store: "shop", idempotencyKey: "a", contact: "anna", at: notifier.clock.now.timestamp,
      evidence: "account page")
    #expect(try await notifier.client.optOut(request).withdrawn == 1)
    #expect(try await notifier.client.optOut(request).withdrawn == 1)
    var other = request
    other.evidence = "another"
    let error = try await rpcError { try await notifier.client.optOut(other) }
    #expect(error.code == .failedPrecondition)
    await notifier.settle()
    #expect(notifier.told(order) == ["WITHDRAWN SUPPRESSED"])
    let listed = try await notifier.client.listSuppressions(.init(store: "shop"))
    #expect(Set(listed.suppressions.map(\.channel)) == [.email, .sms])
    await notifier.stop()
  }

  @Test("An opt-out cannot be removed, another suppression can, and then mail goes out again")
  func removes() async throws {
    let provider = ScriptedProvider()
    let notifier = try await start(provider)
    func remove(_ address: String, _ key: String) async throws {
      _ = try await notifier.client.removeSuppression(
        .init(store: "shop", idempotencyKey: key, channel: .sms, address: address, note: "typo"))
    }
    _ = try await notifier.client.putSuppressions(
      .init(
        store: "shop", idempotencyKey: "a",
        suppressions: [
          .init(channel: .sms, address: "+99912345", cause: .staff),
          .init(channel: .sms, address: "+9995", cause: .optOut),
        ]))
    #expect(try await rpcError { try await remove("+9995", "b") }.code == .failedPrecondition)
    #expect(try await rpcError { try await remove("+9996", "c") }.code == .notFound)
    try await remove("+99912345", "d")
    let order = notifier.order(1)
    try await notifier.send([order])
    await notifier.settle()
    #expect(notifier.told(order) == ["HANDED_OVER"])
    await notifier.stop()
  }

  @Test("A list of suppressions goes on where it stopped, newest first")
  func pages() async throws {
    let notifier = try await start(ScriptedProvider())
    for number in 1...5 {
      _ = try await notifier.client.putSuppressions(
        .init(
          store: "shop", idempotencyKey: "\(number)",
          suppressions: [
            .init(
              channel: .sms, address: "+999\(number)", cause: .import,
              wholeController: number % 2 == 0)
          ]))
      try await notifier.advance(by: .seconds(1))
    }
    var found: [String] = []
    var after = ""
    repeat {
      let answer = try await notifier.client.listSuppressions(
        .init(store: "shop", page: .init(limit: 2, after: after)))
      found += answer.suppressions.map(\.address)
      after = answer.next
    } while !after.isEmpty
    #expect(found == ["+9995", "+9994", "+9993", "+9992", "+9991"])
    await notifier.stop()
  }
}
