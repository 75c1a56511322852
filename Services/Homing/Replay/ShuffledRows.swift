/// Rows delivered late, out of order and several times, as a feed may do at its worst.
///
/// Each copy of a row is sent at a time of its own within `span` after the row's.
struct ShuffledRows<Base: RowSource>: RowSource {
  private var base: Base
  private let copies: Int
  /// In microseconds.
  private let span: Int64
  private var random: SampleRandom
  private var waiting: [ReplayRow] = []
  private var isAtEnd = false

  /// - Parameter copies: how often each row is sent, at least once.
  init(_ base: Base, copies: Int, span: Duration, seed: UInt64) {
    precondition(copies >= 1 && span >= .zero)
    self.base = base
    self.copies = copies
    self.span = Int64(span / .microseconds(1))
    random = SampleRandom(seed: seed)
  }

  mutating func next(_ countMax: Int) async throws -> [ReplayRow] {
    while !isAtEnd {
      let rows = try await base.next(countMax)
      isAtEnd = rows.isEmpty
      // A base that is shuffled itself has its order in `sentAt`.
      guard let reached = rows.last?.sentAt else { break }
      for row in rows {
        for _ in 0..<copies {
          var copy = row
          copy.sentAt += Int64(random.below(Int(span) + 1))
          waiting.append(copy)
        }
      }
      // Rows to come are sent at `reached` or later.
      let ready = take(before: reached)
      if !ready.isEmpty { return ready }
    }
    return take(before: .max)
  }

  private mutating func take(before limit: Int64) -> [ReplayRow] {
    var ready = waiting.filter { $0.sentAt < limit }
    waiting.removeAll { $0.sentAt < limit }
    ready.sort { ($0.sentAt, $0.number) < ($1.sentAt, $1.number) }
    return ready
  }
}
