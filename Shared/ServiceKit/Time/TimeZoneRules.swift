internal import Synchronization

/// When the clocks of an IANA time zone show what: of all the past that is known, and by the zone's
/// rule for the future.
///
/// A value that is read from the system's files once; copies share it. A process that runs on does
/// not see an update of the files.
package struct TimeZoneRules: Hashable, Sendable {
  package static let folder = "/usr/share/zoneinfo"
  package static let utc = TimeZoneRules(name: "UTC", data: ZoneData(offset: 0))

  /// Such as `Europe/Berlin`.
  package let name: String
  private let data: ZoneData

  private static let known: Mutex<[String: TimeZoneRules]> = Mutex(["UTC": .utc])

  /// Reads a file the first time a name is used, so it may block for a moment then.
  ///
  /// - Throws: for a name that no zone has, and for a file that is not as RFC 8536 has it.
  package init(name: String) throws(TimeError) {
    if let zone = TimeZoneRules.known.withLock({ $0[name] }) {
      self = zone
      return
    }
    let zone = try TimeZoneRules(name: name, folder: TimeZoneRules.folder)
    // Only names of files come this far, so there is no end of others to keep.
    TimeZoneRules.known.withLock { $0[name] = zone }
    self = zone
  }

  init(name: String, folder: String) throws(TimeError) {
    guard TimeZoneRules.isName(name) else {
      throw TimeError("a time zone's name of \(name.utf8.count) bytes is not such as Europe/Berlin")
    }
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try SmallFile.read("\(folder)/\(name)", bytesMax: ZoneFile.bytesMax)
    } catch {
      throw TimeError("there is no time zone \(name)")
    }
    self.init(name: name, data: try ZoneFile.parse(bytes, name))
  }

  init(name: String, data: ZoneData) {
    self.name = name
    self.data = data
  }

  /// Parts of letters, digits, `_`, `+` and `-`, the first letter a capital: no path out of the
  /// folder, and none of the files there that are not zones.
  private static func isName(_ name: String) -> Bool {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    let capitals = UInt8(ascii: "A")...UInt8(ascii: "Z")
    guard name.utf8.count <= 64, parts.count <= 3, let first = name.utf8.first else { return false }
    return capitals.contains(first)
      && parts.allSatisfy { part in
        !part.isEmpty
          && part.utf8.allSatisfy { byte in
            capitals.contains(byte & 0xDF) && byte < 0x80 || (0x30...0x39).contains(byte)
              || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
          }
      }
  }

  package static func == (a: Self, b: Self) -> Bool { a.name == b.name }

  package func hash(into hasher: inout Hasher) { hasher.combine(name) }

  // MARK: - Instants and what clocks show

  /// Seconds by which local clocks are ahead of UTC.
  package func offset(at instant: Instant) -> Int { Int(data.offset(at: instant.seconds)) }

  /// What local clocks show.
  package func civilTime(at instant: Instant) -> CivilTime {
    let ahead = data.offset(at: instant.seconds) * 1_000_000
    return CivilTime(microsecondsSince1970: instant.microseconds + ahead)
  }

  /// When local clocks show a time that lies within the calendar.
  ///
  /// A time that the clocks skip moves forward by as much as they skip; of two instants that show
  /// the same, it is the first.
  package func instant(ofLocal local: CivilTime) -> Instant {
    let (seconds, microsecond) = local.microsecondsSince1970.dividedDown(by: 1_000_000)
    let instant = data.instant(ofLocal: seconds)
    return Instant(microseconds: instant * 1_000_000 + microsecond)
  }

  /// The same local time of day some calendar months later or, below zero, earlier (C13).
  ///
  /// A day that the month lacks becomes its last; a time that the clocks skip, or show twice, is
  /// taken as `instant(ofLocal:)` does. No months change nothing.
  package func adding(months: Int, to instant: Instant) -> Instant {
    if months == 0 { return instant }
    return self.instant(ofLocal: civilTime(at: instant).adding(months: months))
  }
}

/// The offsets of a zone: a table for the past, a rule for what comes after it. All in seconds.
struct ZoneData: Sendable {
  /// Ascending.
  let transitions: [Int64]
  /// One more than transitions: the first holds before them all.
  let offsets: [Int64]
  /// Holds from the last transition on; nil: the last offset stays.
  let rule: ZoneRule?

  /// RFC 8536 §3.2: no clock is further from UTC, west or east.
  static let offsetMax: Int64 = 93_599

  init(transitions: [Int64], offsets: [Int64], rule: ZoneRule?) {
    precondition(offsets.count == transitions.count + 1)
    self.transitions = transitions
    self.offsets = offsets
    self.rule = rule
  }

  init(offset: Int64) { self.init(transitions: [], offsets: [offset], rule: nil) }

  func offset(at seconds: Int64) -> Int64 {
    if let rule, seconds >= transitions.last ?? .min { return rule.offset(at: seconds) }
    return offsets[count(upTo: seconds)]
  }

  func instant(ofLocal local: Int64) -> Int64 {
    // Clocks that show this time do so within the greatest offset of it.
    let reach = ZoneData.offsetMax + 1
    var offset = offset(at: local - reach)
    for change in changes(after: local - reach, upTo: local + reach) {
      // Before the change first: of two instants the earlier counts. Where the clocks skip this
      // time, the old offset leads past the change by as much as they skip.
      if local - offset < change.at || local - change.offset < change.at { return local - offset }
      offset = change.offset
    }
    return local - offset
  }

  /// Transitions at or before an instant.
  private func count(upTo seconds: Int64) -> Int {
    var low = 0
    var high = transitions.count
    while low < high {
      let middle = (low + high) / 2
      if transitions[middle] <= seconds { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private func changes(after start: Int64, upTo end: Int64) -> [ZoneRule.Change] {
    let range = count(upTo: start)..<count(upTo: end)
    var changes = range.map { ZoneRule.Change(at: transitions[$0], offset: offsets[$0 + 1]) }
    if let rule {
      let last = transitions.last ?? .min
      changes += rule.changes(after: max(start, last), upTo: end)
    }
    return changes
  }
}
