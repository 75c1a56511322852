internal import Messages

/// What a fold changed, for whoever stores it.
struct FoldResult {
  struct EpisodeChange {
    let member: Int
    let episode: Tracked.StoredEpisode
  }

  let group: PersonGroup
  /// Announced episodes in a state that was not stored before, oldest first.
  let episodes: [EpisodeChange]
  /// The earliest instant at which time alone changes something, for each member.
  let due: [Int64?]
  /// Of the events that were folded.
  let companyPurchases: [CompanyPurchase]
}

extension Fold {
  /// Closed carts that stay in a person's state.
  static let closedCartsMax = 16

  /// Lets time pass up to `now`, announces what is to be announced, and says what changed.
  ///
  /// - Parameter now: nil to see the state only: nothing is announced.
  consuming func finish(now: Int64?) -> FoldResult {
    if let now {
      passTime(now)
      announce(now)
    }
    var changes = withdrawals(now)
    for member in group.members.indices {
      for index in group.members[member].person.carts.indices {
        changes += changed(PersonGroup.CartPlace(member: member, cart: index), now)
      }
      group.members[member].person.storeRevision = rules.revision
    }
    let due = group.members.map { member in member.person.carts.compactMap { $0.due(rules) }.min() }
    return FoldResult(group: group, episodes: changes, due: due, companyPurchases: companyPurchases)
  }

  /// A silence is judged when the allowed lateness has passed on top of it (C26).
  private mutating func passTime(_ now: Int64) {
    for member in group.members.indices {
      for index in group.members[member].person.carts.indices {
        let place = PersonGroup.CartPlace(member: member, cart: index)
        if group[place].isOpen { settle(place, until: now.addingClamped(-rules.lateness)) }
      }
    }
  }

  private mutating func announce(_ now: Int64) {
    if rules.detectsSince == nil { return }
    for member in group.members.indices {
      for cart in group.members[member].person.carts.indices {
        let place = PersonGroup.CartPlace(member: member, cart: cart)
        for index in group[place].episodes.indices {
          let episode = group[place].episodes[index]
          guard episode.knownAt == 0,
            episode.abandonedAt.addingClamped(rules.lateness) <= now
          else { continue }
          announce(place, index, now)
        }
      }
    }
  }

  private mutating func announce(_ place: PersonGroup.CartPlace, _ index: Int, _ now: Int64) {
    group[place].episodes[index].knownAt = now
    group[place].episodesAnnounced += 1
    touch(place)
    let episode = group[place].episodes[index]
    if episode.state == .running || episode.state == .reopened {
      tagAbandoned(episode, place.member)
    }
  }

  /// Announced episodes that the events no longer give (C26).
  private func withdrawals(_ now: Int64?) -> [FoldResult.EpisodeChange] {
    if announced.isEmpty { return [] }
    var left = announced
    for member in group.members.indices {
      for cart in group.members[member].person.carts {
        for episode in cart.episodes { left[Fold.key(episode, member)] = nil }
      }
    }
    return left.sorted { $0.key.anchor < $1.key.anchor }.map { key, episode in
      var episode = episode
      episode.state = .withdrawn
      episode.revision += 1
      episode.changedAt = now ?? episode.changedAt
      return FoldResult.EpisodeChange(member: key.member, episode: episode)
    }
  }

  /// Announced episodes of a cart with another state than before; drops those that are history.
  private mutating func changed(
    _ place: PersonGroup.CartPlace, _ now: Int64?
  ) -> [FoldResult.EpisodeChange] {
    if group[place].episodes.isEmpty { return [] }
    var changes: [FoldResult.EpisodeChange] = []
    for index in group[place].episodes.indices where group[place].episodes[index].knownAt != 0 {
      let episode = group[place].episodes[index]
      let old = before[Fold.key(episode, place.member)]
      let isSame = old.map {
        $0.knownAt != 0 && $0.state == episode.state && $0.followed == episode.followed
      }
      if isSame ?? false { continue }
      group[place].episodes[index].revision += 1
      group[place].episodes[index].changedAt = now ?? episode.knownAt
      changes.append(.init(member: place.member, episode: group[place].episodes[index]))
    }
    let newest = group[place].episodes.count - 1
    if newest > 0 {
      group[place].episodes = group[place].episodes.enumerated()
        .filter { $0.offset == newest || $0.element.knownAt == 0 }.map(\.element)
    }
    return changes
  }
}
