package import Messages

/// A decimal number of nine places, and how it is written. Never binary floating point.
package struct Amount: Hashable, Sendable {
  /// Billionths.
  package let nanos: Int128

  package init(nanos: Int128) { self.nanos = nanos }

  package init(units: Int64, nanos: Int32) {
    self.nanos = Int128(units) * 1_000_000_000 + Int128(nanos)
  }

  package init(_ money: CommonV1.Money) { self.init(units: money.units, nanos: money.nanos) }

  package init(_ quantity: CommonV1.Quantity) {
    self.init(units: quantity.units, nanos: quantity.nanos)
  }

  /// The product, halves rounded away from zero at that many places; nil where it is too large.
  package func times(_ other: Amount, places: Int) -> Amount? {
    let (product, isOver) = nanos.multipliedReportingOverflow(by: other.nanos)
    if isOver { return nil }
    let step = Amount.power(18 - places)
    let (quotient, rest) = product.magnitude.quotientAndRemainder(dividingBy: step.magnitude)
    let rounded = Int128(quotient + (rest * 2 >= step.magnitude ? 1 : 0))
    return Amount(nanos: (product < 0 ? -rounded : rounded) * Amount.power(9 - places))
  }

  /// With at least `placesMin` decimal places, and as many more as it has.
  package func text(_ forms: LocaleForms, placesMin: Int) -> String {
    let (whole, fraction) = nanos.magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
    var text = nanos < 0 ? Array("\u{2212}".utf8) : []
    let digits = "\(whole)".utf8
    let isGrouped = digits.count >= forms.groupedFrom
    for (index, digit) in digits.enumerated() {
      if isGrouped, index > 0, (digits.count - index) % 3 == 0 { text += forms.group.utf8 }
      text.append(digit)
    }
    var places = 9
    var rest = Int(fraction)
    while places > placesMin, rest % 10 == 0 {
      rest /= 10
      places -= 1
    }
    if places > 0 {
      text += forms.decimal.utf8
      let digits = "\(rest)".utf8
      text += repeatElement(0x30, count: places - digits.count)
      text += digits
    }
    return String(decoding: text, as: UTF8.self)
  }

  private static func power(_ exponent: Int) -> Int128 {
    (0..<exponent).reduce(1) { product, _ in product * 10 }
  }
}

/// Money, goods and shares as text.
package enum AmountText {
  /// With the places that the currency has, more where the amount has them.
  package static func money(_ money: CommonV1.Money, _ forms: LocaleForms) -> String {
    self.money(Amount(money), money.currencyCode, forms)
  }

  package static func money(_ amount: Amount, _ currency: String, _ forms: LocaleForms) -> String {
    let number = amount.text(forms, placesMin: places(currency))
    let symbol = symbols[currency] ?? currency
    if !forms.currencyFirst { return number + forms.currencySpace + symbol }
    // A code made of letters never touches the number.
    let isLetters = symbol.utf8.allSatisfy { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A }
    let space = isLetters && forms.currencySpace.isEmpty ? "\u{A0}" : forms.currencySpace
    return symbol + space + number
  }

  /// Such as `2`, `1,5 m`; nil where none is given, which is one piece.
  package static func quantity(_ quantity: CommonV1.Quantity?, _ forms: LocaleForms) -> String {
    guard let quantity else { return "1" }
    let number = Amount(quantity).text(forms, placesMin: 0)
    guard let unit = units[quantity.unitCode] else { return "\(number) \(quantity.unitCode)" }
    return unit.isEmpty ? number : "\(number)\u{A0}\(unit)"
  }

  /// - Parameter basisPoints: hundredths of a percent.
  package static func percent(_ basisPoints: UInt32, _ forms: LocaleForms) -> String {
    let amount = Amount(nanos: Int128(basisPoints) * 10_000_000)
    return amount.text(forms, placesMin: 0) + forms.percentSpace + "%"
  }

  /// Decimal places of a currency (ISO 4217).
  package static func places(_ currency: String) -> Int {
    switch currency {
    case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV",
      "XAF", "XOF", "XPF":
      0
    case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND": 3
    default: 2
    }
  }

  private static let symbols = [
    "EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "PLN": "zł", "CZK": "Kč", "INR": "₹",
    "UAH": "₴", "ILS": "₪", "KRW": "₩", "TRY": "₺",
  ]

  /// Of UN/ECE Recommendation 20; pieces show no unit.
  private static let units = [
    "": "", "C62": "", "H87": "", "EA": "", "MTR": "m", "CMT": "cm", "MMT": "mm", "KMT": "km",
    "MTK": "m²", "MTQ": "m³", "LTR": "l", "MLT": "ml", "KGM": "kg", "GRM": "g", "TNE": "t",
    "HUR": "h", "MIN": "min", "KWH": "kWh",
  ]
}
