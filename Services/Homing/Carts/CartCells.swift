internal import Messages

/// A row of the list of carts as a table's cells.
struct CartCells {
  /// What a list shows when nobody says otherwise.
  static let standard: [CartTrackerV1.CartColumn] = [
    .abandonedAt, .state, .kind, .stage, .quantity, .total, .contact, .email, .company, .score,
  ]

  private static let lineColumns: [(heading: String, alignment: Table.Alignment)] = [
    ("SKU", .left), ("PRODUCT", .left), ("QUANTITY", .right), ("PRICE", .right),
  ]

  let columns: [CartTrackerV1.CartColumn]
  let withLines: Bool

  var headings: [(heading: String, alignment: Table.Alignment)] {
    let own = columns.map { column -> (heading: String, alignment: Table.Alignment) in
      let name = CartTexts.column.name(column).uppercased().map { $0 == "_" ? " " : $0 }
      let isNumber = [.quantity, .total, .score].contains(column)
      return (String(name), isNumber ? .right : .left)
    }
    return [("CART", .left)] + own + (withLines ? Self.lineColumns : [])
  }

  /// One table row, or one for each line of the cart.
  func rows(_ row: CartTrackerV1.CartRow) -> [[String]] {
    let cart = row.cart ?? .init()
    let cells = [cart.id] + columns.map { cell($0, row, cart) }
    guard withLines, !cart.lines.isEmpty else { return [cells] }
    return cart.lines.enumerated().map { index, line in
      (index == 0 ? cells : cells.map { _ in "" }) + CartCells.line(line)
    }
  }

  static func line(_ line: CartTrackerV1.CartLine) -> [String] {
    let price = line.lineTotal.map { ValueText.text($0) + " in all" }
    return [
      line.sku, line.name, ValueText.text(line.quantity),
      line.unitPrice.map { ValueText.text($0) } ?? price ?? "",
    ]
  }

  private func cell(
    _ column: CartTrackerV1.CartColumn, _ row: CartTrackerV1.CartRow, _ cart: CartTrackerV1.Cart
  ) -> String {
    switch column {
    case .abandonedAt: return ValueText.text(cart.abandonedAt)
    case .quantity: return cart.quantities.map { ValueText.text($0) }.joined(separator: ", ")
    case .total: return cart.totals.map { ValueText.text($0) }.joined(separator: ", ")
    case .contact:
      if !row.contactName.isEmpty { return row.contactName }
      return cart.contact.isEmpty ? cart.guest : cart.contact
    case .email: return row.email
    case .company:
      return row.companyName.isEmpty ? cart.header?.company ?? "" : row.companyName
    case .stage: return CartTexts.stage.name(cart.header?.stage ?? .unspecified)
    case .score: return cart.score.map { "\($0.value)" } ?? ""
    case .kind: return CartTexts.kind.name(cart.header?.kind ?? .unspecified)
    case .state: return CartTexts.state.name(cart.state)
    case .reason:
      return cart.reasons.map { CartTexts.reason.name($0.reason) }.joined(separator: ", ")
    case .phone: return row.phone
    case .lastActivityAt: return ValueText.text(cart.lastActivityAt)
    default: return ""
    }
  }
}
