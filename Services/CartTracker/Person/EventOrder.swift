internal import Messages

/// What the tracker calls its own messages.
typealias Tracked = CartTrackerV1

/// Events of a person are in order of (instant, source order, id): the same for every arrival.
extension Tracked.EventOrder {
  static func <= (left: Tracked.EventOrder, right: Tracked.EventOrder) -> Bool { !(right < left) }

  static func < (left: Tracked.EventOrder, right: Tracked.EventOrder) -> Bool {
    if left.at != right.at { return left.at < right.at }
    if left.sourceOrder != right.sourceOrder { return left.sourceOrder < right.sourceOrder }
    // By bytes: the order must not depend on a version of Unicode.
    return left.event.utf8.lexicographicallyPrecedes(right.event.utf8)
  }
}

/// One row of the log as the fold takes it. By reference: a record is some hundred bytes wide, and
/// is handed on often.
final class FoldEvent: Sendable {
  let order: Tracked.EventOrder
  /// Whose it is, as an index into the group's members.
  let member: Int
  let record: Tracked.LogRecord
  let position: UInt64

  init(
    order: Tracked.EventOrder, member: Int, record: Tracked.LogRecord, position: UInt64
  ) {
    self.order = order
    self.member = member
    self.record = record
    self.position = position
  }
}

extension Tracked.LogRecord {
  /// Where it stands in its person's order; nil for a record of a kind that this version does not
  /// know.
  var order: Tracked.EventOrder? {
    switch kind {
    case .event(let event):
      guard let at = event.at else { return nil }
      return Tracked.EventOrder(
        at: at.seconds * 1_000_000 + Int64(at.nanos) / 1000, sourceOrder: event.sourceOrder,
        event: event.id)
    case .link(let link): return Tracked.EventOrder(at: link.at, sourceOrder: 0, event: link.id)
    case .declaration(let declaration):
      return Tracked.EventOrder(at: declaration.at, sourceOrder: 0, event: declaration.id)
    case .erasure(let erasure):
      return Tracked.EventOrder(at: erasure.at, sourceOrder: 0, event: "erasure:" + erasure.id)
    case nil: return nil
    }
  }

  /// The id under which a repeat is known.
  var eventID: String {
    switch kind {
    case .event(let event): event.id
    case .link(let link): link.id
    case .declaration(let declaration): declaration.id
    case .erasure(let erasure): "erasure:" + erasure.id
    case nil: ""
    }
  }

  /// Whether both say the same: who received it and when does not count.
  func hasSameBody(as other: Tracked.LogRecord) -> Bool {
    guard store == other.store, contact == other.contact, guest == other.guest else { return false }
    if case .event(var mine)? = kind, case .event(var theirs)? = other.kind {
      // A clamped instant depends on the receipt: the source's own counts.
      if clampedFrom != 0 || other.clampedFrom != 0 {
        let instants = [statedAt, other.statedAt]
        mine.at = nil
        theirs.at = nil
        return instants[0] == instants[1] && mine == theirs
      }
      return mine == theirs
    }
    return kind == other.kind
  }

  private var statedAt: Int64 { clampedFrom != 0 ? clampedFrom : (order?.at ?? 0) }
}

/// A 64-bit digest of an event's id, by which repeats are looked for; equal ones are compared
/// whole.
enum EventHash {
  /// FNV-1a.
  static func of(_ id: String) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in id.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return hash
  }
}

extension Tracked.EventOrder {
  /// Where an anchor stands; nil stands before everything.
  init(_ anchor: CommonV1.Anchor?) {
    self.init(
      at: anchor?.at?.microseconds ?? 0, sourceOrder: anchor?.sourceOrder ?? 0,
      event: anchor?.event ?? "")
  }
}
