internal import Messages

/// The identities of a store that may be one person, with what was folded of each: what the fold
/// works on. The first member is the one that was asked for.
struct PersonGroup {
  struct Member {
    let key: PersonKey
    var person: Tracked.StoredPerson
    /// Carts that changed, or are gone after a new fold, by id.
    var touchedCarts: Set<String> = []
    /// Closed carts that the table keeps and the state does not, as far as they were asked for.
    var archived: [String: Tracked.StoredCart] = [:]
    /// Contacts that events to come say the guest is; with those of its links, all that it was ever
    /// seen with.
    var identified: Set<String> = []

    init(key: PersonKey, person: Tracked.StoredPerson) {
      self.key = key
      self.person = person
    }

    var isGuest: Bool { person.contact.isEmpty }
    /// What others name it by.
    var id: String { isGuest ? person.guest : person.contact }

    /// Who the guest is changes its past too, so it is looked at before any event is folded.
    mutating func note(_ record: Tracked.LogRecord) {
      if case .link(let link) = record.kind, link.byIdentify { identified.insert(link.contact) }
    }

    /// The contacts that the guest was seen as.
    var seen: Set<String> {
      identified.union(person.links.filter(\.byIdentify).map(\.contact))
    }
  }

  /// Where a cart is: its member and its place among the member's carts.
  struct CartPlace: Hashable {
    let member: Int
    let cart: Int
  }

  var members: [Member]

  subscript(_ place: CartPlace) -> Tracked.StoredCart {
    _read { yield members[place.member].person.carts[place.cart] }
    _modify { yield &members[place.member].person.carts[place.cart] }
  }

  /// The last event folded of any member: what is older asks for a new fold.
  var folded: Tracked.EventOrder? { members.compactMap(\.person.folded).max { $0 < $1 } }

  /// Whether these events, in order, change what was folded, so that all is to be folded anew: one
  /// of them is older than the last event, or than what time alone has brought about since.
  func mustFoldAnew(for events: [FoldEvent], _ rules: StoreRules) -> Bool {
    if hasPending(otherThan: rules.revision) { return true }
    guard let first = events.first else { return false }
    if let folded, first.order < folded { return true }
    if let settled, first.order.at < settled { return true }
    return events.contains { splitsGuest($0) || isReversal($0) || isErasure($0) }
  }

  /// The last instant at which a silence became an episode, or a cart expired.
  private var settled: Int64? {
    members.flatMap { member in
      member.person.carts.map { cart in
        max(cart.episodes.last?.abandonedAt ?? .min, cart.state == .expired ? cart.closedAt : .min)
      }
    }.max()
  }

  /// Episodes that were not announced under other settings follow the ones in force (C12, C14).
  private func hasPending(otherThan revision: UInt32) -> Bool {
    members.contains { member in
      member.person.storeRevision != revision
        && member.person.carts.contains { $0.episodes.contains { $0.knownAt == 0 } }
    }
  }

  /// A second contact for a guest takes the first one's link back: that changes the past.
  private func splitsGuest(_ event: FoldEvent) -> Bool {
    let member = members[event.member]
    guard member.isGuest, case .link(let link) = event.record.kind, link.byIdentify else {
      return false
    }
    return member.seen.contains { $0 != link.contact }
  }

  /// What was folded before has personal fields.
  private func isErasure(_ event: FoldEvent) -> Bool {
    if case .erasure = event.record.kind { true } else { false }
  }

  /// It may concern an episode that the state no longer has.
  private func isReversal(_ event: FoldEvent) -> Bool {
    guard case .event(let body) = event.record.kind, case .purchaseReversed = body.kind else {
      return false
    }
    return true
  }

  // MARK: - Who is one person

  /// Whether the guest was seen with several contacts: then it is linked with none (P09).
  func isAmbiguous(_ member: Int) -> Bool {
    members[member].isGuest && members[member].seen.count > 1
  }

  /// The members that are one person with this one as far as the events folded say; itself first.
  func linked(to member: Int) -> [Int] {
    if members.count == 1 { return [member] }
    var found = [member]
    var next = 0
    while next < found.count {
      let current = found[next]
      next += 1
      for other in members.indices where !found.contains(other) && isLinked(current, other) {
        found.append(other)
      }
    }
    return found
  }

  /// Either side's word counts: a link stands in the logs of both.
  private func isLinked(_ left: Int, _ right: Int) -> Bool {
    let links = [link(of: left, to: right), link(of: right, to: left)].compactMap { $0 }
    guard let newest = links.max(by: { order(of: $0) < order(of: $1) }), !newest.unlinked else {
      return false
    }
    return !newest.byIdentify || !(isAmbiguous(left) || isAmbiguous(right))
  }

  private func link(of member: Int, to other: Int) -> Tracked.StoredLink? {
    let id = members[other].id
    let isGuest = members[other].isGuest
    return members[member].person.links.last { (isGuest ? $0.guest : $0.contact) == id }
  }

  private func order(of link: Tracked.StoredLink) -> Tracked.EventOrder {
    link.order ?? Tracked.EventOrder()
  }

  /// The contact that a member's carts belong to: itself, or the one that the guest became (C16).
  func contact(of member: Int) -> Int? {
    if !members[member].isGuest { return member }
    return linked(to: member).first { !members[$0].isGuest }
  }

  // MARK: - Which cart

  /// The cart that an event of the member is about; nil where there is none yet.
  func cart(named id: String, for member: Int) -> CartPlace? {
    for other in linked(to: member) {
      if let cart = members[other].person.carts.firstIndex(where: { $0.id == id }) {
        return CartPlace(member: other, cart: cart)
      }
    }
    return nil
  }

  /// The person's open carts, the most recently active first.
  func openCarts(of member: Int) -> [CartPlace] {
    let places = linked(to: member).flatMap { other in
      members[other].person.carts.indices.map { CartPlace(member: other, cart: $0) }
    }
    return places.filter { self[$0].isOpen }.sorted { left, right in
      let (left, right) = (self[left].active ?? .init(), self[right].active ?? .init())
      return right < left
    }
  }
}

extension Tracked.StoredCart {
  /// Neither bought, emptied nor expired.
  var isOpen: Bool { state == .open || state == .abandoned }

  var kind: Tracked.CartKind {
    let stated = header?.kind ?? .unspecified
    return stated == .unspecified ? .cart : stated
  }

  /// What the header says, else that it is a cart.
  var stage: Tracked.Stage {
    let stated = header?.stage ?? .unspecified
    return stated == .unspecified ? .cart : stated
  }
}
