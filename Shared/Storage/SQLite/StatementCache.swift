internal import GRDB

/// The prepared statements of one connection. Bounded: the text used least recently goes first, and
/// beyond `handlesMax` idle handles the one given back is dropped.
final class StatementCache {
  /// Different texts kept; lists with filters make many.
  static let textsMax = 256
  static let handlesMax = 1024

  /// The idle handles of one text: several where cursors over it were merged.
  final class Entry {
    fileprivate(set) var idle: [PreparedStatement] = []
    fileprivate var usedAt: UInt64 = 0
  }

  /// What was looked up last among the statements that fall on this place.
  private struct Place {
    var source: Statement.Source?
    var entry: Entry?
  }

  private var places = [Place](repeating: Place(), count: 256)
  private var entries: [String: Entry] = [:]
  private(set) var idleCount = 0
  private var clock: UInt64 = 0

  var textCount: Int { entries.count }

  func entry(_ statement: Statement) -> Entry {
    let place = Int(UInt(bitPattern: ObjectIdentifier(statement.source)) >> 4 & 255)
    if places[place].source === statement.source, let entry = places[place].entry {
      return entry
    }
    clock += 1
    let entry: Entry
    if let known = entries[statement.sql] {
      entry = known
    } else {
      if entries.count >= StatementCache.textsMax { dropOldest() }
      entry = Entry()
      entries[statement.sql] = entry
    }
    entry.usedAt = clock
    places[place] = Place(source: statement.source, entry: entry)
    return entry
  }

  func take(_ entry: Entry, _ statement: Statement, _ connection: Database) throws
    -> PreparedStatement
  {
    guard let prepared = entry.idle.popLast() else {
      return try PreparedStatement(statement, connection)
    }
    idleCount -= 1
    prepared.statement = statement
    return prepared
  }

  func give(_ prepared: PreparedStatement, _ entry: Entry) {
    if idleCount >= StatementCache.handlesMax { return }
    idleCount += 1
    entry.idle.append(prepared)
  }

  func removeAll() {
    places = [Place](repeating: Place(), count: 256)
    entries = [:]
    idleCount = 0
  }

  /// Entries in the quick places count as used when they were put there, which is good enough: a
  /// constant that is dropped is prepared again.
  private func dropOldest() {
    guard let oldest = entries.min(by: { $0.value.usedAt < $1.value.usedAt }) else { return }
    entries[oldest.key] = nil
    idleCount -= oldest.value.idle.count
    oldest.value.idle = []
    for place in places.indices where places[place].entry === oldest.value {
      places[place] = Place()
    }
  }
}
