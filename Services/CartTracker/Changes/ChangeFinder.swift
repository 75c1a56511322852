internal import Messages
internal import ServiceKit

/// Tells the scheduler what a fold changed: the difference of what was stored and what is, so that
/// folding the same anew tells nothing.
struct ChangeFinder {
  /// A change and whose bucket it stands in.
  struct Found {
    let member: Int
    let change: Tracked.Change
  }

  private static let tagsMax = 32
  private static let cartsMax = 256
  private static let codesMax = 16

  let basis: ChangeBasis
  let group: PersonGroup
  let episodes: [FoldResult.EpisodeChange]
  /// What was folded: new events, and where all was folded anew the old ones too.
  let events: [FoldEvent]
  /// Those of them that count for the first time.
  let fresh: [FoldEvent]

  init(
    basis: ChangeBasis, _ result: FoldResult, events: [FoldEvent], fresh: [FoldEvent]
  ) {
    self.basis = basis
    group = result.group
    episodes = result.episodes
    self.events = events
    self.fresh = fresh
  }

  /// In order of the events behind them.
  func changes() -> [Found] {
    let persons = ChangeBasis.persons(group)
    var found: [Found] = []
    found += identities(persons)
    for member in group.members.indices {
      // What an erasure takes away is no change that anybody acts on.
      if !group.members[member].isGuest && group.members[member].person.erasedAt == 0 {
        found += profile(member)
        found += tags(member)
      }
      found += purchases(member)
    }
    found += episodes.map { episode($0.episode, $0.member) }
    found += claimed(persons)
    found += signals()
    found += erasures()
    if found.count < 2 { return found }
    return found.enumerated().sorted { left, right in
      let (first, second) = (left.element.order, right.element.order)
      if first == second { return left.offset < right.offset }
      return first < second
    }.map(\.element)
  }

  private func change(
    _ member: Int, _ anchor: Tracked.EventOrder, _ kind: Tracked.Change.Kind
  ) -> Found {
    let person = group.members[member].person
    let contact = group.contact(of: member).map { group.members[$0].person.contact } ?? ""
    return Found(
      member: member,
      change: Tracked.Change(
        store: person.store, contact: contact, guest: person.guest,
        anchor: CommonV1.Anchor(
          at: Protobuf.Timestamp(instant: anchor.at), sourceOrder: anchor.sourceOrder,
          event: anchor.event), kind: kind))
  }

  // MARK: - Identities

  /// Each contact that is one person with another identity, or no longer.
  private func identities(_ persons: [Set<Int>]) -> [Found] {
    if persons == basis.persons { return [] }
    var found: [Found] = []
    for member in group.members.indices where !group.members[member].isGuest {
      for other in persons[member].symmetricDifference(basis.persons[member]).sorted() {
        let isUnlinked = !persons[member].contains(other)
        var change = change(
          member, linkOrder(member, other),
          .identity(
            Tracked.IdentityChanged(other: group.members[other].id, unlinked: isUnlinked)))
        if group.members[other].isGuest {
          change = change.naming(guest: group.members[other].id)
        }
        found.append(change)
      }
    }
    return found
  }

  /// The newest word about a link of either.
  private func linkOrder(_ member: Int, _ other: Int) -> Tracked.EventOrder {
    let links = [member, other].flatMap { group.members[$0].person.links }
    return links.compactMap(\.order).max { $0 < $1 } ?? group.folded ?? Tracked.EventOrder()
  }

  /// Episodes that run, of guests who became a contact: told again, now with the contact.
  private func claimed(_ persons: [Set<Int>]) -> [Found] {
    if persons == basis.persons { return [] }
    return group.members.indices.flatMap { member -> [Found] in
      guard group.members[member].isGuest, let contact = group.contact(of: member),
        contact != basis.contacts[member]
      else { return [] }
      let told = Set(
        episodes.filter { $0.member == member }.map { EpisodeID.of(key(member), $0.episode) })
      return group.members[member].person.carts.compactMap(\.newestEpisode)
        .filter { $0.state == .running && $0.knownAt != 0 }
        .filter { !told.contains(EpisodeID.of(key(member), $0)) }
        .map { episode($0, member) }
    }
  }

  private func key(_ member: Int) -> PersonKey { group.members[member].key }

  // MARK: - Contacts

  private func profile(_ member: Int) -> [Found] {
    let old = basis.members[member].profile
    guard let new = group.members[member].person.profile?.profile, new != old else { return [] }
    let fields = ProfileFields.changed(from: old ?? Tracked.ContactProfile(), to: new)
    if fields.isEmpty { return [] }
    let behind = fresh.last { event in
      guard event.member == member, case .event(let body) = event.record.kind,
        case .contactUpserted = body.kind
      else { return false }
      return true
    }
    return [
      change(
        member, behind?.order ?? group.folded ?? Tracked.EventOrder(),
        .profile(Tracked.ProfileChanged(fields: fields, sourceAt: new.sourceAt)))
    ]
  }

  /// One change for each instant at which tags came or went.
  private func tags(_ member: Int) -> [Found] {
    let old = basis.members[member].tags
    let new = group.members[member].person.tags
    if old == new { return [] }
    let before = Set(old.filter(\.present).map(\.name))
    let after = Set(new.filter(\.present).map(\.name))
    if before == after { return [] }
    let at = Dictionary(new.map { ($0.name, $0.at) }, uniquingKeysWith: { $1 })
    let changed = before.symmetricDifference(after).sorted()
    let folded = group.folded?.at ?? 0
    return Dictionary(grouping: changed) { at[$0] ?? folded }.sorted { $0.key < $1.key }
      .flatMap { at, names -> [Found] in
        let anchor = tagOrder(member, at)
        return stride(from: 0, to: names.count, by: Self.tagsMax).map { start in
          let part = names[start..<min(start + Self.tagsMax, names.count)]
          return change(
            member, anchor,
            .tags(
              Tracked.TagsChanged(
                added: part.filter(after.contains), removed: part.filter(before.contains))))
        }
      }
  }

  /// The event behind a tag of this instant: one of that instant, else the last activity of the
  /// episode that was announced for it.
  private func tagOrder(_ member: Int, _ at: Int64) -> Tracked.EventOrder {
    let linked = Set(group.linked(to: member))
    if let event = events.last(where: { $0.order.at == at && linked.contains($0.member) }) {
      return event.order
    }
    let episode = linked.sorted().flatMap { group.members[$0].person.carts }
      .compactMap(\.newestEpisode).first { $0.abandonedAt == at }
    return Tracked.EventOrder(at: at, event: episode?.anchor?.event ?? "tags:\(at)")
  }

  // MARK: - Purchases

  private func purchases(_ member: Int) -> [Found] {
    let old = basis.members[member].purchases
    let new = group.members[member].person.purchases
    if old == new { return [] }
    let before = Dictionary(
      old.compactMap { purchase in purchase.order.map { ($0, purchase) } },
      uniquingKeysWith: { $1 })
    // What is older than all that is kept was told long ago.
    let oldest = old.count < Fold.purchasesMax ? nil : old.first?.order
    return new.flatMap { purchase -> [Found] in
      guard let order = purchase.order else { return [] }
      let known = before[order]
      if known == purchase { return [] }
      if known == nil, let oldest, order < oldest { return [] }
      var found: [Found] = []
      if known?.carts != purchase.carts || known?.anchors != purchase.anchors {
        found.append(bought(purchase, order, member))
      }
      if known?.void ?? false != purchase.void || known?.reversed != purchase.reversed {
        found.append(reversed(purchase, known, order, member))
      }
      return found
    }
  }

  private func bought(
    _ purchase: Tracked.StoredPurchase, _ order: Tracked.EventOrder, _ member: Int
  ) -> Found {
    var seen = seen(purchase, member)
    seen.revenue = purchase.revenue
    let event = events.last { $0.order == order }
    if case .event(let body) = event?.record.kind, case .purchase(let bought) = body.kind {
      seen.codes = Array(bought.codes.prefix(Self.codesMax))
    }
    return change(member, order, .purchase(seen))
  }

  /// Carts and episodes are those that the purchase covered, where it is taken back whole.
  private func reversed(
    _ purchase: Tracked.StoredPurchase, _ known: Tracked.StoredPurchase?,
    _ order: Tracked.EventOrder, _ member: Int
  ) -> Found {
    var seen =
      purchase.void
      ? seen(purchase, member) : Tracked.PurchaseSeen(order: purchase.orderID)
    seen.reversal = true
    if let new = purchase.reversed {
      let old = known?.reversed
      seen.revenue =
        old?.currencyCode == new.currencyCode
        ? new.negated.sum(with: old ?? CommonV1.Money(currencyCode: new.currencyCode))
        : new.negated
    }
    let event = events.last { event in
      guard case .event(let body) = event.record.kind,
        case .purchaseReversed(let reversal) = body.kind
      else { return false }
      return reversal.order == purchase.orderID
    }
    return change(member, event?.order ?? order, .purchase(seen))
  }

  private func seen(_ purchase: Tracked.StoredPurchase, _ member: Int) -> Tracked.PurchaseSeen {
    let episodes = zip(purchase.carts, purchase.anchors).filter { !$1.isEmpty }
      .map { cart, anchor in
        let owner = group.cart(named: cart, for: member)?.member ?? member
        return UUIDText.text(EpisodeID.of(key(owner), cart: cart, anchor: anchor))
      }
    return Tracked.PurchaseSeen(
      carts: Array(purchase.carts.prefix(Self.cartsMax)), order: purchase.orderID,
      episodes: Array(episodes.prefix(Self.cartsMax)))
  }

  // MARK: - Episodes and signals

  private func episode(_ episode: Tracked.StoredEpisode, _ member: Int) -> Found {
    let contact = group.contact(of: member).map { group.members[$0].person.contact } ?? ""
    let message = EpisodeMessage.episode(
      episode, key: key(member), person: group.members[member].person, contact: contact)
    return change(member, behind(episode, member), .episode(message))
  }

  /// What brought the episode into its state: what its cart did last, or for a silence the activity
  /// before it.
  private func behind(_ episode: Tracked.StoredEpisode, _ member: Int) -> Tracked.EventOrder {
    let anchor = episode.anchor ?? Tracked.EventOrder()
    let cart = group.members[member].person.carts.first { $0.id == episode.cart }
    guard let cart, cart.newestEpisode?.anchor == episode.anchor else { return anchor }
    switch episode.state {
    case .reopened: return cart.active ?? anchor
    case .recovered, .closed:
      return cart.closedBy ?? (cart.isOpen ? cart.active : nil)
        ?? Tracked.EventOrder(at: cart.closedAt)
    default: return anchor
    }
  }

  /// Without addresses: those are put in where the change is written.
  private func erasures() -> [Found] {
    fresh.compactMap { event in
      guard case .erasure(let erasure) = event.record.kind else { return nil }
      return change(
        event.member, event.order, .erased(CommonV1.ErasePerson(erasure: erasure.id)))
    }
  }

  /// What came too late starts nothing.
  private func signals() -> [Found] {
    fresh.compactMap { event in
      guard !event.record.tooLate, case .event(let body) = event.record.kind,
        case .signal(let signal) = body.kind
      else { return nil }
      return change(event.member, event.order, .signal(signal))
    }
  }
}

extension ChangeFinder.Found {
  /// By the event behind it; what is of the same event stands as it was found.
  fileprivate var order: Tracked.EventOrder {
    let anchor = change.anchor ?? CommonV1.Anchor()
    return Tracked.EventOrder(
      at: anchor.at?.microseconds ?? 0, sourceOrder: anchor.sourceOrder, event: anchor.event)
  }

  fileprivate func naming(guest: String) -> ChangeFinder.Found {
    var change = change
    change.guest = guest
    return ChangeFinder.Found(member: member, change: change)
  }
}
