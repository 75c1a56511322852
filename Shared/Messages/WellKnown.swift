// The checks and conversions of google.protobuf's own messages, which the generator cannot know.

extension Protobuf.Timestamp {
  /// From 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z, in seconds since 1970.
  public static let secondsRange: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

  func checkRange() throws(MessageError) {
    if !Self.secondsRange.contains(seconds) {
      throw MessageError(
        .outOfRange, path: "seconds",
        detail: "must lie in the years 1 to 9999, from \(Self.secondsRange.lowerBound) to "
          + "\(Self.secondsRange.upperBound)")
    }
    if nanos < 0 || nanos > 999_999_999 {
      throw MessageError(.outOfRange, path: "nanos", detail: "must lie from 0 to 999999999")
    }
  }
}

extension Protobuf.Duration {
  /// About ten thousand years, in seconds.
  public static let secondsRange: ClosedRange<Int64> = -315_576_000_000...315_576_000_000

  /// The nearest span that a message can carry: longer ones are cut to the range, parts of a
  /// nanosecond dropped.
  public init(_ span: Swift.Duration) {
    let (seconds, attoseconds) = span.components
    if Self.secondsRange.contains(seconds) {
      self.init(seconds: seconds, nanos: Int32(attoseconds / 1_000_000_000))
    } else {
      let edge = seconds < 0 ? Self.secondsRange.lowerBound : Self.secondsRange.upperBound
      self.init(seconds: edge, nanos: 0)
    }
  }

  /// The span as Swift has it.
  public var span: Swift.Duration { .seconds(seconds) + .nanoseconds(Int64(nanos)) }

  func checkRange() throws(MessageError) {
    if !Self.secondsRange.contains(seconds) {
      throw MessageError(
        .outOfRange, path: "seconds",
        detail: "must lie from \(Self.secondsRange.lowerBound) to \(Self.secondsRange.upperBound)")
    }
    if nanos < -999_999_999 || nanos > 999_999_999 {
      throw MessageError(
        .outOfRange, path: "nanos", detail: "must lie from -999999999 to 999999999")
    }
    if (seconds < 0 && nanos > 0) || (seconds > 0 && nanos < 0) {
      throw MessageError(.outOfRange, path: "nanos", detail: "must have the sign of seconds")
    }
  }
}
