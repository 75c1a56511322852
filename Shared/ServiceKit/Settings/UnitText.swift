/// Spans and sizes as people write them.
package enum UnitText {
  /// Largest first. In nanoseconds.
  private static let spanUnits: [(name: String, size: Int64)] = [
    ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000),
    ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1000), ("ns", 1),
  ]
  private static let byteUnits: [(name: String, size: Int64)] = [
    ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000), ("B", 1),
  ]

  /// Whole numbers with a unit, such as `5s` or `1h30m`; `0` needs none. Nil for other text.
  package static func parseSpan(_ text: String) -> Duration? {
    sum(text, spanUnits).map { .nanoseconds($0) }
  }

  /// One whole number with a unit, such as `64MiB`; without one it counts bytes.
  package static func parseBytes(_ text: String) -> Int? {
    if let plain = Int(text) { return plain >= 0 ? plain : nil }
    return sum(text, byteUnits, partsMax: 1).flatMap { Int(exactly: $0) }
  }

  /// Such as `1h30m`; parts of a nanosecond are dropped.
  package static func span(_ span: Duration) -> String {
    let (seconds, attoseconds) = span.components
    var rest = seconds.multipliedReportingOverflow(by: 1_000_000_000).partialValue
    rest += attoseconds / 1_000_000_000
    if rest <= 0 { return "0s" }
    return spanUnits.reduce(into: "") { text, unit in
      if rest >= unit.size { text += "\(rest / unit.size)\(unit.name)" }
      rest %= unit.size
    }
  }

  /// By the greatest power of 1,024 that it is a multiple of.
  package static func bytes(_ count: Int) -> String {
    let unit = byteUnits.first {
      $0.name.hasSuffix("iB") && count != 0 && Int64(count) % $0.size == 0
    }
    return unit.map { "\(Int64(count) / $0.size)\($0.name)" } ?? "\(count)B"
  }

  private static func sum(
    _ text: String, _ units: [(name: String, size: Int64)], partsMax: Int = 8
  ) -> Int64? {
    if text == "0" { return 0 }
    var rest = Substring(text)
    var sum: Int64 = 0
    var parts = 0
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      rest = rest.dropFirst(digits.count)
      let name = rest.prefix { $0.isASCII && $0.isLetter }
      rest = rest.dropFirst(name.count)
      parts += 1
      guard parts <= partsMax, let count = Int64(digits),
        let size = units.first(where: { $0.name == name })?.size
      else { return nil }
      let (product, isOver) = count.multipliedReportingOverflow(by: size)
      let (next, isSumOver) = sum.addingReportingOverflow(product)
      if isOver || isSumOver { return nil }
      sum = next
    }
    return parts == 0 ? nil : sum
  }
}
