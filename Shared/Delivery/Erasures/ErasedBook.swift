package import Messages
internal import ServiceKit
package import Storage

/// The receipts of erasures in one service's database (P10).
package struct ErasedBook<Rows: StoredRows> {
  /// Such as `notifier`.
  private let service: String
  private let session: any StorageSession

  package init(_ rows: Rows.Type, service: String, _ session: any StorageSession) {
    self.service = service
    self.session = session
  }

  package func isErased(_ owner: OwnerKey) throws -> Bool {
    try session.first(ErasedStatements.known, [owner.bucketValue, owner.value]) { _ in true }
      ?? false
  }

  /// In the transaction that redacts, after the fence of the identity's bucket.
  ///
  /// - Parameters:
  ///   - redacted: what held something personal.
  ///   - now: microseconds.
  package func put(
    _ order: CommonV1.ErasePerson, _ redacted: [CommonV1.Erasure.Redacted], now: Int64
  ) throws {
    guard let id = UUIDText.bytes(order.erasure) else {
      throw StorageError(.corrupt, "an erasure's id is no UUID")
    }
    let owner = order.owner
    let receipt = CommonV1.Erasure(
      id: order.erasure, store: order.store, service: service, requestedAt: order.at,
      identities: order.identities, contacts: order.contacts, done: 1,
      doneAt: Instant(microseconds: now).timestamp, redacted: redacted)
    try session.execute(
      ErasedStatements.put,
      [
        owner.bucketValue, owner.value, .blob(id),
        .blob(try Rows.encode(order.withoutAddresses)), .blob(try Rows.encode(receipt)),
      ])
  }

  /// The service's part of an erasure's receipt; nil where it was not told of it.
  package func receipt(of id: String, store: String) throws -> CommonV1.Erasure? {
    guard let bytes = UUIDText.bytes(id) else { return nil }
    let parts: [CommonV1.Erasure] = try (0..<256).flatMap { bucket in
      try session.all(ErasedStatements.ofID, [.integer(bucket), .blob(bytes)]) {
        try Rows.decode(CommonV1.Erasure.self, $0.blob(0), "erased")
      }
    }.filter { $0.store == store }
    guard var receipt = parts.first else { return nil }
    receipt.done = UInt32(parts.count)
    receipt.doneAt = parts.compactMap(\.doneAt).max {
      ($0.seconds, $0.nanos) < ($1.seconds, $1.nanos)
    }
    receipt.redacted = CommonV1.Erasure.sum(parts.flatMap(\.redacted))
    return receipt
  }

  /// What a journal of a bucket that was lost has to have.
  package func orders(of bucket: UInt8) throws -> [CommonV1.ErasePerson] {
    try session.all(ErasedStatements.ofBucket, [.integer(bucket)]) {
      try Rows.decode(CommonV1.ErasePerson.self, $0.blob(0), "erased")
    }
  }
}
