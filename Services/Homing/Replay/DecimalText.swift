/// A decimal number as our messages carry it: whole units and billionths of the same sign.
struct DecimalText: Hashable, Sendable {
  let units: Int64
  let nanos: Int32

  /// Reads such as `12`, `-0.5` or `1.000000001`; nil for more than nine decimals that say
  /// something, for more than 64 bits, and for anything else.
  init?(_ field: some Collection<UInt8>) {
    var units: Int64 = 0
    var nanos: Int32 = 0
    var scale: Int32 = 1_000_000_000
    var digitCount = 0
    var isFraction = false
    var isNegative = false
    for (index, byte) in field.enumerated() {
      switch byte {
      case UInt8(ascii: "-") where index == 0: isNegative = true
      case UInt8(ascii: ".") where !isFraction: isFraction = true
      case 0x30...0x39 where isFraction:
        scale /= 10
        if scale == 0 && byte != 0x30 { return nil }
        nanos += Int32(byte - 0x30) * scale
        digitCount += 1
      case 0x30...0x39:
        let (grown, overflow) = units.multipliedReportingOverflow(by: 10)
        let (sum, overflow2) = grown.addingReportingOverflow(Int64(byte - 0x30))
        if overflow || overflow2 { return nil }
        units = sum
        digitCount += 1
      default: return nil
      }
    }
    guard digitCount > 0 else { return nil }
    self.units = isNegative ? -units : units
    self.nanos = isNegative ? -nanos : nanos
  }

  /// With at least `placesMin` decimals, and as many more as there are.
  static func text(units: Int64, nanos: Int32, placesMin: Int = 0) -> String {
    let sign = units < 0 || nanos < 0 ? "-" : ""
    let digits = String(nanos.magnitude)
    var fraction = String(repeating: "0", count: max(0, 9 - digits.utf8.count)) + digits
    while fraction.utf8.count > placesMin, fraction.last == "0" { fraction.removeLast() }
    return "\(sign)\(units.magnitude)" + (fraction.isEmpty ? "" : "." + fraction)
  }
}
