internal import Delivery
internal import Messages
internal import Storage

/// Takes a person out of this database (P10): addresses, contents and what providers said of
/// messages; suppressions and their proofs stay under keyed hashes.
struct PersonEraser {
  static let service = "notifier"

  let session: any StorageSession
  let hash: AddressHash
  let now: Int64
  /// Nil while a journal is restored: what waits is refused at its hand-off then.
  var messageLog: MessageLog?

  var book: ErasedBook<Stored> { ErasedBook(Stored.self, service: Self.service, session) }

  /// What erasing has to know beforehand, for its fences.
  struct Plan: Sendable {
    let order: CommonV1.ErasePerson
    let hash: AddressHash
    /// Every address of the person that is known, and of those that nobody else has.
    var addresses: [AddressKeys] = []

    var buckets: [UInt8] {
      [order.owner.bucket]
        + addresses.flatMap { keys in
          keys.both.flatMap { [$0.bucket, hash.key($0).bucket] } + [keys.anybody.bucket]
        }
    }

    /// What their suppressions are found by in a backup that has them under the addresses.
    var hashes: [[UInt8]] {
      addresses.flatMap(\.both).map { hash.key($0).bytes }
    }
  }

  /// A message of the person as it was read.
  private struct Known {
    let key: MessageKey
    let state: NotifierV1.MessageState
    let recipient: String
    let log: [UInt8]
  }

  // MARK: - Before the transaction

  /// - Parameter controller: of the order's store.
  static func plan(
    _ order: CommonV1.ErasePerson, controller: String, _ session: any StorageSession
  ) throws -> Plan {
    var found: Set<AddressKeys> = []
    func add(_ channel: CommonV1.Channel, _ address: String) {
      if address.isEmpty || !channel.reachesContacts { return }
      found.insert(
        AddressKeys(
          store: order.store, controller: controller, channel: channel, address: address))
    }
    for destination in order.destinations { add(destination.channel, destination.address) }
    let bucket = order.owner.bucket
    try session.rows(
      EraserStatements.recipients, [.integer(bucket), .text(order.contact), .text(order.store)]
    ) { row in
      add(.init(rawValue: Int32(truncatingIfNeeded: try row.integer(0))), try row.text(1))
      return true
    }
    var plan = Plan(order: order, hash: try .load(session))
    plan.addresses = found.sorted { $0.store < $1.store }
    return plan
  }

  // MARK: - In the transaction

  /// False while a hand-off to the person is under way: its end would write what was erased.
  func isReady(_ order: CommonV1.ErasePerson) throws -> Bool {
    try messages(of: order).allSatisfy { $0.state != .sending }
  }

  /// After the fences of the plan. A second time it does nothing.
  ///
  /// - Returns: what the journal is to keep of it.
  func erase(_ plan: Plan) throws -> [NotifierV1.JournaledSuppression] {
    let order = plan.order
    if try book.isErased(order.owner) { return [] }
    var counts = Counts()
    for message in try messages(of: order) { try erase(message, plan, &counts) }
    var kept: [NotifierV1.JournaledSuppression] = [
      .init(addressKeys: plan.hashes, erasure: order.withoutAddresses)
    ]
    for keys in plan.addresses { kept += try erase(keys, order, &counts) }
    try book.put(order, counts.redacted, now: now)
    return kept
  }

  /// What a restored backup has: every suppression under the hashes, and whose messages went where.
  func erase(_ order: CommonV1.ErasePerson, hashes: Set<[UInt8]>) throws {
    if try book.isErased(order.owner) { return }
    var counts = Counts()
    for message in try messages(of: order) {
      try erase(message, Plan(order: order, hash: hash), &counts)
    }
    for bucket in 0..<256 {
      let keys = try session.all(EraserStatements.suppressionKeys, [.integer(bucket)]) {
        try OwnerKey(bytes: $0.blob(0))
      }
      for key in keys where hashes.contains(hash.key(key).bytes) {
        counts.proofs += try moveProofs(key)
        if try move(key) != nil { counts.suppressions += 1 }
      }
      counts.addresses += UInt64(
        try session.execute(
          EraserStatements.removeContactEverywhere,
          [.integer(bucket), .text(order.store), .text(order.contact)]))
    }
    try book.put(order, counts.redacted, now: now)
  }

  /// How many rows of each kind held something personal.
  private struct Counts {
    var messages: UInt64 = 0
    var contents: UInt64 = 0
    var visits: UInt64 = 0
    var notes: UInt64 = 0
    var suppressions: UInt64 = 0
    var proofs: UInt64 = 0
    var addresses: UInt64 = 0

    var redacted: [CommonV1.Erasure.Redacted] {
      [
        ("message", messages), ("message content", contents), ("visit", visits),
        ("staff note", notes), ("suppression", suppressions), ("opt-out", proofs),
        ("address", addresses),
      ].filter { $0.1 > 0 }.map { .init(what: $0.0, rows: $0.1) }
    }
  }

  private func messages(of order: CommonV1.ErasePerson) throws -> [Known] {
    let bucket = order.owner.bucket
    return try session.all(
      EraserStatements.messages, [.integer(bucket), .text(order.contact), .text(order.store)]
    ) { row in
      guard let key = MessageKey(bucket: bucket, id: try row.blob(0)) else {
        throw StorageError(.corrupt, "a message's id has not 16 bytes")
      }
      return Known(
        key: key, state: .init(rawValue: Int32(truncatingIfNeeded: try row.integer(1))),
        recipient: try row.text(2), log: try row.blob(3))
    }
  }

  private func erase(_ message: Known, _ plan: Plan, _ counts: inout Counts) throws {
    let key = message.key
    if message.state == .waiting { _ = try messageLog?.withdraw(key, .erased, now, session) }
    var log = try Stored.decode(NotifierV1.OutboundMessage.self, message.log, "message")
    for index in log.attempts.indices {
      log.attempts[index].answer = ""
      log.attempts[index].providerID = ""
    }
    let place: [SQLValue] = [key.bucketValue, key.idValue]
    try session.execute(
      EraserStatements.redactMessage, place + [.blob(try Stored.encode(log))])
    if !message.recipient.isEmpty { counts.messages += 1 }
    func count(_ statement: Statement) throws -> UInt64 {
      UInt64(try session.execute(statement, place))
    }
    counts.contents += try count(EraserStatements.removeContent)
    counts.visits += try count(EraserStatements.redactVisits)
    counts.notes += try count(EraserStatements.redactNotes)
    for keys in plan.addresses {
      try session.execute(
        EraserStatements.removeSender,
        [keys.anybody.bucketValue, keys.anybody.value, key.idValue])
    }
  }

  /// What is kept of an address, and that nothing is sent to it. One that other contacts of the
  /// store have too, such as a shared mailbox, is not suppressed for them.
  private func erase(
    _ keys: AddressKeys, _ order: CommonV1.ErasePerson, _ counts: inout Counts
  ) throws -> [NotifierV1.JournaledSuppression] {
    var kept: [NotifierV1.JournaledSuppression] = []
    for key in keys.both {
      try session.execute(
        EraserStatements.removeSoftBounces, [key.bucketValue, key.value])
      try session.execute(
        EraserStatements.removeContact,
        [key.bucketValue, key.value, .text(order.store), .text(order.contact)])
      counts.proofs += try moveProofs(key)
      if let moved = try move(key) {
        kept.append(moved)
        counts.suppressions += 1
      }
    }
    counts.addresses += 1
    let others = try session.all(
      AddressStatements.contacts, [keys.controller.bucketValue, keys.controller.value]
    ) { try $0.text(0) }
    if others.contains(order.store) { return kept }
    let own = Suppression(
      channel: keys.channel, address: "", cause: .erasure, isOfController: false, since: now,
      until: nil, evidence: "", message: "")
    let key = hash.key(keys.store)
    return kept + [try put(own, key, scope: SuppressionDesk.Scope.store(order.store))]
  }

  // MARK: - Suppressions

  /// Puts a suppression under the keyed hash of its address; nil where there is none.
  private func move(_ key: OwnerKey) throws -> NotifierV1.JournaledSuppression? {
    guard var suppression = try Suppressions.find(key, session),
      let scope = try session.first(
        EraserStatements.scope, [key.bucketValue, key.value],
        {
          try $0.text(0)
        })
    else { return nil }
    suppression.address = ""
    suppression.evidence = ""
    try session.execute(AddressStatements.removeSuppression, [key.bucketValue, key.value])
    return try put(suppression, hash.key(key), scope: scope)
  }

  private func put(
    _ suppression: Suppression, _ key: OwnerKey, scope: String
  ) throws -> NotifierV1.JournaledSuppression {
    _ = try Suppressions.put(suppression, key, scope: scope, at: now, session)
    return .init(suppression, scope: scope, key: key, at: now)
  }

  private func moveProofs(_ key: OwnerKey) throws -> UInt64 {
    let hashed = hash.key(key)
    let proofs = try session.all(EraserStatements.optOuts, [key.bucketValue, key.value]) { row in
      [
        hashed.bucketValue, hashed.value, .integer(try row.integer(0)),
        .integer(try row.integer(1)), .text(try row.text(2)), .text(try row.text(3)),
        .integer(try row.integer(4)), .text(""), .text(""), .text(try row.text(5)),
      ] as [SQLValue]
    }
    for proof in proofs { try session.execute(AddressStatements.addOptOut, proof) }
    return UInt64(
      try session.execute(EraserStatements.removeOptOuts, [key.bucketValue, key.value]))
  }
}
