internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Transport
internal import Wire

/// Forgetting a person (P10).
extension Commands {
  /// - Returns: the erasure, once nothing personal stands in the tables.
  func erase(
    _ request: CommonV1.EraseRequest, by caller: String
  ) async throws -> CommonV1.Erasure {
    _ = try recorder.store(request.store)
    guard request.contact.isEmpty != request.guest.isEmpty else {
      throw RPCError(
        .invalidArgument, "whom to erase",
        fieldViolations: [
          .init(field: "contact", detail: "exactly one of contact and guest is needed")
        ])
    }
    let identity = Identity(
      store: request.store, kind: request.contact.isEmpty ? .guest : .contact,
      id: request.contact + request.guest)
    let answer = try await run("Erase", request.store, request.idempotencyKey, request) {
      try effect(of: request, identity, by: caller)
    }
    await projector.reached(recorder.journal.tail.lastPosition)
    try await thread.run { try forgetErased(answer.id) }
    return answer
  }

  private func effect(
    of request: CommonV1.EraseRequest, _ identity: Identity, by caller: String
  ) throws -> Effect<CommonV1.Erasure> {
    let journal = recorder.journal
    if let known = try journal.erasure(of: identity.key)?.order {
      return Effect(answer: ErasureReceipt.answer(known, by: caller))
    }
    let members = try reader.read(identity) { reading, _ -> [Identity] in
      guard reading.isKnown else { return [] }
      return reading.person.map { Identity(reading.group.members[$0].person) }
    }
    guard let members, !members.isEmpty else {
      throw RPCError(.notFound, "nothing was ever reported of this person")
    }
    let seed = "erasure\u{0}\(request.store)\u{0}\(request.idempotencyKey)"
    let order = CommonV1.ErasePerson(
      erasure: UUIDText.text(Array(SHA256.hash(Array(seed.utf8)).prefix(16))),
      store: request.store, at: Protobuf.Timestamp(instant: now),
      identities: UInt32(members.count),
      contacts: UInt32(members.count { $0.kind == .contact }))
    let persons = try members.filter { !journal.isErased($0.key) }.map { member in
      var order = order
      if member.kind == .contact { order.contact = member.id } else { order.guest = member.id }
      return try Erasing.looking(for: member, order, by: caller, in: journal)
    }
    return Effect(erasures: persons, answer: ErasureReceipt.answer(order, by: caller))
  }

  /// The outbox has the addresses: they go here, and what was overwritten goes from the files.
  private func forgetErased(_ id: String) throws {
    let journal = recorder.journal
    let persons = try journal.erasures(id: UUIDText.bytes(id) ?? []).compactMap(\.order)
    try journal.forgetAddressesBlocking(of: persons.map(\.owner))
    try journal.emptyLog()
    try reader.carts.emptyLogPatiently()
  }
}

/// cart-tracker's part of what is answered about an erasure.
enum ErasureReceipt {
  static let service = "cart-tracker"

  static func answer(_ order: CommonV1.ErasePerson, by caller: String) -> CommonV1.Erasure {
    CommonV1.Erasure(
      id: order.erasure, store: order.store, service: service, requestedAt: order.at,
      requestedBy: caller, identities: order.identities, contacts: order.contacts,
      done: order.identities, doneAt: order.at)
  }

  /// Nil where there is no such erasure in the store.
  static func receipt(_ stored: [Tracked.StoredErasure], store: String) -> CommonV1.Erasure? {
    let stored = stored.filter { $0.order?.store == store }
    guard let order = stored.first?.order else { return nil }
    var receipt = answer(order, by: stored[0].requestedBy)
    receipt.done = UInt32(stored.count)
    receipt.doneAt = stored.compactMap { $0.order?.at }.max { $0.microseconds < $1.microseconds }
    receipt.redacted = CommonV1.Erasure.sum(stored.flatMap(\.redacted))
    return receipt
  }
}

extension CartTrackerHandler {
  func erase(
    _ request: CommonV1.EraseRequest, _ call: ServerCall
  ) throws -> Reply<CommonV1.Erasure> {
    .later { .now(try await edge { try await commands.erase(request, by: call.identity.uri) }) }
  }

  func getErasure(
    _ request: CommonV1.GetErasureRequest, _ call: ServerCall
  ) throws -> Reply<CommonV1.Erasure> {
    _ = try recorder.store(request.store)
    return .later {
      let stored = try await reading {
        try recorder.journal.erasures(id: UUIDText.bytes(request.erasure) ?? [])
      }
      guard let receipt = ErasureReceipt.receipt(stored, store: request.store) else {
        throw RPCError(.notFound, "there is no such erasure in this store")
      }
      return .now(receipt)
    }
  }
}
