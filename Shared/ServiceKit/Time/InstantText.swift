extension Instant: CustomStringConvertible {
  /// Reads RFC 3339 such as `2026-11-22T10:00:00.5Z` or with an offset such as `+02:00`; digits
  /// after the sixth of a second are dropped.
  ///
  /// - Throws: for other text, a date that no calendar has, and a time outside the years 1 to 9999
  ///   of UTC.
  package init(parsing text: String) throws(TimeError) {
    let wrong = TimeError(
      "\(text.utf8.count) bytes are no time in RFC 3339's form, such as 2026-11-22T10:00:00.5Z")
    // The longest form has 35 bytes.
    guard text.utf8.count <= 64 else { throw wrong }
    var reader = TimeReader(text)
    guard let year = reader.number(4), reader.take("-"), let month = reader.number(2),
      reader.take("-"), let day = reader.number(2), reader.take("T"), let hour = reader.number(2),
      reader.take(":"), let minute = reader.number(2), reader.take(":"),
      let second = reader.number(2), let microsecond = reader.fraction(),
      let offset = reader.offset(), reader.isAtEnd
    else { throw wrong }
    let civil = CivilTime(
      year: year, month: month, day: day, hour: hour, minute: minute, second: second,
      microsecond: microsecond)
    try civil.check()
    try self.init(checking: civil.microsecondsSince1970 - Int64(offset) * 1_000_000)
  }

  /// RFC 3339 in UTC, with 0, 3 or 6 digits of a second.
  package var description: String {
    let rest = microsecondsOfSecond
    return text(digits: rest == 0 ? 0 : rest % 1000 == 0 ? 3 : 6)
  }

  /// RFC 3339 in UTC, with three digits of a second.
  package var millisecondsText: String { text(digits: 3) }

  private func text(digits: Int) -> String {
    let civil = CivilTime(microsecondsSince1970: microseconds)
    var text: [UInt8] = []
    text.reserveCapacity(27)
    func append(_ separator: Unicode.Scalar?, _ value: Int, _ width: Int) {
      if let separator { text.append(UInt8(ascii: separator)) }
      var divisor = (1..<width).reduce(1) { product, _ in product * 10 }
      while divisor > 0 {
        text.append(0x30 + UInt8(value / divisor % 10))
        divisor /= 10
      }
    }
    append(nil, civil.year, 4)
    append("-", civil.month, 2)
    append("-", civil.day, 2)
    append("T", civil.hour, 2)
    append(":", civil.minute, 2)
    append(":", civil.second, 2)
    if digits == 3 { append(".", civil.microsecond / 1000, 3) }
    if digits == 6 { append(".", civil.microsecond, 6) }
    return String(decoding: text, as: UTF8.self) + "Z"
  }
}

/// Takes parts of a time from the front of a text.
private struct TimeReader {
  private var rest: ArraySlice<UInt8>

  init(_ text: String) { rest = Array(text.utf8)[...] }

  var isAtEnd: Bool { rest.isEmpty }

  /// RFC 3339 §5.6 allows small letters too.
  mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    let wanted = UInt8(ascii: scalar)
    let isLetter = (0x41...0x5A).contains(wanted)
    guard let byte = rest.first, byte == wanted || isLetter && byte == wanted | 0x20 else {
      return false
    }
    rest.removeFirst()
    return true
  }

  mutating func number(_ width: Int) -> Int? {
    let digits = rest.prefix(width)
    guard digits.count == width, digits.allSatisfy({ (0x30...0x39).contains($0) }) else {
      return nil
    }
    rest = rest.dropFirst(width)
    return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
  }

  /// Microseconds of `.5` and the like; 0 where there is no point.
  mutating func fraction() -> Int? {
    guard take(".") else { return 0 }
    let digits = rest.prefix { (0x30...0x39).contains($0) }
    guard !digits.isEmpty else { return nil }
    rest = rest.dropFirst(digits.count)
    let value = digits.prefix(6).reduce(0) { $0 * 10 + Int($1 - 0x30) }
    return (min(digits.count, 6)..<6).reduce(value) { product, _ in product * 10 }
  }

  /// Seconds by which the text's clocks are ahead of UTC.
  mutating func offset() -> Int? {
    if take("Z") { return 0 }
    let isBehind = take("-")
    guard isBehind || take("+"), let hour = number(2), take(":"), let minute = number(2),
      hour < 24, minute < 60
    else { return nil }
    return (hour * 3600 + minute * 60) * (isBehind ? -1 : 1)
  }
}
