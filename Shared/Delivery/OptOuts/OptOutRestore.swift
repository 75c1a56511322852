package import Messages
package import Storage

/// The database that an opt-out journal stands beside.
package protocol OptOutDatabase: Sendable {
  func read<R>(_ body: (any StorageSession) throws -> R) throws -> R

  /// In one transaction that has fenced the buckets. Blocks.
  func commitBlocking<R: Sendable>(
    _ buckets: [UInt8], weight: Int,
    _ apply: @escaping @Sendable (any StorageSession) throws -> R
  ) throws -> R
}

/// What a service writes into its opt-out journal.
package protocol OptOutEntry: Message, Sendable {
  associatedtype Rows: StoredRows

  /// Of its rows; nil where there is nothing to be kept.
  var bucket: UInt8? { get }
  /// All that the database has in a bucket.
  static func all(of bucket: UInt8, _ session: any StorageSession) throws -> [Self]
  /// In a transaction that has fenced its bucket; changes nothing where it is known.
  func apply(_ session: any StorageSession) throws
}

extension OptOutJournal {
  /// Entries of one line where the journal is written anew.
  private static let batchMax = 512

  /// In the transaction of the change: its line is on disk before the change is.
  package func note<Entry: OptOutEntry>(
    _ entries: [Entry], _ session: any StorageSession
  ) throws {
    if entries.isEmpty { return }
    let position = try append(try entries.map { try Entry.Rows.encode($0) })
    try session.execute(OptOutStatements.putPosition, [.integer(position)])
  }

  /// What a start does (T31), before anything is handed off: brings the database up to the journal,
  /// or the journal up to the database. Blocks.
  ///
  /// Usually both end at the same place. A database from a backup gets the lines that it lacks. One
  /// that has never had a journal first gets every line, then writes down all that it has; one that
  /// has seen more than the journal holds (its file was lost) writes down all that it has.
  ///
  /// - Returns: how many entries came back.
  package func restore<Entry: OptOutEntry>(
    _ type: Entry.Type, into database: some OptOutDatabase
  ) throws -> Int {
    let known = try database.read { session in
      try session.first(OptOutStatements.position) { try $0.integer(0) }
    }
    if let known, known > size {
      // Lines of an older copy were applied long ago; a lift among them must not be made again.
      try replay(from: 0) { _, _ in }
      try writeAll(type, of: database)
      return 0
    }
    var count = 0
    try replay(from: known ?? 0) { payloads, position in
      let entries = try payloads.map { try Entry.Rows.decode(type, $0, "opt-out journal") }
      try database.commitBlocking(entries.compactMap(\.bucket), weight: entries.count) { session in
        for entry in entries { try entry.apply(session) }
        _ = try session.execute(OptOutStatements.putPosition, [.integer(position)])
      }
      count += payloads.count
    }
    if known == nil { try writeAll(type, of: database) }
    return count
  }

  private func writeAll<Entry: OptOutEntry>(
    _ type: Entry.Type, of database: some OptOutDatabase
  ) throws {
    for bucket in UInt8.min...UInt8.max {
      var left = try database.read { try type.all(of: bucket, $0) }[...]
      while !left.isEmpty {
        let batch = Array(left.prefix(OptOutJournal.batchMax))
        left = left.dropFirst(OptOutJournal.batchMax)
        try database.commitBlocking([bucket], weight: 1) { try self.note(batch, $0) }
      }
    }
    let position = size
    try database.commitBlocking([], weight: 1) { session in
      _ = try session.execute(OptOutStatements.putPosition, [.integer(position)])
    }
  }
}
