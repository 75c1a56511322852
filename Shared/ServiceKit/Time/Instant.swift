package import Messages

/// A point in time, to the microsecond, within the years 1 to 9999 of UTC.
///
/// Arithmetic that would leave those years stops at their edge, so every instant can travel as a
/// `Timestamp` and be written as text.
package struct Instant: Hashable, Comparable, Sendable {
  /// Since 1970-01-01T00:00:00Z, without leap seconds.
  package let microseconds: Int64

  package static let microsecondsRange: ClosedRange<Int64> =
    (-62_135_596_800_000_000)...253_402_300_799_999_999
  package static let epoch = Instant(microseconds: 0)
  package static let earliest = Instant(microseconds: microsecondsRange.lowerBound)
  package static let latest = Instant(microseconds: microsecondsRange.upperBound)

  /// Cuts to the years 1 to 9999.
  package init(microseconds: Int64) {
    let range = Instant.microsecondsRange
    self.microseconds = min(max(microseconds, range.lowerBound), range.upperBound)
  }

  package init(seconds: Int64) {
    let (product, isOver) = seconds.multipliedReportingOverflow(by: 1_000_000)
    self.init(microseconds: isOver ? (seconds < 0 ? .min : .max) : product)
  }

  /// For a row or file that may hold anything.
  ///
  /// - Throws: where the value lies outside the years 1 to 9999.
  package init(checking microseconds: Int64) throws(TimeError) {
    guard Instant.microsecondsRange.contains(microseconds) else {
      throw TimeError("\(microseconds) microseconds lie outside the years 1 to 9999")
    }
    self.init(microseconds: microseconds)
  }

  /// Parts of a microsecond are dropped towards the past.
  ///
  /// - Throws: for a timestamp outside protobuf's range.
  package init(_ timestamp: Protobuf.Timestamp) throws(TimeError) {
    guard Protobuf.Timestamp.secondsRange.contains(timestamp.seconds),
      (0..<1_000_000_000).contains(timestamp.nanos)
    else {
      throw TimeError(
        "\(timestamp.seconds) seconds and \(timestamp.nanos) nanoseconds are no time of the years "
          + "1 to 9999")
    }
    self.init(microseconds: timestamp.seconds * 1_000_000 + Int64(timestamp.nanos) / 1000)
  }

  package var timestamp: Protobuf.Timestamp {
    Protobuf.Timestamp(seconds: seconds, nanos: Int32(microsecondsOfSecond) * 1000)
  }

  /// Whole seconds since 1970, towards the past.
  package var seconds: Int64 { microseconds.dividedDown(by: 1_000_000).quotient }

  /// From 0 to 999,999.
  package var microsecondsOfSecond: Int64 { microseconds.dividedDown(by: 1_000_000).remainder }

  package static func < (a: Self, b: Self) -> Bool { a.microseconds < b.microseconds }

  /// Parts of a microsecond of the span are dropped towards zero.
  package static func + (instant: Self, span: Duration) -> Self {
    let (sum, isOver) = instant.microseconds.addingReportingOverflow(span.microsecondsClamped)
    return Self(microseconds: isOver ? (span < .zero ? .min : .max) : sum)
  }

  package static func - (instant: Self, span: Duration) -> Self {
    let (sum, isOver) = instant.microseconds.subtractingReportingOverflow(span.microsecondsClamped)
    return Self(microseconds: isOver ? (span < .zero ? .max : .min) : sum)
  }

  package static func - (later: Self, earlier: Self) -> Duration {
    .microseconds(later.microseconds - earlier.microseconds)
  }

  package static func += (instant: inout Self, span: Duration) { instant = instant + span }
}

/// Why a time, a span or a time zone cannot be used.
package struct TimeError: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}

extension Duration {
  /// Whole microseconds towards zero, cut to what 64 bits hold (292,000 years).
  package var microsecondsClamped: Int64 {
    let (seconds, attoseconds) = components
    let (whole, isOver) = seconds.multipliedReportingOverflow(by: 1_000_000)
    let (sum, isSumOver) = whole.addingReportingOverflow(attoseconds / 1_000_000_000_000)
    return isOver || isSumOver ? (seconds < 0 ? .min : .max) : sum
  }
}

extension Int64 {
  /// Division towards the past: the remainder is never below zero.
  func dividedDown(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}
