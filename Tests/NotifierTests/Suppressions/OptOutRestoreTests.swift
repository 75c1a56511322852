internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Stubs
internal import TestSupport
internal import Testing

@testable internal import Notifier

/// Opt-outs come back after a backup of the database was restored.
@Suite struct OptOutRestoreTests {
  private let files = ["notifier.db", "notifier.db-wal", "notifier.db-shm"]

  /// One message waits; then the database is copied.
  private func backup(
    _ provider: ScriptedProvider
  ) async throws -> (NotifierFixture, CommonV1.SendOrder, [String: [UInt8]]) {
    let first = try await NotifierFixture.start(lanes: [provider.lane])
    try await first.allowTests()
    try await first.putTemplate()
    let order = first.order(1) { $0.dueAt = (first.clock.now + .seconds(60)).timestamp }
    try await first.send([order])
    await first.stop()
    let copy = try SmallFile.read(first.folder.file("notifier.db"), bytesMax: 64 << 20)
    return (first, order, ["notifier.db": copy])
  }

  private func restore(_ copies: [String: [UInt8]], _ folder: TemporaryFolder) throws {
    for file in files {
      if let copy = copies[file] {
        try folder.write(copy, to: file)
      } else {
        try folder.write([], to: file)
      }
    }
  }

  private func start(
    _ old: NotifierFixture, _ provider: ScriptedProvider
  ) async throws -> NotifierFixture {
    try await NotifierFixture.start(
      lanes: [provider.lane], folder: old.folder, tracker: old.tracker, outcomes: old.outcomes)
  }

  @Test("T31 An opt-out after the backup is back before anything is sent, and a lift stays one")
  func restores() async throws {
    let provider = ScriptedProvider()
    let (first, order, copies) = try await backup(provider)
    let second = try await start(first, provider)
    _ = try await second.client.optOut(
      .init(
        store: "shop", idempotencyKey: "a", channel: .sms, address: "+99912345",
        at: second.clock.now.timestamp, evidence: "a call"))
    _ = try await second.client.putSuppressions(
      .init(
        store: "shop", idempotencyKey: "b",
        suppressions: [.init(channel: .sms, address: "+9995", cause: .staff)]))
    _ = try await second.client.removeSuppression(
      .init(store: "shop", idempotencyKey: "c", channel: .sms, address: "+9995", note: "typo"))
    await second.stop()
    try restore(copies, first.folder)
    let third = try await start(first, provider)
    let listed = try await third.client.listSuppressions(.init(store: "other")).suppressions
    #expect(listed.map(\.address) == ["+99912345"])
    #expect(listed.first?.evidence == "a call")
    #expect(listed.first?.cause == .optOut)
    #expect(try await third.client.listSuppressions(.init(store: "shop")).suppressions.count == 1)
    try await third.advance(by: .seconds(60))
    #expect(provider.parcels.entries.isEmpty)
    #expect(try await third.message(order).reason == .suppressed)
    await third.stop()
  }

  @Test("T31 A lost journal is written anew from the database, and then restores another loss")
  func lostJournal() async throws {
    let provider = ScriptedProvider()
    let (first, _, copies) = try await backup(provider)
    let second = try await start(first, provider)
    for (key, address) in [("a", "+9991"), ("b", "+9992")] {
      _ = try await second.client.optOut(
        .init(
          store: "shop", idempotencyKey: key, channel: .sms, address: address,
          at: second.clock.now.timestamp, evidence: "a call"))
    }
    await second.stop()
    try first.folder.write([], to: "optouts.journal")
    let third = try await start(first, provider)
    await third.stop()
    try restore(copies, first.folder)
    let fourth = try await start(first, provider)
    let listed = try await fourth.client.listSuppressions(.init(store: "shop")).suppressions
    #expect(Set(listed.map(\.address)) == ["+9991", "+9992"])
    await fourth.stop()
  }
}
