internal import Messages
internal import ServiceKit
internal import Stubs
internal import TestSupport
internal import Testing

@testable internal import DirectMail

@Suite struct PauseTests {
  private static let id = "018f4c3e-7b2a-7c1d-9e5f-0000000000a1"

  private func put(_ pause: CommonV1.Pause, _ mail: DirectMailFixture) async throws {
    _ = try await mail.client.putPauses(.init(pauses: [pause]))
  }

  @Test("F22 A letter is not cut off while a pause covers it, over a restart, then printed once")
  func holds() async throws {
    let first = try await DirectMailFixture.start()
    try await first.putTemplate()
    let order = first.order(1)
    try await first.send([order])
    try await put(.init(id: Self.id, store: "shop", holds: true, revision: 1), first)
    try await first.advanceToCutOff()
    #expect(first.told(order) == ["DEFERRED PAUSED"])
    let held = try await first.piece(order)
    #expect((held.state, held.reason) == (.accepted, .paused))
    #expect(TestFiles.names(first.letters).isEmpty)
    await first.stop()
    let mail = try await DirectMailFixture.start(first.place)
    await mail.settle()
    try await mail.advanceToCutOff()
    #expect(mail.told(order) == ["DEFERRED PAUSED"])
    try await put(.init(id: Self.id, store: "shop", holds: false, revision: 2), mail)
    try await mail.advanceToCutOff()
    #expect(mail.told(order) == ["DEFERRED PAUSED", "HANDED_OVER"])
    #expect(TestFiles.names(mail.letters).count == 1)
    await mail.stop()
  }

  @Test("F20 F22 A letter that is held back longer than it is of use ends as stale")
  func stale() async throws {
    let mail = try await DirectMailFixture.start()
    try await mail.putTemplate()
    try await put(.init(id: Self.id, channel: .letter, holds: true, revision: 1), mail)
    let order = mail.order(1) {
      $0.expiresAt = (DirectMailFixture.cutOff + .seconds(3600)).timestamp
    }
    try await mail.send([order])
    try await mail.advanceToCutOff()
    try await mail.advanceToCutOff()
    #expect(mail.told(order) == ["DEFERRED PAUSED", "SKIPPED STALE"])
    await mail.stop()
  }

  @Test("F22 A pause that comes while letters are laid out holds those without a grant")
  func whileLayingOut() async throws {
    let mail = try await DirectMailFixture.start()
    try await mail.putTemplate()
    let order = mail.order(1)
    try await mail.send([order])
    let client = mail.client
    mail.press.refuses { _ in
      let pause = CommonV1.Pause(
        id: Self.id, store: "shop", flow: "flow", holds: true, revision: 1)
      do { _ = try Awaited.value { try await client.putPauses(.init(pauses: [pause])) } } catch {
        Issue.record(error)
      }
      return nil
    }
    try await mail.advanceToCutOff()
    #expect(mail.told(order) == ["DEFERRED PAUSED"])
    #expect(try await mail.batches().map(\.state).contains(.empty))
    await mail.stop()
  }

  @Test("F22 A pause of something else holds no letter")
  func others() async throws {
    let mail = try await DirectMailFixture.start()
    try await mail.putTemplate()
    try await put(.init(id: Self.id, channel: .postcard, holds: true, revision: 1), mail)
    let order = mail.order(1)
    try await mail.send([order])
    try await mail.advanceToCutOff()
    #expect(mail.told(order) == ["HANDED_OVER"])
    await mail.stop()
  }
}
