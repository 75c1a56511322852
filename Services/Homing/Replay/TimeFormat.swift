internal import ServiceKit

/// How a file writes its instants.
enum TimeFormat: Hashable, Sendable {
  /// Seconds since 1970, with a fraction if they like.
  case unix
  case unixMilliseconds
  /// `2026-11-22T10:00:00.5+01:00`; a space for the T, no seconds, and no zone (UTC) are read too.
  case iso8601
  case pattern(TimePattern)

  /// - Throws: `CommandError` that names the conversion that is not known.
  init(_ text: String) throws(CommandError) {
    switch text {
    case "unix": self = .unix
    case "unix-ms": self = .unixMilliseconds
    case "iso8601": self = .iso8601
    default: self = .pattern(try TimePattern(text))
    }
  }

  /// Microseconds since 1970; nil for what is no instant in the years 1 to 9999.
  func microseconds(_ field: ArraySlice<UInt8>) -> Int64? {
    switch self {
    case .unix: TimeFormat.number(field, scale: 1_000_000).flatMap(TimeFormat.checked)
    case .unixMilliseconds: TimeFormat.number(field, scale: 1_000).flatMap(TimeFormat.checked)
    case .iso8601: TimeFormat.iso8601(field).flatMap(TimeFormat.checked)
    case .pattern(let pattern): pattern.microseconds(field).flatMap(TimeFormat.checked)
    }
  }

  private static let range: ClosedRange<Int64> =
    -62_135_596_800_000_000...253_402_300_799_999_999

  private static func checked(_ microseconds: Int64) -> Int64? {
    range.contains(microseconds) ? microseconds : nil
  }

  /// A decimal number times `scale`, parts of a microsecond dropped.
  private static func number(_ field: ArraySlice<UInt8>, scale: Int64) -> Int64? {
    var rest = field
    let isNegative = rest.first == UInt8(ascii: "-")
    if isNegative { rest.removeFirst() }
    var value: Int64 = 0
    var fractionScale = scale
    var digitCount = 0
    var isFraction = false
    for byte in rest {
      if byte == UInt8(ascii: "."), !isFraction {
        isFraction = true
        continue
      }
      guard (0x30...0x39).contains(byte) else { return nil }
      let digit = Int64(byte - 0x30)
      if isFraction {
        fractionScale /= 10
        value += digit * fractionScale
      } else {
        digitCount += 1
        // More digits than any instant has; the sum cannot overflow below that.
        guard digitCount <= 15 else { return nil }
        let (grown, overflow) = value.multipliedReportingOverflow(by: 10)
        let (sum, overflow2) = grown.addingReportingOverflow(digit * scale)
        if overflow || overflow2 { return nil }
        value = sum
      }
    }
    guard digitCount > 0 else { return nil }
    return isNegative ? -value : value
  }

  private static func iso8601(_ field: ArraySlice<UInt8>) -> Int64? {
    var scanner = TimeScanner(field)
    guard let year = scanner.number(4), scanner.take("-"), let month = scanner.number(2),
      scanner.take("-"), let day = scanner.number(2), scanner.take("T") || scanner.take(" "),
      let hour = scanner.number(2), scanner.take(":"), let minute = scanner.number(2)
    else { return nil }
    var second = 0
    var fraction: Int64 = 0
    if scanner.take(":") {
      guard let value = scanner.number(2) else { return nil }
      second = value
      if scanner.take(".") || scanner.take(",") {
        guard let value = scanner.fraction() else { return nil }
        fraction = value
      }
    }
    guard let offset = scanner.isAtEnd ? 0 : scanner.zone(), scanner.isAtEnd,
      let instant = utc(year, month, day, hour, minute, second)
    else { return nil }
    return instant - Int64(offset) * 1_000_000 + fraction
  }

  /// Nil for a time that no calendar has. A second of 60 is the next minute's first.
  fileprivate static func utc(
    _ year: Int, _ month: Int, _ day: Int, _ hour: Int, _ minute: Int, _ second: Int
  ) -> Int64? {
    let time = CivilTime(
      year: year, month: month, day: day, hour: hour, minute: minute, second: min(second, 59))
    guard second <= 60, (try? time.check()) != nil else { return nil }
    let instant = TimeZoneRules.utc.instant(ofLocal: time)
    return instant.microseconds + (second == 60 ? 1_000_000 : 0)
  }
}

/// A format in the conversions of strptime(3): `%Y-%m-%d %H:%M:%S UTC`.
///
/// Known are %Y %m %d %e %j %H %I %M %S %f %p %b %B %y %z %Z %s %F %T %R %D %n %t and %%; names are
/// English. Without %z and %Z the time is UTC; of %Z only UTC, GMT and Z are read.
struct TimePattern: Hashable, Sendable {
  fileprivate enum Part: Hashable, Sendable {
    case literal(UInt8)
    case conversion(UInt8)
    case space
  }

  private let parts: [Part]

  init(_ text: String) throws(CommandError) {
    var parts: [Part] = []
    var bytes = Array(text.utf8)[...]
    while let byte = bytes.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        parts.append(byte == UInt8(ascii: " ") ? .space : .literal(byte))
        continue
      }
      guard let letter = bytes.popFirst(), let known = TimePattern.parts(for: letter) else {
        throw .usage(
          "the time format \"\(Printable.text(text))\" has a conversion that is not known; "
            + "known are unix, unix-ms, iso8601 and the % letters of strptime")
      }
      parts += known
    }
    let letters = parts.compactMap { if case .conversion(let letter) = $0 { letter } else { nil } }
    let names = Set(letters.map { Character(Unicode.Scalar($0)) })
    let hasDate = !names.isDisjoint(with: ["Y", "y"]) && !names.isDisjoint(with: ["d", "j"])
    guard hasDate || names.contains("s") else {
      throw .usage(
        "the time format \"\(Printable.text(text))\" is neither unix, unix-ms or iso8601, nor a "
          + "pattern with year and day, such as %Y-%m-%d %H:%M:%S")
    }
    self.parts = parts
  }

  private static func parts(for letter: UInt8) -> [Part]? {
    let short: [Character: String] = ["F": "Y-m-d", "T": "H:M:S", "R": "H:M", "D": "m/d/y"]
    let character = Character(Unicode.Scalar(letter))
    if let long = short[character] {
      return long.utf8.map { byte in
        (0x41...0x7A).contains(byte) ? .conversion(byte) : .literal(byte)
      }
    }
    switch character {
    case "Y", "m", "d", "j", "H", "I", "M", "S", "f", "p", "b", "y", "z", "Z", "s":
      return [.conversion(letter)]
    case "e": return [.conversion(UInt8(ascii: "d"))]
    case "B", "h": return [.conversion(UInt8(ascii: "b"))]
    case "n", "t": return [.space]
    case "%": return [.literal(letter)]
    default: return nil
    }
  }

  func microseconds(_ field: ArraySlice<UInt8>) -> Int64? {
    var scanner = TimeScanner(field)
    var fields = TimeFields()
    for part in parts {
      switch part {
      case .literal(let byte): if !scanner.take(byte) { return nil }
      case .space: scanner.skipSpaces()
      case .conversion(let letter): if !fields.read(letter, from: &scanner) { return nil }
      }
    }
    return scanner.isAtEnd ? fields.microseconds : nil
  }
}

/// What a pattern has read so far.
private struct TimeFields {
  private var year = 1970
  private var month = 1
  private var day = 1
  private var dayOfYear: Int?
  private var hour = 0
  private var isAfternoon: Bool?
  private var minute = 0
  private var second = 0
  private var fraction: Int64 = 0
  private var offset = 0
  private var unix: Int?

  mutating func read(_ letter: UInt8, from scanner: inout TimeScanner) -> Bool {
    switch Character(Unicode.Scalar(letter)) {
    case "Y": return set(&year, scanner.number(4))
    case "m": return set(&month, scanner.number(upTo: 2))
    case "d": return set(&day, scanner.number(upTo: 2))
    case "H", "I": return set(&hour, scanner.number(upTo: 2))
    case "M": return set(&minute, scanner.number(upTo: 2))
    case "S": return set(&second, scanner.number(upTo: 2))
    case "y":
      guard let value = scanner.number(2) else { return false }
      // As POSIX has it: 69 to 99 are the last century's.
      year = value + (value < 69 ? 2000 : 1900)
      return true
    case "j":
      dayOfYear = scanner.number(upTo: 3)
      return dayOfYear.map { (1...366).contains($0) } ?? false
    case "f":
      guard let value = scanner.fraction() else { return false }
      fraction = value
      return true
    case "p":
      isAfternoon = scanner.name(["am", "pm"]).map { $0 == 1 }
      return isAfternoon != nil
    case "b":
      let names = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
      ]
      guard let index = scanner.name(names) else { return false }
      scanner.skipLetters()
      month = index + 1
      return true
    case "z": return set(&offset, scanner.zone())
    case "Z": return scanner.name(["utc", "gmt", "z"]) != nil
    default:
      unix = scanner.number(upTo: 12)
      return unix != nil
    }
  }

  var microseconds: Int64? {
    var hour = hour
    if let isAfternoon {
      guard (1...12).contains(hour) else { return nil }
      hour = hour % 12 + (isAfternoon ? 12 : 0)
    }
    if let unix { return Int64(unix) * 1_000_000 + fraction }
    guard var instant = TimeFormat.utc(year, month, day, hour, minute, second) else { return nil }
    if let dayOfYear {
      guard let start = TimeFormat.utc(year, 1, 1, hour, minute, second),
        dayOfYear <= 365 || CivilTime.length(ofMonth: 2, year) == 29
      else { return nil }
      instant = start + Int64(dayOfYear - 1) * 86_400_000_000
    }
    return instant - Int64(offset) * 1_000_000 + fraction
  }

  private func set(_ field: inout Int, _ value: Int?) -> Bool {
    guard let value else { return false }
    field = value
    return true
  }
}

/// Takes a time's text apart.
struct TimeScanner {
  private var rest: ArraySlice<UInt8>

  init(_ text: ArraySlice<UInt8>) { rest = text }

  var isAtEnd: Bool { rest.isEmpty }

  mutating func take(_ scalar: Unicode.Scalar) -> Bool { take(UInt8(ascii: scalar)) }

  mutating func take(_ byte: UInt8) -> Bool {
    guard rest.first == byte else { return false }
    rest.removeFirst()
    return true
  }

  mutating func skipSpaces() {
    while rest.first == UInt8(ascii: " ") || rest.first == UInt8(ascii: "\t") { rest.removeFirst() }
  }

  mutating func skipLetters() {
    while let byte = rest.first, (0x61...0x7A).contains(byte | 0x20) { rest.removeFirst() }
  }

  /// Exactly `width` digits.
  mutating func number(_ width: Int) -> Int? {
    let digits = rest.prefix { (0x30...0x39).contains($0) }.prefix(width)
    guard digits.count == width else { return nil }
    rest = rest.dropFirst(width)
    return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
  }

  /// 1 to `width` digits.
  mutating func number(upTo width: Int) -> Int? {
    let digits = rest.prefix { (0x30...0x39).contains($0) }.prefix(width)
    guard !digits.isEmpty else { return nil }
    rest = rest.dropFirst(digits.count)
    return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
  }

  /// Digits of a second as microseconds, parts of one dropped.
  mutating func fraction() -> Int64? {
    let digits = rest.prefix { (0x30...0x39).contains($0) }
    guard (1...18).contains(digits.count) else { return nil }
    rest = rest.dropFirst(digits.count)
    let kept = digits.prefix(6)
    let value = kept.reduce(Int64(0)) { $0 * 10 + Int64($1 - 0x30) }
    return (kept.count..<6).reduce(value) { sum, _ in sum * 10 }
  }

  /// Seconds by which local time is ahead of UTC: `Z`, `UTC`, `+02:00`, `+0200` or `+02`.
  mutating func zone() -> Int? {
    skipSpaces()
    if name(["utc", "gmt", "z"]) != nil { return 0 }
    let isBehind = rest.first == UInt8(ascii: "-")
    guard take("-") || take("+"), let hour = number(2) else { return nil }
    _ = take(":")
    let minute = isAtEnd ? 0 : number(2)
    guard let minute, hour < 24, minute < 60 else { return nil }
    return (hour * 3600 + minute * 60) * (isBehind ? -1 : 1)
  }

  /// The index of the name that comes next, without regard to case.
  mutating func name(_ names: [String]) -> Int? {
    for (index, name) in names.enumerated()
    where rest.prefix(name.utf8.count).lazy.map({ $0 | 0x20 }).elementsEqual(name.utf8) {
      rest = rest.dropFirst(name.utf8.count)
      return index
    }
    return nil
  }
}
