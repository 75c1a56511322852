/// What a start does with the opt-out journal (T31), before anything is handed off.
package enum OptOutRestore {
  /// Brings the database up to the journal, or the journal up to the database. Blocks.
  ///
  /// Usually both end at the same place. A database from a backup gets the lines that it lacks. One
  /// that has never had a journal first gets every line, then writes down all that it has; one that
  /// has seen more than the journal holds (its file was lost) writes down all that it has.
  ///
  /// - Parameters:
  ///   - apply: commits the entries of one line together with the position after it.
  ///   - writeAll: appends all that the database has, and commits the position after it.
  /// - Returns: how many entries came back.
  package static func run(
    _ journal: OptOutJournal, known: Int64?,
    apply: (_ payloads: [[UInt8]], _ position: Int64) throws -> Void,
    writeAll: () throws -> Void
  ) throws -> Int {
    var count = 0
    if let known, known > journal.size {
      // Lines of an older copy were applied long ago; a lift among them must not be made again.
      try journal.replay(from: 0) { _, _ in }
      try writeAll()
      return 0
    }
    try journal.replay(from: known ?? 0) { payloads, position in
      try apply(payloads, position)
      count += payloads.count
    }
    if known == nil { try writeAll() }
    return count
  }
}
