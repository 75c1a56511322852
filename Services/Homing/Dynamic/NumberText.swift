/// Numbers of the JSON mapping, read without a detour by floating point: `1e3`, `1000` and `1000.0`
/// are the same integer, and all 64 bits count.
struct NumberText {
  /// The literal as JSON's grammar has it.
  let text: String
  private let isNegative: Bool
  /// Without zeros at either end; empty for 0.
  private let digits: ArraySlice<UInt8>
  /// Power of ten by which `digits`, read as an integer, is multiplied.
  private let exponent: Int

  /// - Returns: nil unless the text is a number of JSON's grammar, nothing before or behind it.
  init?(_ text: String) {
    guard case .number(let literal)? = try? JSONReader.value(Array(text.utf8)),
      literal.utf8.count == text.utf8.count
    else { return nil }
    self.text = literal
    var rest = Array(literal.utf8)[...]
    isNegative = rest.first == UInt8(ascii: "-")
    if isNegative { rest.removeFirst() }
    var exponent = 0
    if let mark = rest.firstIndex(where: { $0 | 0x20 == UInt8(ascii: "e") }) {
      exponent = NumberText.clampedInteger(rest[(mark + 1)...])
      rest = rest[..<mark]
    }
    var digits = rest.filter(\.isDigit)[...]
    if let point = rest.firstIndex(of: UInt8(ascii: ".")) {
      exponent -= rest.endIndex - point - 1
    }
    while digits.last == UInt8(ascii: "0") {
      digits.removeLast()
      exponent += 1
    }
    self.digits = digits.drop { $0 == UInt8(ascii: "0") }
    self.exponent = exponent
  }

  /// Sign and magnitude, or nil where there is a fraction or more than 64 bits.
  var integer: (isNegative: Bool, magnitude: UInt64)? {
    if digits.isEmpty { return (isNegative, 0) }
    guard exponent >= 0, digits.count + exponent <= 20 else { return nil }
    var magnitude: UInt64 = 0
    for digit in digits + Array(repeating: UInt8(ascii: "0"), count: exponent) {
      let (tens, overflow) = magnitude.multipliedReportingOverflow(by: 10)
      let (sum, carry) = tens.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
      if overflow || carry { return nil }
      magnitude = sum
    }
    return (isNegative, magnitude)
  }

  var hasFraction: Bool { !digits.isEmpty && exponent < 0 }

  /// An exponent so large that only its sign matters stays within ±10^9.
  private static func clampedInteger(_ text: ArraySlice<UInt8>) -> Int {
    let limit = 1_000_000_000
    var value = 0
    for digit in text where digit.isDigit {
      value = min(limit, value * 10 + Int(digit - UInt8(ascii: "0")))
    }
    return text.first == UInt8(ascii: "-") ? -value : value
  }

  /// How the JSON mapping writes a float or double: shortest text that reads back as the same
  /// value.
  static func json<Number: BinaryFloatingPoint & CustomStringConvertible>(
    _ value: Number
  ) -> JSONValue {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    let text = value.description
    // -0 would be an integer without a sign to many readers, so it keeps its fraction.
    if text.hasSuffix(".0") && !(value == 0 && value.sign == .minus) {
      return .number(String(text.dropLast(2)))
    }
    return .number(text)
  }
}
