internal import Messages

/// Instants and spans as rows have them: microseconds, instants since 1970.
enum Micros {
  static let second: Int64 = 1_000_000
  static let minute = 60 * second
  static let hour = 60 * minute
  static let day = 24 * hour

  /// Parts of a microsecond are dropped towards the past.
  static func of(_ timestamp: Protobuf.Timestamp) -> Int64 {
    timestamp.seconds * second + Int64(timestamp.nanos) / 1000
  }

  /// An instant of whole microseconds is before the timestamp exactly if it is below this.
  static func up(_ timestamp: Protobuf.Timestamp) -> Int64 {
    timestamp.seconds * second + (Int64(timestamp.nanos) + 999) / 1000
  }

  static func timestamp(_ microseconds: Int64) -> Protobuf.Timestamp {
    var (seconds, rest) = microseconds.quotientAndRemainder(dividingBy: second)
    if rest < 0 { (seconds, rest) = (seconds - 1, rest + second) }
    return Protobuf.Timestamp(seconds: seconds, nanos: Int32(rest) * 1000)
  }

  /// Nil for 0, which stands for "none" in rows.
  static func optional(_ microseconds: Int64) -> Protobuf.Timestamp? {
    microseconds == 0 ? nil : timestamp(microseconds)
  }

  /// Cut to what fits.
  static func of(_ span: Protobuf.Duration) -> Int64 {
    let (whole, isOver) = span.seconds.multipliedReportingOverflow(by: second)
    return isOver ? (span.seconds < 0 ? .min / 2 : .max / 2) : whole + Int64(span.nanos) / 1000
  }

  static func span(_ microseconds: Int64) -> Protobuf.Duration {
    Protobuf.Duration(
      seconds: microseconds / second, nanos: Int32(microseconds % second) * 1000)
  }

  /// Stops at the ends of what 64 bits hold.
  static func sum(_ instant: Int64, _ span: Int64) -> Int64 {
    let (sum, isOver) = instant.addingReportingOverflow(span)
    return isOver ? (span < 0 ? .min : .max) : sum
  }
}
