internal import Messages
internal import ServiceKit
internal import Stubs
internal import TestSupport
internal import Testing

@testable internal import DirectMail

/// Objections come back after a backup of the database was restored.
@Suite struct ObjectionRestoreTests {
  @Test("T31 D10 Objections after the backup are back before anything is printed")
  func restores() async throws {
    let first = try await DirectMailFixture.start()
    try await first.putTemplate()
    let (anna, ben) = (first.order(1), first.order(2, contact: "ben"))
    try await first.send([anna])
    try await first.send([ben])
    await first.stop()
    let folder = first.place.folder
    let copy = try SmallFile.read(folder.file("direct-mail.db"), bytesMax: 64 << 20)
    let second = try await DirectMailFixture.start(first.place)
    let answer = try await second.client.putObjections(
      .init(
        store: "shop", idempotencyKey: "o",
        objections: [
          .init(contact: "anna", cause: .person, evidence: "a letter"),
          .init(
            address: .init(
              countryCode: "DE", person: "Somebody", streetLines: ["Nowhere 1"],
              postalCode: "80331", locality: "Z"), cause: .import),
        ]))
    #expect(answer.added == 2)
    await second.stop()
    try folder.write(copy, to: "direct-mail.db")
    try folder.write([], to: "direct-mail.db-wal")
    let third = try await DirectMailFixture.start(first.place)
    let listed = try await third.client.listObjections(.init(store: "shop")).objections
    #expect(listed.count == 2)
    #expect(listed.contains { $0.contact == "anna" && $0.evidence == "a letter" })
    #expect(listed.contains { $0.address?.locality == "Z" && $0.address?.person == "" })
    try await third.advanceToCutOff()
    #expect(third.told(anna).last == "SKIPPED OBJECTION")
    #expect(third.told(ben).last == "HANDED_OVER")
    await third.stop()
  }
}
