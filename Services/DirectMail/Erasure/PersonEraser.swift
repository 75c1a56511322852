internal import Delivery
internal import Messages
internal import Storage

/// Takes a person out of this database (P10): what letters said and where they went; objections to
/// their addresses stay under keyed hashes.
struct PersonEraser {
  static let service = "direct-mail"

  let session: any StorageSession
  let hash: AddressHash
  let now: Int64
  /// Nil while a journal is restored: what waits is refused at its cut-off then.
  var pieceLog: PieceLog?

  var book: ErasedBook<Stored> { ErasedBook(Stored.self, service: Self.service, session) }

  /// What erasing has to know beforehand.
  struct Plan: Sendable {
    let order: CommonV1.ErasePerson
    let controller: String
    let hash: AddressHash
    /// Wherever a letter to the person could go, or went.
    var addresses: [CommonV1.Address] = []
    /// Batches whose document has a letter to the person.
    var batches: Set<BatchKey> = []

    var addressKeys: [OwnerKey] { addresses.map { ObjectionKeys.address(controller, $0) } }

    /// Who lives where: not a neighbour, nor a colleague.
    var personKeys: [OwnerKey] {
      addresses.compactMap { ObjectionKeys.person(controller, $0) }
    }
  }

  // MARK: - Before the transaction

  static func plan(
    _ order: CommonV1.ErasePerson, controller: String, _ session: any StorageSession
  ) throws -> Plan {
    var plan = Plan(
      order: order, controller: controller, hash: try .load(session), addresses: order.addresses)
    for piece in try pieces(of: order, session) {
      if let content = try PieceContent.find(piece.key, session),
        !plan.addresses.contains(content.address)
      {
        plan.addresses.append(content.address)
      }
      if piece.state.isPrinted,
        let batch = BatchKey(
          bucket: StoreKey(order.store).bucket, id: piece.batch)
      {
        plan.batches.insert(batch)
      }
    }
    return plan
  }

  private static func pieces(
    of order: CommonV1.ErasePerson, _ session: any StorageSession
  ) throws -> [PieceRow] {
    let bucket = order.owner.bucket
    return try session.all(
      EraserStatements.pieces, [.integer(bucket), .text(order.contact), .text(order.store)]
    ) { try PieceRow($0, bucket: bucket) }
  }

  // MARK: - In the transaction

  /// False while a batch with a letter to the person is being made, or handed over.
  static func isReady(
    _ order: CommonV1.ErasePerson, _ session: any StorageSession
  ) throws -> Bool {
    try pieces(of: order, session).allSatisfy { $0.state != .rendered && $0.state != .batched }
  }

  /// After the fences. A second time it does nothing.
  ///
  /// - Returns: what the journal is to keep of it.
  func erase(_ plan: Plan) throws -> [DirectMailV1.JournaledObjection] {
    let order = plan.order
    if try book.isErased(order.owner) { return [] }
    var counts = try erasePieces(order)
    counts.files = UInt64(plan.batches.count)
    var kept: [DirectMailV1.JournaledObjection] = [
      .init(
        controller: plan.controller,
        addressKeys: (plan.addressKeys + plan.personKeys).map { hash.key($0).bytes },
        erasure: order.withoutAddresses)
    ]
    for key in plan.addressKeys {
      if let moved = try move(key) {
        kept.append(moved)
        counts.objections += 1
      }
    }
    for key in plan.personKeys { kept.append(try object(hash.key(key), plan.controller)) }
    try finish(order, plan.controller, counts)
    return kept
  }

  /// What a restored backup has.
  func erase(
    _ order: CommonV1.ErasePerson, controller: String, hashes: Set<[UInt8]>
  ) throws {
    if try book.isErased(order.owner) { return }
    var counts = try erasePieces(order)
    for bucket in 0..<256 {
      let keys = try session.all(EraserStatements.addressKeys, [.integer(bucket)]) {
        try OwnerKey(bytes: $0.blob(0))
      }
      for key in keys where hashes.contains(hash.key(key).bytes) {
        if try move(key) != nil { counts.objections += 1 }
      }
    }
    try finish(order, controller, counts)
  }

  /// How many rows of each kind held something personal.
  private struct Counts {
    var pieces: UInt64 = 0
    var contents: UInt64 = 0
    var files: UInt64 = 0
    var objections: UInt64 = 0
    var evidence: UInt64 = 0
    var addresses: UInt64 = 0

    var redacted: [CommonV1.Erasure.Redacted] {
      [
        ("mail piece", pieces), ("letter content", contents), ("batch document", files),
        ("objection", objections), ("objection evidence", evidence), ("address", addresses),
      ].filter { $0.1 > 0 }.map { .init(what: $0.0, rows: $0.1) }
    }
  }

  private func erasePieces(_ order: CommonV1.ErasePerson) throws -> Counts {
    var counts = Counts()
    for piece in try Self.pieces(of: order, session) {
      if piece.state == .accepted {
        _ = try pieceLog?.move(piece, to: .withdrawn, .erased, at: now, now: now, session)
      }
      let place: [SQLValue] = [piece.key.bucketValue, piece.key.idValue]
      counts.contents += UInt64(try session.execute(EraserStatements.removeContent, place))
      guard var piece = try PieceRow.find(piece.key, session), !piece.log.addressLines.isEmpty
      else { continue }
      piece.log.addressLines = []
      try session.execute(
        EraserStatements.redactPiece, place + [.blob(try Stored.encode(piece.log))])
      counts.pieces += 1
    }
    return counts
  }

  /// The person objects from here on, under whatever id their address comes again.
  private func finish(
    _ order: CommonV1.ErasePerson, _ controller: String, _ counts: Counts
  ) throws {
    var counts = counts
    let key = ObjectionKeys.contact(controller, order.contact)
    counts.evidence += UInt64(
      try session.execute(EraserStatements.redactEvidence, [key.bucketValue, key.value]))
    _ = try Objections.put(
      key, controller: controller, contact: order.contact, address: nil, .person, since: now,
      evidence: "", piece: "", session)
    for bucket in 0..<256 {
      counts.addresses += UInt64(
        try session.execute(
          EraserStatements.removeContact,
          [.integer(bucket), .text(order.store), .text(order.contact)]))
    }
    try book.put(order, counts.redacted, now: now)
  }

  // MARK: - Objections

  /// Puts an objection under the keyed hash of its address; nil where there is none.
  private func move(_ key: OwnerKey) throws -> DirectMailV1.JournaledObjection? {
    let found = try session.first(
      EraserStatements.objection, [key.bucketValue, key.value]
    ) { (try ObjectionRow($0), try $0.text(7)) }
    guard let (row, controller) = found else { return nil }
    try session.execute(EraserStatements.removeObjection, [key.bucketValue, key.value])
    return try object(hash.key(key), controller, row.cause, since: row.since)
  }

  private func object(
    _ key: OwnerKey, _ controller: String, _ cause: DirectMailV1.ObjectionCause = .person,
    since: Int64? = nil
  ) throws -> DirectMailV1.JournaledObjection {
    let since = since ?? now
    _ = try Objections.put(
      key, controller: controller, contact: "", address: nil, cause, since: since, evidence: "",
      piece: "", session)
    return .init(
      controller: controller,
      objection: .init(cause: cause, since: .init(microseconds: since)),
      addressKeys: [key.bytes])
  }
}

extension DirectMailV1.PieceState {
  /// Its letter stands in a document.
  var isPrinted: Bool { (3...8).contains(rawValue) }
}
