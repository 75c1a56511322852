internal import Foundation
internal import Messages
internal import Testing

@testable internal import CartTracker

@Suite struct ExportCSVTests {
  static let hostile = [
    "=1+1", "+49 30 1", "-5", "@SUM(A1)", "\tx", "\rx", "\nx", "  =2", "\u{A0}=2", "\u{FEFF}=cmd",
    "\u{200B}@a", "＝1", "＋1", "－1", "＠a", "\u{3000}＝1", "\u{2212}1", "a,b;c", "say \"hi\"",
    "line\r\nbreak", "'=1", "", "  ", "plain", "Ä🚀", "a\"\"b", "\"", "x=1", "1-2",
  ]

  /// What a cell reads as: the documented difference alone.
  private func shown(_ text: String) -> String {
    (CSVWriter.isFormula(text) ? "'" : "") + text.replacing("\0", with: "")
  }

  private func bytes(_ rows: [[CSVWriter.Cell]]) -> [UInt8] {
    var writer = CSVWriter()
    for row in rows { writer.append(row) }
    var bytes: [UInt8] = []
    while let chunk = writer.rest() { bytes += chunk }
    return bytes
  }

  @Test("L07 texts that a spreadsheet takes for formulas are told apart from others")
  func formulas() {
    let formulas = ExportCSVTests.hostile.filter { CSVWriter.isFormula($0) }
    #expect(
      formulas == [
        "=1+1", "+49 30 1", "-5", "@SUM(A1)", "\tx", "\rx", "\nx", "  =2", "\u{A0}=2",
        "\u{FEFF}=cmd", "\u{200B}@a", "＝1", "＋1", "－1", "＠a", "\u{3000}＝1", "\u{2212}1",
      ])
  }

  @Test("L07 cells are always quoted, lines end with CRLF, and a number keeps its minus")
  func form() {
    let text = bytes([[.text("a\"b"), .number("-5"), .text("-5")], [.text("")]])
    #expect(String(decoding: text, as: UTF8.self) == "\"a\"\"b\",\"-5\",\"'-5\"\r\n\"\"\r\n")
    #expect(bytes([[.text("a\0b")]]) == Array("\"ab\"\r\n".utf8))
  }

  @Test("L07 hostile texts read back equal by Python's csv but for the documented sign")
  func python() throws {
    var chance = ListChance(state: 11)
    let alphabet = Array("=+-@\t\r\n\"',; aß＝\u{0}|%0\u{2028}\u{FEFF}🚀").map { String($0) }
    var rows: [[String]] = [ExportCSVTests.hostile]
    for _ in 0..<200 {
      rows.append(
        (0..<5).map { _ in
          (0..<chance.below(6)).map { _ in chance.pick(alphabet) }.joined()
        })
    }
    let read = try PythonCSV.read(bytes(rows.map { $0.map { .text($0) } }))
    #expect(read == rows.map { $0.map(shown) })
  }

  @Test("Chunks are at most 64 KiB and together the file", arguments: [1, 30_000, 200_000])
  func chunks(_ size: Int) {
    var writer = CSVWriter()
    var bytes: [UInt8] = []
    var sizes: [Int] = []
    for _ in 0..<5 {
      writer.append([.text(String(repeating: "x", count: size))])
      while let chunk = writer.fullChunk() {
        bytes += chunk
        sizes.append(chunk.count)
      }
    }
    #expect(sizes.allSatisfy { $0 == CSVWriter.chunkBytesMax })
    #expect(writer.count < CSVWriter.chunkBytesMax)
    while let chunk = writer.rest() { bytes += chunk }
    let line = "\"" + String(repeating: "x", count: size) + "\"\r\n"
    #expect(bytes == Array(String(repeating: line, count: 5).utf8))
    #expect(writer.rest() == nil)
  }

  // MARK: - Carts

  private func file(
    _ rows: [CartTrackerV1.CartRow], _ columns: [CartTrackerV1.CartColumn] = []
  ) throws -> [[String]] {
    var csv = CartCSV(columns: columns)
    for row in rows { csv.append(row) }
    var bytes: [UInt8] = []
    while let chunk = csv.rest() { bytes += chunk }
    return try PythonCSV.read(bytes)
  }

  private var row: CartTrackerV1.CartRow {
    var cart = CartTrackerV1.Cart(store: "s", id: "k1", contact: "=c", state: .abandoned)
    cart.header = .init(kind: .quote, stage: .checkout, company: "acme")
    cart.lines = [
      .init(
        sku: "A", name: "Pipe", quantity: .init(units: 2),
        unitPrice: .init(currencyCode: "EUR", units: 3)),
      .init(
        sku: "B", quantity: .init(units: -1), lineTotal: .init(currencyCode: "USD", units: -5)),
      .init(
        id: "other", sku: "A", name: "Pipe, long", quantity: .init(units: 1, nanos: 500_000_000),
        unitPrice: .init(currencyCode: "EUR", units: 4)),
    ]
    cart.quantities = CartTotals.quantities(of: cart.lines)
    cart.totals = CartTotals.totals(of: cart.lines)
    cart.reasons = [.init(reason: .shippingCost), .init(reason: .tax)]
    cart.abandonedAt = .init(instant: 1_700_000_000_000_000)
    cart.lastActivityAt = .init(instant: 1_699_996_400_250_000)
    cart.score = .init(value: 42)
    return .init(
      cart: cart, contactName: "Ann", email: "a@x.org", phone: "+491", companyName: "Acme")
  }

  @Test("L07 one line for each SKU in a cart, the cart's columns repeated")
  func lines() throws {
    let cart = [
      "k1", "2023-11-14T22:13:20Z", "2.5", "", "12.00; -5.00", "EUR; USD", "'=c", "Ann", "a@x.org",
      "acme", "Acme", "checkout", "42", "quote", "abandoned", "shipping_cost; tax", "'+491",
      "2023-11-14T21:13:20.250Z",
    ]
    #expect(
      try file([row]) == [
        [
          "cart", "abandoned_at", "quantity", "quantity_unit", "total", "total_currency",
          "contact", "contact_name", "email", "company", "company_name", "stage", "score", "kind",
          "state", "reason", "phone", "last_activity_at", "sku", "name", "line_quantity",
          "line_unit", "unit_price", "line_total", "currency",
        ],
        cart + ["A", "Pipe", "3.5", "", "", "12.00", "EUR"],
        cart + ["B", "", "-1", "", "", "-5.00", "USD"],
      ])
  }

  @Test("L04 columns come in the order asked for")
  func columns() throws {
    let read = try file([row], [.score, .email])
    #expect(
      read.map { Array($0.prefix(3)) } == [
        ["cart", "score", "email"], ["k1", "42", "a@x.org"], ["k1", "42", "a@x.org"],
      ])
  }

  @Test("A cart without lines has one line; a file without carts has its header")
  func empty() throws {
    var bare = row
    bare.cart?.lines = []
    let read = try file([bare], [.score])
    #expect(read.count == 2 && read[1] == ["k1", "42"] + Array(repeating: "", count: 7))
    #expect(try file([], [.score]).count == 1)
  }

  @Test("L07 an export has one line for each SKU of each cart of the list, in its order")
  func whole() throws {
    let fixture = try ListFixture()
    try fixture.put(all: ListSample.persons(700, seed: 3))
    let query = CartTrackerV1.CartQuery()
    let rows = try fixture.export(query, shape: CartCSV.shape)
    var withLines = query
    withLines.withLines = true
    #expect(rows == ListModel(fixture).rows(withLines))
    let lines = try file(rows).dropFirst()
    let expected = rows.flatMap { row -> [[String]] in
      let cart = row.cart ?? .init()
      var skus: [String] = []
      for line in cart.lines where !skus.contains(line.sku) { skus.append(line.sku) }
      return (skus.isEmpty ? [""] : skus).map { [cart.id, $0] }
    }
    #expect(lines.map { [$0[0], $0[$0.count - 7]] } == expected)
  }
}

/// CSV as another program reads it.
enum PythonCSV {
  private static let script = """
    import csv, io, json, sys
    text = sys.stdin.buffer.read().decode("utf-8")
    json.dump(list(csv.reader(io.StringIO(text, newline=""), strict=True)), sys.stdout)
    """

  static func read(_ bytes: [UInt8]) throws -> [[String]] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", script]
    let folder = FileManager.default.temporaryDirectory
    let input = folder.appendingPathComponent("\(UUID().uuidString).csv")
    try Data(bytes).write(to: input)
    defer { try? FileManager.default.removeItem(at: input) }
    let output = Pipe()
    process.standardInput = try FileHandle(forReadingFrom: input)
    process.standardOutput = output
    try process.run()
    let json = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return try JSONDecoder().decode([[String]].self, from: json)
  }
}
