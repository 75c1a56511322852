internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage

/// One suppressed address, as it is stored.
struct Suppression: Sendable, Hashable {
  var channel: CommonV1.Channel
  var address: String
  var cause: NotifierV1.SuppressionCause
  var isOfController: Bool
  var since: Int64
  var until: Int64?
  var evidence: String
  var message: String

  func isInForce(at now: Int64) -> Bool { until.map { now < $0 } ?? true }

  var contract: NotifierV1.Suppression {
    NotifierV1.Suppression(
      channel: channel, address: address, cause: cause, wholeController: isOfController,
      since: .init(microseconds: since), until: until.map { .init(microseconds: $0) },
      evidence: evidence, message: message)
  }
}

/// Reads and writes of suppressed addresses within a transaction.
enum Suppressions {
  /// What forbids sending to an address now; nil where nothing does.
  static func inForce(
    _ keys: AddressKeys, _ hash: AddressHash, at now: Int64, _ session: any StorageSession
  ) throws -> Suppression? {
    for key in keys.both + keys.both.map(hash.key) {
      if let found = try find(key, session), found.isInForce(at: now) { return found }
    }
    return nil
  }

  static func find(_ key: OwnerKey, _ session: any StorageSession) throws -> Suppression? {
    try session.first(AddressStatements.suppression, [key.bucketValue, key.value]) { row in
      Suppression(
        channel: .init(rawValue: Int32(truncatingIfNeeded: try row.integer(0))),
        address: try row.text(1),
        cause: .init(rawValue: Int32(truncatingIfNeeded: try row.integer(2))),
        isOfController: try row.integer(3) == 1, since: try row.integer(4),
        until: try row.optionalInteger(5), evidence: try row.text(6), message: try row.text(7))
    }
  }

  /// Puts one; one that is there keeps its `since`, the longer `until`, and an opt-out stays one.
  ///
  /// - Parameter scope: the store, or the controller's name where it holds for all its stores.
  /// - Returns: whether it is new, and whether anything of its row has changed.
  static func put(
    _ new: Suppression, _ key: OwnerKey, scope: String, at now: Int64,
    _ session: any StorageSession
  ) throws -> (isNew: Bool, isChange: Bool) {
    var merged = new
    let known = try find(key, session)
    let isNew = known.map { !$0.isInForce(at: now) } ?? true
    if let known, !isNew {
      merged.since = min(known.since, new.since)
      if let a = known.until, let b = new.until {
        merged.until = max(a, b)
      } else {
        merged.until = nil
      }
      if known.cause == .optOut && new.cause != .optOut {
        merged.cause = known.cause
        merged.evidence = known.evidence
        merged.message = known.message
      }
    }
    if merged == known { return (false, false) }
    try session.execute(
      AddressStatements.putSuppression,
      [
        key.bucketValue, key.value, .text(scope), .integer(merged.channel.rawValue),
        .text(merged.address), .integer(merged.cause.rawValue), .flag(merged.isOfController),
        .integer(merged.since), .optional(merged.until), .text(merged.evidence),
        .text(merged.message),
      ])
    return (isNew, true)
  }
}

extension AddressHash {
  /// Under this database's secret.
  static func load(_ session: any StorageSession) throws -> AddressHash {
    let secret = try session.first(ReferenceStatements.own) { try $0.blob(1) }
    guard let secret, secret.count >= LinkSeal.secretSizeMin else {
      throw StorageError(.corrupt, "the database does not know its secret")
    }
    return AddressHash(secret)
  }
}
