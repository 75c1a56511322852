internal import Messages
internal import ServiceKit
internal import Stubs
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import DirectMail

@Suite struct ObjectionTests {
  private func start() async throws -> DirectMailFixture {
    let mail = try await DirectMailFixture.start()
    try await mail.putTemplate()
    return mail
  }

  private func put(
    _ mail: DirectMailFixture, _ objection: DirectMailV1.Objection, key: String = "o",
    store: String = "shop"
  ) async throws -> DirectMailV1.PutObjectionsResponse {
    try await mail.client.putObjections(
      .init(store: store, idempotencyKey: key, objections: [objection]))
  }

  private func key(_ order: CommonV1.SendOrder) throws -> PieceKey {
    try #require(PieceKey(bucket: OwnerBucket.of(order), text: order.id))
  }

  @Test("D10 A person's objection withdraws what waits, and holds in the controller's other stores")
  func contact() async throws {
    let mail = try await start()
    let order = mail.order(1)
    try await mail.send([order])
    let answer = try await put(mail, .init(contact: "anna", cause: .person), store: "other")
    #expect((answer.added, answer.withdrawn) == (1, 0))
    let again = try await put(mail, .init(contact: "anna", cause: .person), key: "p")
    #expect((again.added, again.known, again.withdrawn) == (0, 1, 1))
    await mail.settle()
    #expect(mail.told(order) == ["WITHDRAWN OBJECTION"])
    let later = mail.order(2)
    try await mail.send([later], from: 2)
    try await mail.advanceToCutOff()
    #expect(mail.told(later) == ["SKIPPED OBJECTION"])
    await mail.stop()
  }

  @Test("D10 An address that is objected to is known however it is written, whoever lives there")
  func address() async throws {
    let mail = try await start()
    _ = try await put(
      mail,
      .init(
        address: .init(
          countryCode: "DE", person: "Somebody else", streetLines: ["HAUPTSTRASSE 4"],
          postalCode: "80331", locality: "Anna"), cause: .import))
    let (anna, ben) = (mail.order(1), mail.order(2, contact: "ben"))
    try await mail.send([anna])
    try await mail.send([ben])
    try await mail.advanceToCutOff()
    #expect(mail.told(anna) == ["SKIPPED OBJECTION"])
    #expect(mail.told(ben) == ["HANDED_OVER"])
    await mail.stop()
  }

  @Test("D10 The printed code objects, typed or scanned, and a wrong one is not found")
  func code() async throws {
    for isTyped in [false, true] {
      let mail = try await start()
      let order = mail.order(1)
      try await mail.send([order])
      try await mail.advanceToCutOff()
      let links = try DirectMailFixture.links()
      let key = try key(order)
      let link = links.address(.objection, key, now: mail.clock.now)
      let scanned = String(link.split(separator: "/").last ?? "")
      let token = isTyped ? links.code(key).lowercased() : scanned
      let waiting = mail.order(2)
      try await mail.send([waiting], from: 2)
      let request = DirectMailV1.ObjectRequest(
        token: token, at: mail.clock.now.timestamp, evidence: "POST /b/…")
      let answer = try await mail.client.object(request)
      #expect((answer.added, answer.withdrawn) == (2, 1))
      #expect(try await mail.client.object(request).known == 2)
      await mail.settle()
      #expect(mail.told(order) == ["HANDED_OVER", "OPTED_OUT"])
      #expect(mail.told(waiting) == ["WITHDRAWN OBJECTION"])
      let listed = try await mail.client.listObjections(.init(store: "shop")).objections
      #expect(Set(listed.map(\.contact)) == ["anna", ""])
      #expect(listed.compactMap(\.address).map(\.person) == [""])
      #expect(listed.allSatisfy { $0.piece == order.id && $0.evidence == "POST /b/…" })
      for wrong in ["0000-0000-0000-0000", "x", String(scanned.dropLast()) + "!"] {
        let error = try await rpcError {
          try await mail.client.object(.init(token: wrong, at: mail.clock.now.timestamp))
        }
        #expect(error.code == .notFound)
      }
      await mail.stop()
    }
  }

  @Test("D07 What the post reports moves a piece on once, and a return suppresses the address")
  func reports() async throws {
    let mail = try await start()
    let order = mail.order(1)
    try await mail.send([order])
    try await mail.advanceToCutOff()
    func report(
      _ key: String, _ states: [DirectMailV1.PieceState], piece: String? = nil
    ) async throws -> DirectMailV1.ReportPiecesResponse {
      try await mail.client.reportPieces(
        .init(
          store: "shop", idempotencyKey: key,
          entries: states.map {
            .init(piece: piece ?? order.id, state: $0, at: mail.clock.now.timestamp, note: "post")
          }))
    }
    let first = try await report("a", [.printed, .inTransit, .printed])
    #expect((first.changed, first.outdated) == (2, 1))
    #expect(try await report("b", [.returned]).changed == 1)
    #expect(try await report("c", [.delivered]).outdated == 1)
    let unknown = DerivedID.of("nothing")
    #expect(try await report("d", [.printed], piece: unknown).unknown == [unknown])
    #expect(try await rpcError { try await report("e", [.accepted]) }.code == .invalidArgument)
    await mail.settle()
    #expect(mail.told(order) == ["HANDED_OVER", "PRINTED", "IN_TRANSIT", "RETURNED"])
    let next = mail.order(2)
    try await mail.send([next], from: 2)
    try await mail.advanceToCutOff()
    #expect(mail.told(next) == ["SKIPPED SUPPRESSED"])
    await mail.stop()
  }

  @Test("D10 A list of objections goes on where it stopped, newest first")
  func pages() async throws {
    let mail = try await start()
    for number in 1...5 {
      _ = try await put(mail, .init(contact: "c\(number)", cause: .import), key: "\(number)")
      try await mail.advance(by: .seconds(1))
    }
    var found: [String] = []
    var after = ""
    repeat {
      let answer = try await mail.client.listObjections(
        .init(store: "other", page: .init(limit: 2, after: after)))
      #expect(answer.objections.count <= 2)
      found += answer.objections.map(\.contact)
      after = answer.next
    } while !after.isEmpty
    #expect(found == ["c5", "c4", "c3", "c2", "c1"])
    await mail.stop()
  }
}
