internal import Delivery
internal import Messages
internal import Storage

/// Erasures in a file of their own beside the log: what a restored backup does not know of is
/// erased again before anything else (P10, T31). Its lines name whom, and nothing personal.
struct ErasureJournal: Sendable {
  let file: OptOutJournal
  let journal: Journal

  /// Before the log is changed: its line is on disk.
  ///
  /// - Returns: where the next line begins, to be kept with the change.
  func note(_ persons: [Erasing]) throws -> Int64 {
    try file.append(try persons.map { try Stored.encode($0.order.withoutAddresses) })
  }

  /// At a start, before anything is served. Blocks.
  ///
  /// - Returns: how many were erased again.
  func restore() throws -> Int {
    let known = try journal.erasuresKnown()
    if let known, known > file.size {
      // The file was lost: it is written anew from the table.
      try file.replay(from: 0) { _, _ in }
      let orders = try journal.erasedOrders().map(\.withoutAddresses)
      if !orders.isEmpty { _ = try file.append(try orders.map { try Stored.encode($0) }) }
      try journal.eraseBlocking([], known: file.size, command: nil)
      return 0
    }
    var count = 0
    try file.replay(from: known ?? 0) { payloads, position in
      let orders = try payloads.map {
        try Stored.decode(CommonV1.ErasePerson.self, $0, "erasure journal")
      }
      let persons = try orders.map { order -> Erasing in
        let identity = Identity(
          store: order.store, kind: order.contact.isEmpty ? .guest : .contact,
          id: order.contact.isEmpty ? order.guest : order.contact)
        return try Erasing.looking(for: identity, order, by: "", in: journal)
      }
      try journal.eraseBlocking(persons, known: position, command: nil)
      count += persons.count
    }
    return count
  }
}

extension Erasing {
  /// Looks where an identity's rows stand, and for every address that they name.
  static func looking(
    for identity: Identity, _ order: CommonV1.ErasePerson, by requester: String,
    in journal: Journal
  ) throws -> Erasing {
    let (positions, until) = try journal.positions(of: identity.key)
    var order = order
    for (_, body) in try journal.events(positions: positions) {
      let record = try Stored.decode(Tracked.LogRecord.self, body, "log")
      for destination in record.destinations where !order.destinations.contains(destination) {
        order.destinations.append(destination)
      }
      if let address = record.address, !order.addresses.contains(address) {
        order.addresses.append(address)
      }
    }
    // The latest where there are more than travel.
    order.destinations = order.destinations.suffix(256)
    order.addresses = order.addresses.suffix(64)
    return Erasing(
      identity: identity, order: order, requestedBy: requester, positions: positions,
      lookedUntil: until)
  }

  /// What the log says from then on.
  var record: [UInt8] {
    get throws {
      let at = order.at?.microseconds ?? 0
      return try Stored.encode(
        Tracked.LogRecord(
          store: identity.store, contact: identity.kind == .contact ? identity.id : "",
          guest: identity.kind == .guest ? identity.id : "", receivedAt: at,
          identity: requestedBy,
          kind: .erasure(Tracked.ErasureRecord(id: order.erasure, at: at))))
    }
  }
}
