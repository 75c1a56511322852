internal import Messages
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

/// Letters from an abandoned cart to the print run, over all services as real processes.
@Suite(.serialized) struct LetterJourneyTests {
  private let t0 = TrackerProcess.morning
  private let cutOff = ServiceSuite.cutOff

  @Test("D03 A purchase before the cut-off withdraws the letter, and nothing is printed or mailed")
  func boughtBefore() async throws {
    let suite = try await ServiceSuite.withLetters()
    try await suite.meetByPost("ann", at: t0)
    try await suite.run(to: cutOff - 60)
    #expect(try await suite.pieces(of: "ann").map(\.state) == [.accepted])
    try await suite.buy("ann", at: cutOff - 60)
    try await suite.run(to: cutOff + 10 * ServiceSuite.day)
    let piece = try #require(try await suite.pieces(of: "ann").first)
    #expect(piece.state == .withdrawn)
    #expect(piece.reason == .purchased)
    #expect(suite.printRuns.isEmpty)
    #expect(suite.smtp.mails.entries.isEmpty)
    #expect(try await suite.enrolment(of: "ann").enrolment?.reason == .purchased)
  }

  @Test("D03 A purchase after the cut-off leaves the letter in its print run and stops the mail")
  func boughtAfter() async throws {
    let suite = try await ServiceSuite.withLetters()
    try await suite.meetByPost("ann", at: t0)
    try await suite.run(to: cutOff)
    #expect(try await suite.pieces(of: "ann").map(\.state) == [.submitted])
    try await suite.buy("ann", at: cutOff + 60)
    try await suite.run(to: cutOff + 10 * ServiceSuite.day)
    #expect(try await suite.pieces(of: "ann").map(\.state) == [.submitted])
    #expect(try suite.printed().contains("Änne Ó Súilleabháin ann"))
    #expect(suite.printRuns.count == 1)
    #expect(suite.smtp.mails.entries.isEmpty)
    #expect(try await suite.enrolment(of: "ann").enrolment?.reason == .purchased)
  }

  @Test("D01 D02 One person gets the letter, then the mail; the letter's code leads to the cart")
  func both() async throws {
    let suite = try await ServiceSuite.withLetters()
    try await suite.meetByPost("ann", at: t0)
    try await suite.run(to: cutOff)
    let run = try #require(suite.printRuns.first)
    #expect(suite.smtp.mails.entries.isEmpty)
    let base = "http://127.0.0.1:\(suite.httpPort)"
    let codes = try suite.scanned(run)
    let link = try #require(codes.first { $0.hasPrefix(base + "/l/") })
    #expect(codes.contains { $0.hasPrefix(base + "/b/") })
    let reply = try await HTTPExchange.ask(
      port: suite.httpPort, "GET", String(link.dropFirst(base.count)))
    #expect(reply.status == 302)
    #expect(reply.headers["location"]?.hasPrefix("https://shop.invalid") == true)
    try await suite.run(to: cutOff + 10 * ServiceSuite.day)
    #expect(suite.smtp.mails.entries.map(\.to) == [["ann@replay.invalid"]])
    #expect(try await suite.pieces(of: "ann").map(\.state) == [.submitted])
    #expect(suite.printRuns.count == 1)
    #expect(try await suite.enrolment(of: "ann").enrolment?.reason == .flowEnded)
  }

  @Test("D10 Who types the code of a letter gets no other letter, and what waits is withdrawn")
  func objection() async throws {
    let suite = try await ServiceSuite.withLetters()
    try await suite.meetByPost("ann", at: t0)
    try await suite.run(to: cutOff)
    // The same address: whoever lives there.
    try await suite.meetByPost("bea", cart: "c2", at: cutOff + 60)
    try await suite.run(to: cutOff + 2 * ServiceSuite.hour)
    #expect(try await suite.pieces(of: "bea").map(\.state) == [.accepted])

    let code = try #require(try suite.printed().firstMatch(of: #/([0-9A-Z]{4}-){3}[0-9A-Z]{4}/#))
    let form = ["Content-Type": "application/x-www-form-urlencoded"]
    let wrong = try await HTTPExchange.ask(
      port: suite.httpPort, "POST", "/b", headers: form, body: "code=0000-0000-0000-0000")
    #expect(wrong.status == 422)
    #expect(try await suite.letters.listObjections(.init(store: "shop")).objections.isEmpty)
    let typed = code.0.lowercased().replacing("-", with: "+")
    let answer = try await HTTPExchange.ask(
      port: suite.httpPort, "POST", "/b", headers: form, body: "code=\(typed)")
    #expect(answer.status == 200)
    try await suite.settle()
    let objections = try await suite.letters.listObjections(.init(store: "shop")).objections
    #expect(objections.count == 2)
    #expect(objections.allSatisfy { $0.cause == .person && $0.evidence.contains("a typed code") })

    let later = cutOff + 20 * ServiceSuite.day
    try await suite.run(to: later)
    try await suite.record([
      Make.event("again", later, contact: "ann", cart: "c3", Make.add("B"))
    ])
    try await suite.run(to: later + 10 * ServiceSuite.day)
    #expect(try await suite.pieces(of: "ann").last?.reason == .objection)
    let states = try await suite.pieces().map(\.state)
    #expect(states.filter { $0 == .submitted }.count == 1)
    #expect(suite.printRuns.count == 1)
  }

  @Test("D10 A shop's objection withdraws the letter that waits, and the mail goes in its place")
  func objectionByShop() async throws {
    let suite = try await ServiceSuite.withLetters()
    try await suite.meetByPost("ann", at: t0)
    try await suite.run(to: cutOff - ServiceSuite.hour)
    let answer = try await suite.letters.putObjections(
      .init(
        store: "shop", idempotencyKey: "call",
        objections: [.init(contact: "ann", cause: .person, evidence: "a call")]))
    #expect(answer.withdrawn == 1)
    try await suite.run(to: cutOff + 10 * ServiceSuite.day)
    let piece = try #require(try await suite.pieces(of: "ann").first)
    #expect(piece.state == .withdrawn)
    #expect(piece.reason == .objection)
    #expect(suite.printRuns.isEmpty)
    #expect(suite.smtp.mails.entries.count == 1)
  }

  @Test("D04 An impossible address is refused with its field, and the mail goes in its place")
  func badAddress() async throws {
    let suite = try await ServiceSuite.withLetters()
    try await suite.meetByPost("ann", postalCode: "2035", at: t0)
    try await suite.run(to: cutOff + ServiceSuite.day)
    let piece = try #require(try await suite.pieces(of: "ann").first)
    #expect(piece.state == .skipped)
    #expect(piece.reason == .badDestination)
    #expect(piece.field == "postal_code")
    #expect(suite.printRuns.isEmpty)
    #expect(suite.smtp.mails.entries.map(\.to) == [["ann@replay.invalid"]])
  }
}
