internal import Foundation
internal import Messages
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

/// A print run that closes while direct-mail is killed.
@Suite(.serialized) struct LetterCrashJourneyTests {
  /// When a kill comes, after the clock has reached the cut-off.
  enum Moment: CaseIterable {
    case atOnce, pagesBegun, handedOver
  }

  @Test(
    "D06 I2 A print run that closes while direct-mail is killed holds each letter once",
    arguments: Moment.allCases)
  func killed(moment: Moment) async throws {
    let suite = try await ServiceSuite.withLetters()
    let contacts = (1...100).map { "person-\($0)" }
    for (index, contact) in contacts.enumerated() {
      try await suite.meetByPost(
        contact, postalCode: "\(20_000 + index)", cart: "c-\(contact)", at: TrackerProcess.morning)
    }
    try await suite.run(to: ServiceSuite.cutOff - 60)
    #expect(try await suite.pieces().filter { $0.state == .accepted }.count == contacts.count)
    for _ in 1...3 {
      try await suite.move(to: ServiceSuite.cutOff)
      await reached(moment, suite)
      suite.directMail.kill9()
      try await suite.restart(suite.directMail)
    }
    try await suite.run(to: ServiceSuite.cutOff + 60)

    let pieces = try await suite.pieces()
    #expect(pieces.count == contacts.count)
    #expect(pieces.allSatisfy { $0.state == .submitted })
    #expect(Set(pieces.map(\.batch)).count == suite.printRuns.count)
    var rows: [String] = []
    for run in suite.printRuns {
      let manifest = try String(
        contentsOf: run.appendingPathComponent("manifest.csv"), encoding: .utf8)
      rows += manifest.split(whereSeparator: \.isNewline).dropFirst().map(String.init)
    }
    #expect(rows.count == contacts.count)
    for piece in pieces {
      let id = try #require(piece.order?.id)
      #expect(rows.filter { $0.contains(id) }.count == 1)
    }
    let text = try suite.printed()
    for contact in contacts {
      // Once in the address, and not as the beginning of another's name.
      #expect(text.matches(of: try Regex("Súilleabháin \(contact)\\b")).count >= 1)
    }
    let pages = text.split(separator: "\u{0C}").filter { $0.contains("Große Bleichen") }
    #expect(pages.count == contacts.count)
  }

  /// Until the files show it, or nothing is left to wait for.
  private func reached(_ moment: Moment, _ suite: ServiceSuite) async {
    let batches = suite.directMail.folder.file("batches")
    let names: (String) -> Int = {
      (try? FileManager.default.contentsOfDirectory(atPath: $0).count) ?? 0
    }
    let end = ContinuousClock.now + .seconds(5)
    while ContinuousClock.now < end {
      switch moment {
      case .atOnce: return
      case .pagesBegun: if names(batches) > 0 { return }
      case .handedOver: if names(suite.letterFolder) > 0 { return }
      }
      await Task.yield()
    }
  }
}
