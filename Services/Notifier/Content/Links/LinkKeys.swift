internal import ServiceKit
internal import Texts

/// The keys of links: the first signs, all are accepted, so that a key can be replaced without
/// breaking what was sent.
struct LinkKeys: Sendable {
  static let countMax = 8

  /// Signs new links.
  let newest: LinkSeal
  private let byID: [UInt8: LinkSeal]

  /// - Parameter newestFirst: each with a number of its own, and 32 random bytes or more.
  /// - Throws: naming `link keys`, without showing a key.
  init(newestFirst keys: [(id: UInt8, secret: Secret<[UInt8]>)]) throws(ContentError) {
    let field = "link keys"
    guard keys.count <= LinkKeys.countMax else {
      throw ContentError(field, "\(keys.count) keys, the limit is \(LinkKeys.countMax)")
    }
    var byID: [UInt8: LinkSeal] = [:]
    for (id, secret) in keys {
      let secret = secret.reveal()
      guard secret.count >= LinkSeal.secretSizeMin else {
        throw ContentError(
          field, "key \(id) has \(secret.count) bytes, the least is \(LinkSeal.secretSizeMin)")
      }
      guard byID.updateValue(LinkSeal(id: id, secret: secret), forKey: id) == nil else {
        throw ContentError(field, "key \(id) is given twice")
      }
    }
    guard let first = keys.first, let newest = byID[first.id] else {
      throw ContentError(field, "none is given")
    }
    self.newest = newest
    self.byID = byID
  }

  subscript(id: UInt8) -> LinkSeal? { byID[id] }
}
