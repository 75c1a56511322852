internal import Delivery
package import Messages
package import Storage

/// The notifier's lines of the opt-out journal: each suppression with its evidence, and each lift.
extension NotifierV1.JournaledSuppression: OptOutEntry {
  package typealias Rows = Stored

  package var bucket: UInt8? { erasure?.owner.bucket ?? key?.bucket }

  package static func all(of bucket: UInt8, _ session: any StorageSession) throws -> [Self] {
    let erased = try ErasedBook(Stored.self, service: PersonEraser.service, session)
      .orders(of: bucket).map { Self(erasure: $0) }
    return try erased
      + session.all(AddressStatements.ofBucket, [.integer(bucket)]) { row in
        let stored = try StoredSuppression(row)
        return Self(
          stored.suppression, scope: stored.scope,
          key: stored.suppression.address.isEmpty ? try OwnerKey(bytes: row.blob(9)) : nil,
          at: stored.suppression.since)
      }
  }

  package func apply(_ session: any StorageSession) throws {
    if let erasure {
      return try PersonEraser(
        session: session, hash: try .load(session), now: erasure.at?.microseconds ?? 0
      ).erase(erasure, hashes: Set(addressKeys))
    }
    // What was said of somebody who was erased since stands in the line no more.
    guard let key, let own = suppression else { return }
    let taken = takenAt?.microseconds ?? 0
    let suppression = Suppression(own)
    if lifted {
      try session.execute(AddressStatements.removeSuppression, [key.bucketValue, key.value])
    } else {
      _ = try Suppressions.put(suppression, key, scope: scope, at: taken, session)
    }
    let proof = lifted ? "removed" : proof
    if proof.isEmpty { return }
    try session.execute(
      AddressStatements.addOptOut,
      [
        key.bucketValue, key.value, .integer(lifted ? taken : suppression.since),
        .integer(taken), .text(proof),
        .text(scope), .integer(suppression.channel.rawValue), .text(suppression.address),
        .text(suppression.evidence), .text(suppression.message),
      ])
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

  /// - Parameter key: the keyed hash that it stands under, where its address is not known.
  init(_ suppression: Suppression, scope: String, key: OwnerKey?, at now: Int64) {
    let owner = String(scope.drop { $0 != " " }.dropFirst())
    let isOfController = suppression.isOfController
    self.init(
      store: isOfController ? "" : owner, controller: isOfController ? owner : "",
      suppression: suppression.contract, takenAt: .init(microseconds: now),
      addressKeys: key.map { [$0.bytes] } ?? [])
  }

  fileprivate var scope: String {
    suppression?.wholeController == true
      ? SuppressionDesk.Scope.controller(controller) : SuppressionDesk.Scope.store(store)
  }

  /// Nil where there is nothing to be kept.
  var key: OwnerKey? {
    guard let suppression else { return nil }
    if let known = addressKeys.first { return try? OwnerKey(bytes: known) }
    let keys = AddressKeys(
      store: store, controller: controller, channel: suppression.channel,
      address: suppression.address)
    return suppression.wholeController ? keys.controller : keys.store
  }
}
