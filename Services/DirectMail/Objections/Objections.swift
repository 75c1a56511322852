internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage

/// One objection, as it is stored.
struct ObjectionRow: Sendable, Hashable {
  let since: Int64
  let key: [UInt8]
  let contact: String
  let address: CommonV1.Address?
  let cause: DirectMailV1.ObjectionCause
  let evidence: String
  let piece: String

  /// Columns as `ObjectionStatements.objection` lists them.
  init(_ row: Row) throws {
    since = try row.integer(0)
    key = try row.blob(1)
    contact = try row.text(2)
    let address = try row.blob(3)
    self.address =
      address.isEmpty ? nil : try Stored.decode(CommonV1.Address.self, address, "objection")
    cause = .init(rawValue: Int32(truncatingIfNeeded: try row.integer(4)))
    evidence = try row.text(5)
    piece = try row.text(6)
  }

  var contract: DirectMailV1.Objection {
    DirectMailV1.Objection(
      contact: contact, address: address, cause: cause, since: .init(microseconds: since),
      evidence: evidence, piece: piece)
  }
}

extension AddressHash {
  /// Under this database's secret.
  static func load(_ session: any StorageSession) throws -> AddressHash {
    let secret = try session.first(ReferenceStatements.secret) { try $0.optionalBlob(0) }
    guard let secret = secret ?? nil, secret.count >= LinkSeal.secretSizeMin else {
      throw StorageError(.corrupt, "the database does not know its secret")
    }
    return AddressHash(secret)
  }
}

/// Reads and writes of objections within a transaction.
enum Objections {
  /// Why nothing is printed for a person or an address; nil where it is.
  static func refusal(
    _ keys: [OwnerKey], _ session: any StorageSession
  ) throws -> CommonV1.ReasonCode? {
    let hash = try AddressHash.load(session)
    for key in keys + keys.map(hash.key) {
      let found = try session.first(
        ObjectionStatements.objection, [key.bucketValue, key.value]
      ) { try ObjectionRow($0) }
      if let found { return found.cause == .returned ? .suppressed : .objection }
    }
    return nil
  }

  /// Adds one for an address or a contact.
  ///
  /// - Returns: whether it is new, and whether anything of its row has changed.
  static func put(
    _ key: OwnerKey, controller: String, contact: String, address: CommonV1.Address?,
    _ cause: DirectMailV1.ObjectionCause, since: Int64, evidence: String, piece: String,
    _ session: any StorageSession
  ) throws -> (isNew: Bool, isChange: Bool) {
    let isNew =
      try session.first(ObjectionStatements.objection, [key.bucketValue, key.value]) { _ in true }
      == nil
    let changed = try session.execute(
      ObjectionStatements.put,
      [
        key.bucketValue, key.value, .text(controller), .text(contact),
        .blob(try address.map { try Stored.encode(AddressComparison.place($0)) } ?? []),
        .integer(cause.rawValue), .integer(since), .text(evidence), .text(piece),
      ])
    return (isNew, changed > 0)
  }
}
