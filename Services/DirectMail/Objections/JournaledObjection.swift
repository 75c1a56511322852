internal import Delivery
package import Messages
package import Storage

/// direct-mail's lines of the opt-out journal: each objection with its evidence.
extension DirectMailV1.JournaledObjection: OptOutEntry {
  package typealias Rows = Stored

  package var bucket: UInt8? { erasure?.owner.bucket ?? key?.bucket }

  package static func all(of bucket: UInt8, _ session: any StorageSession) throws -> [Self] {
    let erased = try ErasedBook(Stored.self, service: PersonEraser.service, session)
      .orders(of: bucket).map { Self(erasure: $0) }
    return try erased
      + session.all(ObjectionStatements.ofBucket, [.integer(bucket)]) { row in
        let objection = try ObjectionRow(row)
        let isHashed = objection.contact.isEmpty && objection.address == nil
        return Self(
          controller: try row.text(7), objection: objection.contract,
          addressKeys: isHashed ? [objection.key] : [])
      }
  }

  package func apply(_ session: any StorageSession) throws {
    if let erasure {
      return try PersonEraser(
        session: session, hash: try .load(session), now: erasure.at?.microseconds ?? 0
      ).erase(erasure, controller: controller, hashes: Set(addressKeys))
    }
    // What was said of somebody who was erased since stands in the line no more.
    if key != nil { _ = try put(session) }
  }

  /// Keeps the objection, and its line where it is news.
  func put(_ journal: OptOutJournal, _ session: any StorageSession) throws {
    if try put(session) { try journal.note([self], session) }
  }

  /// Whether it is news.
  private func put(_ session: any StorageSession) throws -> Bool {
    guard let key, let own = objection else {
      throw StorageError(.corrupt, "an entry of the opt-out journal has no objection")
    }
    return try Objections.put(
      key, controller: controller, contact: own.contact, address: own.address, own.cause,
      since: own.since?.microseconds ?? 0, evidence: own.evidence, piece: own.piece, session
    ).isChange
  }

  /// Nil where there is nothing to be kept.
  var key: OwnerKey? {
    guard let objection else { return nil }
    if let known = addressKeys.first { return try? OwnerKey(bytes: known) }
    if let address = objection.address { return ObjectionKeys.address(controller, address) }
    return objection.contact.isEmpty
      ? nil : ObjectionKeys.contact(controller, objection.contact)
  }
}
