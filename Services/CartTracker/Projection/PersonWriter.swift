internal import Delivery
internal import Messages
internal import Storage

/// Writes what a fold changed: the rows of each member, in one owner's transaction.
struct PersonWriter {
  let session: any StorageSession
  let lease: BucketLease
  let store: Tracked.Store
  /// The number of this commit, by which lists tell rows that changed.
  let version: UInt64
  let now: Int64

  /// - Parameter changeSeq: gives the next number of a bucket's changes.
  func write(
    _ result: consuming FoldResult, before: [PersonBefore],
    changeSeq: (UInt8) -> UInt64
  ) throws {
    for index in result.group.members.indices {
      try write(member: index, result, before[index])
    }
    for purchase in result.companyPurchases {
      try write(purchase, of: result.group.members[purchase.member].key)
    }
    for change in result.episodes {
      try write(change, result.group, changeSeq)
    }
  }

  /// In the company's bucket, where colleagues look for it.
  private func write(_ purchase: CompanyPurchase, of person: PersonKey) throws {
    let company = OwnerKey.company(store: store.id, company: purchase.company)
    try lease.fence(session, company.bucket)
    try session.execute(
      ProjectionStatements.putCompanyPurchase,
      [
        company.bucketValue, company.value, .integer(purchase.body.order?.at ?? 0), person.value,
        .text(purchase.body.order?.event ?? ""), .integer(purchase.isVoid ? 1 : 0),
        .blob(try Stored.encode(purchase.body)),
      ])
  }

  /// What is to be known of the rows as they were, to write the difference.
  struct PersonBefore {
    let tags: [String]
    let profile: Tracked.ContactProfile?
    let isStored: Bool
    let isErased: Bool

    init(_ person: Tracked.StoredPerson) {
      tags = person.tags.filter(\.present).map(\.name)
      profile = person.profile?.profile
      isStored = person.events > 0
      isErased = person.erasedAt != 0
    }
  }

  private func write(
    member index: Int, _ result: FoldResult, _ before: PersonBefore
  ) throws {
    var member = result.group.members[index]
    let key = member.key
    for (hash, at, position) in member.person.takeOldIndex() {
      try session.execute(
        ProjectionStatements.addHistory,
        [
          key.bucketValue, key.value, .integer(Int64(bitPattern: hash)),
          .integer(Int64(position)), .integer(at),
        ])
    }
    let contact = result.group.contact(of: index).map { result.group.members[$0].person }
    try writeCarts(&member, contact)
    if !member.isGuest { try writeContact(member, before) }
    try session.execute(
      ProjectionStatements.putPerson,
      [
        key.bucketValue, key.value, result.due[index].map { .integer($0) } ?? .null,
        .blob(try Stored.encode(member.person)),
      ])
  }

  private func writeCarts(
    _ member: inout PersonGroup.Member, _ contact: Tracked.StoredPerson?
  ) throws {
    let archived = takeArchived(&member)
    for id in member.touchedCarts.sorted() {
      let kept = member.person.carts.first { $0.id == id }
      guard let cart = kept ?? archived[id] else {
        try session.execute(
          ProjectionStatements.removeCart, [member.key.bucketValue, member.key.value, .text(id)])
        continue
      }
      let columns = CartColumns(
        key: member.key, person: member.person, cart: cart, contact: contact, version: version,
        archived: kept == nil ? try Stored.encode(cart) : nil)
      try columns.upsert(in: session)
    }
  }

  /// The state keeps all open carts and the last closed ones; older ones go into their rows.
  private func takeArchived(_ member: inout PersonGroup.Member) -> [String: Tracked.StoredCart] {
    let closed = member.person.carts.filter { !$0.isOpen && !$0.isPending }
      .sorted { $0.closedAt < $1.closedAt }
    let excess = closed.count - Fold.closedCartsMax
    guard excess > 0 else { return [:] }
    var archived: [String: Tracked.StoredCart] = [:]
    for cart in closed.prefix(excess) {
      archived[cart.id] = cart
      member.touchedCarts.insert(cart.id)
    }
    member.person.carts.removeAll { archived[$0.id] != nil }
    return archived
  }

  // MARK: - Contacts

  private func writeContact(_ member: PersonGroup.Member, _ before: PersonBefore) throws {
    let person = member.person
    if !before.isStored || before.profile != person.profile?.profile {
      try ContactColumns(key: member.key, person: person).upsert(in: session)
    }
    let new = person.tags.filter(\.present).map(\.name)
    if new == before.tags { return }
    let (old, current) = (Set(before.tags), Set(new))
    for (tags, statement) in [
      (old.subtracting(current), ProjectionStatements.removeTag),
      (current.subtracting(old), ProjectionStatements.addTag),
    ] {
      for tag in tags.sorted() {
        try session.execute(
          statement,
          [member.key.bucketValue, .text(person.store), .text(tag), .text(person.contact)])
      }
    }
  }

  // MARK: - Episodes

  private func write(
    _ change: FoldResult.EpisodeChange, _ group: PersonGroup, _ changeSeq: (UInt8) -> UInt64
  ) throws {
    let member = group.members[change.member]
    let episode = change.episode
    let contact = group.contact(of: change.member).map { group.members[$0].person.contact } ?? ""
    let id = EpisodeID.of(member.key, episode)
    try session.execute(
      ProjectionStatements.putEpisode,
      [
        member.key.bucketValue, member.key.value, .blob(id), .text(member.person.store),
        .text(episode.cart), .text(contact), .integer(Int64(episode.state.rawValue)),
        .integer(Int64(episode.kind.rawValue)), .integer(Int64(episode.trigger.rawValue)),
        .integer(episode.abandonedAt), .integer(episode.followed ? 1 : 0),
        .integer(Int64(episode.revision)), .blob(try Stored.encode(episode)),
      ])
    let message = EpisodeMessage.episode(
      episode, key: member.key, person: member.person, contact: contact)
    try session.execute(
      ProjectionStatements.addChange,
      [
        member.key.bucketValue, .integer(Int64(changeSeq(member.key.bucket))), .integer(now),
        .text(member.person.store), .blob(try Stored.encode(message)),
      ])
  }
}

extension Tracked.StoredCart {
  /// Has an episode that is not announced yet.
  var isPending: Bool { episodes.contains { $0.knownAt == 0 } }
}
