internal import Messages
internal import Storage

/// A purchase, or its reversal, as reports need it.
struct PurchaseRow: Sendable, Equatable {
  let order: String
  /// Nil where it is not known; below zero for a reversal.
  let revenue: CommonV1.Money?
  let isReversal: Bool
  let carts: [String]

  private static let format: UInt8 = 1

  /// Tells a purchase from what took it back, where that has no event of its own.
  static func key(_ event: String, isReversal: Bool) -> String {
    isReversal ? "reversal/" + event : event
  }

  init(_ purchase: CartTrackerV1.PurchaseSeen) {
    order = purchase.order
    revenue = purchase.revenue
    isReversal = purchase.reversal
    carts = purchase.carts
  }

  init(_ bytes: [UInt8]) throws {
    var reader = RowReader(bytes, table: "purchase")
    guard try reader.byte() == PurchaseRow.format else {
      throw StorageError(.newer, "a row of purchase has a format that this version does not know")
    }
    order = try reader.text()
    isReversal = try reader.flag()
    revenue =
      try reader.flag()
      ? CommonV1.Money(
        currencyCode: try reader.text(), units: try reader.signed(),
        nanos: try reader.signed32()) : nil
    carts = try (0..<(try reader.count())).map { _ in try reader.text() }
    try reader.finish()
  }

  func bytes() throws -> [UInt8] {
    var writer = RowWriter(capacity: 64)
    writer.byte(PurchaseRow.format)
    writer.text(order)
    writer.byte(isReversal ? 1 : 0)
    writer.byte(revenue == nil ? 0 : 1)
    if let revenue {
      writer.text(revenue.currencyCode)
      writer.signed(revenue.units)
      writer.signed(Int64(revenue.nanos))
    }
    writer.count(carts.count)
    for cart in carts { writer.text(cart) }
    return writer.bytes
  }
}
