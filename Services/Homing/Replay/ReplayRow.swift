internal import Messages

/// A row of a file as the event it reports.
struct ReplayRow: Sendable {
  /// From 1, without the header.
  var number: UInt64
  /// When it happened, in microseconds since 1970.
  var at: Int64
  /// When it is sent: `at`, or later where deliveries are shuffled.
  var sentAt: Int64
  var store: String
  var event: CartTrackerV1.Event
  /// Roughly what the event takes on the wire.
  var byteCount: Int

  /// Whether it only says that something was looked at.
  var isView: Bool { if case .cartViewed = event.kind { true } else { false } }
}

/// Why a row cannot be read.
struct RowRefusal: Error, Hashable {
  let reason: String
  init(_ reason: String) { self.reason = reason }
}

extension Protobuf.Timestamp {
  /// - Parameter microseconds: since 1970.
  init(microseconds: Int64) {
    let (quotient, remainder) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
    let isBefore = remainder < 0
    self.init(
      seconds: isBefore ? quotient - 1 : quotient,
      nanos: Int32(isBefore ? remainder + 1_000_000 : remainder) * 1000)
  }

  /// Since 1970, parts of one dropped.
  var microseconds: Int64 { seconds * 1_000_000 + Int64(nanos / 1000) }
}
