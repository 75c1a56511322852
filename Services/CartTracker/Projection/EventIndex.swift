internal import Messages

/// Which events of a person were counted: the newest in its state, older ones in the history table.
extension Tracked.StoredPerson {
  /// Events indexed in the state; past twice that the older half moves to the table.
  static let indexedMax = 64

  /// Positions of events in the state that may be this one.
  func indexedPositions(of hash: UInt64) -> [UInt64] {
    var positions: [UInt64] = []
    for (index, known) in eventHashes.enumerated()
    where known == hash && index < eventPositions.count {
      positions.append(eventPositions[index])
    }
    return positions
  }

  /// Whether the history table holds further events.
  var hasHistory: Bool { events > UInt64(eventHashes.count) }

  mutating func index(_ hash: UInt64, _ at: Int64, _ position: UInt64) {
    eventHashes.append(hash)
    eventTimes.append(at)
    eventPositions.append(position)
    events += 1
  }

  /// Takes out what is to move to the history table; empty while there is little.
  mutating func takeOldIndex() -> [(hash: UInt64, at: Int64, position: UInt64)] {
    guard eventHashes.count >= 2 * Self.indexedMax else { return [] }
    let count = min(eventHashes.count, eventTimes.count, eventPositions.count) - Self.indexedMax
    let moved = (0..<count).map { (eventHashes[$0], eventTimes[$0], eventPositions[$0]) }
    eventHashes.removeFirst(count)
    eventTimes.removeFirst(count)
    eventPositions.removeFirst(count)
    return moved
  }
}
