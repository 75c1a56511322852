internal import Foundation
internal import Messages
internal import Testing

@testable internal import Homing

@Suite final class ReplayFileTests {
  private let folder: String

  init() throws { folder = try TemporaryFolder.make() }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  private func file(_ text: String, _ format: ReplayFormat = ReplayFormat()) throws -> ReplayFile {
    let path = folder + "/rows.csv"
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return ReplayFile(path: path, format: format, store: "shop", currency: "EUR")
  }

  private func rows(_ file: ReplayFile) throws -> [ReplayRow] {
    var reader = try file.rows(try file.survey())
    var rows: [ReplayRow] = []
    while true {
      let next = try reader.next(2)
      if next.isEmpty { return rows }
      rows += next
    }
  }

  private let header = "time,contact,kind,item,quantity,price,currency,store,cart,stage\n"

  @Test("A row becomes the event it reports, with an id of the file and the row")
  func mapping() throws {
    let file = try file(
      header + "2026-11-22T10:00:00Z,ann,add,mug,2,12.50,CHF,north,c1,checkout\n"
        + "2026-11-22T10:00:01Z,ann,remove,mug,,,,,,\n")
    let digest = try file.survey().idPrefix
    let rows = try rows(file)
    let money = CommonV1.Money(currencyCode: "CHF", units: 12, nanos: 500_000_000)
    let line = CartTrackerV1.CartLine(
      sku: "mug", quantity: .init(units: 2), unitPrice: money)
    #expect(
      rows.first?.event
        == CartTrackerV1.Event(
          id: "\(digest)-1", at: .init(seconds: 1_795_341_600), sourceOrder: 1, contact: "ann",
          cart: "c1", header: .init(stage: .checkout), kind: .itemAdded(.init(line: line))))
    #expect(rows.map(\.store) == ["north", "shop"])
    #expect(rows.last?.event.kind == .itemRemoved(.init(line: "mug")))
    #expect(digest.utf8.count == 16)
  }

  @Test(
    "Rows that cannot be read are counted, the first are kept with the reason, the rest is read")
  func refusals() throws {
    let good = "2026-11-22T10:00:00Z,ann,add,mug,,,,,,\n"
    let file = try file(
      header + good + "yesterday,ann,add,mug\n" + "2026-11-22T10:00:00Z,,add,mug\n"
        + "2026-11-22T10:00:00Z,ann,steal,mug\n" + "2026-11-22T10:00:00Z,ann,add,\n"
        + "2026-11-22T10:00:00Z,ann,add,mug,many\n" + "\"x\"y\n"
        + "2026-11-22T10:00:00Z,ann,add,mug,1,,,,,attic\n" + good)
    let survey = try file.survey()
    #expect(survey.rowCount == 9)
    #expect(survey.refusedCount == 7)
    #expect(survey.refusals.map(\.row) == [2, 3, 4, 5, 6])
    #expect(survey.refusals[0].reason == "its time \"yesterday\" is not in the format given")
    #expect(survey.refusals[1].reason == "it names neither contact nor guest")
    #expect(survey.refusals[2].reason == "its kind \"steal\" is not known")
    #expect(survey.refusals[3].reason == "it has no item")
    #expect(survey.refusals[4].reason == "its quantity \"many\" is not a decimal number")
    #expect(try rows(file).map(\.number) == [1, 9])
  }

  @Test("A file of which no row can be read is an error that gives the first reason")
  func allRefused() throws {
    let file = try file(header + "yesterday,ann,add,mug\n")
    let error = #expect(throws: CommandError.self) { try file.survey() }
    #expect(error?.message.contains("row 1: its time") == true)
    let empty = try self.file(header)
    #expect(throws: CommandError.self) { try empty.survey() }
  }

  @Test("A file that is not in order is sorted by time and row, plain and gzip alike")
  func sorting() throws {
    let text = (0..<500).map { number in
      "\(number),c\(number % 7),add,\"item \(number)\nx\",\(1_000_000 + (number * 37) % 50)\n"
    }.joined()
    let format = ReplayFormat(
      columns: ["contact": "2", "kind": "3", "item": "4", "time": "5"], hasHeader: false,
      time: "unix")
    let plain = try file(text, format)
    let survey = try plain.survey()
    #expect(!survey.isInOrder)
    let rows = try rows(plain)
    let expected = (0..<500).map { UInt64($0 + 1) }.sorted { a, b in
      let (x, y) = ((Int(a - 1) * 37) % 50, (Int(b - 1) * 37) % 50)
      return (x, a) < (y, b)
    }
    #expect(rows.map(\.number) == expected)
    let gzip = Process()
    gzip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    gzip.arguments = ["gzip", "-k", plain.path]
    try gzip.run()
    gzip.waitUntilExit()
    let packed = ReplayFile(
      path: plain.path + ".gz", format: format, store: "shop", currency: "EUR")
    let unpacked = try self.rows(packed)
    #expect(unpacked.map(\.number) == expected)
    #expect(unpacked.map(\.event.kind) == rows.map(\.event.kind))
    // The ids say which file the rows are of, byte for byte.
    #expect(unpacked.first?.event.id != rows.first?.event.id)
  }

  @Test("Columns that the file does not have, and columns that are needed, are named")
  func columns() throws {
    func message(_ columns: [String: String], hasHeader: Bool = true) throws -> String? {
      let file = try file("a,b\n1,2\n", ReplayFormat(columns: columns, hasHeader: hasHeader))
      return #expect(throws: CommandError.self) { try file.survey() }?.message
    }
    #expect(
      try message(["time": "when"])?.contains("no column \"when\" for time; it has a, b") == true)
    #expect(try message(["time": "a"])?.contains("mapped to kind") == true)
    #expect(try message(["time": "a", "kind": "b"])?.contains("contact or guest") == true)
    #expect(try message(["colour": "a"])?.contains("no column is called \"colour\"") == true)
    #expect(try message(["time": "a"], hasHeader: false)?.contains("position from 1") == true)
  }

  @Test("Pairs and words of the command line are read, or told what is wrong with them")
  func pairs() throws {
    let pairs = try ReplayColumn.pairs("time=a,contact=b=c", option: "--columns")
    #expect(pairs.map(\.ours) == ["time", "contact"] && pairs.map(\.theirs) == ["a", "b=c"])
    #expect(throws: CommandError.self) { try ReplayColumn.pairs("time", option: "--columns") }
    let kinds = try KindMap([("add", "in|plus"), ("remove", "out")])
    #expect(kinds[Array("plus".utf8)[...]] == .add)
    #expect(kinds[Array("add".utf8)[...]] == nil)
    #expect(throws: CommandError.self) { try KindMap([("add", "x"), ("remove", "x")]) }
    #expect(throws: CommandError.self) { try KindMap([("steal", "x")]) }
  }

  @Test("A thing that is no regular file is refused, since it is read twice")
  func irregular() {
    let file = ReplayFile(path: "/dev/null", format: .init(), store: "s", currency: "EUR")
    #expect(throws: CommandError.self) { try file.survey() }
  }
}

@Suite struct ShuffledRowsTests {
  private struct Numbers: RowSource {
    var left: [UInt64]
    mutating func next(_ countMax: Int) -> [ReplayRow] {
      let next = left.prefix(countMax)
      left.removeFirst(next.count)
      return next.map {
        let at = Int64($0) * 1_000_000
        return ReplayRow(
          number: $0, at: at, sentAt: at, store: "s", event: .init(id: "\($0)"), byteCount: 1)
      }
    }
  }

  private func delivered(seed: UInt64) async throws -> [ReplayRow] {
    var rows = ShuffledRows(
      Numbers(left: Array(1...1000)), copies: 3, span: .seconds(600), seed: seed)
    var delivered: [ReplayRow] = []
    while true {
      let next = try await rows.next(64)
      if next.isEmpty { return delivered }
      delivered += next
    }
  }

  @Test("C26 Each row comes so often, within the span, in the order in which it is sent")
  func shuffles() async throws {
    let rows = try await delivered(seed: 1)
    #expect(rows.count == 3000)
    #expect(Dictionary(grouping: rows, by: \.number).values.allSatisfy { $0.count == 3 })
    #expect(rows.allSatisfy { ($0.at...$0.at + 600_000_000).contains($0.sentAt) })
    #expect(zip(rows, rows.dropFirst()).allSatisfy { $0.sentAt <= $1.sentAt })
    #expect(zip(rows, rows.dropFirst()).contains { $0.number > $1.number })
  }

  @Test("The same seed gives the same order, another one another")
  func seeds() async throws {
    let first = try await delivered(seed: 1).map(\.number)
    #expect(try await delivered(seed: 1).map(\.number) == first)
    #expect(try await delivered(seed: 2).map(\.number) != first)
  }
}

@Suite struct EpisodeDigestTests {
  private func episode(
    _ second: Int64, _ contact: String, _ state: CartTrackerV1.EpisodeState = .running
  ) -> CartTrackerV1.Episode {
    CartTrackerV1.Episode(
      contact: contact, state: state, abandonedAt: .init(seconds: second, nanos: 5))
  }

  @Test("Episodes of one second are in order of the person's text; withdrawn ones are left out")
  func order() {
    var digest = EpisodeDigest()
    for episode in [
      episode(10, "b"), episode(10, "a"), episode(11, "10"), episode(11, "9"),
      episode(12, "x", .withdrawn),
    ] { digest.add(episode) }
    // printf '10,a\n10,b\n11,10\n11,9\n' | sha256sum
    #expect(digest.finish() == "51ee7bacb4d349fd")
  }
}

@Suite struct ProgressBarTests {
  @Test("The bar says how much is sent, where the clock stands and how long it will take")
  func text() {
    let text = ProgressBar.text(ReplayProgress(), total: 10, elapsed: .seconds(1))
    #expect(
      text
        == "[------------------------------] 0 %  0 of 10 rows  1970-01-01T00:00:00Z")
  }
}
