internal import Messages
internal import Transport

/// Looks in the log whether a hand-off that was made respected every purchase that its grant had
/// read (X03).
///
/// By the events themselves and not by the state that `StopRule` goes by, so that a fault of one is
/// found by the other.
struct HandOffAudit {
  typealias HandOff = Tracked.AuditHandOffsRequest.HandOff
  typealias Finding = Tracked.AuditHandOffsResponse.Finding

  let handOff: HandOff
  let rules: StoreRules

  /// An identity of the person with its events in their order.
  struct Member {
    let person: Tracked.StoredPerson
    let events: [Tracked.StoredEvent]
  }

  func finding(_ members: [Member], kind: Tracked.CartKind?) -> Finding {
    let purchases = members.flatMap { member in
      member.events.filter { covers($0, member, kind) }.map { ($0, isRead($0, member)) }
    }
    let first = purchases.min { left, right in
      left.1 != right.1 ? left.1 : left.0.order < right.0.order
    }
    guard let (event, isRead) = first else { return Finding() }
    return Finding(
      violated: isRead, event: event.event?.id ?? "", position: event.position,
      receivedAt: event.receivedAt, checked: checked(event) ?? 0)
  }

  /// A purchase after the anchor that stops what the hand-off is about (P09).
  private func covers(
    _ stored: Tracked.StoredEvent, _ member: Member, _ kind: Tracked.CartKind?
  ) -> Bool {
    guard stored.standing != .conflict, let event = stored.event,
      case .purchase(let purchase) = event.kind, Tracked.EventOrder(handOff.anchor) < stored.order
    else { return false }
    if isReversed(purchase, stored, member) { return false }
    guard let kind, rules.stopScope(for: kind) == .cart else { return true }
    let bought = member.person.purchases.first { $0.order == stored.order }
    return event.cart == handOff.cart || bought?.carts.contains(handOff.cart) == true
  }

  /// Taken back whole, as far as the grant had read.
  private func isReversed(
    _ purchase: Tracked.Purchase, _ bought: Tracked.StoredEvent, _ member: Member
  ) -> Bool {
    member.events.contains { stored in
      guard case .purchaseReversed(let reversal)? = stored.event?.kind else { return false }
      return reversal.lines.isEmpty && reversal.order == purchase.order
        && bought.order < stored.order && isRead(stored, member)
    }
  }

  /// It stood in the log when the grant was given, and so did the link to who bought.
  private func isRead(_ stored: Tracked.StoredEvent, _ member: Member) -> Bool {
    guard let checked = checked(stored), stored.position?.seq ?? 0 <= checked else { return false }
    guard member.person.contact != handOff.contact, let granted = handOff.grant?.grantedAt else {
      return true
    }
    return member.person.links.contains { ($0.order?.at ?? 0) <= granted.microseconds }
  }

  private func checked(_ stored: Tracked.StoredEvent) -> UInt64? {
    handOff.grant?.positions.first { $0.bucket == stored.position?.bucket }?.seq
  }
}

extension CartTrackerHandler {
  func auditHandOffs(
    _ request: Tracked.AuditHandOffsRequest, _ call: ServerCall
  ) throws -> Reply<Tracked.AuditHandOffsResponse> {
    let entry = try recorder.store(request.store)
    return .later {
      .now(
        try await reading {
          Tracked.AuditHandOffsResponse(
            findings: try request.handOffs.map { try finding($0, entry) })
        })
    }
  }

  private func finding(
    _ handOff: HandOffAudit.HandOff, _ entry: StoreRegistry.Entry
  ) throws -> HandOffAudit.Finding {
    let identity = Identity(store: entry.store.id, kind: .contact, id: handOff.contact)
    let finding = try reader.read(identity) { reading, rows -> HandOffAudit.Finding in
      let members = try reading.person.map { index in
        HandOffAudit.Member(
          person: reading.group.members[index].person,
          events: try EventList.events(
            of: reading.group.members[index], rows, recorder.journal
          ).sorted { $0.order < $1.order })
      }
      let cart = try reading.cart(named: handOff.cart, rows)
      return HandOffAudit(handOff: handOff, rules: entry.rules).finding(
        members, kind: cart?.kind)
    }
    return finding ?? HandOffAudit.Finding()
  }
}
