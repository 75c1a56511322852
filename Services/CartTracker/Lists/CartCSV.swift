internal import Messages
internal import ServiceKit

/// Carts as lines of a CSV file (L07): one for each SKU in a cart, the cart's columns repeated.
///
/// Lines of one SKU in a cart are one: quantities and totals are summed. A cart without lines has
/// one line. What comes in several units or currencies stands in one cell, joined by `; `.
struct CartCSV {
  private let columns: [Tracked.CartColumn]
  private var writer = CSVWriter()
  private var hasHeader = false

  /// What an export has to carry for it.
  static let shape = CartShape(columns: [], withLines: true)

  /// - Parameter columns: the cart's, in their order; none means all.
  init(columns: [Tracked.CartColumn]) {
    let known = columns.filter { CartShape.everyColumn.contains($0) }
    self.columns = known.isEmpty ? CartShape.everyColumn : known
  }

  /// Writes a cart, and the header before the first one.
  mutating func append(_ row: Tracked.CartRow) {
    writeHeader()
    let cart = row.cart ?? Tracked.Cart()
    let cells = [.text(cart.id)] + columns.flatMap { CartCSV.cells($0, row, cart) }
    let groups = CartCSV.groups(cart.lines)
    if groups.isEmpty {
      writer.append(cells + Array(repeating: .text(""), count: CartCSV.lineNames.count))
    }
    for lines in groups { writer.append(cells + CartCSV.cells(lines)) }
  }

  /// A chunk of at most 64 KiB, as long as one is full.
  mutating func fullChunk() -> [UInt8]? { writer.fullChunk() }

  /// After the last cart: what is left, until nil. A file without carts has its header.
  mutating func rest() -> [UInt8]? {
    writeHeader()
    return writer.rest()
  }

  private mutating func writeHeader() {
    if hasHeader { return }
    hasHeader = true
    let names = ["cart"] + columns.flatMap(CartCSV.names) + CartCSV.lineNames
    writer.append(names.map { .text($0) })
  }

  // MARK: - The cart's columns

  private static func names(_ column: Tracked.CartColumn) -> [String] {
    switch column {
    case .abandonedAt: ["abandoned_at"]
    case .quantity: ["quantity", "quantity_unit"]
    case .total: ["total", "total_currency"]
    case .contact: ["contact", "contact_name"]
    case .email: ["email"]
    case .company: ["company", "company_name"]
    case .stage: ["stage"]
    case .score: ["score"]
    case .kind: ["kind"]
    case .state: ["state"]
    case .reason: ["reason"]
    case .phone: ["phone"]
    default: ["last_activity_at"]
    }
  }

  private static func cells(
    _ column: Tracked.CartColumn, _ row: Tracked.CartRow, _ cart: Tracked.Cart
  ) -> [CSVWriter.Cell] {
    switch column {
    case .abandonedAt: [instant(cart.abandonedAt)]
    case .quantity: amounts(cart.quantities)
    case .total: amounts(cart.totals)
    case .contact: [.text(cart.contact), .text(row.contactName)]
    case .email: [.text(row.email)]
    case .company: [.text(cart.header?.company ?? ""), .text(row.companyName)]
    case .stage: [name(cart.header?.stage ?? .unspecified, "STAGE_")]
    case .score: [.number(cart.score.map { String($0.value) } ?? "")]
    case .kind: [name(cart.header?.kind ?? .unspecified, "CART_KIND_")]
    case .state: [name(cart.state, "CART_STATE_")]
    case .reason:
      [.text(cart.reasons.map { plainName($0.reason, "LEAVE_REASON_") }.joined(separator: "; "))]
    case .phone: [.text(row.phone)]
    default: [instant(cart.lastActivityAt)]
    }
  }

  private static func amounts(_ quantities: [CommonV1.Quantity]) -> [CSVWriter.Cell] {
    [
      .number(quantities.map { Amount($0).text() }.joined(separator: "; ")),
      .text(quantities.map(\.unitCode).joined(separator: "; ")),
    ]
  }

  private static func amounts(_ totals: [CommonV1.Money]) -> [CSVWriter.Cell] {
    [
      .number(totals.map { Amount($0).text(digitsMin: 2) }.joined(separator: "; ")),
      .text(totals.map(\.currencyCode).joined(separator: "; ")),
    ]
  }

  private static func name(
    _ value: some CustomStringConvertible, _ prefix: String
  ) -> CSVWriter.Cell {
    .text(plainName(value, prefix))
  }

  /// The name in the contract in lower case, without its prefix; nothing for "unspecified".
  private static func plainName(
    _ value: some CustomStringConvertible, _ prefix: String
  ) -> String {
    let name = value.description
    let short = name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name
    return short == "UNSPECIFIED" ? "" : short.lowercased()
  }

  private static func instant(_ timestamp: Protobuf.Timestamp?) -> CSVWriter.Cell {
    .number(timestamp.map { Instant(microseconds: $0.microseconds).description } ?? "")
  }

  // MARK: - Lines

  private static let lineNames = [
    "sku", "name", "line_quantity", "line_unit", "unit_price", "line_total", "currency",
  ]

  /// Lines of the same SKU together, in order of the first of each.
  private static func groups(_ lines: [Tracked.CartLine]) -> [[Tracked.CartLine]] {
    var places: [String: Int] = [:]
    var groups: [[Tracked.CartLine]] = []
    for line in lines {
      if let place = places[line.sku] {
        groups[place].append(line)
      } else {
        places[line.sku] = groups.count
        groups.append([line])
      }
    }
    return groups
  }

  private static func cells(_ lines: [Tracked.CartLine]) -> [CSVWriter.Cell] {
    let prices = Set(lines.map(\.unitPrice))
    // Different prices have no one price; the total tells.
    let price = prices.count == 1 ? lines[0].unitPrice : nil
    let totals = CartTotals.totals(of: lines)
    var money = amounts(totals)
    if totals.isEmpty, let price { money[1] = .text(price.currencyCode) }
    return [.text(lines[0].sku), .text(lines.first { !$0.name.isEmpty }?.name ?? "")]
      + amounts(CartTotals.quantities(of: lines))
      + [.number(price.map { Amount($0).text(digitsMin: 2) } ?? "")] + money
  }
}
