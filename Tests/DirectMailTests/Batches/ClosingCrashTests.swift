internal import Messages
internal import ServiceKit
internal import TestSupport
internal import Testing

@testable internal import DirectMail

@Suite struct ClosingCrashTests {
  @Test(
    "D06 A closing that is cut off at any point goes on after the start: no piece lost, none twice",
    arguments: [
      BatchCloser.Point.begun, .granted, .drawn, .written, .prepared, .closed, .moved,
    ])
  func goesOn(_ point: BatchCloser.Point) async throws {
    let whole = try await run(cutAt: nil)
    let cut = try await run(cutAt: point)
    #expect(cut.document == whole.document)
    #expect(cut.csv == whole.csv)
    #expect(cut.states == [DirectMailV1.PieceState](repeating: .submitted, count: 9))
    #expect(cut.told == [[String]](repeating: ["HANDED_OVER"], count: 9))
    #expect(cut.batches == [.submitted])
  }

  private struct Result {
    let document: String
    let csv: String
    let states: [DirectMailV1.PieceState]
    let told: [[String]]
    let batches: [DirectMailV1.BatchState]
  }

  private func run(cutAt point: BatchCloser.Point?) async throws -> Result {
    var mail = try await DirectMailFixture.start()
    try await mail.putTemplate()
    let orders = (1...9).map { mail.order($0, contact: "anna-\($0)") }
    for order in orders { try await mail.send([order]) }
    mail.place.interruptions.cut(at: point)
    if let point {
      try mail.clock.advance(to: DirectMailFixture.cutOff)
      mail.time.advanced(to: DirectMailFixture.cutOff)
      await mail.place.interruptions.seen.wait { $0 == point }
      let place = mail.place
      await mail.stop()
      // What the contacts are called now does not change letters that have their grant.
      if point != .begun {
        place.tracker.answers { ScriptedTracker.refuse($0, .purchased, lasting: true) }
      }
      place.interruptions.cut(at: nil)
      mail = try await DirectMailFixture.start(place)
      await mail.settle()
    } else {
      try await mail.advanceToCutOff()
    }
    let names = TestFiles.names(mail.letters)
    #expect(names.count == 1)
    let folder = "\(mail.letters)/\(names[0])"
    var states: [DirectMailV1.PieceState] = []
    for order in orders { states.append(try await mail.piece(order).state) }
    let result = Result(
      document: try TestFiles.read("\(folder)/letters.pdf"),
      csv: try TestFiles.read("\(folder)/manifest.csv"), states: states,
      told: orders.map { mail.told($0) }, batches: try await mail.batches().map(\.state))
    await mail.stop()
    return result
  }

  @Test("A folder that its reader took away before the last commit is not handed over again")
  func takenAway() async throws {
    var mail = try await DirectMailFixture.start()
    try await mail.putTemplate()
    let order = mail.order(1)
    try await mail.send([order])
    mail.place.interruptions.cut(at: .moved)
    try mail.clock.advance(to: DirectMailFixture.cutOff)
    mail.time.advanced(to: DirectMailFixture.cutOff)
    await mail.place.interruptions.seen.wait { $0 == .moved }
    let place = mail.place
    await mail.stop()
    let name = try #require(TestFiles.names(place.folder.file("letters")).first)
    try TestFiles.move(
      "\(place.folder.file("letters"))/\(name)", place.folder.file("taken"))
    place.interruptions.cut(at: nil)
    mail = try await DirectMailFixture.start(place)
    await mail.settle()
    #expect(TestFiles.names(mail.letters).isEmpty)
    #expect(try await mail.piece(order).state == .submitted)
    #expect(mail.told(order) == ["HANDED_OVER"])
    await mail.stop()
  }
}
