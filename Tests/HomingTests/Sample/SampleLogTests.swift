internal import Foundation
internal import Messages
internal import Synchronization
internal import Testing

@testable internal import Homing

@Suite struct SampleLogTests {
  private static let start = 1_788_220_800

  private func text(days: Int = 30, seed: UInt64 = 1) -> String {
    var log = SampleLog(start: Self.start, days: days, seed: seed)
    var text = SampleRow.header + "\n"
    while let lines = log.nextDay() { text += lines.map { $0 + "\n" }.joined() }
    return text
  }

  @Test("The same seed gives the same bytes, another one others")
  func seeds() {
    let first = text(days: 3)
    #expect(text(days: 3) == first)
    #expect(text(days: 3, seed: 2) != first)
  }

  @Test("A replay reads every row, in order, with every kind of event a B2B month has")
  func isReadable() throws {
    let folder = try TemporaryFolder.make()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/sample.csv"
    try Data(text().utf8).write(to: URL(fileURLWithPath: path))
    let file = ReplayFile(
      path: path, format: try ReplayFormat.preset("sample"), store: "none", currency: "EUR")
    let survey = try file.survey()
    #expect(survey.refusals == [])
    #expect(survey.isInOrder)
    #expect(survey.stores == ["sample-tools", "sample-systems"])
    #expect((3000...50_000).contains(survey.rowCount))
    #expect(survey.firstAt == Int64(Self.start) * 1_000_000)
    var reader = try file.rows(survey)
    var kinds: Set<String> = []
    var cartKinds: Set<CartTrackerV1.CartKind> = []
    var ids: Set<String> = []
    while true {
      let rows = try reader.next(1000)
      if rows.isEmpty { break }
      for row in rows {
        kinds.insert(row.event.kind.map { "\($0)".prefix { $0 != "(" }.description } ?? "none")
        cartKinds.insert(row.event.header?.kind ?? .unspecified)
        ids.insert(row.event.id)
      }
    }
    #expect(ids.count == Int(survey.rowCount))
    #expect(cartKinds.isSuperset(of: [.cart, .quote, .configuration, .reorder]))
    #expect(
      kinds.isSuperset(of: [
        "itemAdded", "itemRemoved", "quantityChanged", "cartViewed", "checkoutStep", "checkoutLeft",
        "paymentPending", "paymentFailed", "quoteRequested", "purchase", "cartEmptied",
        "reasonGiven", "identify", "contactUpserted",
      ]))
  }

  @Test("What it makes up says so: names, addresses and ids")
  func isLabelled() {
    let lines = text(days: 1).split(separator: "\n").dropFirst()
    let people = lines.filter { $0.contains(",contact,") }
    #expect(!people.isEmpty)
    #expect(people.allSatisfy { $0.contains("(made up)") && $0.contains("@buyers.invalid") })
    #expect(lines.allSatisfy { $0.contains("sample-") })
  }
}
