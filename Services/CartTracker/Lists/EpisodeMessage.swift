internal import Delivery
internal import Messages
internal import ServiceKit

/// The id of an episode: the same silence has the same one after any fold.
enum EpisodeID {
  /// 16 bytes, from whose it is, the cart and the event of the last activity.
  static func of(_ key: PersonKey, _ episode: Tracked.StoredEpisode) -> [UInt8] {
    of(key, cart: episode.cart, anchor: episode.anchor?.event ?? "")
  }

  /// - Parameter anchor: id of the event of the last activity.
  static func of(_ key: PersonKey, cart: String, anchor: String) -> [UInt8] {
    let text = Array(cart.utf8) + [0] + Array(anchor.utf8)
    return Array(SHA256.hash(key.bytes + text).prefix(16))
  }
}

/// Episodes as the contract has them.
enum EpisodeMessage {
  /// - Parameters:
  ///   - person: whose events began the cart.
  ///   - contact: id of the contact that it belongs to; empty for a guest.
  static func episode(
    _ episode: Tracked.StoredEpisode, key: PersonKey, person: Tracked.StoredPerson, contact: String
  ) -> Tracked.Episode {
    var message = Tracked.Episode()
    message.id = UUIDText.text(EpisodeID.of(key, episode))
    message.store = person.store
    message.cart = episode.cart
    message.contact = contact
    message.guest = person.guest
    message.state = episode.state
    message.trigger = episode.trigger
    message.anchor = episode.anchor.map { anchor in
      CommonV1.Anchor(
        at: Protobuf.Timestamp(instant: anchor.at), sourceOrder: anchor.sourceOrder,
        event: anchor.event)
    }
    message.abandonedAt = Protobuf.Timestamp(instant: episode.abandonedAt)
    message.knownAt = Protobuf.Timestamp(microseconds: episode.knownAt)
    message.changedAt = Protobuf.Timestamp(microseconds: episode.changedAt)
    message.revision = episode.revision
    message.enrols = episode.enrols
    message.kind = episode.kind
    message.stage = episode.stage
    message.totals = episode.totals
    message.score = episode.score
    message.reasons = episode.reasons
    message.company = episode.company
    message.window = episode.window
    return message
  }
}
