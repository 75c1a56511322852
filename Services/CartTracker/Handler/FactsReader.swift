internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Transport
internal import Wire

/// Answers what is known of a person, and whether anything stops a hand-off: read right then, links
/// first, then each linked identity.
struct FactsReader {
  /// Facts of one call together, as encoded; what does not fit is refused, so that an answer stays
  /// below the frame limit.
  static let bytesMax = 3_500_000
  static let cartsMax = 32
  /// How long a grant holds, on the receiver's monotonic clock.
  static let grantLifetime = Protobuf.Duration(seconds: 1)

  let reader: PersonReader
  let entry: StoreRegistry.Entry
  let now: Int64
  /// What happened since a backup is not known: whatever would be granted waits (T31).
  var isRestored = false
  let owner: (String) throws -> Identity?

  private var store: String { entry.store.id }
  private var law: BasisRule { BasisRule(packs: .shipped, rules: entry.rules, now: now) }

  /// - Parameter room: bytes left for the call's facts.
  func facts(_ subject: Tracked.FactsSubject, room: inout Int) throws -> Tracked.Facts {
    let identity =
      subject.contact.isEmpty
      ? try owner(subject.cart) : Identity(store: store, kind: .contact, id: subject.contact)
    guard let identity else { return Tracked.Facts(unknown: true) }
    let known = try reader.read(identity) { reading, rows -> Tracked.Facts in
      guard reading.isKnown else { return Tracked.Facts(unknown: true) }
      return try self.facts(reading, rows, first: subject.cart, uses: subject.uses)
    }
    return try fitting(known ?? Tracked.Facts(unknown: true), &room)
  }

  private func fitting(_ facts: Tracked.Facts, _ room: inout Int) throws -> Tracked.Facts {
    room -= try Stored.encode(facts).count
    if room < 0 {
      throw RPCError(
        .resourceExhausted,
        "the facts of these subjects are larger than \(Self.bytesMax) bytes: ask for fewer")
    }
    return facts
  }

  private func facts(
    _ reading: PersonReader.Reading, _ rows: PersonRows, first: String, uses: [Tracked.Use]
  ) throws -> Tracked.Facts {
    let group = reading.group
    var facts = Tracked.Facts()
    let contact = group.contact(of: 0)
    if let contact {
      let linked = group.linked(to: contact).filter { $0 != contact }
      facts.contact = ContactMessage.contact(
        group.members[contact].person, linked: linked.map { group.members[$0].person })
    }
    let name = contact.map { group.members[$0].person.contact } ?? ""
    let places = carts(group, first: first)
    facts.carts = places.prefix(Self.cartsMax).map { place in
      CartMessage.cart(
        group[place], person: group.members[place.member].person, contact: name,
        rules: entry.rules)
    }
    facts.episode = places.first.flatMap { place in
      group[place].announcedEpisode.map { episode in
        EpisodeMessage.episode(
          episode, key: group.members[place.member].key,
          person: group.members[place.member].person, contact: name)
      }
    }
    let bought = reading.person.compactMap { member in
      group.members[member].person.purchases.last { !$0.void }?.order?.at
    }
    facts.purchasedAt = bought.max().map { Protobuf.Timestamp(instant: $0) }
    facts.positions = reading.positions
    facts.watermark = entry.watermark.map { Protobuf.Timestamp(instant: $0) }
    facts.storeRevision = entry.store.revision
    if !uses.isEmpty {
      let person = BasisRule.Person(group)
      facts.bases = uses.map { law.basis($0, person) }
    }
    if let first = places.first.map({ group[$0] }) {
      let since = first.newestEpisode?.anchor?.at ?? first.startedAt
      let bought = try CompanyStop.purchase(for: first, of: reading, since: since, rows)
      facts.companyPurchasedAt = bought?.order.map { Protobuf.Timestamp(instant: $0.at) }
    }
    return facts
  }

  /// The cart asked for, then those that are open, most valuable first.
  private func carts(_ group: PersonGroup, first: String) -> [PersonGroup.CartPlace] {
    let asked = first.isEmpty ? nil : group.cart(named: first, for: 0)
    let others = group.openCarts(of: 0).filter { $0 != asked }.map { place in
      (place, CartTotals.totals(of: group[place].lines).map(\.units).max() ?? 0)
    }
    let sorted = others.enumerated().sorted { left, right in
      (right.element.1, left.offset) < (left.element.1, right.offset)
    }
    return (asked.map { [$0] } ?? []) + sorted.map(\.element.0)
  }

  // MARK: - Permission

  /// A grant or a refusal; a subject's own trouble is its NOT_READABLE.
  func answer(
    _ subject: Tracked.StopSubject, withFacts: Bool, room: inout Int
  ) throws -> Tracked.StopAnswer {
    let identity = Identity(store: store, kind: .contact, id: subject.contact)
    do {
      let answer = try reader.read(identity) { reading, rows -> Tracked.StopAnswer in
        var answer = try self.decide(subject, reading, rows)
        if isRestored && answer.refusal?.lasting != true {
          answer = Tracked.StopAnswer(refusal: .init(reason: .restored, lasting: false))
        }
        if withFacts {
          answer.facts = try self.facts(
            reading, rows, first: subject.cart, uses: subject.uses)
        }
        return answer
      }
      if let facts = answer?.facts { _ = try fitting(facts, &room) }
      return answer ?? notReadable
    } catch is StorageError {
      return notReadable
    }
  }

  private var notReadable: Tracked.StopAnswer {
    Tracked.StopAnswer(
      refusal: Tracked.StopAnswer.Refusal(reason: .notReadable, lasting: false))
  }

  private func decide(
    _ subject: Tracked.StopSubject, _ reading: PersonReader.Reading, _ rows: PersonRows
  ) throws -> Tracked.StopAnswer {
    let order = Tracked.EventOrder(subject.anchor)
    let rule = StopRule(
      group: reading.group, rules: entry.rules, watermark: entry.watermark, now: now)
    let cart = try reading.cart(named: subject.cart, rows)
    let refusal = rule.refusal(
      anchor: order, cart: subject.cart, isTooWide: reading.outcome.isTooWide,
      withdrawn: try isWithdrawn(subject, reading, rows), archived: cart)
    if let refusal { return try refused(refusal) }
    if let cart,
      let bought = try CompanyStop.purchase(
        for: cart, of: reading, since: order.at, rows, after: order)
    {
      return try refused(
        StopRule.Refusal(
          reason: .purchased, event: bought.order?.event ?? "", position: bought.position))
    }
    if let use = subject.use {
      let basis = law.basis(use, .init(reading.group))
      if !basis.allowed { return try refused(StopRule.Refusal(reason: basis.reason)) }
    }
    return Tracked.StopAnswer(
      grant: CommonV1.Grant(
        positions: reading.positions, grantedAt: Protobuf.Timestamp(instant: now),
        lifetime: Self.grantLifetime))
  }

  private func refused(_ refusal: StopRule.Refusal) throws -> Tracked.StopAnswer {
    var answer = Tracked.StopAnswer.Refusal(
      reason: refusal.reason, event: refusal.event, lasting: refusal.isLasting)
    if refusal.position != 0 {
      answer.position = try reader.journal.bucketPosition(of: refusal.position)
    }
    return Tracked.StopAnswer(refusal: answer)
  }

  /// Whether the subject's episode was disproved, by a row or by events still to be projected.
  private func isWithdrawn(
    _ subject: Tracked.StopSubject, _ reading: PersonReader.Reading, _ rows: PersonRows
  ) throws -> Bool {
    guard !subject.episode.isEmpty else { return false }
    func isSubject(_ episode: Tracked.StoredEpisode, _ key: PersonKey) -> Bool {
      UUIDText.text(EpisodeID.of(key, episode)) == subject.episode
    }
    for change in reading.outcome.result.episodes where change.episode.state == .withdrawn {
      if isSubject(change.episode, reading.group.members[change.member].key) { return true }
    }
    for member in reading.person {
      let key = reading.group.members[member].key
      for episode in try rows.episodes(of: key) where episode.state == .withdrawn {
        if isSubject(episode, key) { return true }
      }
    }
    return false
  }
}
