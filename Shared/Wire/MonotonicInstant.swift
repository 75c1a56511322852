/// A point on this machine's monotonic clock: for deadlines and time-outs, never for dates.
package struct MonotonicInstant: Comparable, Hashable, Sendable {
  /// Since an arbitrary start.
  package var nanoseconds: Int64

  package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  package static func < (a: Self, b: Self) -> Bool { a.nanoseconds < b.nanoseconds }

  /// Saturates at the far future, so that any span a peer sends is a legal deadline.
  package static func + (instant: Self, span: Duration) -> Self {
    let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(span.nanosecondsClamped)
    return Self(nanoseconds: overflow ? (span < .zero ? .min : .max) : sum)
  }

  package static func - (later: Self, earlier: Self) -> Duration {
    .nanoseconds(later.nanoseconds - earlier.nanoseconds)
  }
}

extension Duration {
  /// Whole nanoseconds, cut to what 64 bits hold (292 years).
  package var nanosecondsClamped: Int64 {
    let (seconds, attoseconds) = components
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, overflow2) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
    return overflow || overflow2 ? (seconds < 0 ? .min : .max) : sum
  }
}
