internal import Messages

/// Events in order → carts, episodes, profile: what a person's state is made of (C26).
///
/// A pure function of the set of events, of the store's rules, and of the episodes announced so
/// far, which keep the window that was in force (C14). The caller sees to order and repeats.
struct Fold {
  var group: PersonGroup
  let rules: StoreRules
  /// Episodes announced before, when all is folded anew; empty when events only follow.
  private(set) var announced: [EpisodeKey: Tracked.StoredEpisode]
  /// Revisions of episodes that were withdrawn before: one that turns out true after all goes on.
  private var withdrawn: [EpisodeKey: UInt32] = [:]
  /// As they were before this fold.
  private(set) var before: [EpisodeKey: Tracked.StoredEpisode]
  /// Purchases folded, of persons whose company is known.
  var companyPurchases: [CompanyPurchase] = []

  /// The same silence has the same key after any fold.
  struct EpisodeKey: Hashable {
    let member: Int
    let cart: String
    let anchor: Tracked.EventOrder
  }

  /// Goes on from what was folded: every event to come is newer than `group.folded`.
  init(following group: PersonGroup, rules: StoreRules) {
    self.group = group
    self.rules = rules
    announced = [:]
    before = [:]
    for member in group.members.indices {
      for cart in group.members[member].person.carts {
        for episode in cart.episodes { before[Fold.key(episode, member)] = episode }
      }
    }
  }

  /// Folds all anew: every event of the group is to come.
  ///
  /// - Parameter announced: every episode of the group that was announced, by member.
  init(
    anew group: PersonGroup, announced: [(member: Int, Tracked.StoredEpisode)], rules: StoreRules
  ) {
    self.group = group
    self.rules = rules
    self.announced = [:]
    for (member, episode) in announced {
      if episode.state == .withdrawn {
        withdrawn[Fold.key(episode, member)] = episode.revision
      } else {
        self.announced[Fold.key(episode, member)] = episode
      }
    }
    before = self.announced
    for member in group.members.indices { self.group.members[member].forgetFolded() }
  }

  static func key(_ episode: Tracked.StoredEpisode, _ member: Int) -> EpisodeKey {
    EpisodeKey(member: member, cart: episode.cart, anchor: episode.anchor ?? .init())
  }

  // MARK: - One event

  mutating func apply(_ event: FoldEvent) {
    let member = event.member
    assert(group.members[member].person.folded.map { $0 <= event.order } ?? true)
    switch event.record.kind {
    case .event(let body):
      if let profileOnly = applyToPerson(body, event) { if profileOnly { break } }
      applyToCart(body, event)
    case .link(let link): applyLink(link, event)
    case .declaration(let declaration): applyDeclaration(declaration, event)
    case .erasure(let erasure):
      group.members[member].person.erasedAt = erasure.at
      touchAllCarts()
    case nil: break
    }
    group.members[member].person.folded = event.order
    if group.members[member].person.knownSince == 0 {
      group.members[member].person.knownSince = event.order.at
    }
    group.members[member].person.changedAt = event.order.at
  }

  /// The parts of an event that concern the person; nil where there are none, true where there is
  /// nothing else in it.
  private mutating func applyToPerson(_ body: Tracked.Event, _ event: FoldEvent) -> Bool? {
    switch body.kind {
    case .identify:
      guard !body.guest.isEmpty else { return true }
      setLink(
        Tracked.StoredLink(guest: body.guest, order: event.order, byIdentify: true), event.member)
      touchAllCarts()
      return true
    case .contactUpserted(let upsert):
      if let profile = upsert.profile { merge(profile, event) }
      return true
    case .tagsChanged(let change):
      for name in change.added { setTag(name, true, event.order.at, event.member) }
      for name in change.removed { setTag(name, false, event.order.at, event.member) }
      return true
    default: return nil
    }
  }

  private mutating func applyLink(_ link: Tracked.LinkRecord, _ event: FoldEvent) {
    setLink(
      Tracked.StoredLink(
        contact: link.contact, guest: link.guest, order: event.order, unlinked: link.unlinked,
        byIdentify: link.byIdentify), event.member)
    touchAllCarts()
  }

  private mutating func setLink(_ link: Tracked.StoredLink, _ member: Int) {
    group.members[member].person.links.removeAll {
      $0.contact == link.contact && $0.guest == link.guest
    }
    group.members[member].person.links.append(link)
  }

  /// Their rows name the contact and show its profile.
  mutating func touchAllCarts() {
    for member in group.members.indices {
      for cart in group.members[member].person.carts {
        group.members[member].touchedCarts.insert(cart.id)
      }
    }
  }

  func linkedContacts(of member: Int) -> [Int] {
    group.linked(to: member).filter { !group.members[$0].isGuest }
  }

  mutating func setTag(_ name: String, _ present: Bool, _ at: Int64, _ member: Int) {
    group.members[member].person.setTag(name, present, at)
  }

  private mutating func merge(_ profile: Tracked.ContactProfile, _ event: FoldEvent) {
    let stored = group.members[event.member].person.profile ?? Tracked.StoredProfile()
    group.members[event.member].person.profile = stored.merged(with: profile, at: event.order.at)
    touchAllCarts()
  }

  // MARK: - The cart of an event

  private mutating func applyToCart(_ body: Tracked.Event, _ event: FoldEvent) {
    switch body.kind {
    case .purchase(let purchase): applyPurchase(purchase, body, event)
    case .purchaseReversed(let reversal): applyReversal(reversal, event)
    default:
      guard let place = place(for: body, event) else { return }
      settle(place, until: event.order.at)
      change(place, body, event)
    }
  }

  /// The cart that the event is about; a new one where its first item is added.
  private mutating func place(
    for body: Tracked.Event, _ event: FoldEvent
  ) -> PersonGroup.CartPlace? {
    var isStart = false
    if case .itemAdded = body.kind { isStart = true }
    if body.cart.isEmpty {
      for place in group.openCarts(of: event.member) {
        settle(place, until: event.order.at)
        if group[place].isOpen { return place }
      }
      return isStart
        ? start(CartID.unnamed(group.members[event.member].key, event.order), event) : nil
    }
    guard let place = group.cart(named: body.cart, for: event.member) ?? unarchive(body.cart, event)
    else { return isStart ? start(body.cart, event) : nil }
    settle(place, until: event.order.at)
    if group[place].isOpen { return place }
    if case .reasonGiven = body.kind { return place }
    return isStart ? restart(place, event) : nil
  }

  private mutating func unarchive(_ id: String, _ event: FoldEvent) -> PersonGroup.CartPlace? {
    for member in group.linked(to: event.member) {
      guard let cart = group.members[member].archived[id] else { continue }
      group.members[member].person.carts.append(cart)
      group.members[member].touchedCarts.insert(id)
      return PersonGroup.CartPlace(
        member: member, cart: group.members[member].person.carts.count - 1)
    }
    return nil
  }

  private mutating func start(_ id: String, _ event: FoldEvent) -> PersonGroup.CartPlace {
    var cart = Tracked.StoredCart(id: id)
    if case .event(let body) = event.record.kind { cart.named = !body.cart.isEmpty }
    cart.begin(event.order)
    group.members[event.member].person.carts.append(cart)
    return PersonGroup.CartPlace(
      member: event.member, cart: group.members[event.member].person.carts.count - 1)
  }

  /// A closed cart that gets an item lives again, under its id.
  private mutating func restart(
    _ place: PersonGroup.CartPlace, _ event: FoldEvent
  ) -> PersonGroup.CartPlace {
    let old = group[place]
    var cart = Tracked.StoredCart(id: old.id, named: old.named)
    cart.episodes = old.episodes
    cart.episodesAnnounced = old.episodesAnnounced
    cart.begin(event.order)
    group[place] = cart
    return place
  }

  // MARK: - Silence

  /// Lets time pass for a cart up to and with `instant`: a silence that has lasted long enough by
  /// then becomes an episode, a forgotten cart expires.
  mutating func settle(_ place: PersonGroup.CartPlace, until instant: Int64) {
    let expiry = group[place].expiry(rules)
    if let abandonment = abandonment(of: place),
      abandonment.at <= min(instant, expiry ?? instant), mayDetect(place, until: instant)
    {
      let enrols = !group[place].activeTooLate && isAfterSwitch(group[place])
      begin(group[place].episode(abandonment, enrols: enrols), at: place)
    }
    if let expiry, expiry <= instant {
      close(place, .expired, at: expiry, by: nil)
    }
  }

  /// An announced silence keeps the instant that was announced.
  private func abandonment(of place: PersonGroup.CartPlace) -> Abandonment? {
    guard let now = group[place].abandonment(rules) else { return nil }
    guard let kept = kept(place) else { return now }
    return Abandonment(at: kept.abandonedAt, trigger: kept.trigger, window: kept.window)
  }

  private func kept(_ place: PersonGroup.CartPlace) -> Tracked.StoredEpisode? {
    if announced.isEmpty { return nil }
    let cart = group[place]
    return announced[
      EpisodeKey(member: place.member, cart: cart.id, anchor: cart.active ?? .init())]
  }

  /// Off, nothing is detected; a silence that was over before the switch is no concern (C12).
  func mayDetect(_ place: PersonGroup.CartPlace, until instant: Int64) -> Bool {
    if kept(place) != nil { return true }
    guard let since = rules.detectsSince else { return false }
    return instant >= since
  }

  func isAfterSwitch(_ cart: Tracked.StoredCart) -> Bool {
    guard let since = rules.detectsSince else { return false }
    return (cart.active?.at ?? 0) >= since
  }

  mutating func begin(_ episode: Tracked.StoredEpisode, at place: PersonGroup.CartPlace) {
    var episode = episode
    group[place].reasons = InferredReasons.completed(group[place])
    episode.reasons = group[place].reasons
    if let kept = announced[Fold.key(episode, place.member)] {
      episode.knownAt = kept.knownAt
      episode.changedAt = kept.changedAt
      episode.revision = kept.revision
      episode.enrols = kept.enrols
      episode.score = kept.score
      episode.reasons = kept.reasons
      group[place].episodesAnnounced += 1
      tagAbandoned(episode, place.member)
    } else {
      episode.revision = withdrawn[Fold.key(episode, place.member)] ?? 0
      let history = group.contact(of: place.member).map { group.members[$0].person.orders } ?? 0
      episode.score = LeadScoreRule.score(episode, orders: history, weights: rules.weights)
    }
    group[place].episodes.append(episode)
    group[place].state = .abandoned
    touch(place)
  }

  /// P03, dated as the episode is: a purchase after it outweighs it.
  mutating func tagAbandoned(_ episode: Tracked.StoredEpisode, _ member: Int) {
    for contact in linkedContacts(of: member) {
      setTag(rules.abandonedTag, true, episode.abandonedAt, contact)
      setTag(rules.purchasedTag, false, episode.abandonedAt, contact)
    }
  }

  /// The cart is active at this event: what silence there was is over.
  mutating func activate(_ place: PersonGroup.CartPlace, _ event: FoldEvent) {
    group[place].active = event.order
    group[place].activeTooLate = event.record.tooLate
    group[place].quietFrom = max(event.order.at, group[place].paymentPendingUntil)
    group[place].checkoutLeft = false
    group[place].follow(.reopened)
    group[place].state = .open
    touch(place)
  }

  mutating func close(
    _ place: PersonGroup.CartPlace, _ state: Tracked.CartState, at instant: Int64,
    by order: Tracked.EventOrder?
  ) {
    group[place].state = state
    group[place].closedAt = instant
    group[place].closedBy = order
    group[place].paymentPendingUntil = 0
    group[place].checkoutLeft = false
    group[place].follow(
      state == .purchased ? .recovered : .closed, isActivity: state != .expired)
    touch(place)
  }

  mutating func touch(_ place: PersonGroup.CartPlace) {
    group.members[place.member].touchedCarts.insert(group[place].id)
  }
}

extension PersonGroup.Member {
  /// Empties what the fold makes; the event index stays.
  fileprivate mutating func forgetFolded() {
    for cart in person.carts { touchedCarts.insert(cart.id) }
    touchedCarts.formUnion(archived.keys)
    archived = [:]
    identified = seen
    person.folded = nil
    person.carts = []
    person.purchases = []
    person.profile = nil
    person.tags = []
    person.links = []
    person.orders = 0
    person.firstOrderAt = 0
    person.lastOrderAt = 0
    person.orderTotals = []
    person.knownSince = 0
    person.erasedAt = 0
  }
}

extension Tracked.StoredCart {
  mutating func begin(_ order: Tracked.EventOrder) {
    state = .open
    startedAt = order.at
    opened = order
    active = order
    quietFrom = order.at
    stages = 1 << UInt32(Tracked.Stage.cart.rawValue)
  }

  /// What happens to the newest episode when its silence is over.
  mutating func follow(_ state: Tracked.EpisodeState, isActivity: Bool = true) {
    guard let last = episodes.indices.last else { return }
    guard episodes[last].state == .running || episodes[last].state == .reopened else { return }
    if state == .reopened && episodes[last].state == .reopened { return }
    episodes[last].state = state
    if isActivity { episodes[last].followed = true }
  }
}
