internal import DequeModule
internal import Synchronization
internal import Wire

/// A row of the log that is acknowledged and not yet in the tables.
struct TailRow: Sendable {
  let position: UInt64
  let bucket: UInt8
  /// Dense in its bucket, from 1.
  let seq: UInt64
  let person: PersonKey
  /// A `LogRecord`.
  let body: [UInt8]
}

/// What is acknowledged and not yet in the tables, in memory: the projector's work, and what point
/// reads fold on top of what is stored.
final class Tail: Sendable {
  struct Limits: Sendable {
    var rows = 2_000_000
    var bytes = 640 << 20
  }

  /// A row with the position of the same person's row before it; 0: there was none.
  private struct Link {
    let row: TailRow
    let previous: UInt64
  }

  private struct State {
    var rows = Deque<Link>()
    var bytes = 0
    /// The position of each person's newest row here.
    var newest: [PersonKey: UInt64] = [:]
    var lastPosition: UInt64 = 0
  }

  private let state = Mutex(State())
  private let limits: Limits
  /// Bytes that a row costs beside its body.
  private static let overhead = 96

  init(limits: Limits = Limits()) { self.limits = limits }

  /// - Throws: RESOURCE_EXHAUSTED while as much waits as may wait; sources try again then.
  func checkRoom() throws(RPCError) {
    let (rows, bytes) = state.withLock { ($0.rows.count, $0.bytes) }
    if rows < limits.rows && bytes < limits.bytes { return }
    throw RPCError(
      .resourceExhausted,
      "\(rows) events with \(bytes) bytes wait to be projected, the limits are \(limits.rows) and "
        + "\(limits.bytes)", retryAfter: .milliseconds(500))
  }

  /// - Precondition: positions follow on.
  func append(_ rows: [TailRow]) {
    guard let last = rows.last else { return }
    state.withLock { state in
      for row in rows {
        assert(row.position == state.lastPosition + 1)
        let previous = state.newest.updateValue(row.position, forKey: row.person)
        state.rows.append(Link(row: row, previous: previous ?? 0))
        state.bytes += row.body.count + Tail.overhead
        state.lastPosition = row.position
      }
      assert(state.lastPosition == last.position)
    }
  }

  /// The oldest rows; they stay until they are dropped.
  func take(_ count: Int) -> [TailRow] {
    state.withLock { $0.rows.prefix(count).map(\.row) }
  }

  /// Forgets rows that are in the tables.
  func drop(through position: UInt64) {
    let dropped = state.withLock { state in
      // Taken out whole: their memory is freed when the lock is free again.
      var dropped: [Link] = []
      while let first = state.rows.first, first.row.position <= position {
        state.rows.removeFirst()
        state.bytes -= first.row.body.count + Tail.overhead
        if state.newest[first.row.person] == first.row.position {
          state.newest[first.row.person] = nil
        }
        dropped.append(first)
      }
      return dropped
    }
    withExtendedLifetime(dropped) {}
  }

  /// A person's rows, oldest first.
  func rows(of person: PersonKey) -> [TailRow] {
    state.withLock { state in
      guard let newest = state.newest[person], let first = state.rows.first else { return [] }
      var rows: [TailRow] = []
      var position = newest
      // Positions follow on without gaps, so each says where its row is; what was dropped is older.
      while position >= first.row.position {
        let link = state.rows[Int(position - first.row.position)]
        rows.append(link.row)
        position = link.previous
      }
      return rows.reversed()
    }
  }

  var isEmpty: Bool { state.withLock { $0.rows.isEmpty } }
  var count: Int { state.withLock { $0.rows.count } }
  /// What the rows cost in memory, about.
  var bytes: Int { state.withLock { $0.bytes } }
  /// The last acknowledged position.
  var lastPosition: UInt64 { state.withLock { $0.lastPosition } }

  /// At a start: where the log ends, though nothing of it waits.
  func begin(at position: UInt64) { state.withLock { $0.lastPosition = position } }
}
