internal import Messages

/// A number in billionths, exact: what `Money` and `Quantity` carry, without currency and unit.
///
/// Never beyond what they can hold; what would be is nil.
struct Amount: Hashable, Comparable, Sendable {
  /// In billionths.
  let nanos: Int128

  static let zero = Amount(units: 0, nanos: 0)
  static let one = Amount(units: 1, nanos: 0)
  static let greatest = Amount(units: .max, nanos: 999_999_999)
  static let least = Amount(units: .min, nanos: -999_999_999)

  private static let unit: Int128 = 1_000_000_000
  private static let range = least.nanos...greatest.nanos

  /// What signs differ in is added up, so that any two numbers are an amount.
  init(units: Int64, nanos: Int32) {
    self.nanos = Int128(units) * 1_000_000_000 + Int128(nanos)
  }

  /// Nil where it is more than units of 64 bits hold.
  init?(nanos: Int128) {
    guard Amount.range.contains(nanos) else { return nil }
    self.nanos = nanos
  }

  init(_ money: CommonV1.Money) { self.init(units: money.units, nanos: money.nanos) }

  init(_ quantity: CommonV1.Quantity) { self.init(units: quantity.units, nanos: quantity.nanos) }

  /// Of the same sign as `fraction`, or 0.
  var units: Int64 { Int64(nanos / Amount.unit) }

  /// The billionths beside `units`.
  var fraction: Int32 { Int32(nanos % Amount.unit) }

  /// For sorting and display only.
  var approximate: Double { Double(units) + Double(fraction) / 1_000_000_000 }

  static func < (left: Amount, right: Amount) -> Bool { left.nanos < right.nanos }

  func adding(_ other: Amount) -> Amount? { Amount(nanos: nanos + other.nanos) }

  /// The sum, or the amount next to it that can be written down.
  func addingClamped(_ other: Amount) -> Amount {
    adding(other) ?? (other.nanos < 0 ? .least : .greatest)
  }

  /// `self × factor ÷ divisor`, rounded once, half away from zero; nil where it is out of range.
  ///
  /// - Parameter divisor: not zero.
  func times(_ factor: Amount, over divisor: Amount) -> Amount? {
    precondition(divisor.nanos != 0)
    let isNegative = Amount.isNegative([self, factor, divisor])
    let product = nanos.magnitude.multipliedFullWidth(by: factor.nanos.magnitude)
    let size = divisor.nanos.magnitude
    // The quotient has more than 128 bits, which is out of range anyway.
    guard product.high < size else { return nil }
    var (quotient, rest) = size.dividingFullWidth(product)
    if rest >= size - rest { quotient += 1 }
    guard quotient <= Amount.range.lowerBound.magnitude else { return nil }
    return Amount(nanos: isNegative ? -Int128(quotient) : Int128(quotient))
  }

  /// The end of the range on which a product or quotient of these lies.
  static func end(of factors: [Amount]) -> Amount { isNegative(factors) ? .least : .greatest }

  private static func isNegative(_ factors: [Amount]) -> Bool {
    factors.count { $0.nanos < 0 } % 2 == 1
  }

  /// Decimal digits with a point, such as `-12.5`.
  ///
  /// - Parameter digitsMin: places after the point at least; 0 to 9.
  func text(digitsMin: Int = 0) -> String {
    let (whole, part) = nanos.magnitude.quotientAndRemainder(dividingBy: Amount.unit.magnitude)
    var digits = String(part)
    digits = String(repeating: "0", count: 9 - digits.utf8.count) + digits
    while digits.utf8.count > digitsMin && digits.utf8.last == UInt8(ascii: "0") {
      digits.removeLast()
    }
    return (nanos < 0 ? "-" : "") + String(whole) + (digits.isEmpty ? "" : "." + digits)
  }
}

extension CommonV1.Money {
  init(_ amount: Amount, _ currencyCode: String) {
    self.init(currencyCode: currencyCode, units: amount.units, nanos: amount.fraction)
  }
}

extension CommonV1.Quantity {
  init(_ amount: Amount, _ unitCode: String) {
    self.init(units: amount.units, nanos: amount.fraction, unitCode: unitCode)
  }
}
