internal import Delivery
internal import Messages
internal import Storage

/// The notifier's lines of the opt-out journal: each suppression with its evidence, and each lift.
struct SuppressionJournal: Sendable {
  let file: OptOutJournal

  /// Entries of one line where the journal is written anew.
  private static let batchMax = 512

  /// In the transaction of the change: its line is on disk before the change is.
  func note(
    _ entries: [NotifierV1.JournaledSuppression], _ session: any StorageSession
  ) throws {
    if entries.isEmpty { return }
    let position = try file.append(try entries.map { try Stored.encode($0) })
    try session.execute(OptOutStatements.putPosition, [.integer(position)])
  }

  /// At the start, before anything is handed off. Blocks.
  ///
  /// - Returns: how many entries the database did not have.
  func restore(_ database: NotifierDatabase) throws -> Int {
    let known = try database.read { session in
      try session.first(OptOutStatements.position) { try $0.integer(0) }
    }
    return try OptOutRestore.run(
      file, known: known,
      apply: { payloads, position in
        let entries = try payloads.map {
          try Stored.decode(NotifierV1.JournaledSuppression.self, $0, "opt-out journal")
        }
        let buckets = entries.compactMap { $0.key?.bucket }
        try database.commitBlocking(buckets, weight: entries.count) { session in
          for entry in entries { try SuppressionJournal.apply(entry, session) }
          _ = try session.execute(OptOutStatements.putPosition, [.integer(position)])
        }
      }, writeAll: { try writeAll(database) })
  }

  private static func apply(
    _ entry: NotifierV1.JournaledSuppression, _ session: any StorageSession
  ) throws {
    guard let key = entry.key, let own = entry.suppression else {
      throw StorageError(.corrupt, "an entry of the opt-out journal has no suppression")
    }
    let taken = entry.takenAt?.microseconds ?? 0
    let suppression = Suppression(own)
    if entry.lifted {
      try session.execute(AddressStatements.removeSuppression, [key.bucketValue, key.value])
    } else {
      _ = try Suppressions.put(suppression, key, scope: entry.scope, at: taken, session)
    }
    let proof = entry.lifted ? "removed" : entry.proof
    if proof.isEmpty { return }
    try session.execute(
      AddressStatements.addOptOut,
      [
        key.bucketValue, key.value, .integer(entry.lifted ? taken : suppression.since),
        .integer(taken), .text(proof),
        .text(entry.scope), .integer(suppression.channel.rawValue), .text(suppression.address),
        .text(suppression.evidence), .text(suppression.message),
      ])
  }

  /// All that the database has.
  private func writeAll(_ database: NotifierDatabase) throws {
    for bucket in 0...255 as ClosedRange<UInt8> {
      var left = try database.read { session in
        try session.all(AddressStatements.ofBucket, [.integer(bucket)]) { row in
          NotifierV1.JournaledSuppression(try StoredSuppression(row))
        }
      }[...]
      while !left.isEmpty {
        let batch = Array(left.prefix(SuppressionJournal.batchMax))
        left = left.dropFirst(SuppressionJournal.batchMax)
        try database.commitBlocking([bucket], weight: 1) { try note(batch, $0) }
      }
    }
    let position = file.size
    try database.commitBlocking([], weight: 1) { session in
      _ = try session.execute(OptOutStatements.putPosition, [.integer(position)])
    }
  }
}

/// A row of the table with its scope.
private struct StoredSuppression {
  let scope: String
  let suppression: Suppression

  /// Columns as `AddressStatements.ofBucket` lists them.
  init(_ row: Row) throws {
    scope = try row.text(0)
    suppression = Suppression(
      channel: .init(rawValue: Int32(truncatingIfNeeded: try row.integer(1))),
      address: try row.text(2),
      cause: .init(rawValue: Int32(truncatingIfNeeded: try row.integer(3))),
      isOfController: try row.integer(4) == 1, since: try row.integer(5),
      until: try row.optionalInteger(6), evidence: try row.text(7), message: try row.text(8))
  }
}

extension Suppression {
  init(_ contract: NotifierV1.Suppression) {
    self.init(
      channel: contract.channel, address: contract.address, cause: contract.cause,
      isOfController: contract.wholeController, since: contract.since?.microseconds ?? 0,
      until: contract.until?.microseconds, evidence: contract.evidence,
      message: contract.message)
  }
}

extension NotifierV1.JournaledSuppression {
  init(_ wish: SuppressionDesk.Wish, at now: Int64, lifted: Bool = false) {
    let isOfController = wish.suppression.isOfController
    self.init(
      store: isOfController ? "" : wish.store, controller: isOfController ? wish.controller : "",
      suppression: wish.suppression.contract, proof: wish.proof ?? "",
      takenAt: .init(microseconds: now), lifted: lifted)
  }

  fileprivate init(_ row: StoredSuppression) {
    let owner = String(row.scope.drop { $0 != " " }.dropFirst())
    let isOfController = row.suppression.isOfController
    self.init(
      store: isOfController ? "" : owner, controller: isOfController ? owner : "",
      suppression: row.suppression.contract,
      takenAt: .init(microseconds: row.suppression.since))
  }

  fileprivate var scope: String {
    suppression?.wholeController == true
      ? SuppressionDesk.Scope.controller(controller) : SuppressionDesk.Scope.store(store)
  }

  /// Nil where there is nothing to be kept.
  fileprivate var key: OwnerKey? {
    guard let suppression else { return nil }
    let keys = AddressKeys(
      store: store, controller: controller, channel: suppression.channel,
      address: suppression.address)
    return suppression.wholeController ? keys.controller : keys.store
  }
}
