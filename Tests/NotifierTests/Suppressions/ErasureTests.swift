internal import Delivery
internal import Messages
internal import ServiceKit
internal import Stubs
internal import TestSupport
internal import Testing

@testable internal import Notifier

/// Forgetting a person in the notifier (P10).
@Suite struct ErasureTests {
  private static let id = "018f4c3e-7b2a-7c1d-9e5f-0123456789ab"
  private static let number = "+99912345"

  private func erase(
    _ contact: String, _ numbers: [String], in fixture: NotifierFixture, seq: UInt64
  ) async throws -> CommonV1.Receipt.Verdict? {
    let order = CommonV1.ErasePerson(
      erasure: Self.id, store: "shop", contact: contact, at: fixture.clock.now.timestamp,
      identities: 1, contacts: 1,
      destinations: numbers.map { .init(channel: .sms, address: $0) })
    return try await fixture.send([
      .init(position: .init(bucket: UInt32(order.owner.bucket), seq: seq), action: .erase(order))
    ]).first?.verdict
  }

  private func suppress(_ fixture: NotifierFixture) async throws {
    _ = try await fixture.client.putSuppressions(
      .init(
        store: "shop", idempotencyKey: "p",
        suppressions: [
          .init(
            channel: .sms, address: "+9995550", cause: .optOut, evidence: "a call of Anna")
        ]))
  }

  @Test("P10 What was sent loses address and text; what waits ends; the receipt counts both")
  func erases() async throws {
    let provider = ScriptedProvider()
    let fixture = try await NotifierFixture.start(lanes: [provider.lane])
    try await fixture.allowTests()
    try await fixture.putTemplate()
    let sent = fixture.order(1)
    let waiting = fixture.order(2) { $0.dueAt = (fixture.clock.now + .seconds(600)).timestamp }
    try await fixture.send([sent, waiting])
    await fixture.settle()
    try await suppress(fixture)
    #expect(try await fixture.message(sent).recipient == Self.number)
    let verdict = try await erase(
      "anna", [Self.number, "+9995550"], in: fixture, seq: 3)
    #expect(verdict == .stored)
    #expect(try await fixture.message(sent).recipient.isEmpty)
    #expect(try await fixture.message(waiting).reason == .erased)
    #expect(fixture.told(waiting).last == "WITHDRAWN ERASED")
    let content = try await fixture.client.getMessage(
      .init(store: "shop", message: sent.id, withContent: true)
    ).content
    #expect(content.isEmpty)
    let receipt = try await fixture.client.getErasure(.init(store: "shop", erasure: Self.id))
    #expect(receipt.service == "notifier" && receipt.done == 1)
    let counts = Dictionary(uniqueKeysWithValues: receipt.redacted.map { ($0.what, $0.rows) })
    #expect(counts["message"] == 1 && counts["suppression"] == 1 && counts["opt-out"] == 1)
    // The clear address stands in no file, nor do words that it came with.
    await fixture.stop()
    for file in ["notifier.db", "notifier.db-wal", "optouts.journal"] {
      let bytes = (try? SmallFile.read(fixture.folder.file(file), bytesMax: 64 << 20)) ?? []
      for word in [Self.number, "+9995550", "a call of Anna", "Hello from Shop"] {
        #expect(!bytes.contains(Array(word.utf8)), "\(file) holds \(word)")
      }
    }
  }

  @Test("P10 Addresses stay closed under their keyed hashes, whoever brings them again")
  func staysClosed() async throws {
    let provider = ScriptedProvider()
    let fixture = try await NotifierFixture.start(lanes: [provider.lane])
    try await fixture.allowTests()
    try await fixture.putTemplate()
    #expect(try await erase("anna", [Self.number], in: fixture, seq: 1) == .stored)
    let again = fixture.order(7, contact: "newcomer")
    try await fixture.send([again])
    await fixture.settle()
    #expect(provider.parcels.entries.isEmpty)
    #expect(try await fixture.message(again).reason == .suppressed)
    let listed = try await fixture.client.listSuppressions(.init(store: "shop")).suppressions
    #expect(listed.map(\.cause) == [.erasure])
    #expect(listed.map(\.address) == [""])
    await fixture.stop()
    // Also after a start, and by the journal where the database is from before.
    let second = try await NotifierFixture.start(
      lanes: [provider.lane], folder: fixture.folder, tracker: fixture.tracker,
      outcomes: fixture.outcomes)
    let later = second.order(8, contact: "newcomer")
    try await second.send([later], from: 2)
    await second.settle()
    #expect(try await second.message(later).reason == .suppressed)
    await second.stop()
  }

  @Test("P10 An address that another contact of the store has too stays open for that one")
  func sharedMailbox() async throws {
    let provider = ScriptedProvider()
    let fixture = try await NotifierFixture.start(lanes: [provider.lane])
    try await fixture.allowTests()
    try await fixture.putTemplate()
    try await fixture.send([fixture.order(1, contact: "ben")])
    await fixture.settle()
    #expect(try await erase("anna", [Self.number], in: fixture, seq: 1) == .stored)
    let later = fixture.order(2, contact: "ben")
    try await fixture.send([later], from: 2)
    await fixture.settle()
    #expect(provider.parcels.entries.count == 2)
    await fixture.stop()
  }
}
