internal import Messages
internal import Wire

/// Amounts of money as the tables have them: whole billionths of a unit.
enum Price {
  static let billionth: Int64 = 1_000_000_000
  /// Units; more fit no row.
  static let unitsMax: Int64 = 9_000_000_000

  /// An amount such as `0.85 EUR`.
  ///
  /// - Throws: INVALID_ARGUMENT where it is none.
  static func parse(_ text: String) throws(RPCError) -> CommonV1.Money {
    let wrong = RPCError(.invalidArgument, "it is no amount such as `0.85 EUR`")
    let parts = text.split(separator: " ")
    guard parts.count == 2, isCurrency(String(parts[1])) else { throw wrong }
    let digits = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    let isNumber = digits.allSatisfy { part in
      !part.isEmpty && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }
    guard digits.count <= 2, isNumber, let units = Int64(digits[0]), units <= unitsMax else {
      throw wrong
    }
    let decimals = digits.count == 2 ? digits[1] : ""
    guard decimals.utf8.count <= 9,
      let nanos = Int32(decimals + String(repeating: "0", count: 9 - decimals.utf8.count))
    else { throw wrong }
    return CommonV1.Money(currencyCode: String(parts[1]), units: units, nanos: nanos)
  }

  /// Three capital letters.
  static func isCurrency(_ code: String) -> Bool {
    code.utf8.count == 3 && code.utf8.allSatisfy { (0x41...0x5A).contains($0) }
  }

  static func money(_ billionths: Int64, _ currency: String) -> CommonV1.Money {
    CommonV1.Money(
      currencyCode: currency, units: billionths / billionth,
      nanos: Int32(billionths % billionth))
  }

  /// One sum for each currency, in order of the currencies.
  static func sums(_ amounts: [CommonV1.Money]) -> [CommonV1.Money] {
    var sums: [String: Int64] = [:]
    for amount in amounts { sums[amount.currencyCode, default: 0] += amount.billionths ?? 0 }
    return sums.sorted { $0.key < $1.key }.map { money($0.value, $0.key) }
  }
}

extension CommonV1.Money {
  /// Nil for what is below zero, too large, or no amount.
  var billionths: Int64? {
    guard (0...Price.unitsMax).contains(units), (0..<Int32(Price.billionth)).contains(nanos) else {
      return nil
    }
    return units * Price.billionth + Int64(nanos)
  }
}
