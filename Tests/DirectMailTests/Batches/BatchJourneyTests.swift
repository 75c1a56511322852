internal import Messages
internal import ServiceKit
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

@testable internal import DirectMail

@Suite struct BatchJourneyTests {
  @Test("D06 A letter ordered in the morning lies in the folder at the cut-off, with its manifests")
  func goesOut() async throws {
    let mail = try await DirectMailFixture.start()
    try await mail.putTemplate()
    let order = mail.order(1)
    #expect(try await mail.send([order]).map(\.verdict) == [.stored])
    await mail.settle()
    #expect(try await mail.piece(order).state == .accepted)
    #expect(try await mail.piece(order).cutOffAt == DirectMailFixture.cutOff.timestamp)
    #expect(mail.told(order) == [])
    #expect(mail.tracker.asked.entries.isEmpty)
    #expect(mail.time.nextDue(after: mail.clock.now) == DirectMailFixture.cutOff)
    try await mail.advanceToCutOff()
    #expect(mail.told(order) == ["HANDED_OVER"])
    #expect(mail.place.outcomes.entries.first?.grant?.positions == [.init(bucket: 3, seq: 17)])
    let piece = try await mail.piece(order)
    #expect(
      piece.history.map(\.state) == [.accepted, .rendered, .batched, .submitted])
    #expect(piece.addressLines == ["Anna anna", "Hauptstraße 4"])
    #expect((piece.firstPage, piece.pages) == (1, 1))
    let batch = try #require(try await mail.batches().first)
    #expect(batch.state == .submitted)
    #expect((batch.pieces, batch.pages, batch.sample) == (1, 1, true))
    #expect(piece.batch == batch.id)
    let name = try #require(TestFiles.names(mail.letters).first)
    #expect(name == "2026-03-02-1600-shop-a4-form-b-sample-\(batch.id.prefix(8))")
    #expect(TestFiles.names(mail.letters).count == 1)
    let folder = "\(mail.letters)/\(name)"
    #expect(TestFiles.names(folder) == ["letters.pdf", "manifest.csv", "manifest.json"])
    let document = try TestFiles.read("\(folder)/letters.pdf")
    #expect(document.contains("\(order.id) anna https://go.shop.test/l/"))
    #expect(SHA256.hash(Array(document.utf8)) == batch.checksum)
    #expect(batch.sizeBytes == UInt64(document.utf8.count))
    let lines = try TestFiles.read("\(folder)/manifest.csv").split(separator: "\r\n")
    #expect(lines.count == 2)
    #expect(
      lines.last?.hasPrefix("\(order.id),standard-domestic,1,1,,,true,letters.pdf,") == true)
    #expect(
      try TestFiles.read("\(folder)/manifest.json").contains(
        "\"checksum\": \"sha256:\(HexDigits.text(batch.checksum))\""))
    await mail.stop()
  }

  @Test("D06 I2 A batch of several groups holds every letter once, in the order of its pages")
  func manyGroups() async throws {
    let mail = try await DirectMailFixture.start()
    try await mail.putTemplate()
    let orders = (1...200).map { mail.order($0, contact: "person-\($0)") }
    for (index, order) in orders.enumerated() {
      try await mail.send([order], from: UInt64(index + 1))
    }
    await mail.settle()
    try await mail.advanceToCutOff()
    let pieces = try await mail.client.listMailPieces(
      .init(store: "shop", page: .init(limit: 1000))
    ).pieces
    #expect(pieces.count == orders.count)
    #expect(pieces.allSatisfy { $0.state == .submitted })
    #expect(Set(pieces.map(\.firstPage)) == Set((1...200).map { UInt32($0) }))
    #expect(try await mail.batches().map(\.pieces) == [200])
    await mail.stop()
  }

  @Test("D03 A purchase before the cut-off withdraws the letter, by cancellation or by the grant")
  func purchaseBefore() async throws {
    let mail = try await DirectMailFixture.start()
    try await mail.putTemplate()
    let (cancelled, refused) = (mail.order(1), mail.order(2))
    try await mail.send([cancelled, refused])
    let bucket = UInt32(OwnerBucket.of(cancelled))
    try await mail.send([
      .init(
        position: .init(bucket: bucket, seq: 3),
        action: .cancel(
          .init(id: cancelled.id, store: "shop", channel: .letter, reason: .purchased)))
    ])
    mail.tracker.answers { ScriptedTracker.refuse($0, .purchased, lasting: true) }
    try await mail.advanceToCutOff()
    #expect(mail.told(cancelled) == ["WITHDRAWN PURCHASED"])
    #expect(mail.told(refused) == ["SKIPPED PURCHASED"])
    #expect(TestFiles.names(mail.letters).isEmpty)
    #expect(try await mail.batches().map(\.state) == [.empty])
    await mail.stop()
  }

  @Test("D03 After the cut-off neither a cancellation nor staff gets the letter back")
  func purchaseAfter() async throws {
    let mail = try await DirectMailFixture.start()
    try await mail.putTemplate()
    let order = mail.order(1)
    try await mail.send([order])
    try await mail.advanceToCutOff()
    try await mail.send([
      .init(
        position: .init(bucket: UInt32(OwnerBucket.of(order)), seq: 2),
        action: .cancel(.init(id: order.id, store: "shop", channel: .letter, reason: .purchased)))
    ])
    await mail.settle()
    #expect(mail.told(order) == ["HANDED_OVER"])
    let error = try await rpcError {
      try await mail.client.withdrawMailPiece(
        .init(store: "shop", idempotencyKey: "w", piece: order.id))
    }
    #expect(error.code == .failedPrecondition)
    await mail.stop()
  }

  @Test("D03 Staff withdraws a piece before its cut-off, once")
  func withdraws() async throws {
    let mail = try await DirectMailFixture.start()
    try await mail.putTemplate()
    let order = mail.order(1)
    try await mail.send([order])
    for key in ["a", "a", "b"] {
      let piece = try await mail.client.withdrawMailPiece(
        .init(store: "shop", idempotencyKey: key, piece: order.id, note: "by phone"))
      #expect(piece.state == .withdrawn)
      #expect(piece.history.last?.note == "by phone")
    }
    await mail.settle()
    #expect(mail.told(order) == ["WITHDRAWN ENDED_BY_STAFF"])
    await mail.stop()
  }

  @Test("D04 An impossible part of the address ends the piece with its field; the others go on")
  func badAddress() async throws {
    let mail = try await DirectMailFixture.start()
    try await mail.putTemplate()
    mail.press.refuses { letter in
      letter.order.contact == "ben"
        ? LetterRefusal(reason: .badDestination, field: "postal_code", problem: "5 digits") : nil
    }
    let (good, bad) = (mail.order(1), mail.order(2, contact: "ben"))
    try await mail.send([good])
    try await mail.send([bad])
    try await mail.advanceToCutOff()
    #expect(mail.told(good) == ["HANDED_OVER"])
    #expect(mail.told(bad) == ["SKIPPED BAD_DESTINATION"])
    #expect(try await mail.piece(bad).field == "postal_code")
    await mail.stop()
  }

  @Test("A letter with a missing glyph is held for the next cut-off, and printed when it is there")
  func missingGlyph() async throws {
    let mail = try await DirectMailFixture.start()
    try await mail.putTemplate()
    mail.press.refuses { _ in
      LetterRefusal(reason: .glyphMissing, field: "blocks.1", problem: "U+E000")
    }
    let order = mail.order(1)
    try await mail.send([order])
    try await mail.advanceToCutOff()
    #expect(mail.told(order) == ["DEFERRED GLYPH_MISSING"])
    let held = try await mail.piece(order)
    #expect((held.state, held.reason, held.field) == (.accepted, .glyphMissing, "blocks.1"))
    #expect(held.cutOffAt == (DirectMailFixture.cutOff + .seconds(86_400)).timestamp)
    mail.press.refuses { _ in nil }
    try await mail.advanceToCutOff()
    #expect(mail.told(order) == ["DEFERRED GLYPH_MISSING", "HANDED_OVER"])
    #expect(try await mail.batches().map(\.state) == [.submitted, .empty])
    await mail.stop()
  }

  @Test("A piece that is held until it expires ends as stale")
  func expires() async throws {
    let mail = try await DirectMailFixture.start()
    try await mail.putTemplate()
    mail.tracker.answers { ScriptedTracker.refuse($0, .feedStale, lasting: false) }
    let order = mail.order(1) {
      $0.expiresAt = (DirectMailFixture.cutOff + .seconds(3600)).timestamp
    }
    try await mail.send([order])
    try await mail.advanceToCutOff()
    try await mail.advanceToCutOff()
    #expect(mail.told(order) == ["DEFERRED FEED_STALE", "SKIPPED STALE"])
    #expect(mail.time.nextDue(after: mail.clock.now) == nil)
    await mail.stop()
  }

  @Test("F21 Letters under TEST need an entry for postal addresses, and without a mode none leaves")
  func modes() async throws {
    for (addresses, told) in [
      (nil, "SKIPPED MODE"), (["@test"], "SKIPPED NOT_A_TEST_ADDRESS"),
      (["post:DE"], "HANDED_OVER"),
      (["post:AT"], "SKIPPED NOT_A_TEST_ADDRESS"),
    ] as [([String]?, String)] {
      let mail = try await DirectMailFixture.start(testAddresses: addresses)
      try await mail.putTemplate()
      let order = mail.order(1)
      try await mail.send([order])
      try await mail.advanceToCutOff()
      #expect(mail.told(order) == [told])
      await mail.stop()
    }
  }

  @Test("An order sent twice has one effect, and what is wrong for good is held with its field")
  func onceOnly() async throws {
    let mail = try await DirectMailFixture.start()
    try await mail.putTemplate()
    let order = mail.order(1)
    try await mail.send([order])
    #expect(try await mail.send([order]).map(\.verdict) == [.repeated])
    #expect(try await mail.send([order], from: 2).map(\.verdict) == [.stored])
    let wrong = mail.order(2) { $0.channel = .email }
    let receipts = try await mail.send([wrong], from: 3)
    #expect(receipts.map(\.verdict) == [.held])
    #expect(receipts.first?.problem.contains("send.channel") == true)
    let unknown = mail.order(3) { $0.template = "none" }
    #expect(try await mail.send([unknown], from: 4).map(\.verdict) == [.held])
    try await mail.advanceToCutOff()
    #expect(mail.told(order) == ["HANDED_OVER"])
    #expect(try await mail.batches().map(\.pieces) == [1])
    await mail.stop()
  }

  @Test("A batch that is closed early takes no more pieces; later ones join another")
  func closesEarly() async throws {
    let mail = try await DirectMailFixture.start()
    try await mail.putTemplate()
    try await mail.send([mail.order(1)])
    let open = try #require(try await mail.batches().first)
    #expect((open.state, open.pieces) == (.open, 1))
    let closing = try await mail.client.closeBatch(
      .init(store: "shop", idempotencyKey: "c", batch: open.id))
    #expect(closing.state == .closing)
    await mail.settle()
    #expect(mail.told(mail.order(1)) == ["HANDED_OVER"])
    try await mail.send([mail.order(2)], from: 2)
    #expect(try await mail.batches().map(\.state) == [.open, .submitted])
    try await mail.advanceToCutOff()
    #expect(mail.told(mail.order(2)) == ["HANDED_OVER"])
    #expect(TestFiles.names(mail.letters).count == 2)
    await mail.stop()
  }

  @Test("D06 A closed batch's files are sent from any offset on, an open one's are not")
  func fetches() async throws {
    let mail = try await DirectMailFixture.start()
    try await mail.putTemplate()
    try await mail.send([mail.order(1)])
    let open = try #require(try await mail.batches().first)
    func fetch(_ file: DirectMailV1.BatchFile, _ offset: UInt64) async throws -> [UInt8] {
      let call = try await mail.client.fetchBatch(
        .init(store: "shop", batch: open.id, file: file, offset: offset))
      var bytes: [UInt8] = []
      while let chunk = try await call.next() { bytes += chunk.data }
      return bytes
    }
    #expect(try await rpcError { try await fetch(.pdf, 0) }.code == .failedPrecondition)
    try await mail.advanceToCutOff()
    let batch = try #require(try await mail.batches().first)
    let whole = try await fetch(.pdf, 0)
    #expect(SHA256.hash(whole) == batch.checksum)
    #expect(try await fetch(.pdf, 9) == Array(whole[9...]))
    #expect(try await String(decoding: fetch(.manifestCSV, 0), as: UTF8.self).hasPrefix("piece,"))
    await mail.stop()
  }

  @Test("C29 While cart-tracker is away nothing is printed; the batch closes when it is back")
  func trackerAway() async throws {
    let mail = try await DirectMailFixture.start()
    try await mail.putTemplate()
    let order = mail.order(1)
    try await mail.send([order])
    let asked = Journal<Void>()
    mail.tracker.answers { _ in
      asked.add(())
      throw RPCError(.unavailable, "away")
    }
    try mail.clock.advance(to: DirectMailFixture.cutOff)
    mail.time.advanced(to: DirectMailFixture.cutOff)
    await asked.wait(2)
    #expect(!mail.time.isIdle)
    #expect(TestFiles.names(mail.letters).isEmpty)
    mail.tracker.answers { ScriptedTracker.grant($0) }
    await mail.settle()
    #expect(mail.told(order) == ["HANDED_OVER"])
    await mail.stop()
  }

  @Test("X03 A purchase while letters are laid out longer than their grants live stops them")
  func lateGrant() async throws {
    let mail = try await DirectMailFixture.start()
    try await mail.putTemplate()
    let order = mail.order(1)
    try await mail.send([order])
    let asked = Journal<Void>()
    mail.tracker.answers { subject in
      asked.add(())
      if asked.entries.count > 1 {
        return ScriptedTracker.refuse(subject, .purchased, lasting: true)
      }
      var answer = ScriptedTracker.grant(subject)
      answer.grant?.lifetime = .init()
      return answer
    }
    try await mail.advanceToCutOff()
    #expect(mail.told(order) == ["SKIPPED PURCHASED"])
    #expect(mail.tracker.asked.entries.map(\.withFacts) == [true, false])
    #expect(TestFiles.names(mail.letters).isEmpty)
    await mail.stop()
  }

  @Test(
    "D10 An address gets one letter in the period, whoever of the household it is for; so samples",
    arguments: ["live", "shop"])
  func household(store: String) async throws {
    let mail = try await DirectMailFixture.start(settings: ["HOMING_HOUSEHOLD_PERIOD": "36h"])
    try await mail.putTemplate(store: store)
    let home = ScriptedTracker.address("home")
    mail.tracker.answers { subject in
      var answer = ScriptedTracker.grant(subject)
      answer.facts?.contact?.profile?.address = home
      answer.facts?.contact?.profile?.address?.person = subject.contact
      return answer
    }
    var orders: [CommonV1.SendOrder] = []
    for (number, contact) in ["anna", "ben", "carla", "dora"].enumerated() {
      let order = mail.order(number, contact: contact, store: store)
      orders.append(order)
      if contact == "carla" { try await mail.advanceToCutOff() }
      if contact == "dora" { try await mail.advance(by: .seconds(24 * 3600)) }
      // Contacts may share a bucket.
      try await mail.send([order], from: UInt64(number + 1))
    }
    try await mail.advanceToCutOff()
    let told = orders.map { mail.told($0) }
    #expect(told[..<2].sorted { $0[0] < $1[0] } == [["HANDED_OVER"], ["SKIPPED FREQUENCY_CAP"]])
    #expect(told[2...] == [["SKIPPED FREQUENCY_CAP"], ["HANDED_OVER"]])
    await mail.stop()
  }
}
