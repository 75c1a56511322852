internal import Delivery
internal import Messages
internal import Storage

/// direct-mail's lines of the opt-out journal: each objection with its evidence.
struct ObjectionJournal: Sendable {
  let file: OptOutJournal

  /// Entries of one line where the journal is written anew.
  private static let batchMax = 512

  /// In the transaction of the change: its line is on disk before the change is.
  func note(
    _ entries: [DirectMailV1.JournaledObjection], _ session: any StorageSession
  ) throws {
    if entries.isEmpty { return }
    let position = try file.append(try entries.map { try Stored.encode($0) })
    try session.execute(OptOutStatements.putPosition, [.integer(position)])
  }

  /// Keeps an objection, and its line where it is news.
  func put(
    _ objection: DirectMailV1.Objection, _ controller: String, _ session: any StorageSession
  ) throws {
    let entry = DirectMailV1.JournaledObjection(controller: controller, objection: objection)
    if try ObjectionJournal.apply(entry, session) { try note([entry], session) }
  }

  /// At the start, before anything is printed. Blocks.
  ///
  /// - Returns: how many entries the database did not have.
  func restore(_ database: DirectMailDatabase) throws -> Int {
    let known = try database.read { session in
      try session.first(OptOutStatements.position) { try $0.integer(0) }
    }
    return try OptOutRestore.run(
      file, known: known,
      apply: { payloads, position in
        let entries = try payloads.map {
          try Stored.decode(DirectMailV1.JournaledObjection.self, $0, "opt-out journal")
        }
        let buckets = entries.compactMap { $0.key?.bucket }
        try database.commitBlocking(buckets, weight: entries.count) { session in
          for entry in entries { try ObjectionJournal.apply(entry, session) }
          _ = try session.execute(OptOutStatements.putPosition, [.integer(position)])
        }
      }, writeAll: { try writeAll(database) })
  }

  /// Whether it is news.
  @discardableResult
  private static func apply(
    _ entry: DirectMailV1.JournaledObjection, _ session: any StorageSession
  ) throws -> Bool {
    guard let key = entry.key, let own = entry.objection else {
      throw StorageError(.corrupt, "an entry of the opt-out journal has no objection")
    }
    return try Objections.put(
      key, controller: entry.controller, contact: own.contact, address: own.address, own.cause,
      since: own.since?.microseconds ?? 0, evidence: own.evidence, piece: own.piece, session
    ).isChange
  }

  /// All that the database has.
  private func writeAll(_ database: DirectMailDatabase) throws {
    for bucket in 0...255 as ClosedRange<UInt8> {
      var left = try database.read { session in
        try session.all(ObjectionStatements.ofBucket, [.integer(bucket)]) { row in
          DirectMailV1.JournaledObjection(
            controller: try row.text(7), objection: try ObjectionRow(row).contract)
        }
      }[...]
      while !left.isEmpty {
        let batch = Array(left.prefix(ObjectionJournal.batchMax))
        left = left.dropFirst(ObjectionJournal.batchMax)
        try database.commitBlocking([bucket], weight: 1) { try note(batch, $0) }
      }
    }
    let position = file.size
    try database.commitBlocking([], weight: 1) { session in
      _ = try session.execute(OptOutStatements.putPosition, [.integer(position)])
    }
  }
}

extension DirectMailV1.JournaledObjection {
  /// Nil where there is nothing to be kept.
  fileprivate var key: OwnerKey? {
    guard let objection else { return nil }
    if let address = objection.address { return ObjectionKeys.address(controller, address) }
    return objection.contact.isEmpty
      ? nil : ObjectionKeys.contact(controller, objection.contact)
  }
}
