internal import Messages
internal import ServiceKit
internal import Stubs
internal import TestSupport
internal import Testing

@testable internal import DirectMail

/// A database from yesterday, put back, prints nothing that may have been printed since (T31, I2).
@Suite struct RestoredBatchTests {
  private func putBack(_ copy: [UInt8], _ fixture: DirectMailFixture) throws {
    try fixture.place.folder.write(copy, to: "direct-mail.db")
    for file in ["direct-mail.db-wal", "direct-mail.db-shm"] {
      try fixture.place.folder.write([], to: file)
    }
  }

  @Test("T31 I2 A letter that may have been printed is listed as RESTORED and not printed again")
  func restored() async throws {
    let first = try await DirectMailFixture.start()
    try await first.putTemplate()
    let (old, newer) = (first.order(1), first.order(2, contact: "ben"))
    try await first.send([old])
    await first.stop()
    let copy = try SmallFile.read(
      first.place.folder.file("direct-mail.db"), bytesMax: 64 << 20)

    let second = try await DirectMailFixture.start(first.place)
    try await second.send([newer])
    try await second.advanceToCutOff()
    #expect(second.told(old) == ["HANDED_OVER"])
    #expect(TestFiles.names(second.letters).count == 1)
    await second.stop()

    try putBack(copy, first)
    let third = try await DirectMailFixture.start(first.place)
    // Its clock stands where the backup's did; the file knows how far the service had come.
    #expect(try await third.piece(old).state == .skipped)
    #expect(try await third.piece(old).reason == .restored)
    await third.settle()
    #expect(third.told(old).last == "UNKNOWN RESTORED")
    #expect(try await third.batches().map(\.state) == [.empty])
    let restore = try #require(try await third.client.listRestores(.init()).restores.first)
    #expect(restore.releasedAt != nil && restore.releasedBy.isEmpty)
    // The scheduler's row comes again, since its receipt is gone with the database.
    try await third.send([newer], from: 7)
    #expect(try await third.piece(newer).reason == .restored)
    // One that is due afterwards is printed, and is no second letter.
    try await third.advance(by: .seconds(2 * 86_400))
    let later = third.order(3)
    try await third.send([later], from: 8)
    try await third.advanceToCutOff()
    #expect(third.told(later) == ["HANDED_OVER"])
    #expect(TestFiles.names(third.letters).count == 2)
    await third.stop()
  }

  @Test("T31 A start with the database as it was holds nothing, also after a crash")
  func plain() async throws {
    let first = try await DirectMailFixture.start()
    try await first.putTemplate()
    let order = first.order(1)
    try await first.send([order])
    await first.stop()
    let second = try await DirectMailFixture.start(first.place)
    #expect(try await second.client.listRestores(.init()).restores.isEmpty)
    try await second.advanceToCutOff()
    #expect(second.told(order) == ["HANDED_OVER"])
    await second.stop()
  }
}
